import { type Stream, toStreamOf, toStreamParts } from '../events/position.ts';
import { toStoredTime } from '../events/record.ts';
import { toTouch } from '../events/touch.ts';
import type { CorrectableWarehouse } from '../ports/warehouse.ts';
import { type Bounds, isWithin } from './audit/bounds.ts';
import { readRepeated, type Sighting } from './audit/counted-twice.ts';
import { beginCorrection, endCorrection, isCorrectable, noteChanged, readOpenCorrections } from './corrections.ts';
import { readCompletedEnds, readEpoch } from './ledger.ts';
import { readBlocks } from './pieces.ts';
import { type RestoreDeps, restoreRange } from './restore.ts';
import { repairRollup } from './rollup.ts';
import { inRange, type StreamRange, toRangeName } from './stream-range.ts';

export interface DedupeDeps extends RestoreDeps {
  readonly warehouse: CorrectableWarehouse;
  /** Called for each event that is taken out, and the one that stays. */
  readonly onRepeat?: (repeat: Sighting, first: Sighting) => void;
}

export interface DedupeOptions extends Bounds {
  readonly project?: string;
}

export interface Deduped {
  /** Events that moved to the repeats; with isDry, would. */
  events: number;
  /** Positions that had more than one row, and have one. */
  doubled: number;
  /** Why some were left alone. */
  readonly skipped: Set<string>;
}

/** Events that are moved at a time. */
const most = 20_000;
const rounds = 25;
const blockPositions = 200_000;

/**
 * Takes out what came again when the window of repeats had forgotten it: of the events of one messageId the first by time
 * of receipt stays. Each of the others becomes a repeat, then the ledger and the rollup say so, and then it is deleted: it
 * is found again, and gone on with, wherever this is ended.
 */
export async function dedupe(deps: DedupeDeps, options: DedupeOptions): Promise<Deduped> {
  const { warehouse, isDry, signal } = deps;
  const done: Deduped = { events: 0, doubled: 0, skipped: new Set() };
  const completed = await readCompletedEnds(warehouse);
  if (!isDry) await goOn(deps, options, done);
  const firstOf = new Map<Sighting, Sighting>();
  const doubled = new Map<Stream, Set<number>>();
  const flush = async () => {
    if (isDry) done.events += firstOf.size;
    else await move(deps, firstOf, done);
    firstOf.clear();
  };
  const isCompleted = ({ stream, offset }: Sighting) => offset <= (completed.get(stream) ?? -1);
  for await (const group of readRepeated(warehouse, options.project ?? null)) {
    if (signal?.aborted) break;
    const [first, ...others] = group as [Sighting, ...Sighting[]];
    if (!isCompleted(first)) continue;
    const seen = new Set([toPlace(first)]);
    for (const other of others) {
      if (!isCompleted(other) || !isAsked(options, other)) continue;
      if (toPlace(other) === toPlace(first)) {
        const offsets = doubled.get(first.stream) ?? new Set();
        doubled.set(first.stream, offsets.add(first.offset));
      } else if (!seen.has(toPlace(other))) {
        firstOf.set(other, first);
        deps.onRepeat?.(other, first);
      }
      seen.add(toPlace(other));
    }
    if (firstOf.size >= most) await flush();
  }
  await flush();
  for (const [stream, offsets] of doubled) {
    if (!signal?.aborted)
      await halve(
        deps,
        stream,
        [...offsets].sort((a, b) => a - b),
        done,
      );
  }
  return done;
}

function toPlace({ stream, offset }: Sighting): string {
  return `${stream}:${offset}`;
}

function isAsked(options: DedupeOptions, { stream, offset, receivedAt }: Sighting): boolean {
  if (!isWithin(options, stream)) return false;
  const { from, to } = options;
  const isAfter = !from || ('at' in from ? receivedAt >= from.at : offset >= from.offset);
  const isBefore = !to || ('at' in to ? receivedAt <= to.at : offset <= to.offset);
  return isAfter && isBefore;
}

