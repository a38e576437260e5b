import type { Batch, Cluster, Kafka } from 'kafkajs';
import { toMessage } from '../../errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { withinMs } from './failures.ts';
import { createWatchedAssigner, type GroupHooks } from './kafkajs-internals.ts';
import type { Link } from './link.ts';

export interface GroupConsumerDeps extends GroupHooks {
  readonly kafka: Kafka;
  readonly link: Link;
  readonly topic: string;
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly logger: Logger;
  /** The group has assigned these partitions to us, under the membership of the last onSync. */
  readonly onAssigned: (partitions: readonly number[]) => void;
  readonly onHeartbeat: (generationId: number) => void;
  readonly onBatch: (batch: Batch, resolve: (offset: string) => void) => void;
  /** Any event of kafkajs: it is not stuck. */
  readonly onSign: () => void;
  readonly onCrash: (error: Error, restarts: boolean) => void;
}

/** kafkajs sleeps this long when nothing is to be fetched, and a fetch waits as long for records, in milliseconds. */
const fetchWaitMs = 250;
const retryMs = 500;
const disconnectMs = 5000;

/** kafkajs's consumer with the settings that make it safe; it never commits by itself and starts in the background. */
export function createGroupConsumer(deps: GroupConsumerDeps) {
  const { kafka, link, topic, groupId, sessionTimeoutMs, logger } = deps;
  let cluster: Cluster | undefined;
  let stopped = false;

  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: Math.max(90_000, sessionTimeoutMs),
    heartbeatInterval: Math.min(3000, Math.floor(sessionTimeoutMs / 4)),
    maxWaitTimeInMs: fetchWaitMs,
    // Compressed: it is several times as much in memory.
    maxBytesPerPartition: 512 * 1024,
    maxBytes: 4 * 1024 * 1024,
    metadataMaxAge: 60_000,
    retry: { restartOnFailure: async () => !stopped },
    partitionAssigners: [
      createWatchedAssigner(deps, (found) => {
        cluster = found;
      }),
    ],
  });
  const { GROUP_JOIN, HEARTBEAT, CRASH, FETCH_START, FETCH, CONNECT } = consumer.events;
  consumer.on(GROUP_JOIN, ({ payload }) => deps.onAssigned(payload.memberAssignment[topic] ?? []));
  consumer.on(HEARTBEAT, ({ payload }) => deps.onHeartbeat(payload.groupGenerationId));
  consumer.on(CRASH, ({ payload }) => deps.onCrash(payload.error, payload.restart));
  for (const event of [GROUP_JOIN, HEARTBEAT, CRASH, FETCH_START, FETCH, CONNECT]) consumer.on(event, deps.onSign);
  // kafkajs can't be stopped while it joins: if it comes up after it was stopped, stop it again.
  consumer.on(FETCH_START, () => {
    if (stopped) void disconnect();
  });
  void start();

  async function start(): Promise<void> {
    while (!stopped) {
      deps.onSign();
      try {
        link.check();
        await consumer.connect();
        await consumer.subscribe({ topics: [topic], fromBeginning: true });
        if (stopped) return disconnect();
        await consumer.run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          eachBatch: async ({ batch, resolveOffset }) => deps.onBatch(batch, resolveOffset),
        });
        return;
      } catch (error) {
        logger.debug({ groupId, reason: toMessage(error) }, 'the consumer could not start, trying again');
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  async function disconnect(): Promise<void> {
    await withinMs(disconnectMs, 'leaving the group', consumer.disconnect()).catch((error: unknown) => {
      logger.warn({ groupId, reason: toMessage(error) }, 'the consumer did not leave its group in order');
    });
  }

  /** kafkajs throws when its consumer is between two lives; the next one begins with new leases. */
  function ifRunning(act: () => void): void {
    try {
      act();
    } catch (error) {
      logger.debug({ groupId, reason: toMessage(error) }, 'the consumer is not running');
    }
  }

  return {
    /** After a crash that kafkajs does not recover from; it has disconnected. Begins when the brokers are there. */
    startAgain: (): void => void start(),
    cluster: (): Cluster => cluster as Cluster,
    pause: (partitions: readonly number[]): void =>
      ifRunning(() => consumer.pause([{ topic, partitions: [...partitions] }])),
    resume: (partitions: readonly number[]): void =>
      ifRunning(() => consumer.resume([{ topic, partitions: [...partitions] }])),
    pauseAll: (): void => ifRunning(() => consumer.pause([{ topic }])),
    seek: (partition: number, offset: number): void =>
      ifRunning(() => consumer.seek({ topic, partition, offset: String(offset) })),
    /** Leaves the group. */
    async close(): Promise<void> {
      stopped = true;
      await disconnect();
    },
  };
}
