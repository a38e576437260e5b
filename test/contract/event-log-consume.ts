import { setTimeout as sleep } from 'node:timers/promises';
import { TallygateError } from '../../src/errors.ts';
import type { Commit, EventLog, LogRecord, PartitionLease } from '../../src/ports/event-log.ts';
import { hold, quick, readAll, toRecords, toValues, until } from './event-log-rig.ts';

export interface ConsumptionSubject {
  /** A log of this test's own, with partitionCount partitions. */
  readonly log: EventLog;
  /** A group of this test's own. */
  readonly group: string;
  /** Closes the log and opens it again. */
  readonly reopen: () => Promise<EventLog>;
}

/** What the port promises of consumption. */
export function holdsTheConsumptionContract(subject: () => ConsumptionSubject): void {
  let log: EventLog;
  let group: string;
  beforeEach(() => {
    ({ log, group } = subject());
  });

  describe('take', () => {
    async function lease(): Promise<PartitionLease> {
      const { leases } = await hold(log, group);
      return leases.get(0) as PartitionLease;
    }

    test('hands out each record once, in order, across takes', async () => {
      for (let i = 0; i < 50; i++) await log.append(0, toRecords(`${i}`));
      const mine = await lease();
      const seen: number[] = [];
      while (seen.length < 50) {
        const taken = await mine.take({ ...quick, maxRecords: 7 });
        expect(taken.length).toBeLessThanOrEqual(7);
        seen.push(...taken.map((r) => r.offset));
      }
      expect(seen).toEqual([...Array(50).keys()]);
      expect(await mine.take({ ...quick, waitMs: 50 })).toEqual([]);
    });

    test('stops before maxBytes, but hands out at least one record', async () => {
      const sizes = [400, 400, 400, 5000, 100];
      for (const size of sizes) await log.append(0, [{ key: 'k', value: Buffer.alloc(size) }]);
      const mine = await lease();
      const counts: number[] = [];
      for (let sum = 0; sum < sizes.length; sum += counts.at(-1) as number) {
        counts.push((await mine.take({ ...quick, lingerMs: 300, maxBytes: 1000 })).length);
      }
      expect(counts).toEqual([2, 1, 1, 1]);
    });

    test('never goes behind upTo', async () => {
      await log.append(0, toRecords(...'abcdefgh'));
      const mine = await lease();
      expect(toValues(await mine.take({ ...quick, lingerMs: 5000, upTo: 2 }))).toEqual(['a', 'b', 'c']);
      expect(await mine.take({ ...quick, upTo: 2 })).toEqual([]);
      expect(toValues(await mine.take({ ...quick, lingerMs: 5000, upTo: 7 }))).toEqual([...'defgh']);
    });

    test('waits for a first record, and goes on collecting while it lingers', async () => {
      const mine = await lease();
      const began = Date.now();
      const taking = mine.take({ ...quick, lingerMs: 1000, waitMs: 10_000 });
      await sleep(100);
      for (const value of ['a', 'b', 'c']) {
        await log.append(0, toRecords(value));
        await sleep(100);
      }
      expect(toValues(await taking)).toEqual(['a', 'b', 'c']);
      expect(Date.now() - began).toBeGreaterThan(900);
      const full = mine.take({ ...quick, maxRecords: 1, lingerMs: 60_000, waitMs: 10_000 });
      await log.append(0, toRecords('d'));
      expect(toValues(await full)).toEqual(['d']);
    });

    test('is empty when nothing came within waitMs', async () => {
      const mine = await lease();
      const began = Date.now();
      expect(await mine.take({ ...quick, waitMs: 200 })).toEqual([]);
      expect(Date.now() - began).toBeGreaterThanOrEqual(190);
    });

    test('goes through more than a buffer holds', async () => {
      const value = Buffer.alloc(3000, 'x');
      const batch = Array.from({ length: 200 }, () => ({ key: 'k', value }));
      for (let i = 0; i < 100; i++) await log.append(0, batch);
      const mine = await lease();
      let wanted = 0;
      while (wanted < 20_000) {
        for (const { offset } of await mine.take({ ...quick, maxRecords: 50_000, maxBytes: 1e9, lingerMs: 100 })) {
          if (offset !== wanted++) throw new Error(`expected offset ${wanted - 1}, got ${offset}`);
        }
      }
      expect(await mine.take({ ...quick, waitMs: 50 })).toEqual([]);
    });

    test('can not be called twice at once', async () => {
      const mine = await lease();
      const first = mine.take({ ...quick, waitMs: 300 });
      await expect(mine.take(quick)).rejects.toThrow('expected one take at a time for a lease, got a second one');
      expect(await first).toEqual([]);
    });
  });

  describe('commit', () => {
    /** What the next lease of the group finds. */
    async function committed(groupId = group): Promise<Commit> {
      const { leases, stop } = await hold(log, groupId);
      const found = leases.get(0) as PartitionLease;
      await stop();
      return found.committed;
    }

    test('begins at the first record, and comes back in the next lease, with and without an open range', async () => {
      await log.append(0, toRecords(...'abcdef'));
      const first = await hold(log, group);
      expect(first.leases.get(0)?.committed).toEqual({ next: 0, end: null });
      await first.leases.get(0)?.commit({ next: 2, end: 4 });
      await first.stop();
      const second = await hold(log, group);
      const lease = second.leases.get(0) as PartitionLease;
      expect(lease.committed).toEqual({ next: 2, end: 4 });
      // A replay of exactly that range, then what comes after it.
      expect(toValues(await lease.take({ ...quick, lingerMs: 300, upTo: 4 }))).toEqual(['c', 'd', 'e']);
      expect(toValues(await lease.take(quick))).toEqual(['f']);
      await lease.commit({ next: 5, end: null });
      await second.stop();
      expect(await committed()).toEqual({ next: 5, end: null });
      expect(await committed(`${group}_other`)).toEqual({ next: 0, end: null });
    });

    test('survives that the log is closed and opened again', async () => {
      await log.append(0, toRecords(...'abc'));
      const { leases } = await hold(log, group);
      await leases.get(0)?.commit({ next: 1, end: 1 });
      log = await subject().reopen();
      expect(await committed()).toEqual({ next: 1, end: 1 });
      expect(toValues(await readAll(log, 0))).toEqual(['a', 'b', 'c']);
      expect(await log.append(0, toRecords('d'))).toBe(3);
    });

    test('is made while appends go on', async () => {
      const { leases } = await hold(log, group);
      const lease = leases.get(0) as PartitionLease;
      let appending = true;
      const appends = (async () => {
        while (appending) await log.append(0, toRecords('x'));
      })();
      let next = 0;
      for (let i = 0; i < 40; i++) {
        const taken = await lease.take(quick);
        const end = taken.at(-1)?.offset ?? next;
        await lease.commit({ next, end });
        next = end + 1;
      }
      appending = false;
      await appends;
      await lease.commit({ next, end: null });
      await leases.get(1)?.commit({ next: 0, end: null });
    });

    test('is refused, and changes nothing, after the lease has ended', async () => {
      await log.append(0, toRecords(...'abc'));
      const { leases, stop } = await hold(log, group);
      const lease = leases.get(0) as PartitionLease;
      await lease.commit({ next: 1, end: null });
      await stop();
      expect(lease.lost.aborted).toBe(true);
      await expect(lease.commit({ next: 3, end: null })).rejects.toMatchObject({ code: 'LEASE_LOST' });
      await expect(lease.take(quick)).rejects.toMatchObject({ code: 'LEASE_LOST' });
      expect(await committed()).toEqual({ next: 1, end: null });
    });
  });

  describe('stop', () => {
    test('lets a handler finish and commit what it took', async () => {
      await log.append(0, toRecords(...'abc'));
      let committed = false;
      const taken = Promise.withResolvers<void>();
      const consumption = await log.consume(group, async (lease) => {
        while (!lease.stopping.aborted) {
          const records = await lease.take(quick);
          if (records.length === 0) continue;
          taken.resolve();
          await sleep(500);
          await lease.commit({ next: (records.at(-1) as LogRecord).offset + 1, end: null });
          committed = true;
          expect(await lease.take(quick)).toEqual([]);
        }
      });
      await taken.promise;
      await consumption.stop(10_000);
      expect(committed).toBe(true);
      await consumption.ended;
      const next = await hold(log, group);
      expect(next.leases.get(0)?.committed).toEqual({ next: 3, end: null });
    });

    test('ends a take that waits, and may be called again', async () => {
      const { consumption, leases } = await hold(log, group);
      const began = Date.now();
      const taking = leases.get(0)?.take({ ...quick, waitMs: 60_000 });
      await Promise.all([consumption.stop(10_000), consumption.stop(10_000)]);
      expect(await taking).toEqual([]);
      await consumption.stop(10_000);
      await consumption.ended;
      expect(Date.now() - began).toBeLessThan(6000);
    });

    test('gives up a handler that does not return, whose lease is lost then', async () => {
      let stuck: PartitionLease | undefined;
      const release = Promise.withResolvers<void>();
      const consumption = await log.consume(group, async (lease) => {
        if (lease.partition === 0) stuck = lease;
        await release.promise;
      });
      await until(() => stuck !== undefined, 'a lease');
      await consumption.stop(200);
      expect(stuck?.lost.aborted).toBe(true);
      await expect(stuck?.commit({ next: 0, end: null })).rejects.toMatchObject({ code: 'LEASE_LOST' });
      release.resolve();
    });
  });

  describe('ended', () => {
    test('rejects with what a handler threw', async () => {
      const consumption = await log.consume(group, async (lease) => {
        if (lease.partition === 1) throw new TallygateError('WAREHOUSE_UNAVAILABLE', 'thrown on purpose');
        await new Promise((resolve) => lease.stopping.addEventListener('abort', resolve));
      });
      await expect(consumption.ended).rejects.toThrow('thrown on purpose');
      await consumption.stop(1000);
    });

    test('rejects when a handler returns while it holds its lease', async () => {
      const consumption = await log.consume(group, async (lease) => {
        if (lease.partition !== 2) await new Promise((resolve) => lease.stopping.addEventListener('abort', resolve));
      });
      await expect(consumption.ended).rejects.toThrow('the handler of partition 2 returned before');
    });
  });
}
