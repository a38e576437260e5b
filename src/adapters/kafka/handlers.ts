import { TallygateError } from '../../errors.ts';
import type { PartitionLease } from '../../ports/event-log.ts';
import type { Logger } from '../../telemetry/logger.ts';

export interface HandlersDeps {
  readonly onPartition: (lease: PartitionLease) => Promise<void>;
  readonly stopping: AbortSignal;
  readonly logger: Logger;
  /** Called when a handler fails, or returns, though its lease is held. */
  readonly onFailed: (reason: unknown) => void;
}

/** Longest time that the handler of a lost lease may take to return before a line is logged, in milliseconds. */
const slowMs = 30_000;

/** One handler for a partition at a time: a new lease waits until the handler of the lost one has returned. */
export function createHandlers({ onPartition, stopping, logger, onFailed }: HandlersDeps) {
  const running = new Map<number, Promise<void>>();

  async function handle(lease: PartitionLease): Promise<void> {
    if (lease.lost.aborted || stopping.aborted) return;
    const { partition } = lease;
    try {
      await onPartition(lease);
      if (lease.lost.aborted || stopping.aborted) return;
      throw new TallygateError('INTERNAL', `the handler of partition ${partition} returned before its lease had ended`);
    } catch (error) {
      if (lease.lost.aborted) return logger.debug({ err: error, partition }, 'a handler ended with its lease');
      logger.error({ err: error, partition }, 'a handler of the event log failed');
      onFailed(error);
    }
  }

  async function runAfter(before: Promise<void> | undefined, lease: PartitionLease): Promise<void> {
    const { partition } = lease;
    const timer = setTimeout(() => {
      logger.warn({ partition }, `a partition waits for the handler of its lost lease, ${slowMs} ms so far`);
    }, slowMs);
    await before;
    clearTimeout(timer);
    await handle(lease);
  }

  return {
    run(lease: PartitionLease): void {
      running.set(lease.partition, runAfter(running.get(lease.partition), lease));
    },
    /** Resolves when every handler has returned, or after the time. */
    async settled(ms: number): Promise<void> {
      let timer: NodeJS.Timeout | undefined;
      const over = new Promise((resolve) => {
        timer = setTimeout(resolve, ms);
      });
      await Promise.race([Promise.all(running.values()), over]);
      clearTimeout(timer);
    },
  };
}
