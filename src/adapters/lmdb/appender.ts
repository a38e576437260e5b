import { performance } from 'node:perf_hooks';
import { isTallygateError, TallygateError } from '../../errors.ts';
import type { NewRecord } from '../../ports/event-log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { createFairQueue, type Queued, toQueuedBytes, toSharer } from '../queue/fair-queue.ts';
import { toMostWaiting } from '../queue/room.ts';
import type { ChunkStore } from './chunk-store.ts';

export interface AppenderDeps {
  readonly store: ChunkStore;
  /** Most bytes that wait or are on their way; projects share them fairly. */
  readonly maxQueuedBytes: number;
  readonly maxAppendBytes: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Called when the end of a partition has moved. */
  readonly onEnd: (partition: number, end: number) => void;
}

interface Waiting extends Queued {
  readonly partition: number;
  readonly startedAt: number;
  readonly resolve: (first: number) => void;
  readonly reject: (error: Error) => void;
}

interface Commit {
  readonly batch: readonly Waiting[];
  readonly since: number;
  /** Its callers have been told that it takes too long. */
  stalled: boolean;
}

/** Most bytes of one commit: copying more than this at once would hold the event loop. */
const commitBytes = 8 * 1024 * 1024;
/** The share of all bytes that may be in one commit. What is in it cannot give way to another project; the rest can. */
const commitShare = 0.75;
/** How many projects share a full commit before one of them has to wait for the next. */
const turnsInCommit = 64;
/** About how long an append may have to wait for those before it, in milliseconds. */
const maxWaitMs = 1000;
/** The part of the newest commit in what a commit is expected to take. */
const newest = 0.3;
/** How long a commit may take before its callers are told that they can't wait for it, in milliseconds. */
const deadlineMs = 10_000;
/** After a failed commit the disk is left alone for this long, in milliseconds. */
const pauseMs = 250;

/**
 * Group commit: everything that arrives while one commit is on its way to the disk shares the next one, and everything
 * that arrives in one turn of the event loop shares the first. One commit at a time, so that the offsets of one
 * that fails are free again and no gap can come up. Projects share the room and the commits: see the queue.
 */
