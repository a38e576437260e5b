import type { Stream } from '../events/position.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { DedupBudget } from './dedup-budget.ts';
import { readSlots, slotSql, slotWords, toHour, toHourStart } from './id-slot.ts';
import type { KnownIds } from './known-ids.ts';
import { createPacer } from './pacer.ts';
import type { PairStreams, Positions } from './repeat-lookup.ts';

/** Positions of one statement: what it answers, 21 bytes an id, must not fill the memory, nor its parsing hold up the loop. */
const page = 200_000;
/** Ranges of the ledger that say which hours are still needed; see KnownIds. */
const recentRanges = 8;

/** Between two lines of the log that say how far it is, in milliseconds. */
const progressMs = 5000;

interface RebuildDeps {
  readonly warehouse: Warehouse;
  readonly streams: PairStreams;
  /** The window as it was before the records at these positions were decided. (From the whole table, a replay would take its own first try for repeats.) */
  readonly asOf: Positions;
  readonly windowHours: number;
  readonly budget: DedupBudget;
  /** Of the ids' hashes, which the warehouse computes: a third of the bytes, and none of the work here. */
  readonly key: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Fills `known` with the ids of events, dead letters and tombstones below `asOf` that were received within the window. */
export async function rebuildKnown(known: KnownIds, deps: RebuildDeps): Promise<void> {
  const { warehouse, streams, asOf, windowHours, signal } = deps;
  const low =
    (await readLow(warehouse, streams.live, asOf.live, signal)) ??
    (streams.history === null ? null : await readLow(warehouse, streams.history, asOf.history, signal));
  await addOlder(known, deps, low);
  if (low === null) return;
  const since = toHour(low) - windowHours;
  known.coverFrom(since);
  const from = await readStarts(warehouse, streams, asOf, toHourStart(since), signal);
  await readPages(deps, { stream: streams.live, from: from.live, to: asOf.live }, known, known.addLive);
  if (streams.history !== null) {
    const range = { stream: streams.history, from: from.history, to: asOf.history };
    await readPages(deps, range, known, known.addHistory);
  }
  const hour = toHour(low);
  await known.exclusive(async () => known.advance(hour, hour));
}

/** Ids of the epochs before this one, of which a log that was replaced by another one may have been sent the last again. */
async function addOlder(known: KnownIds, deps: RebuildDeps, low: number | null): Promise<void> {
  const { warehouse, streams, windowHours, signal } = deps;
  for (const { stream, last } of streams.older ?? []) {
    const newest = await readLow(warehouse, stream, last + 1, signal);
    if (newest === null || (low !== null && toHour(newest) < toHour(low) - windowHours)) continue;
    const asOf = { live: last + 1, history: 0 };
    const since = toHourStart(toHour(newest) - windowHours);
    const from = await readStarts(warehouse, { live: stream, history: null }, asOf, since, signal);
    await readPages(deps, { stream, from: from.live, to: last + 1 }, known, known.addHistory);
  }
}

/** When the oldest of the last batches below `asOf` was received; null when there was none. */
async function readLow(
  warehouse: Warehouse,
  stream: Stream,
  asOf: number,
  signal: AbortSignal,
): Promise<number | null> {
  if (asOf <= 0) return null;
  const { rows } = await warehouse.query<{ low: string | null }>(
    {
      sql: `SELECT toUnixTimestamp64Milli(min(toNullable(newest))) AS low FROM (
              SELECT last_offset, max(newest_received_at) AS newest FROM (
                SELECT last_offset, newest_received_at FROM ledger
                WHERE phase = 'completed' AND log_stream = {stream:UInt32} AND first_offset < {asOf:UInt64}
                ORDER BY last_offset DESC LIMIT 10000)
              GROUP BY last_offset ORDER BY last_offset DESC LIMIT {ranges:UInt32})`,
      params: { stream, asOf, ranges: recentRanges },
    },
    { label: 'window', lane: 'sink', limits: { seconds: 600 }, signal },
  );
  const low = rows[0]?.low ?? null;
  return low === null ? null : Number(low);
}

/**
 * Of what stands below `asOf`: where what was received at `since` or later begins, in milliseconds since 1970. It stays so
 * when more is stored, since that comes at `asOf` or later.
 */
export async function readStarts(
  warehouse: Warehouse,
  { live, history }: PairStreams,
  asOf: Positions,
  since: number,
  signal: AbortSignal,
): Promise<Positions> {
  const { rows } = await warehouse.query<{ log_stream: number; first: string }>(
    {
      sql: `SELECT log_stream, min(first_offset) AS first FROM ledger
            WHERE phase = 'completed' AND log_stream IN {streams:Array(UInt32)}
              AND newest_received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
            GROUP BY log_stream`,
      params: { streams: history === null ? [live] : [live, history], since },
    },
    { label: 'window', lane: 'sink', limits: { seconds: 600 }, signal },
  );
  const toStart = (stream: Stream | null, end: number) =>
    Math.min(Number(rows.find(({ log_stream }) => log_stream === stream)?.first ?? end), end);
  return { live: toStart(live, asOf.live), history: toStart(history, asOf.history) };
}

async function readPages(
  { warehouse, budget, key, logger, signal }: RebuildDeps,
  { stream, from, to }: { readonly stream: Stream; readonly from: number; readonly to: number },
  known: KnownIds,
  add: (ids: Uint32Array, at: number) => void,
): Promise<void> {
  const where = 'WHERE log_stream = {stream:UInt32} AND log_offset >= {from:UInt64} AND log_offset < {to:UInt64}';
  const sql = `SELECT base64URLEncode(arrayStringConcat(groupArray(slot))) AS slots FROM (
    SELECT ${slotSql} AS slot FROM events ${where} UNION ALL SELECT ${slotSql} AS slot FROM dead_letters ${where}
    UNION ALL SELECT ${slotSql} AS slot FROM tombstones ${where})`;
  const read = (first: number) =>
    warehouse.query<{ slots: string }>(
      { sql, params: { key, stream, from: first, to: Math.min(first + page, to) } },
      { label: 'window', lane: 'sink', limits: { seconds: 600 }, signal },
    );
  const pause = createPacer();
  let said = Date.now();
  let answer = from < to ? read(from) : null;
  for (let first = from; answer !== null; first += page) {
    const { rows } = await answer;
    // The next one is read while this one is taken in.
    answer = first + page < to ? read(first + page) : null;
    answer?.catch(() => {});
    await budget.settled();
    if (Date.now() - said > progressMs) {
      logger.info({ stream, at: first, from, to, ids: known.ids }, 'reading the window of repeats');
      said = Date.now();
    }
    await known.exclusive(async () => {
      const slots = readSlots(rows[0]?.slots ?? '');
      for (let at = 0; at < slots.length; at += slotWords) {
        add(slots, at);
        if (at % 1024 === 0) await pause();
      }
    });
  }
}
