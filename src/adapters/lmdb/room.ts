import { statfsSync } from 'node:fs';
import { TallygateError } from '../../errors.ts';

/** Others write to the same disk meanwhile: this much, or a sixteenth of a small disk, is never used up, in bytes. */
const mostReserve = 16 * 1024 * 1024;

/**
 * Refuses a write of so many bytes with LOG_UNAVAILABLE when the disk of `path` is nearly full. lmdb 3.5.6 must not find
 * that out by itself: a few writes that meet a full disk damage its memory, and then its writes never end, or the process
 * aborts.
 */
export function createRoomCheck(path: string): (bytes: number) => void {
  return (bytes) => {
    const { bavail, blocks, bsize } = statfsSync(path);
    const free = bavail * bsize;
    // Each page that is touched is written anew, beside what is added.
    const wanted = 2 * bytes + Math.min(mostReserve, (blocks * bsize) / 16);
    if (free >= wanted) return;
    throw new TallygateError(
      'LOG_UNAVAILABLE',
      `expected at least ${Math.ceil(wanted)} bytes free on the event log's disk, got ${free} (${path})`,
      { retryAfterMs: 1000 },
    );
  };
}
