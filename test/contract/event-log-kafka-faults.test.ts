import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { type KafkaLogOptions, openKafkaLog } from '../../src/adapters/kafka/open-kafka-log.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import type { KafkaServer } from '../servers/kafka.ts';
import { describeWithOwn, uniqueName } from '../servers/require.ts';
import { hold, quick, readAll, readEnds, ready, toRecords, toValues, until } from './event-log-rig.ts';

describeWithOwn(['kafka'], 'Kafka that fails', (start) => {
  const logs: EventLog[] = [];
  afterEach(async () => {
    await Promise.all(logs.splice(0).map((log) => log.close()));
  });

  function open(server: KafkaServer, options: Partial<KafkaLogOptions> = {}): EventLog {
    const log = openKafkaLog({
      brokers: server.env.KAFKA_BROKERS.split(','),
      tls: false,
      topic: uniqueName('faults'),
      createTopic: true,
      partitionsWhenCreated: 3,
      retentionMs: 3_600_000,
      logger: createSilentLogger(),
      metrics: createMetrics(),
      ...options,
    });
    logs.push(log);
    return log;
  }

  /** Appends from several callers until stopped, and remembers what was acknowledged at which offset. */
  function appendAll(log: EventLog, callers = 12) {
    const acknowledged: { partition: number; offset: number; value: string }[] = [];
    const failures: string[] = [];
    let running = true;
    const work = Array.from({ length: callers }, async (_, i) => {
      for (let n = 0; running; n++) {
        const value = `${i}-${n}`;
        try {
          const offset = await log.append(i % 3, toRecords(value));
          acknowledged.push({ partition: i % 3, offset, value });
        } catch (error) {
          failures.push((error as { code: string }).code);
          await sleep(50);
        }
      }
    });
    return {
      acknowledged,
      failures,
      async stop() {
        running = false;
        await Promise.all(work);
      },
    };
  }

  /** Each acknowledged record is where the acknowledgement said; none of them shares its place with another. */
  async function expectAllStored(
    log: EventLog,
    acknowledged: readonly { partition: number; offset: number; value: string }[],
  ) {
    const stored = await Promise.all([0, 1, 2].map(async (partition) => toValues(await readAll(log, partition))));
    const wrong = acknowledged.filter(({ partition, offset, value }) => stored[partition]?.[offset] !== value);
    expect(wrong).toEqual([]);
    expect(new Set(acknowledged.map((a) => `${a.partition} ${a.offset}`)).size).toBe(acknowledged.length);
  }

  describe('one broker', () => {
    let server: KafkaServer;
    beforeAll(async () => {
      server = await start.kafka();
    }, 120_000);
    beforeEach(async () => {
      if (!server.running) await server.restart();
    });

    test('away at the start: the log opens at once, refuses at once, and is there when the broker is', async () => {
      await server.kill();
      const began = Date.now();
      const log = open(server);
      expect(() => log.partitions()).toThrow('Kafka: the brokers have not answered yet');
      const appending = log.append(0, toRecords('a'));
      await expect(appending).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE', retriable: true, retryAfterMs: 1000 });
      await expect(readEnds(log)).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
      const seen: string[] = [];
      const consumption = await log.consume(uniqueName('group'), async (lease) => {
        while (!lease.stopping.aborted) seen.push(...toValues(await lease.take({ ...quick, waitMs: 200 })));
      });
      expect(Date.now() - began).toBeLessThan(500);
      await sleep(2500);
      expect(() => log.partitions()).toThrow('Kafka: the brokers do not answer');
      await server.restart();
      await ready(log);
      expect(await log.append(0, toRecords('b'))).toBe(0);
      await until(() => seen.includes('b'), 'the consumer to see the record');
      await consumption.stop(5000);
    }, 60_000);

    test('away for good: closing ends', async () => {
      await server.kill();
      const log = open(server);
      const consumption = await log.consume(uniqueName('group'), async () => undefined);
      await sleep(500);
      const began = Date.now();
      await log.close();
      await consumption.ended;
      expect(Date.now() - began).toBeLessThan(8000);
    }, 60_000);

    test('killed in the middle of appends: nothing is acknowledged that is not stored, and all goes on afterwards', async () => {
      const log = await ready(open(server));
      const seen: string[] = [];
      const consumption = await log.consume(uniqueName('group'), async (lease) => {
        while (!lease.stopping.aborted) {
          const taken = await lease.take({ ...quick, waitMs: 200 });
          const last = taken.at(-1);
          if (last) await lease.commit({ next: last.offset + 1, end: null });
          seen.push(...toValues(taken));
        }
      });
      const appends = appendAll(log);
      await until(() => appends.acknowledged.length > 500, 'appends');
      await server.kill();
      await sleep(3000);
      // Once it is known that the broker is away, nobody waits for it.
      for (let i = 0; i < 30; i++) {
        const began = Date.now();
        await expect(log.append(i % 3, toRecords('x'))).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
        expect(Date.now() - began).toBeLessThan(100);
      }
      const before = appends.acknowledged.length;
      await server.restart();
      await until(() => appends.acknowledged.length > before + 500, 'appends to go on', 30_000);
      await appends.stop();
      expect(appends.failures.filter((code) => code !== 'LOG_UNAVAILABLE')).toEqual([]);
      await expectAllStored(log, appends.acknowledged);
      const values = new Set(appends.acknowledged.map(({ partition, value }) => `${partition} ${value}`));
      await until(() => seen.length >= values.size, 'the consumer to see everything', 30_000);
      const gone = appends.acknowledged.filter(({ value }) => !seen.includes(value));
      expect(gone).toEqual([]);
      await consumption.stop(5000);
    }, 120_000);

    test('frozen: appends are given up at their deadline, later ones at once, and all goes on when it thaws', async () => {
      const log = await ready(open(server, { deadlineMs: 3000 }));
      await log.append(0, toRecords('before'));
      const { leases } = await hold(log, uniqueName('group'));
      server.freeze();
      await sleep(200);
      const began = Date.now();
      await expect(log.append(0, toRecords('frozen'))).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
      expect(Date.now() - began).toBeLessThan(4000);
      // Two unanswered questions later it is known that nobody answers.
      const refusedAtOnce = async (partition: number) => {
        const asked = Date.now();
        await expect(log.append(partition, toRecords('refused'))).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
        return Date.now() - asked < 50;
      };
      while (!(await refusedAtOnce(0)) || !(await refusedAtOnce(1))) {
        if (Date.now() - began > 20_000) throw new Error('expected appends to be refused at once');
      }
      server.thaw();
      await ready(log);
      const deadline = Date.now() + 20_000;
      let offset: number | undefined;
      while (offset === undefined && Date.now() < deadline) {
        offset = await log.append(0, toRecords('after')).catch(() => undefined);
        if (offset === undefined) await sleep(100);
      }
      const values = toValues(await readAll(log, 0));
      expect(values[offset as number]).toBe('after');
      const lease = leases.get(0);
      if (lease && !lease.lost.aborted) await lease.commit({ next: 1, end: null });
    }, 60_000);
  });

  test('a leader that is killed in the middle of appends loses nothing that was acknowledged', async () => {
    const server = await start.kafka({ nodes: 3 });
    const topic = uniqueName('leaders');
    const log = await ready(open(server, { topic }), 30_000);
    const admin = new kafkajs.Kafka({
      brokers: server.env.KAFKA_BROKERS.split(','),
      logLevel: kafkajs.logLevel.NOTHING,
    }).admin();
    await admin.connect();
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: ['min.insync.replicas'] }],
    });
    expect(resources[0]?.configEntries[0]?.configValue).toBe('2');
    const appends = appendAll(log);
    for (let round = 0; round < 2; round++) {
      const wanted = appends.acknowledged.length + 500;
      await until(() => appends.acknowledged.length > wanted, 'appends', 30_000);
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      expect(topics[0]?.partitions.map((p) => p.replicas.length)).toEqual([3, 3, 3]);
      const leader = topics[0]?.partitions[round]?.leader as number;
      await server.nodes[leader - 1]?.kill();
      await sleep(4000);
      const after = appends.acknowledged.filter(({ partition }) => partition === round).length;
      const more = () => appends.acknowledged.filter(({ partition }) => partition === round).length > after + 100;
      await until(more, 'appends to the partition that had lost its leader', 30_000);
      await server.nodes[leader - 1]?.restart();
      await sleep(1000);
    }
    await appends.stop();
    await admin.disconnect();
    await expectAllStored(log, appends.acknowledged);
  }, 180_000);
});
