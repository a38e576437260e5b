import { hash } from 'node:crypto';
import { joinVectors } from '../../events/position.ts';
import { parseConsistencyToken, toConsistencyToken } from '../../events/tokens.ts';
import { toCanonicalJson } from '../import/canonical-json.ts';
import { describeColumns } from '../import/columns.ts';
import type { Send } from '../import/event-input.ts';
import type { Mapping } from '../import/mapping.ts';
import { createProgress, type ProgressStream } from '../import/progress.ts';
import type { ImportEnd } from '../import/run-import.ts';
import { createSurvey, type Survey } from '../import/summary.ts';
import type { Tally } from '../import/tally.ts';
import type { Comparison } from './compare.ts';
import { beginCopy, type CopyDeps, catchUp, walk } from './copy.ts';
import { createCourier } from './courier.ts';
import { toIdPrefix } from './ids.ts';
import { nameMissing } from './missing.ts';
import { createPace } from './pace.ts';
import { hasOwnIds, makePlan, type Plan } from './plan.ts';
import { createRejects } from './rejects.ts';
import type { Reporter } from './reporter.ts';
import { toKeyOrder, toRowsSql, toSourceRow } from './rows.ts';
import { openSource, type Source } from './source.ts';
import type { SourceAddress } from './source-address.ts';
import { type Copy, readState, type State } from './state.ts';
import type { Table } from './table.ts';
import { readTraces } from './target.ts';
import { verify } from './verify.ts';

export interface MigrationOptions {
  readonly address: SourceAddress;
  readonly table: string;
  readonly key: readonly string[] | undefined;
  readonly where: string;
  readonly mapping: Mapping;
  readonly statePath: (table: Table) => string;
  readonly chunkRows: number;
  readonly concurrency: number;
  readonly maxRate: number | undefined;
  readonly mostRejects: number;
  readonly statementMs: number;
  readonly patienceMs: number;
  readonly settleMs: number;
  readonly verifyMs: number;
  /** Rows that a dry run reads; undefined: this is none. */
  readonly dryRunRows: number | undefined;
  /** Names where events go, as the state remembers it. */
  readonly target: string;
  /** Opened when the table and the mapping are known to fit. */
  readonly openTarget: (onToken: (token: string) => void) => Promise<{ send: Send; reporter: Reporter | undefined }>;
  readonly tally: Tally;
  readonly stderr: ProgressStream;
  readonly signal: AbortSignal | undefined;
}

export interface MigrationEnd {
  readonly end: ImportEnd;
  readonly survey?: Survey;
  /** Rows that are rejected, those of earlier runs included. */
  readonly rejected: number;
  /** Rows of the passes after the first one. */
  readonly again: number;
  /** Of these, how many had something else in them than what was stored first; undefined: nobody could be asked. */
  readonly conflicts?: number | undefined;
  /** undefined: not asked for; null: Tallygate had not stored everything when the time was up. */
  readonly comparison?: Comparison | null;
  /** Lines that name some of the rows that are missing. */
  readonly missing?: readonly string[];
}

export async function runMigration(options: MigrationOptions): Promise<MigrationEnd> {
  const { address, patienceMs, signal, stderr } = options;
  const say = (text: string) => void stderr.write(`${text}\n`);
  const source = await openSource({ address, patienceMs, ...(signal ? { signal } : {}), onRetry: toRetryNote(say) });
  try {
    const plan = await makePlan(source, options);
    const { table, places } = plan;
    say(
      `${table.name}: ${describeColumns(
        plan.columns.map(({ name }) => name),
        plan.mapping,
      )}`,
    );
    const by = table.key.map(({ name }) => name).join(', ');
    if (!table.hasKeyIndex) say(`${table.name}: no index begins with ${by}, so each chunk sorts what is left`);
    if (!places)
      say(`${table.name}: times or names are not such as SQL could count by, so rows are read to count them`);
    return options.dryRunRows === undefined
      ? await copy(source, plan, options)
      : await dryRun(source, plan, options, options.dryRunRows);
  } finally {
    await source.close();
  }
}

async function dryRun(source: Source, plan: Plan, options: MigrationOptions, most: number): Promise<MigrationEnd> {
  const { table, selection, mapping, columns } = plan;
  const { tally, concurrency, signal, statementMs } = options;
  const survey = createSurvey();
  const rejects = createRejects(Number.POSITIVE_INFINITY);
  const onEvent = survey.onEvent;
  const courier = createCourier({ table, columns, mapping, concurrency, tally, rejects, delivery: undefined, onEvent });
  await source.read({ doing: `to read ${table.name}`, timeoutMs: statementMs }, async (snapshot) => {
    const sql = toRowsSql(selection, `TRUE ORDER BY ${toKeyOrder(table.key, 'ASC')} LIMIT ${most}`);
    for await (const part of snapshot.stream(sql)) {
      if (signal?.aborted) break;
      await courier.deliver(
        part.map((cells) => toSourceRow(cells, table)),
        false,
      );
    }
  });
  return { end: { end: signal?.aborted ? 'stopped' : 'finished' }, survey, again: 0, rejected: rejects.list().length };
}