/** Ends what an earlier run began. */
async function goOn(deps: DedupeDeps, options: DedupeOptions, done: Deduped): Promise<void> {
  for (const { project, ...range } of await readOpenCorrections(deps.warehouse, 'dedupe')) {
    if (options.project !== undefined && project !== options.project) continue;
    const left = await readMoved(deps.warehouse, range);
    await finish(deps, range.stream, [{ range, offsets: left }], done);
  }
}

/** Positions of a range that are in events and in repeats, of ids that another event has as well. */
async function readMoved(warehouse: CorrectableWarehouse, range: StreamRange): Promise<number[]> {
  const moved = `${inRange} AND log_offset IN (SELECT log_offset FROM repeats WHERE ${inRange})`;
  const { rows } = await warehouse.query<{ log_offset: string }>(
    {
      sql: `SELECT DISTINCT log_offset FROM events WHERE ${moved} AND (project, message_id) IN (
              SELECT project, message_id FROM events WHERE (project, message_id) IN (SELECT project, message_id FROM events WHERE ${moved})
              GROUP BY project, message_id HAVING uniqExact(log_stream, log_offset) > 1)`,
      params: { ...range },
    },
    { label: 'repeats', lane: 'sink', limits: { seconds: 600, resultRows: 1_000_000 } },
  );
  return rows.map(({ log_offset }) => Number(log_offset));
}

interface Part {
  readonly range: StreamRange;
  readonly offsets: readonly number[];
}

async function move(deps: DedupeDeps, firstOf: ReadonlyMap<Sighting, Sighting>, done: Deduped): Promise<void> {
  const byStream = Map.groupBy(firstOf.entries(), ([{ stream }]) => stream);
  for (const [stream, moves] of byStream) {
    const parts: Part[] = [];
    const unsaid = new Set<string>();
    for (const part of await toParts(
      deps,
      stream,
      moves.map(([{ offset }]) => offset),
      done,
    )) {
      const { first, last } = part.range;
      if (!(await isCorrectable(deps.warehouse, part.range))) {
        done.skipped.add(
          `the tables lack what the ledger has of positions ${first} to ${last}: run "tallygate verify"`,
        );
        continue;
      }
      const own = new Set(part.offsets);
      const touches = await addRepeats(
        deps,
        part,
        moves.filter(([{ offset }]) => own.has(offset)),
      );
      // The ledger has them as repeats already where an emptied table was replayed.
      if (!(await beginCorrection(deps.warehouse, part.range, touches)))
        for (const [{ project }] of moves) unsaid.add(project);
      parts.push(part);
    }
    await finish(deps, stream, parts, done);
    const [first] = parts;
    if (first && unsaid.size > 0) await noteChanged(deps.warehouse, stream, first.range, unsaid);
  }
}

/** The rollup, the rows, and the end of it. */
async function finish(deps: DedupeDeps, stream: Stream, parts: readonly Part[], done: Deduped): Promise<void> {
  const { warehouse } = deps;
  for (const { range } of parts) await repairRollup(deps, range, `dedupe:${toRangeName(range)}`, true);
  const offsets = parts.flatMap((part) => part.offsets);
  await warehouse.removeEvents(stream, offsets);
  done.events += offsets.length;
  for (const { range } of parts) await endCorrection(warehouse, range, 'dedupe');
}

/** Offsets by the ranges of the ledger in which they lie. */
async function toParts(deps: DedupeDeps, stream: Stream, offsets: readonly number[], done: Deduped): Promise<Part[]> {
  const sorted = [...offsets].sort((a, b) => a - b);
  const parts: Part[] = [];
  let at = 0;
  while (at < sorted.length) {
    const whole = { stream, first: sorted[at]!, last: sorted[at]! };
    for await (const pieces of readBlocks(deps.warehouse, whole, blockPositions)) {
      for (const { first, last, token } of pieces) {
        const own: number[] = [];
        while (at < sorted.length && sorted[at]! <= last) own.push(sorted[at++]!);
        if (token !== null) parts.push({ range: { stream, first, last }, offsets: own });
        else done.skipped.add(`the ledger has lost positions ${first} to ${last}: run "tallygate replay" first`);
      }
    }
  }
  return parts;
}

