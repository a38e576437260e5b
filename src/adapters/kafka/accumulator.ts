import { performance } from 'node:perf_hooks';
import { isTallygateError, TallygateError } from '../../errors.ts';
import type { NewRecord } from '../../ports/event-log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';

export interface AccumulatorLimits {
  /** How long the first append of a batch waits for others, in milliseconds. */
  readonly lingerMs: number;
  readonly maxBatchRecords: number;
  readonly maxBatchBytes: number;
  /** Appends are refused when this many bytes wait or are on their way. */
  readonly maxQueuedBytes: number;
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
}

interface Waiting {
  readonly records: readonly NewRecord[];
  readonly bytes: number;
  readonly since: number;
  readonly resolve: (first: number) => void;
  readonly reject: (error: Error) => void;
  settled: boolean;
}

/** One partition. */
interface Lane {
  queue: Waiting[];
  records: number;
  bytes: number;
  sending: readonly Waiting[] | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** What Kafka adds to a record, about. */
const overheadBytes = 16;
/** How often deadlines are looked at, in milliseconds. */
const sweepMs = 200;

/**
 * Collects appends into batches, for each partition by itself: at most one batch of a partition is on its way, so that
 * order holds, and what comes meanwhile makes the next one. An append is never split, so that its records stay
 * together.
 */
export function createAccumulator(deps: AccumulatorDeps) {
  const { lingerMs, maxBatchRecords, maxBatchBytes, maxQueuedBytes, maxAppendBytes, deadlineMs, send, metrics } = deps;
  const lanes = new Map<number, Lane>();
  let queuedBytes = 0;
  let sweeper: NodeJS.Timeout | undefined;
  let idle: (() => void) | undefined;

  function laneOf(partition: number): Lane {
    let lane = lanes.get(partition);
    if (!lane) {
      lane = { queue: [], records: 0, bytes: 0, sending: undefined, timer: undefined };
      lanes.set(partition, lane);
    }
    return lane;
  }

  function append(partition: number, records: readonly NewRecord[]): Promise<number> {
    const lane = laneOf(partition);
    let bytes = 0;
    for (const { key, value } of records) bytes += key.length + value.length + overheadBytes;
    const refused = refusal(lane, bytes);
    if (refused) {
      metrics.appendErrors.inc({ code: refused.code });
      return Promise.reject(refused);
    }
    queuedBytes += bytes;
    sweeper ??= setInterval(sweep, sweepMs);
    return new Promise((resolve, reject) => {
      lane.queue.push({ records, bytes, since: performance.now(), resolve, reject, settled: false });
      lane.records += records.length;
      lane.bytes += bytes;
      schedule(partition, lane);
    });
  }

  function refusal(lane: Lane, bytes: number): TallygateError | undefined {
    if (bytes > maxAppendBytes) {
      return new TallygateError('PAYLOAD_TOO_LARGE', `expected at most ${maxAppendBytes} bytes at once, got ${bytes}`);
    }
    if (queuedBytes + bytes > maxQueuedBytes) {
      return new TallygateError('LOG_OVERLOADED', `${queuedBytes} bytes wait for Kafka, and that is enough`, {
        retryAfterMs: 1000,
      });
    }
    const oldest = lane.sending?.[0];
    if (oldest && performance.now() - oldest.since > deadlineMs) return late();
    return undefined;
  }

  function schedule(partition: number, lane: Lane): void {
    const oldest = lane.queue[0];
    if (lane.sending || !oldest) return;
    if (lane.records >= maxBatchRecords || lane.bytes >= maxBatchBytes) sendNext(partition, lane);
    else lane.timer ??= setTimeout(sendNext, Math.max(0, oldest.since + lingerMs - performance.now()), partition, lane);
  }

  function takeBatch(lane: Lane): Waiting[] {
    let records = 0;
    let bytes = 0;
    let count = 0;
    for (const each of lane.queue) {
      if (count > 0 && (records + each.records.length > maxBatchRecords || bytes + each.bytes > maxBatchBytes)) break;
      records += each.records.length;
      bytes += each.bytes;
      count++;
    }
    lane.records -= records;
    lane.bytes -= bytes;
    return lane.queue.splice(0, count);
  }

  function sendNext(partition: number, lane: Lane): void {
    clearTimeout(lane.timer);
    lane.timer = undefined;
    const batch = takeBatch(lane);
    if (batch.length === 0) return;
    lane.sending = batch;
    metrics.logQueuedBytes.set(queuedBytes);
    const bytes = batch.reduce((sum, each) => sum + each.bytes, 0);
    const records = batch.length === 1 ? (batch[0] as Waiting).records : batch.flatMap((each) => each.records);
    send(partition, records, bytes)
      .then(
        (first) => resolveAll(batch, first),
        (error: Error) => rejectAll(batch, error),
      )
      .finally(() => {
        lane.sending = undefined;
        release(bytes);
        schedule(partition, lane);
      });
  }

  function release(bytes: number): void {
    queuedBytes -= bytes;
    metrics.logQueuedBytes.set(queuedBytes);
    if (queuedBytes > 0) return;
    clearInterval(sweeper);
    sweeper = undefined;
    idle?.();
  }

  function resolveAll(batch: readonly Waiting[], base: number): void {
    const now = performance.now();
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
    const before = performance.now() - deadlineMs;
    for (const lane of lanes.values()) {
      const sending = lane.sending?.filter((each) => each.since < before) ?? [];
      if (sending.length > 0) rejectAll(sending, late());
      const count = lane.queue.findIndex((each) => each.since >= before);
      if (count !== 0) dropQueued(lane, count < 0 ? lane.queue.length : count, late());
    }
  }

  function dropQueued(lane: Lane, count: number, error: Error): void {
    const dropped = lane.queue.splice(0, count);
    if (dropped.length === 0) return;
    const bytes = dropped.reduce((sum, each) => sum + each.bytes, 0);
    lane.bytes -= bytes;
    lane.records -= dropped.reduce((sum, each) => sum + each.records.length, 0);
    rejectAll(dropped, error);
    release(bytes);
  }

  function late(): TallygateError {
    const message = `Kafka has not confirmed the records within ${deadlineMs} ms`;
    return new TallygateError('LOG_UNAVAILABLE', message, { retryAfterMs: 1000 });
  }

  return {
    append,
    /** Rejects everything that is not on its way yet. */
    rejectQueued(error: Error): void {
      for (const lane of lanes.values()) dropQueued(lane, lane.queue.length, error);
    },
    /** Resolves when nothing waits and nothing is on its way, or after the time. */
    async drain(ms: number): Promise<void> {
      if (queuedBytes === 0) return;
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        idle = resolve;
        timer = setTimeout(resolve, ms);
      });
      clearTimeout(timer);
    },
  };
}
