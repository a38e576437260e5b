import type { Kafka } from 'kafkajs';
import { isTallygateError, TallygateError, toMessage } from '../../errors.ts';
import type { Commit, Consumption, PartitionLease } from '../../ports/event-log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { createFeed } from './batch-feed.ts';
import { createCommitter, readBeginnings } from './group-commits.ts';
import { createGroupConsumer } from './group-consumer.ts';
import { createHandlers } from './handlers.ts';
import type { Membership } from './kafkajs-internals.ts';
import { createLease, type OwnedLease } from './lease.ts';
import type { Link } from './link.ts';

export interface ConsumptionDeps {
  readonly kafka: Kafka;
  readonly link: Link;
  readonly topic: string;
  readonly groupId: string;
  /** After this long without a heartbeat the group gives our partitions to others, in milliseconds. */
  readonly sessionTimeoutMs: number;
  /** Bytes that are fetched ahead for each partition. */
  readonly bufferBytes: number;
  readonly onPartition: (lease: PartitionLease) => Promise<void>;
  readonly logger: Logger;
  readonly onEnded: () => void;
}

interface Member {
  readonly membership: Membership;
  readonly partitions: readonly number[];
}

/** How long the handlers get when one of them, or kafkajs, has failed, in milliseconds. */
const graceMs = 5000;
/** Without any sign of life from kafkajs for this long the consumption has crashed, in milliseconds. */
const silenceMs = 180_000;
const retryMs = 500;
/**
 * How often a log that looks replaced is looked at again: right after a leader has moved its end can be behind for a
 * moment.
 */
const replacedTries = 5;

/**
 * Turns kafkajs's consumer, which pushes, into leases, from which handlers take. All leases end at once when a JOIN
 * begins, when this member leaves, when a commit is refused and when no heartbeat has got through for the session's
 * time. `ended` rejects with LOG_REPLACED when the offsets to go on from are not in the log any more (group-commits.ts
 * says when), and with LOG_UNAVAILABLE when kafkajs gives up although the brokers are there.
 */
