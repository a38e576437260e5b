import type { StoredEvent } from './events.ts';
import type { FeedMemory, Holder } from './feed-memory.ts';

/** Events that one reading found, the same object for everybody who gets them. */
export interface EventBatch {
  readonly events: readonly StoredEvent[];
  /** What each of them takes in memory, about. */
  readonly bytes: readonly number[];
  /** Events of this reading that are not here: older than these, and more than a reading takes. */
  readonly left: number;
  /** All events up to it were in this batch or in one before. */
  readonly asOf: Date;
  readonly snapshot: string;
}

export interface LiveEvents {
  readonly events: readonly StoredEvent[];
  readonly lost: number;
  readonly asOf: Date;
  readonly snapshot: string;
}

/** What waits for one reader. */
export interface EventQueue {
  put(batch: EventBatch): void;
  /** The error is what the reader gets next, and the last. */
  fail(error: Error): void;
  /** Ends with the signal. */
  readonly messages: AsyncIterableIterator<LiveEvents | Error>;
}

interface EventQueueOptions {
  /** Where the reader begins: its first message says so. */
  readonly start: EventBatch;
  readonly memory: FeedMemory;
  readonly signal: AbortSignal;
  onLost(count: number): void;
  onEnd(): void;
}

/** Of one reader. Memory shared by all is bounded on top. */
const mostEvents = 5000;
const mostBytes = 8 * 1024 * 1024;
/** What is put into one message, about. */
const eventsOfMessage = 500;
const bytesOfMessage = 512 * 1024;

interface Waiting extends EventBatch {
  /** Place of the first event that is still there. */
  first: number;
}

/** Bounded: the oldest events go when a reader is slower than events come, and the next message says how many. */
export function createEventQueue({ start, memory, signal, onLost, onEnd }: EventQueueOptions): EventQueue {
  const batches: Waiting[] = [{ ...start, first: 0 }];
  let count = 0;
  let bytes = 0;
  let lost = 0;
  /** Of the message that was handed out last, until the next one is asked for. */
  let handed = 0;
  let error: Error | null = null;
  let isOver = false;
  let wake: (() => void) | null = null;
  /** Up to where all was told. */
  let place = { asOf: start.asOf, snapshot: start.snapshot };

  const holder: Holder = {
    waitingBytes: () => bytes,
    shrink(wanted) {
      const before = bytes;
      let gone = 0;
      while (before - bytes < wanted && count > 0) {
        dropOldest();
        gone++;
      }
      lost += gone;
      onLost(gone);
      memory.release(before - bytes);
    },
  };

  const dropOldest = () => {
    for (const batch of batches) {
      if (batch.first === batch.events.length) continue;
      bytes -= batch.bytes[batch.first] as number;
      count--;
      batch.first++;
      break;
    }
    // What remains of a batch without events is how far it came: that of the last one is enough.
    while (batches.length > 1 && (batches[0] as Waiting).first === (batches[0] as Waiting).events.length)
      batches.shift();
  };

  const take = (): LiveEvents => {
    const events: StoredEvent[] = [];
    const isFull = () => events.length >= eventsOfMessage || handed >= bytesOfMessage;
    for (let batch = batches[0]; batch && !isFull(); batch = batches[0]) {
      for (; batch.first < batch.events.length && !isFull(); batch.first++) {
        events.push(batch.events[batch.first] as StoredEvent);
        handed += batch.bytes[batch.first] as number;
      }
      // One that is not told whole is not where the reader stands.
      if (batch.first < batch.events.length) break;
      place = { asOf: batch.asOf, snapshot: batch.snapshot };
      batches.shift();
    }
    count -= events.length;
    bytes -= handed;
    const message = { events, lost, ...place };
    lost = 0;
    return message;
  };

  const end = () => {
    if (isOver) return;
    isOver = true;
    signal.removeEventListener('abort', end);
    memory.leave(holder);
    const kept = bytes + handed;
    batches.length = 0;
    count = 0;
    bytes = 0;
    handed = 0;
    memory.release(kept);
    wake?.();
    onEnd();
  };
  memory.enter(holder);
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });

  const messages: AsyncIterableIterator<LiveEvents | Error> = {
    async next() {
      // Whoever asks for the next one has sent the one before.
      const sent = handed;
      handed = 0;
      memory.release(sent);
      while (!isOver && batches.length === 0 && error === null)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      if (isOver) return { done: true, value: undefined };
      if (batches.length > 0) return { done: false, value: take() };
      const value = error as Error;
      end();
      return { done: false, value };
    },
    async return() {
      end();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => messages,
  };

  return {
    put(batch) {
      if (isOver) return;
      batches.push({ ...batch, first: 0 });
      const added = batch.bytes.reduce((sum, of) => sum + of, 0);
      count += batch.events.length;
      bytes += added;
      lost += batch.left;
      onLost(batch.left);
      memory.add(added);
      const before = bytes;
      let gone = 0;
      while (count > mostEvents || bytes > mostBytes) {
        dropOldest();
        gone++;
      }
      lost += gone;
      onLost(gone);
      memory.release(before - bytes);
      wake?.();
    },
    fail(thrown) {
      error = thrown;
      wake?.();
    },
    messages,
  };
}
