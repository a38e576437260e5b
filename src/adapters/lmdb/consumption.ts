import { TallygateError, toMessage } from '../../errors.ts';
import type { Commit, Consumption, PartitionLease } from '../../ports/event-log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { ChunkStore } from './chunk-store.ts';
import { createLease, type OwnedLease } from './lease.ts';

export interface ConsumptionDeps {
  readonly store: ChunkStore;
  readonly group: string;
  readonly end: (partition: number) => number;
  readonly onPartition: (lease: PartitionLease) => Promise<void>;
  readonly logger: Logger;
  /** Called once, when the last handler has returned or was given up. */
  readonly onEnded: () => void;
}

export interface OwnedConsumption extends Consumption {
  onEnd(partition: number, end: number): void;
}

/** After the handler of one partition has failed, the others get this long to finish, in milliseconds. */
const graceMs = 5000;

/** Every partition belongs to the one consumer that there can be, until it stops. */
export async function openConsumption(deps: ConsumptionDeps): Promise<OwnedConsumption> {
  const { store, group, end, onPartition, logger, onEnded } = deps;
  const lost = new AbortController();
  const stopping = new AbortController();
  const committed: Commit[] = [];
  for (let partition = 0; partition < store.partitions; partition++) {
    committed.push(await firstCommit(store, group, partition, end(partition)));
  }
  let stopped: Promise<void> | undefined;
  const finished = Promise.withResolvers<void>();
  finished.promise.catch(() => undefined);

  const leases: readonly OwnedLease[] = committed.map((commit, partition) =>
    createLease({
      store,
      group,
      partition,
      committed: commit,
      end: () => end(partition),
      lost: lost.signal,
      stopping: stopping.signal,
    }),
  );
  const handlers = leases.map((lease) => Promise.resolve(lease).then(runHandler));

  async function runHandler(lease: OwnedLease): Promise<void> {
    try {
      await onPartition(lease);
      if (stopping.signal.aborted) return;
      throw new TallygateError(
        'INTERNAL',
        `the handler of partition ${lease.partition} returned before it was stopped`,
      );
    } catch (error) {
      if (lost.signal.aborted) return;
      logger.error({ err: error, partition: lease.partition }, 'a handler of the event log failed');
      void finish(graceMs, error);
    }
  }

  /** The first reason wins; a stop that comes later waits for the same end. */
  function finish(deadlineMs: number, reason?: unknown): Promise<void> {
    stopped ??= (async () => {
      stopping.abort();
      await waitAtMost(deadlineMs, Promise.all(handlers));
      lost.abort();
      await Promise.all(leases.map((lease) => lease.settled()));
      onEnded();
      if (reason === undefined) finished.resolve();
      else finished.reject(reason instanceof Error ? reason : new Error(toMessage(reason)));
    })();
    return stopped;
  }

  return {
    ended: finished.promise,
    stop: (deadlineMs) => finish(deadlineMs),
    onEnd: (partition, reached) => leases[partition]?.onEnd(reached),
  };
}

/** Reads the group's commit, or makes its first one, so that nothing is trimmed before the group has read it. */
async function firstCommit(store: ChunkStore, group: string, partition: number, end: number): Promise<Commit> {
  const begin = store.begin(partition);
  const commit = store.readCommit(group, partition);
  if (!commit) {
    const first = { next: begin, end: null };
    await store.writeCommit(group, partition, first);
    return first;
  }
  if (commit.next < begin || commit.next > end) {
    throw new TallygateError(
      'LOG_REPLACED',
      `expected group ${group} to go on at offset ${commit.next} of partition ${partition}, but the event log holds ${begin} to ${end - 1}: it is not the log that was there before`,
    );
  }
  return commit;
}

async function waitAtMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, over]);
  clearTimeout(timer);
}
