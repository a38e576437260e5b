import { performance } from 'node:perf_hooks';
import { TallygateError } from '../../errors.ts';
import type { Commit, LogRecord, PartitionLease, TakeLimits } from '../../ports/event-log.ts';

export interface LeaseDeps {
  readonly partition: number;
  readonly committed: Commit;
  readonly stopping: AbortSignal;
  /** When this many bytes are buffered, fetching pauses. */
  readonly bufferBytes: number;
  /** Commits under the membership that the lease was made in. */
  readonly commit: (commit: Commit, held: () => boolean) => Promise<void>;
  /** Called when a full buffer has room again. */
  readonly onRoom: () => void;
}

export interface OwnedLease extends PartitionLease {
  /** The offset that the next record from the broker should have. */
  wanted(): number;
  /** Takes over records, in order, beginning at wanted(). Answers whether there is room for more. */
  offer(records: readonly LogRecord[]): boolean;
  lose(): void;
}

/** Turns records that kafkajs pushes into records that a handler takes. */
export function createLease(deps: LeaseDeps): OwnedLease {
  const { partition, committed, stopping, bufferBytes, onRoom } = deps;
  const losing = new AbortController();
  const lost = losing.signal;
  let buffer: LogRecord[] = [];
  let head = 0;
  let buffered = 0;
  let full = false;
  let wanted = committed.next;
  let taking = false;
  let commits: Promise<unknown> = Promise.resolve();
  let wake: { readonly records: number; readonly bytes: number; readonly done: () => void } | undefined;

  function checkHeld(): void {
    if (!lost.aborted) return;
    throw new TallygateError('LEASE_LOST', `partition ${partition} is not ours any more: the group was rebalanced`);
  }

  /** Waits until that much is buffered, the time is over, or the lease is ending. */
  function waitFor(records: number, bytes: number, ms: number): Promise<void> {
    const enough = buffer.length - head >= records || buffered >= bytes;
    if (enough || ms <= 0 || stopping.aborted || lost.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        stopping.removeEventListener('abort', done);
        lost.removeEventListener('abort', done);
        wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      stopping.addEventListener('abort', done, { once: true });
      lost.addEventListener('abort', done, { once: true });
      wake = { records, bytes, done };
    });
  }

  /** Moves what there is into `taken`; answers whether a limit was reached. */
  function collect(taken: LogRecord[], sum: { bytes: number }, limits: TakeLimits): boolean {
    const upTo = limits.upTo ?? Number.POSITIVE_INFINITY;
    let reached = false;
    while (!reached && head < buffer.length) {
      const record = buffer[head] as LogRecord;
      const length = record.end - record.start;
      reached =
        taken.length >= limits.maxRecords ||
        record.offset > upTo ||
        (taken.length > 0 && sum.bytes + length > limits.maxBytes);
      if (reached) break;
      taken.push(record);
      sum.bytes += length;
      buffered -= length;
      head++;
    }
    trimBuffer();
    const nothingFits = taken.length >= limits.maxRecords || sum.bytes >= limits.maxBytes;
    return reached || nothingFits || (taken.at(-1)?.offset ?? -1) >= upTo;
  }

  function trimBuffer(): void {
    if (head === buffer.length) {
      buffer = [];
      head = 0;
    } else if (head > 10_000) {
      buffer = buffer.slice(head);
      head = 0;
    }
    if (!full || buffered > bufferBytes / 2) return;
    full = false;
    onRoom();
  }

  async function take(limits: TakeLimits): Promise<readonly LogRecord[]> {
    checkHeld();
    if (taking) throw new TallygateError('INTERNAL', 'expected one take at a time for a lease, got a second one');
    if (stopping.aborted || (buffer[head]?.offset ?? wanted) > (limits.upTo ?? Number.POSITIVE_INFINITY)) return [];
    taking = true;
    try {
      await waitFor(1, Number.POSITIVE_INFINITY, limits.waitMs);
      checkHeld();
      if (stopping.aborted || head === buffer.length) return [];
      const taken: LogRecord[] = [];
      const sum = { bytes: 0 };
      const lingerEnd = performance.now() + limits.lingerMs;
      for (;;) {
        const reached = collect(taken, sum, limits);
        const left = lingerEnd - performance.now();
        if (reached || left <= 0 || stopping.aborted) return taken;
        const missing = (limits.upTo ?? Number.POSITIVE_INFINITY) - (taken.at(-1) as LogRecord).offset;
        const records = Math.min(limits.maxRecords - taken.length, missing);
        await waitFor(records, Math.min(limits.maxBytes - sum.bytes, bufferBytes / 2), left);
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
    commit(commit) {
      // One at a time: a commit that is tried again must never overtake a later one.
      const mine = commits.then(() => {
        checkHeld();
        return deps.commit(commit, () => !lost.aborted);
      });
      commits = mine.catch(() => undefined);
      return mine;
    },
    wanted: () => wanted,
    offer(records) {
      for (const record of records) {
        buffer.push(record);
        buffered += record.end - record.start;
      }
      wanted = (records.at(-1)?.offset ?? wanted - 1) + 1;
      full = buffered >= bufferBytes;
      if (wake && (buffer.length - head >= wake.records || buffered >= wake.bytes)) wake.done();
      return !full;
    },
    lose() {
      buffer = [];
      head = 0;
      buffered = 0;
      losing.abort();
    },
  };
}
