/** How much a queue may hold, and who gives way when it is full. */

/** What could give way. A line has nothing but what waits. */
interface Giving {
  readonly bytes: number;
  readonly waiting?: number;
}

/** Bytes that are free, and those by which others hold more than `own` and could give way. */
export function toRoom(all: Iterable<Giving>, free: number, own: number): number {
  let room = free;
  for (const { bytes, waiting = bytes } of all) if (bytes > own) room += Math.min(waiting, bytes - own);
  return room;
}

/** The largest above `own` of which something waits. */
export function findLargest<Holder extends Giving>(all: Iterable<Holder>, own: number): Holder | undefined {
  let largest: Holder | undefined;
  for (const each of all) {
    if ((each.waiting ?? each.bytes) > 0 && each.bytes > (largest?.bytes ?? own)) largest = each;
  }
  return largest;
}

/**
 * Bytes that may wait for a writer that takes them in batches, one after the other, so that nobody waits for much longer than
 * `maxWaitMs`: never less than one batch, which is ready when the writer is. `batchMs` is what a batch takes now.
 */
export function toMostWaiting(maxWaitMs: number, batchMs: number, batchBytes: number): number {
  return Math.max(1, Math.floor(maxWaitMs / Math.max(batchMs, 0.001))) * batchBytes;
}
