import { TallygateError } from '../errors.ts';
import type { Stream } from '../events/position.ts';
import type { EventLog, LogRecord, PartitionLease } from '../ports/event-log.ts';
import { toToken } from './batch.ts';
import type { CompletedRange } from './ledger.ts';

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
  const end = (await log.inspect())[partition]?.end ?? 0;
  let is = completed.last < end;
  // The group has forgotten how far it was, or has been led back: what the ledger has will be skipped, if it is the same.
  if (is && committed.end === null && committed.next <= completed.last) {
    const records: LogRecord[] = [];
    for await (const chunk of log.read(partition, completed.first, completed.last)) records.push(...chunk);
    is = records.length > 0 && toToken(stream, records) === completed.token;
  }
  if (is) return;
  throw new TallygateError(
    'LOG_REPLACED',
    `the warehouse has positions up to ${completed.last} of stream ${stream}, but the log, which ends before ${end}, has other records or none there: it was replaced or reset. Run "tallygate migrate --new-epoch" to count its positions anew`,
  );
}
