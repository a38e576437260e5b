import type { Stream } from '../events/position.ts';
import { toStoredTime } from '../events/record.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { Batch } from './batch.ts';

/**
 * The ledger says what each range of the log became. `announced` is written before the insert, with what it will touch;
 * `completed` after it. One insert writes all projects of a batch, so that a reader sees all of them or none.
 */
export type Phase = 'announced' | 'completed';

export function toLedgerLines(phase: Phase, batch: Batch): Buffer {
  let lines = '';
  for (const [project, tally] of batch.tallies) {
    lines += `${JSON.stringify({
      phase,
      log_stream: batch.stream,
      first_offset: batch.first,
      last_offset: batch.last,
      project,
      stored: tally.stored,
      deduplicated: tally.deduplicated,
      dead_lettered: tally.deadLettered,
      dropped: 0,
      touches: [...tally.touches].sort((a, b) => a - b),
      newest_received_at: toStoredTime(tally.newestReceivedAt),
      newest_time: toStoredTime(tally.newestTime),
      token: batch.token,
    })}\n`;
  }
  return Buffer.from(lines);
}

/** The epoch that offsets count in now; 0 until one was raised. */
export async function readEpoch(warehouse: Warehouse): Promise<number> {
  const { rows } = await warehouse.query<{ epoch: number }>(
    { sql: 'SELECT max(epoch) AS epoch FROM log_epochs' },
    { label: 'epoch', lane: 'sink' },
  );
  return rows[0]?.epoch ?? 0;
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