export function openConsumption(deps: ConsumptionDeps): Consumption {
  const { link, topic, groupId, sessionTimeoutMs, logger, onEnded } = deps;
  const stopping = new AbortController();
  const finished = Promise.withResolvers<void>();
  finished.promise.catch(() => undefined);
  const leases = new Map<number, OwnedLease>();
  /** Raised whenever partitions may change hands; what began under an older one is void. */
  let epoch = 0;
  /** SYNC was answered, the assignment is about to be announced. */
  let synced: Membership | undefined;
  let member: Member | undefined;
  /** Lost to our own clock only: the group may not have noticed. */
  let suspended: Member | undefined;
  let lastHeartbeat = Date.now();
  let lastSign = Date.now();
  let outOfRange = false;
  let stopped: Promise<void> | undefined;

  const handlers = createHandlers({
    onPartition: deps.onPartition,
    stopping: stopping.signal,
    logger,
    onFailed: (reason) => void finish(graceMs, reason),
  });
  const consumer = createGroupConsumer({
    ...deps,
    onJoin: () => loseAll('a rebalance has begun'),
    onSync(membership) {
      loseAll('a rebalance has ended');
      synced = membership;
      lastHeartbeat = Date.now();
    },
    onAssigned(partitions) {
      // Another fetcher of kafkajs may have begun the next JOIN already: its assignment follows.
      if (!synced || stopping.signal.aborted) return;
      member = { membership: synced, partitions };
      synced = undefined;
      begin(member);
    },
    onLeave: () => loseAll('this member leaves the group'),
    onForeignCommit() {
      outOfRange = true;
    },
    onHeartbeat(generationId) {
      lastHeartbeat = Date.now();
      if (suspended?.membership.generationId !== generationId || stopping.signal.aborted) return;
      member = suspended;
      suspended = undefined;
      begin(member);
    },
    onBatch(batch, resolve) {
      const lease = leases.get(batch.partition);
      if (lease) feed(lease, batch, resolve);
    },
    onSign() {
      lastSign = Date.now();
    },
    onCrash,
  });
  const commit = createCommitter({ groupId, topic, cluster: consumer.cluster });
  const feed = createFeed({ logger, seek: consumer.seek, pause: (partition) => consumer.pause([partition]) });
  const watchdog = setInterval(watch, Math.min(1000, sessionTimeoutMs / 4));

  function loseAll(why: string): void {
    epoch++;
    synced = undefined;
    member = undefined;
    suspended = undefined;
    if (leases.size > 0) logger.info({ groupId, partitions: [...leases.keys()] }, `leases have ended: ${why}`);
    for (const lease of leases.values()) lease.lose();
    leases.clear();
  }

  function begin({ membership, partitions }: Member): void {
    const born = ++epoch;
    logger.info({ groupId, partitions, generation: membership.generationId }, 'partitions were assigned');
    if (partitions.length === 0) return;
    // Nothing is fetched before it is known from where.
    consumer.pause(partitions);
    const valid = () => born === epoch && !stopping.signal.aborted;
    beginWhenKnown(valid, membership, partitions).catch((error: unknown) => void finish(graceMs, error));
  }

  async function beginWhenKnown(
    valid: () => boolean,
    membership: Membership,
    partitions: readonly number[],
  ): Promise<void> {
    for (let tries = 1; valid(); tries++) {
      try {
        const beginnings = await readBeginnings(link, groupId, topic, partitions, logger);
        if (valid()) for (const { partition, commit: found } of beginnings) beginLease(partition, membership, found);
        return;
      } catch (error) {
        const replaced = isTallygateError(error) && error.code === 'LOG_REPLACED';
        if (replaced && tries >= replacedTries) throw error;
        if (tries % 20 === 1)
          logger.warn({ groupId, reason: toMessage(error) }, 'leases can not begin yet, trying again');
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  function beginLease(partition: number, membership: Membership, committed: Commit): void {
    const lease = createLease({
      partition,
      committed,
      stopping: stopping.signal,
      bufferBytes: deps.bufferBytes,
      async commit(wanted, held) {
        try {
          await commit(partition, membership, wanted, held);
          lastHeartbeat = Date.now();
        } catch (error) {
          if (held() && isTallygateError(error) && error.code === 'LEASE_LOST') loseAll('a commit was refused');
          throw error;
        }
      },
      onRoom() {
        if (leases.get(partition) === lease && !stopping.signal.aborted) consumer.resume([partition]);
      },
    });
    leases.set(partition, lease);
    consumer.seek(partition, committed.next);
    consumer.resume([partition]);
    handlers.run(lease);
  }

  function watch(): void {
    const now = Date.now();
    if (member && now - lastHeartbeat > sessionTimeoutMs) {
      const was = member;
      loseAll(`no heartbeat got through for ${sessionTimeoutMs} ms`);
      suspended = was;
    }
    if (now - lastSign < silenceMs) return;
    void finish(
      graceMs,
      new TallygateError('LOG_UNAVAILABLE', `the consumer gave no sign of life for ${silenceMs} ms`),
    );
  }

  function onCrash(error: Error, restarts: boolean): void {
    loseAll('the consumer crashed');
    if (restarts || stopping.signal.aborted) return;
    // Another process would not find them either; and this one may have a gateway in it, whose reports go on.
    if (link.down() && !outOfRange) {
      logger.warn({ groupId, reason: toMessage(error) }, 'the consumer crashed with the brokers away, it begins anew');
      consumer.startAgain();
      return;
    }
    logger.error({ err: error, groupId }, 'the consumer crashed');
    const reason = outOfRange
      ? new TallygateError('LOG_REPLACED', 'the offsets that were being read are not in the log any more', {
          cause: error,
        })
      : new TallygateError('LOG_UNAVAILABLE', `the consumer crashed: ${toMessage(error)}`, { cause: error });
    void finish(graceMs, reason);
  }

  /**
   * The first reason wins; a stop that comes later waits for the same end. Heartbeats go on until the handlers are
   * done.
   */
  function finish(deadlineMs: number, reason?: unknown): Promise<void> {
    stopped ??= (async () => {
      stopping.abort();
      consumer.pauseAll();
      await handlers.settled(deadlineMs);
      loseAll('the consumption has ended');
      clearInterval(watchdog);
      await consumer.close();
      onEnded();
      if (reason === undefined) finished.resolve();
      else finished.reject(reason instanceof Error ? reason : new Error(toMessage(reason)));
    })();
    return stopped;
  }

  return { ended: finished.promise, stop: (deadlineMs) => finish(deadlineMs) };
}
