import { readRecord } from '../events/record.ts';
import type { EventLog } from '../ports/event-log.ts';

/** Records that are looked through for one that says when it was received. */
const reach = 100;

/** The first offset of begin..end-1 whose record was received at `at` or later; `end` when none was. Receipts are in order but for moments. */
export async function findOffset(
  log: EventLog,
  logPartition: number,
  { begin, end }: { readonly begin: number; readonly end: number },
  at: number,
): Promise<number> {
  let low = begin;
  let high = end;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = await readReceivedAt(log, logPartition, middle, high - 1);
    if (found === null || found.receivedAt >= at) high = middle;
    else low = found.offset + 1;
  }
  return low;
}

/** When the record at this offset, or the next one that says so, was received. */
export async function readReceivedAt(
  log: EventLog,
  logPartition: number,
  from: number,
  to: number,
): Promise<{ readonly offset: number; readonly receivedAt: number } | null> {
  for await (const chunk of log.read(logPartition, from, Math.min(to, from + reach - 1))) {
    for (const record of chunk) {
      const facts = readRecord(record.bytes, record.start, record.end);
      if (facts !== null) return { offset: record.offset, receivedAt: facts.receivedAt };
    }
  }
  return null;
}
