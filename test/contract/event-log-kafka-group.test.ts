import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { type KafkaLogOptions, openKafkaLog } from '../../src/adapters/kafka/open-kafka-log.ts';
import { isTallygateError } from '../../src/errors.ts';
import { toBytes } from '../../src/ingest/place.ts';
import type { EventLog, LogRecord, PartitionLease, TakeLimits } from '../../src/ports/event-log.ts';
import { createLogger, createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { describeWith, uniqueName } from '../servers/require.ts';
import { hold, quick, readAll, ready, toRecords, toValues, until } from './event-log-rig.ts';

describeWith(['kafka'], 'a group of consumers in Kafka', (env) => {
  const brokers = env.KAFKA_BROKERS?.split(',') ?? [];
  let topic: string;
  let group: string;
  let admin: Admin;
  const logs: EventLog[] = [];
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
  });
  afterAll(() => admin.disconnect());
  beforeEach(() => {
    topic = uniqueName('topic');
    group = uniqueName('group');
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await Promise.all(logs.splice(0).map((log) => log.close()));
  });

  function open(options: Partial<KafkaLogOptions> = {}): EventLog {
    const log = openKafkaLog({
      brokers,
      tls: false,
      topic,
      createTopic: true,
      partitionsWhenCreated: 3,
      retentionMs: 3_600_000,
      sessionTimeoutMs: 6000,
      logger: createSilentLogger(),
      metrics: createMetrics(),
      ...options,
    });
    logs.push(log);
    return log;
  }

  /** A logger whose lines a test can read. */
  function listen() {
    const lines: string[] = [];
    const stream = new Writable({
      write(chunk, _, done) {
        lines.push(String(chunk));
        done();
      },
    });
    return { lines, logger: createLogger('info', stream) };
  }

  /** From whichever lease is held: a heartbeat that a busy machine sends late is reason enough for a group to be rebalanced. */
  async function takeHeld(leases: ReadonlyMap<number, PartitionLease>, partition: number, options: TakeLimits) {
    for (;;) {
      const lease = leases.get(partition)!;
      try {
        return await lease.take(options);
      } catch (thrown) {
        if (!isTallygateError(thrown) || thrown.code !== 'LEASE_LOST') throw thrown;
        await until(() => leases.get(partition) !== lease, 'the next lease');
      }
    }
  }

  async function committed(groupId: string, partition: number) {
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
    const { offset, metadata } = found?.partitions.find((each) => each.partition === partition) ?? {};
    return { offset, metadata };
  }

  test('a second consumer takes over: the old lease ends, its commit is refused and changes nothing', async () => {
    const [a, b] = [await ready(open()), open()];
    for (let p = 0; p < 3; p++) await a.append(p, toRecords(...'abcdef'));
    const first = await hold(a, group);
    const old = [...first.leases.values()];
    for (const lease of old) await lease.commit({ next: 2, end: 4 });
    const second = await hold(b, group, 1);
    await until(() => old.every((lease) => lease.lost.aborted), 'the old leases to end');
    for (const lease of old) {
      await expect(lease.commit({ next: 6, end: null })).rejects.toMatchObject({ code: 'LEASE_LOST' });
      await expect(lease.take(quick)).rejects.toMatchObject({ code: 'LEASE_LOST' });
      expect(await committed(group, lease.partition)).toEqual({ offset: '2', metadata: '{"v":1,"end":4}' });
    }
    // Every partition has one owner, who goes on where the first one had committed.
    const moved = [...second.leases.values()][0] as PartitionLease;
    expect(moved.committed).toEqual({ next: 2, end: 4 });
    expect(toValues(await moved.take({ ...quick, lingerMs: 300, upTo: 4 }))).toEqual(['c', 'd', 'e']);
    await moved.commit({ next: 5, end: null });
    await until(() => first.leases.size + second.leases.size >= 3, 'all partitions to be assigned');
    await second.stop();
    // The first consumer gets it back.
    await until(() => first.leases.get(moved.partition)?.committed.next === 5, 'the partition to come back');
    expect(toValues((await first.leases.get(moved.partition)?.take(quick)) ?? [])).toEqual(['f']);
  });

  test('partitions 2n and 2n + 1 go to the same consumer, however many there are', async () => {
    const members = [await ready(open({ partitionsWhenCreated: 8 })), open(), open()];
    const held: Awaited<ReturnType<typeof hold>>[] = [];
    for (const member of members) held.push(await hold(member, group, 0));
    const alive = () =>
      held.map(({ leases }) =>
        [...leases.values()].filter(({ lost }) => !lost.aborted).map((lease) => lease.partition),
      );
    await until(
      () => alive().flat().length === 8 && alive().every((mine) => mine.length > 0),
      'all partitions to be dealt out',
    );
    for (const mine of alive())
      expect([...mine].sort((a, b) => a - b)).toEqual(
        mine.flatMap((p) => (p % 2 === 0 ? [p, p + 1] : [])).sort((a, b) => a - b),
      );
    expect(alive().flat().sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const each of held) await each.stop();
  });

  test('records are handed out once by position while consumers come and go', async () => {
    const log = await ready(open());
    const seen = Array.from({ length: 3 }, () => new Map<number, string>());
    let repeats = 0;
    const handler = async (lease: PartitionLease) => {
      let { next } = lease.committed;
      while (!lease.stopping.aborted) {
        const taken = await lease.take({ ...quick, maxRecords: 50, waitMs: 100 });
        if (taken.length === 0) continue;
        if (taken[0]?.offset !== next) throw new Error(`expected offset ${next}, got ${taken[0]?.offset}`);
        next = (taken.at(-1) as LogRecord).offset + 1;
        await lease.commit({ next, end: null });
        for (const record of taken) {
          const { offset } = record;
          if (seen[lease.partition]?.has(offset)) repeats++;
          seen[lease.partition]?.set(offset, toBytes(record).toString());
        }
      }
    };
    const consumptions = [await log.consume(group, handler)];
    let appended = 0;
    let appending = true;
    const appends = (async () => {
      while (appending) await log.append(appended % 3, toRecords(`${appended++}`));
    })();
    for (let i = 0; i < 3; i++) {
      await sleep(1000);
      consumptions.push(await open().consume(group, handler));
    }
    await sleep(1000);
    for (const each of consumptions.slice(0, 3)) await each.stop(5000);
    appending = false;
    await appends;
    const all = () => seen.reduce((sum, each) => sum + each.size, 0);
    await until(() => all() >= appended, 'all records');
    expect(all()).toBe(appended);
    // A commit whose answer came after its lease had ended counts as refused: its records come once more.
    expect(repeats).toBe(0);
    for (const partition of [0, 1, 2]) {
      const stored = toValues(await readAll(log, partition));
      expect(
        [...(seen[partition] as Map<number, string>).entries()].sort(([a], [b]) => a - b).map(([, v]) => v),
      ).toEqual(stored);
    }
  });

  test('a consumer that was frozen for longer than its session can not commit when it wakes up', async () => {
    const log = await ready(open({ partitionsWhenCreated: 1, sessionTimeoutMs: 1500 }));
    await log.append(0, toRecords(...'abcdef'));
    for (let round = 0; round < 3; round++) {
      const script = join(import.meta.dirname, 'event-log-kafka-child.ts');
      const args = [script, brokers.join(','), topic, `${group}-${round}`, '1500'];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      children.push(child);
      let output = '';
      child.stdout.on('data', (text) => {
        output += text;
      });
      await until(() => output.includes('ok\nok'), 'the other process to commit');
      await sleep(round * 3);
      child.kill('SIGSTOP');
      const { leases, stop } = await hold(log, `${group}-${round}`, 1);
      const mine = leases.get(0) as PartitionLease;
      expect(mine.committed).toEqual({ next: 1, end: 1 });
      await mine.commit({ next: 3, end: 4 });
      child.kill('SIGCONT');
      await until(() => /LEASE_LOST true/.test(output), 'its commit to be refused');
      expect(await committed(`${group}-${round}`, 0)).toEqual({ offset: '3', metadata: '{"v":1,"end":4}' });
      child.kill('SIGKILL');
      await stop();
    }
  });

  test('the next lease of a partition waits for the handler of the lost one', async () => {
    const [a, b] = [await ready(open()), open()];
    const running = [0, 0, 0];
    let begun = 0;
    const overlaps: number[] = [];
    await a.consume(group, async ({ partition, lost }) => {
      begun++;
      running[partition] = (running[partition] as number) + 1;
      if ((running[partition] as number) > 1) overlaps.push(partition);
      await once(lost, 'abort');
      // Slow to notice.
      await sleep(1000);
      running[partition] = (running[partition] as number) - 1;
    });
    await until(() => begun === 3, 'the first leases');
    // Its join makes the first consumer lose all three, and have one or two of them back at once.
    const other = await hold(b, group, 1);
    await until(() => begun > 3, 'a lease to be had again');
    await other.stop();
    await until(() => begun >= 6 && running.every((n) => n === 1), 'all leases to be had again');
    expect(overlaps).toEqual([]);
  });

  describe('offsets that the log no longer holds', () => {
    async function deleteBefore(offset: number) {
      // kafkajs looks for the leader before it has asked for metadata.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] });
    }

    test('records that went before they were stored are an error in the log, and the lease begins at the oldest', async () => {
      const { lines, logger } = listen();
      const log = await ready(open({ logger }));
      await log.append(0, toRecords(...'abcdefgh'));
      const { leases, stop } = await hold(log, group);
      await leases.get(0)?.commit({ next: 2, end: null });
      await stop();
      await deleteBefore(5);
      const again = await hold(log, group);
      expect(again.leases.get(0)?.committed).toEqual({ next: 5, end: null });
      const options = { ...quick, lingerMs: 500, waitMs: 10_000 };
      expect(toValues(await takeHeld(again.leases, 0, options))).toEqual(['f', 'g', 'h']);
      const [line] = lines.map((each) => JSON.parse(each)).filter((each) => each.level === 'error');
      expect(line).toMatchObject({ partition: 0, lost: 3 });
      expect(toValues(await readAll(log, 0))).toEqual(['f', 'g', 'h']);
    });

    test('an open range of which a part is gone ends the consumption', async () => {
      const log = await ready(open());
      await log.append(0, toRecords(...'abcdefgh'));
      const { leases, stop } = await hold(log, group);
      await leases.get(0)?.commit({ next: 2, end: 6 });
      await stop();
      await deleteBefore(5);
      const consumption = await log.consume(group, async () => undefined);
      await expect(consumption.ended).rejects.toMatchObject({ code: 'LOG_REPLACED' });
    });

    test('a commit behind the end of the log ends the consumption: the topic was made anew', async () => {
      const log = await ready(open());
      await log.append(0, toRecords(...'abc'));
      await (await hold(log, group)).stop();
      await admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '500' }] });
      const consumption = await log.consume(group, async () => undefined);
      await expect(consumption.ended).rejects.toThrow('was the topic made anew?');
    });

    test('records that go while they are being read end the consumption, and the commit stays as it was', async () => {
      const log = await ready(open({ bufferBytes: 1000 }));
      for (let i = 0; i < 60; i++) await log.append(0, [{ key: 'k', value: randomBytes(100_000) }]);
      const { consumption, leases } = await hold(log, group);
      const lease = leases.get(0) as PartitionLease;
      await lease.commit({ next: 0, end: 3 });
      const [first] = await lease.take({ ...quick, maxRecords: 1 });
      expect(first?.offset).toBe(0);
      await deleteBefore(60);
      const taking = (async () => {
        for (;;) await lease.take({ ...quick, maxRecords: 10, waitMs: 200 });
      })();
      await expect(consumption.ended).rejects.toMatchObject({ code: 'LOG_REPLACED' });
      await expect(taking).rejects.toMatchObject({ code: 'LEASE_LOST' });
      expect(await committed(group, 0)).toEqual({ offset: '0', metadata: '{"v":1,"end":3}' });
    });

    test('an offset that an operator has set is taken as it is, without an open range', async () => {
      const log = await ready(open());
      await log.append(0, toRecords(...'abc'));
      await (await hold(log, group)).stop();
      await admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '1' }] });
      const { leases } = await hold(log, group);
      expect(leases.get(0)?.committed).toEqual({ next: 1, end: null });
    });
  });

  describe('the topic', () => {
    test('is made once, with settings that keep what was acknowledged, however many try', async () => {
      const all = Array.from({ length: 3 }, () => open({ partitionsWhenCreated: 5, retentionMs: 86_400_000 }));
      await Promise.all(all.map((log) => ready(log)));
      expect(all.map((log) => log.partitions())).toEqual([5, 5, 5]);
      const names = ['min.insync.replicas', 'unclean.leader.election.enable', 'retention.ms', 'cleanup.policy'];
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: 2, name: topic, configNames: names }],
      });
      const config = Object.fromEntries(resources[0]?.configEntries.map((e) => [e.configName, e.configValue]) ?? []);
      expect(config).toEqual({
        'min.insync.replicas': '1',
        'unclean.leader.election.enable': 'false',
        'retention.ms': '86400000',
        'cleanup.policy': 'delete',
      });
    });

    test('that is missing is named, and found when somebody makes it', async () => {
      const log = open({ createTopic: false });
      await sleep(1500);
      expect(() => log.partitions()).toThrow(`Kafka: the topic ${topic} does not exist`);
      await expect(log.append(0, toRecords('a'))).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE', retriable: true });
      const held = hold(log, group);
      await ready(open());
      await ready(log);
      expect(await log.append(0, toRecords('a'))).toBe(0);
      expect(toValues((await (await held).leases.get(0)?.take(quick)) ?? [])).toEqual(['a']);
    });
  });
});
