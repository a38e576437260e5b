import { performance } from 'node:perf_hooks';
import { TallygateError } from '../../errors.ts';
import type { Commit, LogRecord, PartitionLease, TakeLimits } from '../../ports/event-log.ts';
import { eachRecord } from './chunk.ts';
import type { ChunkStore } from './chunk-store.ts';

export interface LeaseDeps {
  readonly store: ChunkStore;
  readonly group: string;
  readonly partition: number;
  readonly committed: Commit;
  /** The partition's end: everything below it is durable. */
  readonly end: () => number;
  readonly lost: AbortSignal;
  readonly stopping: AbortSignal;
}

export interface OwnedLease extends PartitionLease {
  /** Tells the lease that the partition's end has moved. */
  onEnd(end: number): void;
  /** Resolves when no commit is on its way to the disk any more. */
  settled(): Promise<void>;
}

/** Longest time that reading may hold the event loop, in milliseconds. */
const sliceMs = 3;
/** While it lingers, a take looks at the bytes that came in this often, in milliseconds. */
const lingerStepMs = 50;

export function createLease(deps: LeaseDeps): OwnedLease {
  const { store, group, partition, committed, end, lost, stopping } = deps;
  let position = committed.next;
  const committing = new Set<Promise<unknown>>();
  let taking = false;
  let wakeAt = Number.POSITIVE_INFINITY;
  let wake: (() => void) | undefined;

  /** Waits until the end has reached `offset`, the time is over, or the lease is ending. */
  function waitForEnd(offset: number, ms: number): Promise<void> {
    if (end() >= offset || ms <= 0 || stopping.aborted || lost.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        stopping.removeEventListener('abort', done);
        lost.removeEventListener('abort', done);
        wake = undefined;
        wakeAt = Number.POSITIVE_INFINITY;
        resolve();
      };
      const timer = setTimeout(done, ms);
      stopping.addEventListener('abort', done, { once: true });
      lost.addEventListener('abort', done, { once: true });
      wakeAt = offset;
      wake = done;
    });
  }

  function checkHeld(): void {
    if (!lost.aborted) return;
    throw new TallygateError('LEASE_LOST', `partition ${partition} is not ours any more: its consumption has ended`);
  }

  /** Moves what there is into `taken`; answers whether a limit was reached. */
  async function collect(taken: LogRecord[], bytes: { taken: number }, limits: TakeLimits): Promise<boolean> {
    const upTo = limits.upTo ?? Number.POSITIVE_INFINITY;
    let full = false;
    let sliceEnd = performance.now() + sliceMs;
    while (!full && position < end()) {
      if (performance.now() > sliceEnd) {
        await new Promise((resolve) => setImmediate(resolve));
        checkHeld();
        sliceEnd = performance.now() + sliceMs;
      }
      const chunk = store.chunkAt(partition, position) ?? store.chunkFrom(partition, position);
      if (!chunk) break;
      eachRecord(chunk, position, (record) => {
        const length = record.end - record.start;
        full =
          taken.length >= limits.maxRecords ||
          record.offset > upTo ||
          (taken.length > 0 && bytes.taken + length > limits.maxBytes);
        if (full) return false;
        taken.push(record);
        bytes.taken += length;
        position = record.offset + 1;
        return true;
      });
    }
    return full || taken.length >= limits.maxRecords || bytes.taken >= limits.maxBytes || position > upTo;
  }

  async function take(limits: TakeLimits): Promise<readonly LogRecord[]> {
    checkHeld();
    if (taking) throw new TallygateError('INTERNAL', 'expected one take at a time for a lease, got a second one');
    const upTo = limits.upTo ?? Number.POSITIVE_INFINITY;
    if (stopping.aborted || position > upTo) return [];
    taking = true;
    try {
      await waitForEnd(position + 1, limits.waitMs);
      checkHeld();
      if (stopping.aborted || position >= end()) return [];
      const taken: LogRecord[] = [];
      const bytes = { taken: 0 };
      const lingerEnd = performance.now() + limits.lingerMs;
      for (;;) {
        const full = await collect(taken, bytes, limits);
        const left = lingerEnd - performance.now();
        if (full || left <= 0 || stopping.aborted) return taken;
        const enough = Math.min(position + limits.maxRecords - taken.length, upTo + 1);
        await waitForEnd(enough, Math.min(left, lingerStepMs));
        checkHeld();
      }
    } finally {
      taking = false;
    }
  }

  return {
    partition,
    committed,
    lost,
    stopping,
    take,
    async commit(commit) {
      checkHeld();
      const write = store.writeCommit(group, partition, commit);
      committing.add(write);
      try {
        await write;
      } finally {
        committing.delete(write);
      }
    },
    async settled() {
      await Promise.allSettled(committing);
    },
    onEnd(reached) {
      if (reached >= wakeAt) wake?.();
    },
  };
}
