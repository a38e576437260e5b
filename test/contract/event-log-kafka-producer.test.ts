import { setTimeout as sleep } from 'node:timers/promises';
import { type KafkaLogOptions, openKafkaLog } from '../../src/adapters/kafka/open-kafka-log.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { apiKey, type KafkaFrame } from '../faults/kafka-frames.ts';
import { openTcpProxy, type TcpProxy } from '../faults/tcp-proxy.ts';
import { findFreePorts } from '../servers/ports.ts';
import { describeWithOwn, uniqueName } from '../servers/require.ts';
import { readAll, ready, toRecords, toValues, until } from './event-log-rig.ts';

interface SentBatch {
  readonly acks: number;
  /** Of the first topic alone. */
  readonly topics: number;
  readonly partitions: number;
  readonly partition: number;
  readonly bytes: number;
  readonly codec: number;
  readonly producerId: bigint;
}

/** Reads a produce request of version 7: what a broker gets to see. */
function parseProduce({ bytes }: KafkaFrame): SentBatch {
  expect(bytes.readInt16BE(6)).toBe(7);
  // Behind the client's name, and a transaction that is null.
  let at = 14 + bytes.readInt16BE(12) + 2;
  const acks = bytes.readInt16BE(at);
  const topics = bytes.readInt32BE(at + 6);
  at += 12 + bytes.readInt16BE(at + 10);
  const batch = at + 12;
  return {
    acks,
    topics,
    partitions: bytes.readInt32BE(at),
    partition: bytes.readInt32BE(at + 4),
    bytes: bytes.readInt32BE(at + 8),
    codec: bytes.readInt16BE(batch + 21) & 7,
    producerId: bytes.readBigInt64BE(batch + 43),
  };
}

