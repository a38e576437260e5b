import { setTimeout as sleep } from 'node:timers/promises';
import { TallygateError } from '../../errors.ts';
import { type Stream, type StreamParts, toStreamOf, toStreamParts } from '../../events/position.ts';
import type { EventLog, PartitionState } from '../../ports/event-log.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import { type CompletedRange, readEpoch, readLastCompleted } from '../ledger.ts';
import { type Bounds, isWithin, toLedgerBounds } from './bounds.ts';
import { judgeCommit } from './commits.ts';
import { checkContent } from './content.ts';
import { checkIds } from './counted-twice.ts';
import { checkEdges } from './edges-check.ts';
import { type AuditFinding, joinFindings } from './finding.ts';
import { createLedgerCheck } from './ledger-check.ts';
import { readCorrections, readLedgerBlocks } from './ledger-pages.ts';
import { checkRollup } from './rollup-check.ts';
import { judgeStrays, readStrays } from './strays.ts';
import { checkTables } from './tables.ts';

export interface AuditDeps {
  readonly log: EventLog;
  readonly warehouse: Warehouse;
  readonly group: string;
  readonly windowHours: number;
  /** How long to wait before a second look at what seems wrong, in milliseconds. */
  readonly settleMs: number;
  /** Aborted: rejects with CANCELLED behind the block under way. */
  readonly signal?: AbortSignal;
}

export interface AuditOptions extends Bounds {
  /** Compare every record that the log still has with its row, and not a sample. */
  readonly isDeep: boolean;
}

export interface AuditedStream extends StreamParts {
  /** The last position that was completed when the audit began; -1 when none was. */
  readonly completed: number;
  /** What was looked at: first..last. */
  readonly first: number;
  readonly last: number;
  readonly positions: number;
  readonly compared: number;
}

export interface AuditReport {
  readonly findings: readonly AuditFinding[];
  readonly streams: readonly AuditedStream[];
  /** Events whose id came again when the window had forgotten it: what `tallygate dedupe` would remove. */
  readonly later: number;
}

/** Positions of each block whose records are compared with their rows. */
const sampled = 300;

/**
 * Compares log, commits, ledger, tables and rollup, while sinks go on. What is compared was completed before the audit
 * began, and each thing is read in an order in which work that goes on cannot look wrong. What does is looked at again.
 */
export async function runAudit(deps: AuditDeps, options: AuditOptions): Promise<AuditReport> {
  const { log, warehouse } = deps;
  const epoch = await readEpoch(warehouse);
  const partitions = (await log.inspect()).length;
  const known = new Set<Stream>(await readStreams(warehouse));
  const logPartitions = new Map<Stream, number>();
  for (let partition = 0; partition < partitions; partition++) {
    const stream = toStreamOf(epoch, partition);
    logPartitions.set(stream, partition);
    known.add(stream);
  }
  const findings: AuditFinding[] = [];
  const streams: AuditedStream[] = [];
  for (const stream of [...known].sort((a, b) => a - b)) {
    if (!isWithin(options, stream)) continue;
    const audited = await auditStream(deps, options, stream, logPartitions.get(stream) ?? null);
    findings.push(...joinFindings(audited.findings));
    streams.push(audited);
  }
  const ids = await twice(deps, async () => {
    const { findings: all, later } = await checkIds(warehouse, deps.windowHours);
    const own = all.filter(({ stream: { epoch: e, lane, partition }, first }) =>
      streams.some(
        (each) =>
          each.epoch === e &&
          each.lane === lane &&
          each.partition === partition &&
          first >= each.first &&
          first <= each.last,
      ),
    );
    return { findings: own, later };
  });
  return { findings: [...findings, ...ids.findings], streams, later: ids.later };
}

