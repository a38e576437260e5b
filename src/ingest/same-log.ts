import { TallygateError } from '../errors.ts';
import { type Stream, toStreamOf } from '../events/position.ts';
import type { EventLog, LogRecord, PartitionLease } from '../ports/event-log.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import { toToken } from './batch.ts';
import { type CompletedRange, readLastCompleted } from './ledger.ts';

/**
 * Whether the log has, at the positions of a completed range, what the ledger says was there; null when it keeps them no
 * longer. Neither an end that was reached nor a commit says so: a log that was made anew may have grown beyond both.
 */
async function holds(
  log: EventLog,
  partition: number,
  stream: Stream,
  { first, last, token }: CompletedRange,
): Promise<boolean | null> {
  const state = (await log.inspect())[partition];
  if (state === undefined || last >= state.end) return false;
  if (first < state.begin) return null;
  const records: LogRecord[] = [];
  for await (const chunk of log.read(partition, first, last)) records.push(...chunk);
  return records.length > 0 && toToken(stream, records) === token;
}

/**
 * Offsets that the ledger knows and the log has not reached, or that hold something else there, belong to another log:
 * storing on, or skipping what is stored already, would lose events in silence. Throws LOG_REPLACED.
 */
export async function assertSameLog(
  log: EventLog,
  { partition, committed }: PartitionLease,
  stream: Stream,
  completed: CompletedRange | null,
): Promise<void> {
  if (completed === null) return;
  const isHeld = await holds(log, partition, stream, completed);
  // What the log has let go of cannot be compared; then the group has to be beyond it.
  if (isHeld ?? (committed.end !== null || committed.next > completed.last)) return;
  const end = (await log.inspect())[partition]?.end ?? 0;
  throw new TallygateError(
    'LOG_REPLACED',
    `the warehouse has positions up to ${completed.last} of stream ${stream}, but the log, which ends before ${end}, has other records or none there: it was replaced or reset. Run "tallygate migrate --new-epoch" to count its positions anew`,
  );
}

/**
 * Whether the group's commit speaks of a log before this one, which a sink may have made when that was already gone: then
 * what it would skip was never stored. Asked for a stream of which nothing is completed yet, in an epoch that was raised.
 */
export async function isOfEarlierLog(
  log: EventLog,
  warehouse: Warehouse,
  { partition }: PartitionLease,
  epoch: number,
): Promise<boolean> {
  for (let earlier = epoch - 1; earlier >= 0; earlier--) {
    const stream = toStreamOf(earlier, partition);
    const completed = await readLastCompleted(warehouse, stream);
    if (completed !== null) return (await holds(log, partition, stream, completed)) === false;
  }
  return false;
}
