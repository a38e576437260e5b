import type { Kafka } from 'kafkajs';
import { TallygateError, toMessage } from '../../errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { toLogError, toProtocolType, withinMs } from './failures.ts';
import { createCluster } from './kafkajs-internals.ts';
import { createReach } from './reach.ts';

export interface LinkDeps {
  readonly kafka: Kafka;
  readonly topic: string;
  /** Makes the topic when it is missing; undefined leaves that to somebody else. */
  readonly createTopic?: (() => Promise<void>) | undefined;
  readonly logger: Logger;
  /** Called when the brokers are found to be away. */
  readonly onDown: (reason: TallygateError) => void;
}

export interface OffsetRange {
  /** The oldest offset that is kept. */
  readonly begin: number;
  /** The next offset. */
  readonly end: number;
}

export type Link = ReturnType<typeof openLink>;

/** Time between two looks at the brokers, and the longest of a look, in milliseconds. */
const lookMs = 1000;
const lookAgainMs = 300;
const lookTimeoutMs = 3000;
/** One failed look can be a hiccup, two mean that the brokers are away. */
const looksUntilDown = 2;

/**
 * Knows whether the brokers are there and what the topic looks like. Opens at once and finds out in the background,
 * again and again.
 */
export function openLink(deps: LinkDeps) {
  const { kafka, topic, logger, onDown } = deps;
  const cluster = createCluster(kafka, 'tallygate.link');
  let partitions = 0;
  let failedLooks = 0;
  let reason: TallygateError | undefined = unavailable('the brokers have not answered yet');
  let targeted = false;
  let closed = false;
  let wake: (() => void) | undefined;
  const reach = createReach({
    ask: (partition) => cluster.fetchTopicsOffset([{ topic, partitions: [{ partition }], fromBeginning: true }]),
    askMs: lookTimeoutMs,
    logger,
  });
  const watching = watch();

  async function watch(): Promise<void> {
    while (!closed) {
      try {
        await withinMs(lookTimeoutMs, 'asking for metadata', look());
        onLook();
      } catch (error) {
        await onFailedLook(error);
      }
      await pause(failedLooks === 0 || failedLooks > looksUntilDown ? lookMs : lookAgainMs);
    }
  }

  async function look(): Promise<void> {
    if (!cluster.isConnected()) await cluster.connect();
    if (targeted) await cluster.refreshMetadata();
    else await cluster.addTargetTopic(topic);
    targeted = true;
    const found = cluster.findTopicPartitionMetadata(topic);
    reach.onLeaders(found);
    const count = found.length;
    if (count === 0) throw unavailable(`the topic ${topic} has no partitions yet`);
    if (partitions !== 0 && partitions !== count) {
      logger.warn({ topic, before: partitions, now: count }, 'the number of partitions has changed');
    }
    partitions = count;
  }

  function onLook(): void {
    if (reason) logger.info({ topic, partitions }, 'connected to Kafka');
    failedLooks = 0;
    reason = undefined;
  }

  async function onFailedLook(error: unknown): Promise<void> {
    const type = toProtocolType(error);
    // Of the topic, not of a partition: it is being made.
    if (type === 'LEADER_NOT_AVAILABLE' && partitions > 0) return;
    if (type === 'UNKNOWN_TOPIC_OR_PARTITION') {
      if (deps.createTopic) {
        await deps.createTopic().catch((cause: unknown) => {
          logger.error({ topic, reason: toMessage(cause) }, 'the topic could not be created, trying again');
        });
      } else if (failedLooks === looksUntilDown) {
        logger.error({ topic }, 'the topic is missing: create it, or set MIGRATE_AT_START=true');
      }
    }
    failedLooks++;
    if (failedLooks < looksUntilDown) return;
    const wasUp = reason === undefined;
    reason =
      type === 'UNKNOWN_TOPIC_OR_PARTITION'
        ? unavailable(`the topic ${topic} does not exist`, error)
        : unavailable(`the brokers do not answer: ${toMessage(error)}`, error);
    if (!wasUp) return;
    logger.error({ topic, reason: reason.message }, 'Kafka is away');
    onDown(reason);
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, closed ? 0 : ms);
      function done() {
        clearTimeout(timer);
        wake = undefined;
        resolve();
      }
      wake = done;
    });
  }

  function check(): void {
    if (closed) throw unavailable('the event log is closed');
    if (reason) throw reason;
  }

  /** Metadata may be older than the cluster: one look at it again, then the error stands. */
  async function askLeaders(wanted: readonly number[], fromBeginning: boolean): Promise<number[]> {
    for (let left = 1; ; left--) {
      try {
        const asked = [{ topic, partitions: wanted.map((partition) => ({ partition })), fromBeginning }];
        const [answer] = await cluster.fetchTopicsOffset(asked);
        const offsets = new Map(answer?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
        return wanted.map((partition) => {
          const offset = offsets.get(partition);
          if (offset === undefined || !(offset >= 0))
            throw unavailable(`no leader answered for partition ${partition}`);
          return offset;
        });
      } catch (error) {
        if (left === 0) throw error;
        await cluster.refreshMetadata();
      }
    }
  }

  async function offsets(wanted: readonly number[], fromBeginning: boolean): Promise<number[]> {
    check();
    try {
      return await withinMs(lookTimeoutMs, 'asking for offsets', askLeaders(wanted, fromBeginning));
    } catch (error) {
      throw toLogError(error, 'asking for offsets');
    }
  }

  return {
    cluster,
    /** Why the brokers can't be used right now; undefined when they can. */
    down: (): TallygateError | undefined => reason,
    partitions(): number {
      if (partitions === 0) throw reason ?? unavailable('the topic is not known yet');
      return partitions;
    },
    async ends(): Promise<number[]> {
      check();
      return offsets([...Array(partitions).keys()], false);
    },
    async ranges(wanted: readonly number[]): Promise<OffsetRange[]> {
      const [begins, ends] = [await offsets(wanted, true), await offsets(wanted, false)];
      return wanted.map((_, i) => ({ begin: begins[i] as number, end: ends[i] as number }));
    },
    /** Has a look at the brokers now, because something failed. */
    lookNow: (): void => wake?.(),
    check,
    /** A partition whose leader is out of reach takes nothing; it is no reason to give up the others. */
    checkLeader(partition: number): void {
      const why = reach.whyLost(partition);
      if (why) throw unavailable(`partition ${partition} ${why}`);
    },
    /** Its leader has not been reached: refuses what comes, until it answers again. */
    loseLeader: (partition: number): void => reach.lose([partition], 'has a leader that does not answer'),
    async close(): Promise<void> {
      closed = true;
      wake?.();
      await watching;
      await withinMs(lookTimeoutMs, 'disconnecting', cluster.disconnect()).catch(() => undefined);
    },
  };
}

function unavailable(message: string, cause?: unknown): TallygateError {
  return new TallygateError('LOG_UNAVAILABLE', `Kafka: ${message}`, { cause, retryAfterMs: 1000 });
}
