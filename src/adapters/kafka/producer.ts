import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import { TallygateError } from '../../errors.ts';
import type { NewRecord } from '../../ports/event-log.ts';
import { isFinal, toLogError, withinMs } from './failures.ts';
import { createCluster, produce } from './kafkajs-internals.ts';
import { encodeRecordBatch } from './record-batch.ts';

export interface SenderDeps {
  readonly kafka: Kafka;
  readonly topic: string;
  /** How long a batch is tried, and how long the brokers may take to replicate it, in milliseconds. */
  readonly deadlineMs: number;
}

/** Batches below this many bytes are not worth compressing. */
const compressFromBytes = 2048;
/** Requests on their way to one broker; the others wait here, where their time does not run yet. */
const maxInFlight = 5;
/** Pauses between tries, in milliseconds; the last one is repeated. */
const pausesMs = [100, 200, 400, 800, 1600, 2000] as const;
/** The longest look at the brokers between two tries, in milliseconds. */
const lookMs = 3000;
/** Beyond the deadline an answer may still be on its way: it is waited for, in milliseconds. */
const graceMs = 5000;

/**
 * Sends one batch to the leader of one partition, and tries again until the deadline. The batch is encoded once, so every try
 * sends the same bytes to the same partition; as the next batch comes only when this one has settled, tries cannot reorder. Not
 * idempotent: repeats that tries make are dropped by messageId.
 *
 * kafkajs's own producer is not used: 2.2.4 loses a part of a send over two leaders when one of them moves, asks its
 * partitioner again at each try, reorders its sequence numbers when a reply of concurrent sends is lost, and groups
 * messages in quadratic time.
 */
export function createSender({ kafka, topic, deadlineMs }: SenderDeps) {
  const cluster = createCluster(kafka, 'tallygate.producer', maxInFlight);
  let known: Promise<void> | undefined;
  let closed = false;

  function learnTopic(): Promise<void> {
    known ??= cluster
      .connect()
      .then(() => cluster.addTargetTopic(topic))
      .catch((error: unknown) => {
        known = undefined;
        throw error;
      });
    return known;
  }

  /** Undefined while the partition has none. */
  function findLeader(partition: number): string | undefined {
    const [leader] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
    return leader === '-1' ? undefined : leader;
  }

  async function sendOnce(partition: number, batch: Buffer): Promise<number> {
    await learnTopic();
    const nodeId = findLeader(partition);
    if (nodeId === undefined) throw unavailable(`partition ${partition} has no leader`);
    const broker = await cluster.findBroker({ nodeId });
    const answer = await produce(broker, {
      topic,
      partition,
      batch,
      timeoutMs: deadlineMs,
      requestTimeoutMs: deadlineMs + graceMs,
    });
    const [named] = answer.length === 1 && answer[0]?.topicName === topic ? answer[0].partitions : [];
    const offset = Number(named?.baseOffset);
    const right = answer[0]?.partitions.length === 1 && named?.partition === partition && named.errorCode === 0;
    if (right && Number.isSafeInteger(offset) && offset >= 0) return offset;
    throw unavailable(`expected an answer for partition ${partition} with an offset, got ${JSON.stringify(answer)}`);
  }

  /** Leaders move, connections close: has a look at how things are. */
  async function lookAgain(error: unknown): Promise<void> {
    const { name, host, port } = error as { name?: string; host?: string; port?: number };
    if (name === 'KafkaJSConnectionClosedError' && host !== undefined && port !== undefined) {
      cluster.removeBroker({ host, port });
    }
    const look = async () => {
      if (!cluster.isConnected()) await cluster.connect();
      await cluster.refreshMetadata();
    };
    // What it failed with comes up again at the next try.
    await withinMs(lookMs, 'asking for metadata', look()).catch(() => undefined);
  }

  async function trySending(partition: number, batch: Buffer): Promise<number> {
    const giveUpAt = performance.now() + deadlineMs;
    for (let tries = 0; ; tries++) {
      try {
        return await sendOnce(partition, batch);
      } catch (error) {
        const left = giveUpAt - performance.now();
        if (closed || isFinal(error) || left <= 0) throw error;
        await lookAgain(error);
        const pause = pausesMs[Math.min(tries, pausesMs.length - 1)] as number;
        await sleep(Math.min(left, pause * (0.8 + Math.random() * 0.4)));
      }
    }
  }

  return {
    async send(partition: number, records: readonly NewRecord[], bytes: number): Promise<number> {
      try {
        const compressed = bytes >= compressFromBytes;
        return await trySending(partition, await encodeRecordBatch(records, { timestamp: Date.now(), compressed }));
      } catch (error) {
        throw toLogError(error, `sending to partition ${partition}`);
      }
    },
    async close(): Promise<void> {
      closed = true;
      await withinMs(lookMs, 'disconnecting', cluster.disconnect()).catch(() => undefined);
    },
  };
}

function unavailable(message: string): TallygateError {
  return new TallygateError('LOG_UNAVAILABLE', `Kafka: ${message}`, { retryAfterMs: 1000 });
}
