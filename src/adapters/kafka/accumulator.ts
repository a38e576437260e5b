import { performance } from 'node:perf_hooks';
import { isTallygateError, TallygateError } from '../../errors.ts';
import type { NewRecord } from '../../ports/event-log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { createFairQueue, type FairLane, type Queued, toQueuedBytes, toSharer } from '../queue/fair-queue.ts';
import { toMostWaiting } from '../queue/room.ts';

export interface AccumulatorLimits {
  /** How long the first append of a batch waits for others, in milliseconds. */
  readonly lingerMs: number;
  readonly maxBatchRecords: number;
  readonly maxBatchBytes: number;
  /** Most bytes that wait or are on their way; projects share them fairly. */
  readonly maxQueuedBytes: number;
  /** About how long an append may have to wait for those before it; what would wait longer is refused. In milliseconds. */
  readonly maxWaitMs: number;
  /** Most bytes of one append. */
  readonly maxAppendBytes: number;
  /** When an append is given up, in milliseconds. */
  readonly deadlineMs: number;
}

export interface AccumulatorDeps extends AccumulatorLimits {
  /**
   * Sends one batch to one partition and resolves with the offset of its first record. Called again only after it has
   * settled.
   */
  readonly send: (partition: number, records: readonly NewRecord[], bytes: number) => Promise<number>;
  readonly metrics: Metrics;
  /** Milliseconds since any moment. */
  readonly clock?: () => number;
}

interface Waiting extends Queued {
  readonly since: number;
  readonly resolve: (first: number) => void;
  readonly reject: (error: Error) => void;
  settled: boolean;
}

/** One partition. */
interface Lane {
  readonly partition: number;
  readonly waiting: FairLane<Waiting>;
  /** When the first of what waits came. */
  since: number;
  sending: readonly Waiting[] | undefined;
  /** When the first of what is on its way came. */
  sendingSince: number;
  sentAt: number;
  /** What a batch takes, in milliseconds: the last ones, most of all the last. */
  batchMs: number;
  timer: NodeJS.Timeout | undefined;
}

/** The part of the newest batch in what a batch is expected to take. */
const newest = 0.3;
/** How often deadlines are looked at, in milliseconds. */
const sweepMs = 200;
/**
 * The share of all bytes that may be on their way at once. What is on its way cannot give way to another project; the rest
 * can.
 */
const sendingShare = 0.75;

/** How many projects share a full batch before one of them has to wait for the next. */
const turnsInBatch = 64;

/**
 * Collects appends into batches, for each partition by itself: at most one batch of a partition is on its way, so that
 * order holds, and what comes meanwhile makes the next one. An append is never split, so that its records stay
 * together. Projects share the room and the batches: see the queue.
 */