interface Row {
  readonly project: string;
  readonly key_id: string;
  readonly message_id: string;
  readonly fingerprint: number;
  readonly received: string;
  readonly at: string;
  readonly log_offset: string;
}

/** Makes repeats of events, beside them; resolves with the hours that they touch. */
async function addRepeats(
  { warehouse }: DedupeDeps,
  { range, offsets }: Part,
  moves: readonly (readonly [Sighting, Sighting])[],
): Promise<number[]> {
  const { stream, first, last } = range;
  const read = async <R>(sql: string) =>
    (
      await warehouse.query<R>(
        { sql, params: { ...range } },
        { label: 'repeats', lane: 'sink', limits: { seconds: 600, resultRows: 1_000_000 } },
      )
    ).rows;
  const wanted = new Set(offsets);
  const all = await read<Row>(
    `SELECT project, key_id, message_id, fingerprint, toUnixTimestamp64Milli(received_at) AS received, toUnixTimestamp64Milli(time) AS at, log_offset
     FROM events WHERE ${inRange} ORDER BY log_offset LIMIT 1 BY log_offset`,
  );
  const rows = all.filter(({ log_offset }) => wanted.has(Number(log_offset)));
  const firsts = new Map(moves.map(([{ offset }, stays]) => [offset, stays.fingerprint]));
  for (let round = 1; round <= rounds; round++) {
    const present = new Set(
      (await read<{ log_offset: string }>(`SELECT log_offset FROM repeats WHERE ${inRange}`)).map(
        (row) => row.log_offset,
      ),
    );
    const absent = rows.filter(({ log_offset }) => !present.has(log_offset));
    if (absent.length === 0) return [...new Set(rows.map(({ at, received }) => toTouch(Number(at), Number(received))))];
    const lines = absent.map(
      ({ received, at: _, fingerprint, log_offset, ...row }) =>
        `${JSON.stringify({
          ...row,
          fingerprint,
          conflict: firsts.get(Number(log_offset)) !== fingerprint,
          received_at: toStoredTime(Number(received)),
          log_stream: stream,
          log_offset: Number(log_offset),
        })}\n`,
    );
    await warehouse.insert('repeats', Buffer.from(lines.join('')), {
      token: `dedupe:${toRangeName(range)}:repeats:${round}`,
    });
  }
  throw new Error(`repeats of positions ${first} to ${last} are still missing after ${rounds} tries`);
}

/** Positions with more than one row of one record: all of them go, and one comes back from the log. */
async function halve(deps: DedupeDeps, stream: Stream, offsets: readonly number[], done: Deduped): Promise<void> {
  const { log, warehouse, isDry } = deps;
  const { epoch, lane, partition } = toStreamParts(stream);
  const states = epoch === (await readEpoch(warehouse)) ? await log.inspect() : [];
  const logPartition = states.findIndex((_, i) => toStreamOf(epoch, i) === stream);
  const begin = states[logPartition]?.begin ?? Number.POSITIVE_INFINITY;
  const kept = offsets.filter((offset) => offset >= begin);
  if (kept.length < offsets.length)
    done.skipped.add(
      `${offsets.length - kept.length} positions of lane ${lane}, partition ${partition} have more than one row, and the log no longer has their records: take out the second ones by hand`,
    );
  done.doubled += kept.length;
  if (isDry || kept.length === 0) return;
  await warehouse.removeEvents(stream, kept);
  for (const offset of kept) {
    if (deps.signal?.aborted) return;
    await restoreRange(deps, { stream, logPartition, first: offset, last: offset });
  }
}