export function createAppender(deps: AppenderDeps) {
  const { store, maxQueuedBytes, maxAppendBytes, logger, metrics, onEnd } = deps;
  const ends = Array.from({ length: store.partitions }, (_, partition) => store.end(partition));
  const mostCommitBytes = Math.min(commitBytes, maxQueuedBytes * commitShare);
  const queue = createFairQueue<Waiting>({
    maxBytes: maxQueuedBytes,
    turnBytes: mostCommitBytes / turnsInCommit,
    onPushedOut: (item) => rejectAll([item], full()),
  });
  const waiting = queue.openLane();
  let committing: Commit | undefined;
  /** What a commit takes, in milliseconds: the last ones, most of all the last. */
  let commitMs = 0;
  let scheduled = false;
  let closed = false;
  let idle: (() => void) | undefined;
  /** Appends are refused until then; a moment of performance.now(). */
  let pausedUntil = 0;
  const watch = setInterval(rejectStalled, 1000).unref();

  function refusal(partition: number, sharer: string, bytes: number): TallygateError | undefined {
    if (closed) return new TallygateError('LOG_UNAVAILABLE', 'the event log is closed', { retryAfterMs: 1000 });
    if (ends[partition] === undefined) {
      return new TallygateError('INTERNAL', `expected a partition below ${ends.length}, got ${partition}`);
    }
    if (bytes > maxAppendBytes) {
      return new TallygateError('PAYLOAD_TOO_LARGE', `expected at most ${maxAppendBytes} bytes at once, got ${bytes}`);
    }
    if (pausedUntil > 0 && performance.now() < pausedUntil) {
      return new TallygateError('LOG_UNAVAILABLE', "the event log's disk is not taking writes", { retryAfterMs: 1000 });
    }
    const most = toMostWaiting(maxWaitMs, commitMs, mostCommitBytes);
    return waiting.makeRoom(sharer, bytes, most) ? undefined : full();
  }

  function full(): TallygateError {
    const message = `${queue.bytes} bytes wait for the disk, and this project has its share of them`;
    return new TallygateError('LOG_OVERLOADED', message, { retryAfterMs: 1000 });
  }

  function append(partition: number, records: readonly NewRecord[]): Promise<number> {
    const sharer = toSharer(partition, records);
    const bytes = toQueuedBytes(records);
    const refused = refusal(partition, sharer, bytes);
    if (refused) {
      metrics.appendErrors.inc({ code: refused.code });
      return Promise.reject(refused);
    }
    if (records.length === 0) return Promise.resolve(ends[partition] as number);
    return new Promise((resolve, reject) => {
      waiting.push({ sharer, partition, records, bytes, startedAt: performance.now(), resolve, reject });
      if (scheduled || committing) return;
      scheduled = true;
      setImmediate(commit);
    });
  }

  function commit(): void {
    scheduled = false;
    let bytes = 0;
    const batch = waiting.take((next) => {
      const alone = bytes === 0;
      bytes += next.bytes;
      return alone || bytes <= mostCommitBytes;
    });
    committing = { batch, since: performance.now(), stalled: false };
    metrics.logQueuedBytes.set(queue.bytes);
    const byPartition = new Map<number, Buffer[]>();
    for (const { partition, records } of batch) {
      const values = byPartition.get(partition) ?? [];
      byPartition.set(partition, values);
      for (const { value } of records) values.push(value);
    }
    const writes = [...byPartition].map(([partition, values]) => ({
      partition,
      first: ends[partition] as number,
      values,
    }));
    store.append(writes, Date.now()).then(() => onDurable(batch), onFailed);
  }

  function onDurable(batch: readonly Waiting[]): void {
    const now = performance.now();
    pausedUntil = 0;
    for (const { partition, records, startedAt, resolve } of batch) {
      const first = ends[partition] as number;
      ends[partition] = first + records.length;
      resolve(first);
      metrics.appendSeconds.observe((now - startedAt) / 1000);
    }
    for (const partition of new Set(batch.map((w) => w.partition))) onEnd(partition, ends[partition] as number);
    next();
  }

  function onFailed(error: unknown): void {
    logger.error({ err: error }, 'the event log could not write to its disk');
    pausedUntil = performance.now() + pauseMs;
    rejectAll(committing?.batch ?? [], error as Error);
    next();
  }

  function next(): void {
    if (committing) {
      commitMs += (performance.now() - committing.since - commitMs) * newest;
      queue.release(committing.batch);
    }
    committing = undefined;
    metrics.logQueuedBytes.set(queue.bytes);
    if (waiting.records === 0) {
      idle?.();
      return;
    }
    // The callers that have just been answered may have more: what comes in the next turns of the loop shares the commit.
    scheduled = true;
    setImmediate(() => setImmediate(commit));
  }

  function rejectAll(batch: readonly Waiting[], error: Error): void {
    const code = isTallygateError(error) ? error.code : 'INTERNAL';
    for (const { reject } of batch) {
      reject(error);
      metrics.appendErrors.inc({ code });
    }
  }

  function rejectStalled(): void {
    if (!committing || performance.now() - committing.since < deadlineMs) return;
    const error = new TallygateError('LOG_UNAVAILABLE', `the event log's disk has not answered for ${deadlineMs} ms`, {
      retryAfterMs: 1000,
    });
    logger.error(error.message);
    pausedUntil = performance.now() + 2000;
    if (!committing.stalled) rejectAll(committing.batch, error);
    committing.stalled = true;
    rejectAll(
      waiting.remove(() => true),
      error,
    );
  }

  return {
    append,
    ends: (): readonly number[] => [...ends],
    end: (partition: number): number => ends[partition] as number,
    /** Refuses what comes from now on and waits for what is on its way. */
    async close(): Promise<void> {
      closed = true;
      if (committing || scheduled) await new Promise<void>((resolve) => (idle = resolve));
      clearInterval(watch);
    },
  };
}