export function createAccumulator(deps: AccumulatorDeps) {
  const { lingerMs, maxBatchRecords, maxBatchBytes, maxQueuedBytes, maxWaitMs, maxAppendBytes, deadlineMs } = deps;
  const { send, metrics, clock = () => performance.now() } = deps;
  const lanes = new Map<number, Lane>();
  const queue = createFairQueue<Waiting>({
    maxBytes: maxQueuedBytes,
    turnBytes: maxBatchBytes / turnsInBatch,
    onPushedOut: (item) => rejectAll([item], full()),
  });
  const maxSendingBytes = maxQueuedBytes * sendingShare;
  let sendingBytes = 0;
  /** Partitions whose batch does not fit beside what is on its way, in the order in which they will be served. */
  const heldUp = new Set<Lane>();
  let sweeper: NodeJS.Timeout | undefined;
  let idle: (() => void) | undefined;

  function laneOf(partition: number): Lane {
    let lane = lanes.get(partition);
    if (!lane) {
      lane = {
        partition,
        waiting: queue.openLane(),
        since: 0,
        sending: undefined,
        sendingSince: 0,
        sentAt: 0,
        batchMs: 0,
        timer: undefined,
      };
      lanes.set(partition, lane);
    }
    return lane;
  }

  function append(partition: number, records: readonly NewRecord[]): Promise<number> {
    const lane = laneOf(partition);
    const sharer = toSharer(partition, records);
    const bytes = toQueuedBytes(records);
    const refused = refusal(lane, sharer, records.length, bytes);
    if (refused) {
      metrics.appendErrors.inc({ code: refused.code });
      return Promise.reject(refused);
    }
    sweeper ??= setInterval(sweep, sweepMs);
    return new Promise((resolve, reject) => {
      const since = clock();
      if (lane.waiting.records === 0) lane.since = since;
      lane.waiting.push({ sharer, records, bytes, since, resolve, reject, settled: false });
      schedule(lane);
    });
  }

  function refusal(lane: Lane, sharer: string, records: number, bytes: number): TallygateError | undefined {
    if (bytes > maxAppendBytes) {
      return new TallygateError('PAYLOAD_TOO_LARGE', `expected at most ${maxAppendBytes} bytes at once, got ${bytes}`);
    }
    if (lane.sending && clock() - lane.sendingSince > deadlineMs) return late();
    const perRecord = (lane.waiting.bytes + bytes) / (lane.waiting.records + records);
    const batchBytes = Math.min(maxBatchBytes, maxBatchRecords * perRecord);
    const taken = lane.waiting.makeRoom(sharer, bytes, toMostWaiting(maxWaitMs, lane.batchMs, batchBytes));
    return taken ? undefined : full();
  }

  function schedule(lane: Lane): void {
    const { waiting } = lane;
    if (lane.sending || waiting.records === 0) return;
    if (waiting.records >= maxBatchRecords || waiting.bytes >= maxBatchBytes) sendNext(lane);
    else lane.timer ??= setTimeout(sendNext, Math.max(0, lane.since + lingerMs - clock()), lane);
  }

  function takeBatch({ waiting }: Lane): Waiting[] {
    let records = 0;
    let bytes = 0;
    return waiting.take((next) => {
      const alone = records === 0;
      records += next.records.length;
      bytes += next.bytes;
      if (alone) return sendingBytes === 0 || sendingBytes + bytes <= maxSendingBytes;
      return records <= maxBatchRecords && bytes <= maxBatchBytes && sendingBytes + bytes <= maxSendingBytes;
    });
  }

  function sendNext(lane: Lane): void {
    clearTimeout(lane.timer);
    lane.timer = undefined;
    const batch = takeBatch(lane);
    if (batch.length === 0) {
      if (lane.waiting.records > 0) heldUp.add(lane);
      return;
    }
    lane.sending = batch;
    lane.sendingSince = batch.reduce((oldest, { since }) => Math.min(oldest, since), Number.POSITIVE_INFINITY);
    lane.sentAt = clock();
    metrics.logQueuedBytes.set(queue.bytes);
    const bytes = batch.reduce((sum, each) => sum + each.bytes, 0);
    sendingBytes += bytes;
    const records = batch.length === 1 ? (batch[0] as Waiting).records : batch.flatMap((each) => each.records);
    send(lane.partition, records, bytes)
      .then(
        (first) => resolveAll(batch, first),
        (error: Error) => rejectAll(batch, error),
      )
      .finally(() => {
        lane.sending = undefined;
        lane.batchMs += (clock() - lane.sentAt - lane.batchMs) * newest;
        sendingBytes -= bytes;
        queue.release(batch);
        onReleased();
        for (const each of [...heldUp]) {
          heldUp.delete(each);
          schedule(each);
        }
        schedule(lane);
      });
  }

  function onReleased(): void {
    metrics.logQueuedBytes.set(queue.bytes);
    if (queue.bytes > 0) return;
    clearInterval(sweeper);
    sweeper = undefined;
    idle?.();
  }

  function resolveAll(batch: readonly Waiting[], base: number): void {
    const now = clock();
    let first = base;
    for (const each of batch) {
      if (!each.settled) {
        each.settled = true;
        each.resolve(first);
        metrics.appendSeconds.observe((now - each.since) / 1000);
      }
      first += each.records.length;
    }
  }

  function rejectAll(batch: readonly Waiting[], error: Error): void {
    const code = isTallygateError(error) ? error.code : 'INTERNAL';
    for (const each of batch) {
      if (each.settled) continue;
      each.settled = true;
      each.reject(error);
      metrics.appendErrors.inc({ code });
    }
  }

  /** Gives up what is over its deadline. What is on its way may still arrive: its bytes count until it has settled. */
  function sweep(): void {
    const before = clock() - deadlineMs;
    for (const lane of lanes.values()) {
      const sending = lane.sending?.filter((each) => each.since < before) ?? [];
      if (sending.length > 0) rejectAll(sending, late());
      dropWaiting(lane, (each) => each.since < before, late());
    }
  }

  function dropWaiting({ waiting }: Lane, isUnwanted: (item: Waiting) => boolean, error: Error): void {
    const dropped = waiting.remove(isUnwanted);
    if (dropped.length === 0) return;
    rejectAll(dropped, error);
    onReleased();
  }

  function full(): TallygateError {
    const message = `${queue.bytes} bytes wait for Kafka, and this project has its share of them`;
    return new TallygateError('LOG_OVERLOADED', message, { retryAfterMs: 1000 });
  }

  function late(): TallygateError {
    const message = `Kafka has not confirmed the records within ${deadlineMs} ms`;
    return new TallygateError('LOG_UNAVAILABLE', message, { retryAfterMs: 1000 });
  }

  return {
    append,
    /** Rejects everything that is not on its way yet, of one partition or of all. */
    rejectQueued(error: Error, partition?: number): void {
      for (const lane of lanes.values()) {
        if (partition === undefined || lane.partition === partition) dropWaiting(lane, () => true, error);
      }
    },
    /** Resolves when nothing waits and nothing is on its way, or after the time. */
    async drain(ms: number): Promise<void> {
      if (queue.bytes === 0) return;
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        idle = resolve;
        timer = setTimeout(resolve, ms);
      });
      clearTimeout(timer);
    },
  };
}
