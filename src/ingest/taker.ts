import type { LogRecord, PartitionLease } from '../ports/event-log.ts';

/** Takes the records of one lease ahead, one batch at a time. */
export interface Taker<Owner> {
  readonly of: Owner;
  /** The batch under way; begins one when there is none. */
  begin(): Promise<unknown>;
  /** The batch, once it is there; null before. */
  collect(): readonly LogRecord[] | null;
}

/** The first rows after a quiet time wait no longer than this, in milliseconds. */
const shortLinger = 200;
/** How long to wait for a first record, in milliseconds. */
const waitMs = 1000;

export function createTaker<Owner>(
  owner: Owner,
  lease: PartitionLease,
  limits: { readonly maxRecords: number; readonly maxBytes: number },
  lingerMs: number,
): Taker<Owner> {
  let pending: Promise<unknown> | null = null;
  let taken: readonly LogRecord[] | null = null;
  let lastTaken = 0;
  return {
    of: owner,
    begin() {
      pending ??= lease
        .take({
          ...limits,
          waitMs,
          lingerMs: Math.max(Math.min(shortLinger, lingerMs), lingerMs - (Date.now() - lastTaken)),
        })
        .then((records) => {
          taken = records;
        });
      return pending;
    },
    collect() {
      const records = taken;
      if (records === null) return null;
      pending = null;
      taken = null;
      if (records.length > 0) lastTaken = Date.now();
      return records;
    },
  };
}

/** The first of them that has records; none when none of them has come upon any for as long as a take waits. */
export async function nextOf<Owner>(
  takers: readonly Taker<Owner>[],
): Promise<{ readonly of: Owner; readonly taken: readonly LogRecord[] } | null> {
  // A quiet lane says so every second: whoever waits for a busy one must not begin anew for that.
  const quiet = new Set<Taker<Owner>>();
  while (quiet.size < takers.length) {
    const pending = takers.map((taker) => taker.begin());
    // Whoever is not waited for any more may fail all the same.
    for (const each of pending) each.catch(() => {});
    await Promise.race(pending);
    for (const taker of takers) {
      const taken = taker.collect();
      if (taken === null) continue;
      if (taken.length > 0) return { of: taker.of, taken };
      quiet.add(taker);
    }
  }
  return null;
}

/** Exactly the records first..last; none when the lease is asked to stop meanwhile. */
export async function takeRange(lease: PartitionLease, first: number, last: number): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  let next = first;
  while (next <= last) {
    const taken = await lease.take({
      maxRecords: last - next + 1,
      maxBytes: Number.MAX_SAFE_INTEGER,
      lingerMs: 0,
      waitMs,
      upTo: last,
    });
    if (taken.length === 0 && lease.stopping.aborted) return [];
    for (const record of taken) records.push(record);
    if (taken.length > 0) next = taken[taken.length - 1]!.offset + 1;
  }
  return records;
}
