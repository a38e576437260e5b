import { type Stream, toStreamOf } from '../events/position.ts';
import { toStoredTime } from '../events/record.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { Batch } from './batch.ts';

/**
 * The ledger says what each range of the log became. `announced` is written before the insert, with what it will touch;
 * `completed` after it. One insert writes all rows of a batch, so that a reader sees all of them or none. `corrected` rows
 * say, as differences, what was moved afterwards.
 */
export type Phase = 'announced' | 'completed' | 'corrected';

/** What a range became, for one write key of one project. */
export interface LedgerCounts {
  readonly project: string;
  readonly keyId: string;
  readonly stored: number;
  readonly deduplicated: number;
  readonly deadLettered: number;
  readonly dropped?: number;
  /** Only of corrections: what was stored or kept aside until its person was deleted. */
  readonly deleted?: number;
  readonly touches: Iterable<number>;
  readonly newestReceivedAt: number;
  readonly newestTime: number;
}

export function toLedgerLines(phase: Phase, batch: Batch, windowHours = 0): Buffer {
  return Buffer.from(batch.tallies.map((tally) => toLedgerRow(phase, batch, batch.token, tally, windowHours)).join(''));
}

export function toLedgerRow(
  phase: Phase,
  { stream, first, last }: { readonly stream: Stream; readonly first: number; readonly last: number },
  token: string,
  counts: LedgerCounts,
  windowHours = 0,
): string {
  return `${JSON.stringify({
    phase,
    log_stream: stream,
    first_offset: first,
    last_offset: last,
    project: counts.project,
    key_id: counts.keyId,
    stored: counts.stored,
    deduplicated: counts.deduplicated,
    dead_lettered: counts.deadLettered,
    dropped: counts.dropped ?? 0,
    deleted: counts.deleted ?? 0,
    touches: [...counts.touches].sort((a, b) => a - b),
    newest_received_at: toStoredTime(counts.newestReceivedAt),
    newest_time: toStoredTime(counts.newestTime),
    token,
    window_hours: windowHours,
  })}\n`;
}

/** The epoch that offsets count in now; 0 until one was raised. */
export async function readEpoch(warehouse: Warehouse): Promise<number> {
  const { rows } = await warehouse.query<{ epoch: number }>(
    { sql: 'SELECT max(epoch) AS epoch FROM log_epochs' },
    { label: 'epoch', lane: 'sink' },
  );
  return rows[0]?.epoch ?? 0;
}

/** Last completed offset of each stream. */
export async function readCompletedEnds(warehouse: Warehouse): Promise<Map<Stream, number>> {
  const { rows } = await warehouse.query<{ log_stream: number; last: string }>(
    { sql: "SELECT log_stream, max(last_offset) AS last FROM ledger WHERE phase = 'completed' GROUP BY log_stream" },
    { label: 'ledger', lane: 'sink' },
  );
  return new Map(rows.map(({ log_stream, last }) => [log_stream, Number(last)]));
}

/** Streams of epochs before this one, with the last offset that is completed of each. */
export async function readOlderStreams(
  warehouse: Warehouse,
  epoch: number,
): Promise<{ readonly stream: Stream; readonly last: number }[]> {
  if (epoch === 0) return [];
  const ends = [...(await readCompletedEnds(warehouse))].map(([stream, last]) => ({ stream, last }));
  return ends.filter(({ stream }) => stream < toStreamOf(epoch, 0)).sort((a, b) => a.stream - b.stream);
}

export interface OffsetRange {
  readonly first: number;
  readonly last: number;
}

/** Ranges of a stream that are completed and end at `from` or later, in order. */
export async function readCompleted(warehouse: Warehouse, stream: Stream, from: number): Promise<OffsetRange[]> {
  const { rows } = await warehouse.query<{ first: string; last: string }>(
    {
      sql: `SELECT DISTINCT first_offset AS first, last_offset AS last FROM ledger
            WHERE phase = 'completed' AND log_stream = {stream:UInt32} AND last_offset >= {from:UInt64} ORDER BY first, last`,
      params: { stream, from },
    },
    { label: 'ledger', lane: 'sink', limits: { resultRows: 10_000_000 } },
  );
  return rows.map(({ first, last }) => ({ first: Number(first), last: Number(last) }));
}

export interface CompletedRange extends OffsetRange {
  /** Of the batch: see toToken. */
  readonly token: string;
}

/** The last range of a stream that is completed; null when none is. */
export async function readLastCompleted(warehouse: Warehouse, stream: Stream): Promise<CompletedRange | null> {
  const { rows } = await warehouse.query<{ first: string; last: string; token: string }>(
    {
      sql: `SELECT first_offset AS first, last_offset AS last, token FROM ledger
            WHERE phase = 'completed' AND log_stream = {stream:UInt32} ORDER BY last_offset DESC LIMIT 1`,
      params: { stream },
    },
    { label: 'ledger', lane: 'sink' },
  );
  const [row] = rows;
  return row ? { first: Number(row.first), last: Number(row.last), token: row.token } : null;
}

/** The first offset of what was completed in the last `milliseconds` that the ledger knows of; 0 when it knows nothing. */
export async function readFirstSince(warehouse: Warehouse, stream: Stream, milliseconds: number): Promise<number> {
  const completed = "phase = 'completed' AND log_stream = {stream:UInt32}";
  const { rows } = await warehouse.query<{ first: string }>(
    {
      sql: `SELECT min(first_offset) AS first FROM ledger
            WHERE ${completed} AND written_at >= (SELECT max(written_at) FROM ledger WHERE ${completed}) - toIntervalMillisecond({milliseconds:Int64})`,
      params: { stream, milliseconds },
    },
    { label: 'ledger', lane: 'sink' },
  );
  return Number(rows[0]?.first ?? 0);
}

/** The parts of first..last that no range covers, in order. `ranges` are in order of their beginnings. */
export function toGaps({ first, last }: OffsetRange, ranges: readonly OffsetRange[]): OffsetRange[] {
  const gaps: OffsetRange[] = [];
  let next = first;
  for (const range of ranges) {
    if (range.first > next && next <= last) gaps.push({ first: next, last: Math.min(range.first - 1, last) });
    next = Math.max(next, range.last + 1);
  }
  if (next <= last) gaps.push({ first: next, last });
  return gaps;
}
