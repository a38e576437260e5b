import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { toBytes } from '../../src/ingest/place.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import { uniqueName } from '../servers/require.ts';
import { holdsTheConsumptionContract } from './event-log-consume.ts';
import {
  hold,
  type LogStorage,
  partitionCount,
  readAll,
  readEnds,
  ready,
  toRecords,
  toValues,
} from './event-log-rig.ts';

/** What the port promises of every log. */
export function holdsTheEventLogContract(createStorage: () => LogStorage): void {
  let storage: LogStorage;
  let log: EventLog;
  let group: string;
  const opened: EventLog[] = [];

  async function open(options?: { readonly maxQueuedBytes?: number }): Promise<EventLog> {
    const another = await storage.open(options);
    opened.push(another);
    return ready(another);
  }

  beforeEach(async () => {
    storage = createStorage();
    group = uniqueName('group');
    log = await open();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.close()));
  });

  describe('append', () => {
    test('resolves with the offset of its first record', async () => {
      expect(log.partitions()).toBe(partitionCount);
      expect(await log.append(0, toRecords('a', 'b'))).toBe(0);
      expect(await log.append(0, toRecords('c'))).toBe(2);
      expect(await log.append(1, toRecords('d'))).toBe(0);
      const records = await readAll(log, 0);
      expect(records.map(({ offset }) => offset)).toEqual([0, 1, 2]);
      expect(toValues(records)).toEqual(['a', 'b', 'c']);
    });

    test('is contiguous, in order and complete, however appends interleave', async () => {
      const next = [...(await readEnds(log))];
      const step = fc.record({
        partition: fc.nat(partitionCount - 1),
        count: fc.integer({ min: 1, max: 40 }),
        pause: fc.constantFrom('none', 'turn', 'long'),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), async (steps) => {
          const appends: { partition: number; values: string[]; first: Promise<number> }[] = [];
          for (const [i, { partition, count, pause }] of steps.entries()) {
            const values = Array.from({ length: count }, (_, k) => `${i}-${k}-${'x'.repeat((i * 37) % 300)}`);
            appends.push({ partition, values, first: log.append(partition, toRecords(...values)) });
            if (pause === 'turn') await new Promise((resolve) => setImmediate(resolve));
            if (pause === 'long') await sleep(2);
          }
          for (const { partition, values, first } of appends) {
            // Each follows the one that was called before it on its partition.
            expect(await first).toBe(next[partition]);
            next[partition] = (next[partition] as number) + values.length;
          }
          expect(await readEnds(log)).toEqual(next);
          for (const { partition, values, first } of appends) {
            const from = await first;
            expect(toValues(await readAll(log, partition, from, from + values.length - 1))).toEqual(values);
          }
        }),
        { numRuns: 15, endOnFailure: true },
      );
    });

    test('of nothing writes nothing and resolves with the next offset', async () => {
      await log.append(2, toRecords('a'));
      expect(await log.append(2, [])).toBe(1);
      expect(await readEnds(log)).toEqual([0, 0, 1]);
    });

    test('takes empty values, NUL bytes and records of a megabyte', async () => {
      const values = [Buffer.alloc(0), Buffer.from('a\0b'), Buffer.alloc(1_000_000, 'é'), Buffer.from('end')];
      await Promise.all(values.map((value) => log.append(0, [{ key: 'k', value }])));
      const records = await readAll(log, 0);
      expect(records.map((r) => r.end - r.start)).toEqual(values.map((v) => v.length));
      expect(records.every((r, i) => toBytes(r).equals(values[i] as Buffer))).toBe(true);
    });

    test('refuses more than 4 MiB at once, without harm to its neighbours', async () => {
      const giant = log.append(0, [{ key: 'k', value: Buffer.alloc(4 * 1024 * 1024 + 1) }]);
      const neighbour = log.append(0, toRecords('a'));
      await expect(giant).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE', retriable: false });
      expect(await neighbour).toBe(0);
    });

    test('refuses a partition that does not exist', async () => {
      for (const partition of [partitionCount, -1]) {
        const message = `expected a partition below ${partitionCount}, got ${partition}`;
        await expect(log.append(partition, toRecords('a'))).rejects.toThrow(message);
      }
    });

    test('refuses at once what is too much to wait, and takes appends again afterwards', async () => {
      const small = await open({ maxQueuedBytes: 100_000 });
      const value = Buffer.alloc(30_000, 'x');
      const appends = Array.from({ length: 6 }, () => small.append(0, [{ key: 'k', value }]));
      const results = await Promise.allSettled(appends);
      const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      expect(refused.length).toBeGreaterThanOrEqual(3);
      for (const error of refused) expect(error).toMatchObject({ code: 'LOG_OVERLOADED', retriable: true });
      expect(refused[0].retryAfterMs).toBeGreaterThan(0);
      const stored = results.length - refused.length;
      expect(await small.append(0, [{ key: 'k', value }])).toBe(stored);
    });

    test('a project that fills it is refused, and stops no other one, in whatever partition', async () => {
      const small = await open({ maxQueuedBytes: 100_000 });
      const of = (project: string, bytes: number) => [{ key: `${project}|u|1`, value: Buffer.alloc(bytes, project) }];
      const hot = Array.from({ length: 40 }, (_, i) => small.append(2 * (i % 2), of('hot', 5000)));
      const others = ['a', 'b', 'c', 'd'].map((project, i) => small.append(i % partitionCount, of(project, 5000)));
      const results = await Promise.allSettled(hot);
      const offsets = await Promise.all(others);
      const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      // 19 fit; four of them give way to the others, less what there was room for.
      expect(refused.length).toBeGreaterThanOrEqual(21);
      expect(refused.length).toBeLessThanOrEqual(25);
      for (const error of refused) expect(error).toMatchObject({ code: 'LOG_OVERLOADED', retriable: true });
      for (const [i, project] of ['a', 'b', 'c', 'd'].entries()) {
        const [record] = await readAll(small, i % partitionCount, offsets[i], offsets[i]);
        expect(record && toBytes(record)).toEqual(of(project, 5000)[0]?.value);
      }
      // What was refused is not there, not even in part.
      const kept = await Promise.all([0, 1, 2].map((partition) => readAll(small, partition)));
      expect(kept.flat().length).toBe(results.length - refused.length + others.length);
    });

    test("history does not take the room of its own project's live events", async () => {
      const small = await open({ maxQueuedBytes: 100_000 });
      const some = (bytes: number) => [{ key: 'shop|u|1', value: Buffer.alloc(bytes, 'x') }];
      const history = Array.from({ length: 40 }, () => small.append(1, some(5000)));
      const live = [small.append(0, some(5000)), small.append(0, some(20_000))];
      const results = await Promise.allSettled(history);
      expect(results.filter(({ status }) => status === 'rejected').length).toBeGreaterThanOrEqual(25);
      expect(await Promise.all(live)).toEqual([0, 1]);
    });

    test("keeps a project's order, whatever others append to the same partition", async () => {
      const appends = Array.from({ length: 400 }, (_, i) => {
        const project = `p${(i * i) % 7}`;
        const value = `${project} ${i} ${'x'.repeat((i * 13) % 500)}`;
        return log
          .append(0, [{ key: `${project}|u|1`, value: Buffer.from(value) }])
          .then((offset) => ({ offset, value }));
      });
      const stored = await Promise.all(appends);
      const values = toValues(await readAll(log, 0));
      for (const { offset, value } of stored) expect(values[offset]).toBe(value);
      for (const project of ['p0', 'p1', 'p2', 'p4']) {
        const offsets = stored.filter(({ value }) => value.startsWith(`${project} `)).map(({ offset }) => offset);
        expect(offsets.length).toBeGreaterThan(10);
        expect(offsets).toEqual([...offsets].sort((x, y) => x - y));
      }
    });
  });

  describe('ends', () => {
    test('include every append that was acknowledged before', async () => {
      for (let i = 1; i <= 30; i++) {
        await log.append(i % partitionCount, toRecords('x'));
        const sum = (await readEnds(log)).reduce((a, b) => a + b, 0);
        expect(sum).toBe(i);
      }
    });
  });

  describe('read', () => {
    test('hands out a range, in order, and ends early where the log ends', async () => {
      for (let i = 0; i < 10; i++) await log.append(0, toRecords(`a${i}`, `b${i}`));
      expect((await readAll(log, 0, 5, 8)).map((r) => r.offset)).toEqual([5, 6, 7, 8]);
      expect(toValues(await readAll(log, 0, 19, 19))).toEqual(['b9']);
      expect((await readAll(log, 0, 18, 500)).map((r) => r.offset)).toEqual([18, 19]);
      expect(await readAll(log, 0, 20, 500)).toEqual([]);
      expect(await readAll(log, 0, 700, 800)).toEqual([]);
      expect(await readAll(log, 0, 8, 7)).toEqual([]);
      expect(await readAll(log, 1)).toEqual([]);
    });

    test('comes in chunks when there is much', async () => {
      for (let i = 0; i < 40; i++) await log.append(0, [{ key: 'k', value: randomBytes(100_000) }]);
      const chunks: number[] = [];
      for await (const chunk of log.read(0, 0, 39)) chunks.push(chunk.length);
      expect(chunks.length).toBeGreaterThan(1);
      expect(chunks.reduce((a, b) => a + b, 0)).toBe(40);
    });

    test('can be left early', async () => {
      for (let i = 0; i < 30; i++) await log.append(0, [{ key: 'k', value: Buffer.alloc(100_000) }]);
      for await (const chunk of log.read(0, 0, 29)) {
        expect(chunk[0]?.offset).toBe(0);
        break;
      }
      expect(await log.append(0, toRecords('x'))).toBe(30);
    });
  });

  holdsTheConsumptionContract(() => ({
    log,
    group,
    async reopen() {
      await log.close();
      log = await open();
      return log;
    },
  }));

  describe('close', () => {
    test('may be called again, keeps what was acknowledged and refuses what comes later', async () => {
      const { consumption } = await hold(log, group);
      const appended = log.append(0, toRecords('a'));
      await Promise.all([log.close(), log.close()]);
      await log.close();
      await consumption.ended;
      const stored = await appended.then(
        () => 1,
        () => 0,
      );
      await expect(log.append(0, toRecords('b'))).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE', retriable: true });
      await expect(readEnds(log)).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
      await expect(log.consume(group, async () => undefined)).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
      log = await open();
      expect((await readEnds(log))[0]).toBeGreaterThanOrEqual(stored);
    });
  });
}
