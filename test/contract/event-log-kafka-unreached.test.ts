import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { openKafkaLog } from '../../src/adapters/kafka/open-kafka-log.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { openTcpProxy, type TcpProxy } from '../faults/tcp-proxy.ts';
import { findFreePorts } from '../servers/ports.ts';
import { describeWithOwn, uniqueName } from '../servers/require.ts';
import { readAll, ready, toRecords, toValues } from './event-log-rig.ts';

describeWithOwn(['kafka'], 'Kafka that names a leader which this process does not reach', (start) => {
  const topic = uniqueName('unreached');
  const deadlineMs = 2000;
  let proxies: TcpProxy[] = [];
  let log: EventLog;
  let admin: kafkajs.Admin;
  beforeAll(async () => {
    const ports = await findFreePorts(3);
    // Long sessions: whatever the machine does, the leaders stay.
    const server = await start.kafka({ nodes: 3, listeners: { PROXY: ports }, sessionMs: 20_000 });
    const targets = server.listeners.PROXY ?? [];
    proxies = await Promise.all(ports.map((port, i) => openTcpProxy({ port, target: { port: targets[i] as number } })));
    log = openKafkaLog({
      brokers: ports.map((port) => `127.0.0.1:${port}`),
      tls: false,
      topic,
      createTopic: true,
      partitionsWhenCreated: 6,
      replication: 1,
      retentionMs: 3_600_000,
      deadlineMs,
      logger: createSilentLogger(),
      metrics: createMetrics(),
    });
    await ready(log, 30_000);
    const brokers = server.env.KAFKA_BROKERS.split(',');
    admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
  }, 120_000);
  afterAll(async () => {
    await log?.close();
    await admin?.disconnect();
    await Promise.all(proxies.map((proxy) => proxy.close()));
  });

  async function readLeaders(): Promise<number[]> {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const partitions = [...(topics[0]?.partitions ?? [])].sort((a, b) => a.partitionId - b.partitionId);
    return partitions.map(({ leader }) => leader);
  }

  const acknowledged: { partition: number; offset: number; value: string }[] = [];
  async function append(partition: number, value: string): Promise<{ ms: number; refusal?: string }> {
    const began = performance.now();
    try {
      acknowledged.push({ partition, offset: await log.append(partition, toRecords(value)), value });
      return { ms: performance.now() - began };
    } catch (error) {
      expect(error).toMatchObject({ code: 'LOG_UNAVAILABLE', retriable: true });
      return { ms: performance.now() - began, refusal: (error as Error).message };
    }
  }

  test('its partitions are refused at once after the first failure, others are taken, and all when it answers', async () => {
    const leaders = await readLeaders();
    const all = leaders.map((_, partition) => partition);
    const unreached = all.filter((partition) => leaders[partition] === 3);
    const others = all.filter((partition) => leaders[partition] !== 3);
    expect([unreached.length, others.length]).toEqual([2, 4]);
    for (const partition of all) expect(await append(partition, 'before')).not.toHaveProperty('refusal');

    await proxies[2]?.refuse();
    const first = unreached.map((partition) => append(partition, 'tried'));
    await sleep(deadlineMs / 2);
    // Waits behind the first, and is refused with it: its own deadline would come later.
    const second = unreached.map((partition) => append(partition, 'waited'));
    for (const { ms, refusal } of await Promise.all(first)) {
      expect(refusal).toBeDefined();
      expect(ms).toBeGreaterThan(deadlineMs - 500);
    }
    for (const { refusal } of await Promise.all(second)) expect(refusal).toBeDefined();
    // For as long as several looks at the brokers, all of which name the leader.
    for (const until = Date.now() + 4000; Date.now() < until; await sleep(50)) {
      for (const { ms, refusal } of await Promise.all(unreached.map((partition) => append(partition, 'refused')))) {
        expect(refusal).toMatch(/has a leader that does not answer|has not confirmed/);
        expect(ms).toBeLessThan(deadlineMs / 2);
      }
      for (const taken of await Promise.all(others.map((partition) => append(partition, 'meanwhile'))))
        expect(taken).not.toHaveProperty('refusal');
    }
    expect(await readLeaders()).toEqual(leaders);

    await proxies[2]?.accept();
    for (const partition of unreached) {
      for (const until = Date.now() + 20_000; (await append(partition, 'after')).refusal; await sleep(20))
        if (Date.now() > until) throw new Error('expected the partition to be taken again');
      expect(await append(partition, 'later')).not.toHaveProperty('refusal');
      // Nothing that was refused has been sent.
      expect(toValues(await readAll(log, partition))).toEqual(['before', 'after', 'later']);
    }
    for (const partition of others) {
      const stored = toValues(await readAll(log, partition));
      const own = acknowledged.filter((each) => each.partition === partition);
      expect(own.map(({ offset }) => stored[offset])).toEqual(own.map(({ value }) => value));
      expect(stored.length).toBe(own.length);
    }
  }, 90_000);
});