async function copy(source: Source, plan: Plan, options: MigrationOptions): Promise<MigrationEnd> {
  const { table, selection, estimate } = plan;
  const { signal, stderr, tally } = options;
  const statePath = options.statePath(table);
  const what = toCopy(plan, options);
  const known = await readState(statePath, what);
  const state =
    known ??
    (await source.read({ doing: `to read ${table.name}`, timeoutMs: options.statementMs }, (snapshot) =>
      beginCopy(snapshot, selection, what),
    ));
  const tokens = createTokens(state);
  const { send, reporter } = await options.openTarget(tokens.add);
  const left = estimate === undefined ? undefined : Math.max(0, estimate - state.rows);
  const progress = createProgress(stderr, { total: state.walked ? undefined : left, unit: 'rows' });
  if (known) progress.note(`goes on from ${statePath}, after ${state.rows.toLocaleString('en-US')} rows`);
  const rejects = createRejects(options.mostRejects, state.rejected);
  const delivery = {
    send,
    patienceMs: options.patienceMs,
    ...(signal ? { signal } : {}),
    onRetry: toDeliveryNote(progress.note),
  };
  const courier = createCourier({ ...plan, rejects, tally, delivery, concurrency: options.concurrency });
  const { chunkRows, maxRate, statementMs } = options;
  const deps: CopyDeps = {
    source,
    ...plan,
    courier,
    rejects,
    progress,
    statePath,
    statementMs,
    signal,
    pace: createPace(maxRate, signal),
    chunkRows: Math.min(chunkRows, maxRate ?? chunkRows),
    token: tokens.joined,
  };
  let again = 0;
  const toEnd = (end: ImportEnd): MigrationEnd => ({ end, again, rejected: rejects.list().length });
  try {
    if (!(await walk(state, deps))) return toEnd({ end: 'stopped' });
    progress.stop();
    stderr.write('the first pass is done; catching up with what came meanwhile\n');
    // Each pass is shorter than the one before; the last ones are those of the comparison.
    for (let pass = 0; pass < 10; pass++) {
      const { rows } = await catchUp(state, deps, async () => undefined);
      again += rows;
      if (rows < chunkRows || signal?.aborted) break;
    }
    if (signal?.aborted) return toEnd({ end: 'stopped' });
    if (!reporter) return toEnd({ end: 'finished' });
    const verified = await verify(state, deps, {
      reporter,
      settleMs: options.settleMs,
      agreeMs: options.verifyMs,
      storeMs: options.patienceMs,
      idPrefix: hasOwnIds(plan) ? undefined : toIdPrefix(table.identity),
    });
    again += verified.rows;
    const traces = await readTraces(reporter, courier.again());
    const conflicts = traces.filter((trace) => trace.conflicts > 0).length;
    const { comparison } = verified;
    const missing = comparison ? await nameMissing(comparison, deps, reporter) : [];
    return { ...toEnd({ end: 'finished' }), conflicts, comparison, missing };
  } catch (error) {
    return toEnd(signal?.aborted ? { end: 'stopped' } : { end: 'failed', error });
  } finally {
    progress.stop();
  }
}

function toCopy({ table, mapping }: Plan, { where, target }: MigrationOptions): Copy {
  const digest = hash('sha256', toCanonicalJson({ ...mapping, nulls: [...mapping.nulls].sort() }), 'base64url');
  return { table: table.identity, key: table.key.map(({ name }) => name), where, mapping: digest, target };
}

/** One token for all that was acknowledged, by this run and those before it. */
function createTokens(state: State) {
  let joined = state.token === null ? undefined : parseConsistencyToken(state.token);
  return {
    add(token: string): void {
      joined = joinVectors([...(joined ? [joined] : []), parseConsistencyToken(token)]);
    },
    joined: () => (joined ? toConsistencyToken(joined) : null),
  };
}

/** At most one note in a few seconds. */
function toRetryNote(say: (text: string) => void) {
  let last = 0;
  return (waitMs: number, reason: string) => {
    if (Date.now() - last < 3000) return;
    last = Date.now();
    say(`${reason}; trying again in ${waitMs} ms`);
  };
}

function toDeliveryNote(say: (text: string) => void) {
  const note = toRetryNote(say);
  return (events: number, waitMs: number, reason: string) => note(waitMs, `${reason}; ${events} events go again`);
}