describeWithOwn(['kafka'], 'the producer, seen from the wire', (start) => {
  let brokers: string;
  let proxy: TcpProxy;
  let log: EventLog;
  beforeAll(async () => {
    const [port] = (await findFreePorts(1)) as [number];
    const server = await start.kafka({ listeners: { PROXY: [port] } });
    proxy = await openTcpProxy({ port, target: { port: server.listeners.PROXY?.[0] as number }, frames: true });
    brokers = `127.0.0.1:${port}`;
  }, 120_000);
  afterEach(async () => {
    proxy.onFrame = null;
    await log?.close();
  });
  afterAll(() => proxy?.close());

  async function open(options: Partial<KafkaLogOptions> = {}): Promise<EventLog> {
    log = openKafkaLog({
      brokers: [brokers],
      tls: false,
      topic: uniqueName('wire'),
      createTopic: true,
      partitionsWhenCreated: 4,
      retentionMs: 3_600_000,
      logger: createSilentLogger(),
      metrics: createMetrics(),
      ...options,
    });
    return ready(log);
  }

  test('one partition a request, one request of a partition at a time, acks=all, zstd, not idempotent', async () => {
    await open({ maxBatchRecords: 20 });
    const sent: SentBatch[] = [];
    const partitionOf = new Map<number, number>();
    const outstanding = new Map<number, number>();
    let most = 0;
    proxy.onFrame = (frame) => {
      if (frame.apiKey !== apiKey.produce) return 'pass';
      if (frame.direction === 'request') {
        const batch = parseProduce(frame);
        sent.push(batch);
        partitionOf.set(frame.bytes.readInt32BE(8), batch.partition);
        outstanding.set(batch.partition, (outstanding.get(batch.partition) ?? 0) + 1);
        most = Math.max(most, ...outstanding.values());
      } else {
        const partition = partitionOf.get(frame.bytes.readInt32BE(4)) as number;
        outstanding.set(partition, (outstanding.get(partition) as number) - 1);
      }
      return 'pass';
    };
    const appends = Array.from({ length: 400 }, (_, i) => log.append(i % 4, toRecords(`${i} ${'x'.repeat(400)}`)));
    await Promise.all(appends);
    await log.append(0, toRecords('a small one'));
    expect(sent.length).toBeGreaterThanOrEqual(21);
    expect(most).toBe(1);
    for (const { acks, topics, partitions, producerId } of sent)
      expect([acks, topics, partitions, producerId]).toEqual([-1, 1, 1, -1n]);
    expect(new Set(sent.map(({ partition }) => partition))).toEqual(new Set([0, 1, 2, 3]));
    const packed = sent.filter(({ codec }) => codec === 4);
    expect(packed.length).toBeGreaterThanOrEqual(20);
    for (const { bytes } of packed) expect(bytes).toBeLessThan(20 * 400);
    expect(sent.at(-1)).toMatchObject({ partition: 0, codec: 0 });
  }, 60_000);

  test('answers that are lost with their connection: tried again, in order, nothing lost', async () => {
    await open();
    let answers = 0;
    let lost = 0;
    proxy.onFrame = ({ direction, apiKey: key }) => {
      if (key !== apiKey.produce || direction !== 'response' || answers++ % 5 !== 2) return 'pass';
      lost++;
      return 'cut';
    };
    const acknowledged: { partition: number; offset: number; value: string }[] = [];
    await Promise.all(
      Array.from({ length: 12 }, async (_, caller) => {
        for (let n = 0; n < 25; n++) {
          const [partition, value] = [caller % 4, `${caller} ${n}`];
          acknowledged.push({ partition, offset: await log.append(partition, toRecords(value)), value });
        }
      }),
    );
    proxy.onFrame = null;
    expect(lost).toBeGreaterThan(3);
    const stored = await Promise.all([0, 1, 2, 3].map(async (partition) => toValues(await readAll(log, partition))));
    expect(acknowledged.filter(({ partition, offset, value }) => stored[partition]?.[offset] !== value)).toEqual([]);
    expect(acknowledged.length).toBe(300);
    // The answers that were lost had been given: there are repeats. But what a caller sent first stands first.
    expect(stored.flat().length).toBeGreaterThan(300);
    for (let caller = 0; caller < 12; caller++) {
      const own = stored[caller % 4]?.filter((value) => value.startsWith(`${caller} `)) ?? [];
      expect([...new Set(own)]).toEqual(Array.from({ length: 25 }, (_, n) => `${caller} ${n}`));
      // A repeat follows what it repeats: nothing newer of the same caller is in between.
      expect(own).toEqual([...own].sort((a, b) => Number(a.split(' ')[1]) - Number(b.split(' ')[1])));
    }
  }, 120_000);

  test('an answer that never comes: refused at the deadline, at once afterwards, not sent again, and all goes on', async () => {
    await open({ deadlineMs: 1500 });
    await log.append(0, toRecords('before'));
    let swallowed = 0;
    let requests = 0;
    proxy.onFrame = ({ direction, apiKey: key }) => {
      if (key !== apiKey.produce) return 'pass';
      if (direction === 'request') requests++;
      else if (swallowed === 0) {
        swallowed++;
        return 'drop';
      }
      return 'pass';
    };
    const sentence = 'Kafka has not confirmed the records within 1500 ms';
    await expect(log.append(0, toRecords('unknown'))).rejects.toThrow(sentence);
    const began = performance.now();
    await expect(log.append(0, toRecords('refused'))).rejects.toThrow(sentence);
    expect(performance.now() - began).toBeLessThan(500);
    // Other partitions, on the same connection, go on.
    expect(await log.append(1, toRecords('elsewhere'))).toBe(0);
    let offset: number | undefined;
    await until(() => {
      void log.append(0, toRecords('after')).then(
        (first) => (offset ??= first),
        () => undefined,
      );
      return offset !== undefined;
    }, 'the partition to take appends again');
    await sleep(100);
    const values = toValues(await readAll(log, 0));
    expect(values.slice(0, 2)).toEqual(['before', 'unknown']);
    expect(values[offset as unknown as number]).toBe('after');
    expect(values.filter((value) => value === 'unknown').length).toBe(1);
    expect(values).not.toContain('refused');
    expect(requests).toBeGreaterThan(1);
  }, 60_000);
});
