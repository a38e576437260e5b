import { TallygateError } from '../../errors.ts';
import type { Consumption, EventLog, NewRecord } from '../../ports/event-log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { createAccumulator } from './accumulator.ts';
import { createKafkaClients, type KafkaAddress } from './client.ts';
import { openConsumption } from './consumption.ts';
import { isUnanswered } from './failures.ts';
import { inspectPartitions } from './group-commits.ts';
import { openLink } from './link.ts';
import { createSender } from './producer.ts';
import { readRange } from './read-range.ts';
import { createTopic } from './topic.ts';

export interface KafkaLogOptions extends KafkaAddress {
  readonly topic: string;
  /** Whether to make the topic when it is missing. */
  readonly createTopic: boolean;
  /** Of a topic that is made: */
  readonly partitionsWhenCreated: number;
  /** Default: 3, or as many as there are brokers. */
  readonly replication?: number | undefined;
  readonly retentionMs: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** How long an append waits for others to share its batch, in milliseconds. Default: 5. */
  readonly lingerMs?: number;
  /** Default: 1,000. */
  readonly maxBatchRecords?: number;
  /** Default: 512 KiB. */
  readonly maxBatchBytes?: number;
  /** Appends are refused with LOG_OVERLOADED when this many bytes wait or are on their way. Default: 64 MiB. */
  readonly maxQueuedBytes?: number;
  /** Appends are refused with LOG_OVERLOADED when they would have to wait for longer, about. Default: 1,000 milliseconds. */
  readonly maxWaitMs?: number;
  /** When an append is given up with LOG_UNAVAILABLE, in milliseconds. Default: 10,000. */
  readonly deadlineMs?: number;
  /** Default: 45,000. */
  readonly sessionTimeoutMs?: number;
  /** Bytes that a consumer fetches ahead for each partition. Default: 16 MiB. */
  readonly bufferBytes?: number;
}

const mebibyte = 1024 * 1024;
/** Most bytes of one append: it is one batch, and must fit into what the topic takes. */
const maxAppendBytes = 4 * mebibyte;
/** How long close() waits for handlers that nobody stopped, in milliseconds. */
const closeMs = 5000;

/**
 * The event log in Apache Kafka. Opens at once, whether or not brokers are there, and connects in the background: until
 * then, and whenever they are away, appends are refused with LOG_UNAVAILABLE right away.
 */
export function openKafkaLog(options: KafkaLogOptions): EventLog {
  const { topic, logger, metrics, deadlineMs = 10_000 } = options;
  const clients = createKafkaClients(options, logger);
  const consumptions = new Set<Consumption>();
  let closed: Promise<void> | undefined;

  const plan = {
    topic,
    partitions: options.partitionsWhenCreated,
    replication: options.replication,
    retentionMs: options.retentionMs,
    // The codec's worst case on top.
    maxBatchBytes: maxAppendBytes + 64 * 1024,
  };
  const link = openLink({
    kafka: clients.quick,
    topic,
    createTopic: options.createTopic ? () => createTopic(clients.quick, plan, logger) : undefined,
    logger,
    onDown: (reason) => accumulator.rejectQueued(reason),
  });
  const sender = createSender({ kafka: clients.quick, topic, deadlineMs });
  const accumulator = createAccumulator({
    lingerMs: options.lingerMs ?? 5,
    maxBatchRecords: options.maxBatchRecords ?? 1000,
    maxBatchBytes: options.maxBatchBytes ?? 512 * 1024,
    maxQueuedBytes: options.maxQueuedBytes ?? 64 * mebibyte,
    maxWaitMs: options.maxWaitMs ?? 1000,
    maxAppendBytes,
    deadlineMs,
    metrics,
    async send(partition, records, bytes) {
      try {
        return await sender.send(partition, records, bytes);
      } catch (error) {
        if (isUnanswered(error)) {
          link.loseLeader(partition);
          // Otherwise what came meanwhile would wait as long, one batch after the other.
          accumulator.rejectQueued(error as Error, partition);
        }
        link.lookNow();
        throw error;
      }
    },
  });

  function checkOpen(): void {
    if (closed) throw new TallygateError('LOG_UNAVAILABLE', 'the event log is closed', { retryAfterMs: 1000 });
  }

  async function append(partition: number, records: readonly NewRecord[]): Promise<number> {
    try {
      checkOpen();
      link.check();
      if (!Number.isInteger(partition) || partition < 0 || partition >= link.partitions()) {
        throw new TallygateError('INTERNAL', `expected a partition below ${link.partitions()}, got ${partition}`);
      }
      link.checkLeader(partition);
      if (records.length === 0) return (await link.ends())[partition] as number;
    } catch (error) {
      if (error instanceof TallygateError) metrics.appendErrors.inc({ code: error.code });
      throw error;
    }
    return accumulator.append(partition, records);
  }

  async function close(): Promise<void> {
    await Promise.all([...consumptions].map((consumption) => consumption.stop(closeMs)));
    await accumulator.drain(deadlineMs);
    await Promise.all([sender.close(), link.close()]);
  }

  return {
    partitions: link.partitions,
    append,
    inspect: (group) => inspectPartitions(link, group, topic),
    read: (partition, from, to) => readRange(link, topic, partition, from, to),
    async consume(group, onPartition) {
      checkOpen();
      const consumption = openConsumption({
        kafka: clients.patient,
        link,
        topic,
        groupId: group,
        sessionTimeoutMs: options.sessionTimeoutMs ?? 45_000,
        bufferBytes: options.bufferBytes ?? 16 * mebibyte,
        onPartition,
        logger,
        onEnded: () => consumptions.delete(consumption),
      });
      consumptions.add(consumption);
      return consumption;
    },
    close: () => (closed ??= close()),
  };
}
