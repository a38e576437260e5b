import kafkajs, { type Kafka } from 'kafkajs';
import { TallygateError } from '../../errors.ts';
import type { NewRecord } from '../../ports/event-log.ts';
import { toLogError, withinMs } from './failures.ts';

export interface SenderDeps {
  readonly kafka: Kafka;
  readonly topic: string;
  /** How long the brokers may take to replicate a batch, in milliseconds. */
  readonly timeoutMs: number;
}

/** Batches below this many bytes are not worth compressing. */
const compressFromBytes = 2048;

/**
 * Sends one batch to one partition. Never more than one partition in a send, and not idempotent: kafkajs 2.2.4 loses a
 * part of a send over two leaders when one of them moves, and reorders its sequence numbers when a reply of concurrent
 * sends is lost. Repeats that its retries make are dropped by messageId.
 */
export function createSender({ kafka, topic, timeoutMs }: SenderDeps) {
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    idempotent: false,
    maxInFlightRequests: 5,
    createPartitioner: () => (args) => args.message.partition as number,
  });
  let connected: Promise<void> | undefined;

  function connect(): Promise<void> {
    connected ??= producer.connect().catch((error: unknown) => {
      connected = undefined;
      throw error;
    });
    return connected;
  }

  return {
    async send(partition: number, records: readonly NewRecord[], bytes: number): Promise<number> {
      try {
        await connect();
        const results = await producer.send({
          topic,
          acks: -1,
          timeout: timeoutMs,
          compression: bytes < compressFromBytes ? kafkajs.CompressionTypes.None : kafkajs.CompressionTypes.ZSTD,
          messages: records.map(({ key, value }) => ({ key, value, partition })),
        });
        const [result] = results;
        const offset = Number(result?.baseOffset);
        const named = results.length === 1 && result?.topicName === topic && result.partition === partition;
        if (named && result.errorCode === 0 && Number.isSafeInteger(offset) && offset >= 0) return offset;
        throw new TallygateError(
          'LOG_UNAVAILABLE',
          `expected an answer for partition ${partition} with an offset, got ${JSON.stringify(results)}`,
          { retryAfterMs: 1000 },
        );
      } catch (error) {
        throw toLogError(error, `sending to partition ${partition}`);
      }
    },
    async close(): Promise<void> {
      await withinMs(3000, 'disconnecting', producer.disconnect()).catch(() => undefined);
    },
  };
}