async function auditStream(
  deps: AuditDeps,
  options: AuditOptions,
  stream: Stream,
  logPartition: number | null,
): Promise<AuditedStream & { readonly findings: AuditFinding[] }> {
  const { log, warehouse } = deps;
  const parts = toStreamParts(stream);
  const ends = await twice(deps, () => auditEnds(deps, stream, logPartition));
  const findings = [...ends.findings];
  const completed = ends.before?.last ?? -1;
  const bounds = await toLedgerBounds(warehouse, stream, options);
  const last = Math.min(bounds.last, completed);
  let check: ReturnType<typeof createLedgerCheck> | null = null;
  let positions = 0;
  let compared = 0;
  if (completed >= 0)
    for await (const ranges of readLedgerBlocks(warehouse, stream, { first: bounds.first, last })) {
      if (deps.signal?.aborted) throw new TallygateError('CANCELLED', 'stopped before the end');
      const block = { first: Math.min(...ranges.map(({ first }) => first)), last: ranges.at(-1)!.last };
      check ??= createLedgerCheck(
        parts,
        options.from
          ? Math.min(bounds.first, block.first)
          : await readBeginning(warehouse, stream, ends.state, block.first),
      );
      const corrections = (await readCorrections(warehouse, stream, block)).map(({ entry }) => entry);
      findings.push(...check.look(ranges, corrections));
      const { findings: found } = await twice(deps, async () => ({
        findings: [
          ...(await checkTables(warehouse, stream, ranges)),
          ...(await checkRollup(warehouse, stream, ranges)),
          ...(await checkEdges(warehouse, stream, block)),
        ],
      }));
      findings.push(...found);
      positions += block.last - block.first + 1;
      if (logPartition !== null) {
        const first = Math.max(block.first, ends.state?.begin ?? 0);
        const to = options.isDeep ? block.last : Math.min(block.last, first + sampled - 1);
        const content = await checkContent({ log, warehouse }, { stream, logPartition }, { first, last: to });
        findings.push(...content.findings);
        compared += content.compared;
      }
    }
  return { ...parts, completed, first: bounds.first, last, positions, compared, findings };
}

interface Ends {
  readonly findings: AuditFinding[];
  readonly before: CompletedRange | null;
  readonly state: PartitionState | null;
}

/** Ledger, tables, commit, ledger: in this order, see judgeCommit and judgeStrays. */
async function auditEnds(
  { log, warehouse, group }: AuditDeps,
  stream: Stream,
  logPartition: number | null,
): Promise<Ends> {
  const before = await readLastCompleted(warehouse, stream);
  const strays = await readStrays(warehouse, stream, before?.last ?? -1);
  const state = logPartition === null ? null : ((await log.inspect(group))[logPartition] ?? null);
  const after = await readLastCompleted(warehouse, stream);
  return {
    before,
    state,
    findings: [
      ...(state ? judgeCommit({ stream: toStreamParts(stream), before, state, after }) : []),
      ...judgeStrays(stream, strays, after?.last ?? -1, state?.committed ?? null, state !== null),
    ],
  };
}

/** Where the first range of a stream has to begin: where the log does, or the first row, if that is before the range. */
async function readBeginning(
  warehouse: Warehouse,
  stream: Stream,
  state: PartitionState | null,
  first: number,
): Promise<number> {
  const below = 'log_stream = {stream:UInt32} AND log_offset < {first:UInt64}';
  const { rows } = await warehouse.query<{ least: string | null }>(
    {
      sql: `SELECT min(toNullable(log_offset)) AS least FROM (SELECT log_offset FROM events WHERE ${below}
            UNION ALL SELECT log_offset FROM dead_letters WHERE ${below} UNION ALL SELECT log_offset FROM repeats WHERE ${below}
            UNION ALL SELECT log_offset FROM tombstones WHERE ${below})`,
      params: { stream, first },
    },
    { label: 'verify', lane: 'sink', limits: { seconds: 600 } },
  );
  const least = rows[0]?.least ?? null;
  return Math.min(first, state?.begin ?? first, least === null ? first : Number(least));
}

async function readStreams(warehouse: Warehouse): Promise<number[]> {
  const tables = ['events', 'dead_letters', 'repeats', 'tombstones', 'rollup_hourly', 'identity_edges', 'ledger'];
  const { rows } = await warehouse.query<{ log_stream: number }>(
    {
      sql: `SELECT DISTINCT log_stream FROM (${tables.map((table) => `SELECT DISTINCT log_stream FROM ${table}`).join(' UNION ALL ')})`,
    },
    { label: 'verify', lane: 'sink', limits: { seconds: 600 } },
  );
  return rows.map(({ log_stream }) => log_stream);
}

/** Looks again, a while later, before it accuses. */
async function twice<T extends { readonly findings: readonly AuditFinding[] }>(
  { settleMs }: AuditDeps,
  look: () => Promise<T>,
): Promise<T> {
  const first = await look();
  if (first.findings.length === 0) return first;
  await sleep(settleMs);
  return look();
}
