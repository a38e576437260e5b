import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type { CacheEntry, ReportCache } from '../../src/ports/report-cache.ts';

export interface ReportCacheSubject {
  /** Opens a cache, ready to be used. Keys are unique, so it may be shared with other tests. */
  readonly open: () => Promise<ReportCache>;
  /** A prefix that no other test has. */
  readonly uniqueName: (prefix: string) => string;
}

/** What every report cache promises. Divergences stand in the files that call this. */
export function describeReportCache(title: string, { open, uniqueName }: ReportCacheSubject): void {
  describe(`report cache: ${title}`, () => {
    let cache: ReportCache;
    beforeAll(async () => {
      cache = await open();
    });
    afterAll(() => cache.close());

    const entry = (key: string, value: string | Buffer, ttlSeconds = 60): CacheEntry => ({
      key,
      value: typeof value === 'string' ? Buffer.from(value) : value,
      ttlSeconds,
    });

    test('answers in the order of the keys, undefined where there is nothing, twice for a key asked twice', async () => {
      const [a, b, c] = ['a', 'b', 'c'].map((name) => uniqueName(name)) as [string, string, string];
      await cache.setMany([entry(a, 'first'), entry(c, 'third')]);
      const found = await cache.getMany([c, b, a, c]);
      expect(found.map((value) => value?.toString())).toEqual(['third', undefined, 'first', 'third']);
      expect(cache.state()).toBe('ready');
    });

    test('nothing asked is nothing answered', async () => {
      expect(await cache.getMany([])).toEqual([]);
      await expect(cache.setMany([])).resolves.toBeUndefined();
    });

    test('any bytes come back as they went in', async () => {
      const bytes = fc.uint8Array({ maxLength: 2000 }).map((array) => Buffer.from(array));
      await fc.assert(
        fc.asyncProperty(fc.array(bytes, { minLength: 1, maxLength: 8 }), async (values) => {
          const keys = values.map((_, i) => uniqueName(`bytes${i}`));
          await cache.setMany(values.map((value, i) => entry(keys[i]!, value)));
          expect(await cache.getMany(keys)).toEqual(values);
        }),
        { numRuns: 50, examples: [[[Buffer.alloc(0), Buffer.from('{}'), Buffer.from('null'), Buffer.alloc(1, 255)]]] },
      );
    });

    test('long texts come back as they went in, and so does what cannot be made shorter', async () => {
      const rows = Array.from({ length: 2000 }, (_, i) => ({ b: String(i * 86_400_000), v: String(i % 97) }));
      const values = [Buffer.from(JSON.stringify(rows)), randomBytes(50_000), Buffer.from('x'.repeat(1024))];
      const keys = values.map((_, i) => uniqueName(`long${i}`));
      await storeSurely(
        cache,
        values.map((value, i) => entry(keys[i]!, value)),
      );
      expect(await cache.getMany(keys)).toEqual(values);
    });

    test('an answer of a megabyte comes back whole', async () => {
      const key = uniqueName('large');
      const value = Buffer.from(Uint8Array.from({ length: 1024 * 1024 }, (_, i) => (i * 31) % 251));
      await storeSurely(cache, [entry(key, value)]);
      const [found] = await cache.getMany([key]);
      expect(found?.equals(value)).toBe(true);
    });

    test('a later value replaces an earlier one', async () => {
      const key = uniqueName('replaced');
      await cache.setMany([entry(key, 'old, and longer')]);
      await cache.setMany([entry(key, 'new')]);
      expect((await cache.getMany([key]))[0]?.toString()).toBe('new');
    });

    test('the value is a copy: what the caller does to its own afterwards changes nothing', async () => {
      const key = uniqueName('copy');
      const value = Buffer.from('as stored');
      await cache.setMany([entry(key, value)]);
      value.fill(0);
      expect((await cache.getMany([key]))[0]?.toString()).toBe('as stored');
    });

    test('keys of 240 bytes are told apart to the last, and so are upper and lower case', async () => {
      const stem = uniqueName('key').padEnd(239, ':');
      const keys = [`${stem}a`, `${stem}b`, `${stem}A`];
      await cache.setMany(keys.map((key) => entry(key, `of ${key.slice(-1)}`)));
      expect((await cache.getMany(keys)).map(String)).toEqual(['of a', 'of b', 'of A']);
    });

    test('a thousand keys at once, half of them there', async () => {
      const stem = uniqueName('many');
      const keys = Array.from({ length: 1000 }, (_, i) => `${stem}:${i}`);
      await storeSurely(
        cache,
        keys.filter((_, i) => i % 2 === 0).map((key) => entry(key, `value of ${key}`)),
      );
      const found = await cache.getMany(keys);
      for (const [i, value] of found.entries()) {
        expect(value?.toString()).toBe(i % 2 === 0 ? `value of ${keys[i]}` : undefined);
      }
    });

    test('callers at the same time do not meet', async () => {
      const stem = uniqueName('callers');
      await Promise.all(
        Array.from({ length: 50 }, async (_, i) => {
          const keys = [`${stem}:${i}:x`, `${stem}:${i}:y`];
          await cache.setMany(keys.map((key) => entry(key, key)));
          expect((await cache.getMany(keys)).map(String)).toEqual(keys);
        }),
      );
    });

    test('an entry is gone after its life, fractions of a second included, and not before', async () => {
      const [short, fraction, long] = ['short', 'fraction', 'long'].map((name) => uniqueName(name)) as [
        string,
        string,
        string,
      ];
      await cache.setMany([entry(short, 's', 1), entry(fraction, 'f', 0.5), entry(long, 'l', 600)]);
      expect((await cache.getMany([short, fraction, long])).map(String)).toEqual(['s', 'f', 'l']);
      await sleep(2200);
      expect((await cache.getMany([short, fraction, long])).map(String)).toEqual(['undefined', 'undefined', 'l']);
    });

    test('keys and values that it cannot take do no harm to their neighbours', async () => {
      const good = uniqueName('good');
      await cache.setMany([entry('', 'empty'), entry('k'.repeat(300), 'long'), entry(good, 'good')]);
      const found = await cache.getMany(['k'.repeat(301), good, '']);
      expect(found[0]).toBeUndefined();
      expect(found[1]?.toString()).toBe('good');
    });

    test('a lease is one holder’s until it is released or ends; its holder may claim it again', async () => {
      const [key, other] = [uniqueName('lease'), uniqueName('lease')];
      expect(await cache.claim([{ key, holder: 'one' }], 60)).toEqual([true]);
      const both = (holder: string) => [
        { key, holder },
        { key: other, holder },
      ];
      expect(await cache.claim(both('two'), 60)).toEqual([false, true]);
      expect(await cache.claim(both('one'), 60)).toEqual([true, false]);
      // Of somebody else's nothing is released.
      await cache.release(both('one'));
      expect(await cache.claim(both('three'), 60)).toEqual([true, false]);
      await cache.release(both('two'));
      expect(await cache.claim(both('four'), 60)).toEqual([false, true]);
      expect(await cache.claim([], 60)).toEqual([]);
      await expect(cache.release([])).resolves.toBeUndefined();
    });

    test('of many who claim at the same time one is granted', async () => {
      const key = uniqueName('race');
      const claims = Array.from({ length: 40 }, (_, i) => cache.claim([{ key, holder: `h${i}` }], 60));
      expect((await Promise.all(claims)).flat().filter(Boolean)).toHaveLength(1);
    });

    test('a lease that nobody releases ends, and one that is claimed again does not', async () => {
      const [dead, alive] = [uniqueName('dead'), uniqueName('alive')];
      await cache.claim(
        [dead, alive].map((key) => ({ key, holder: 'one' })),
        2,
      );
      for (let i = 0; i < 8; i++) {
        await sleep(400);
        await cache.claim([{ key: alive, holder: 'one' }], 3);
      }
      const claims = [dead, alive].map((key) => ({ key, holder: 'two' }));
      expect(await cache.claim(claims, 60)).toEqual([true, false]);
    });

    test('a lease beyond what a key may be harms nobody', async () => {
      const good = uniqueName('lease');
      await cache.claim([{ key: good, holder: 'one' }], 60);
      const claims = ['', 'k'.repeat(300), good].map((key) => ({ key, holder: 'two' }));
      expect(await cache.claim(claims, 60)).toEqual([true, true, false]);
      await expect(cache.release(claims)).resolves.toBeUndefined();
    });

    test('after close everything is a miss, and close may be called again', async () => {
      const closed = await open();
      const key = uniqueName('closed');
      await closed.setMany([entry(key, 'v')]);
      await closed.close();
      await closed.close();
      expect(await closed.getMany([key])).toEqual([undefined]);
      await expect(closed.setMany([entry(key, 'v')])).resolves.toBeUndefined();
      expect(await closed.claim([{ key, holder: 'one' }], 60)).toEqual([true]);
      await expect(closed.release([{ key, holder: 'one' }])).resolves.toBeUndefined();
    });
  });
}

/** Writing is best effort, and some tests need it to have happened. */
export async function storeSurely(cache: ReportCache, entries: readonly CacheEntry[]): Promise<void> {
  let missing = entries;
  for (let attempt = 0; attempt < 50 && missing.length > 0; attempt++) {
    await cache.setMany(missing);
    const found = await cache.getMany(missing.map(({ key }) => key));
    missing = missing.filter((_, i) => found[i] === undefined);
  }
  if (missing.length > 0) throw new Error(`${missing.length} of ${entries.length} entries could not be stored`);
}

/** Waits until a cache says that it is in a state; resolves with the milliseconds it took. */
export async function untilState(cache: ReportCache, state: 'ready' | 'degraded', withinMs: number): Promise<number> {
  const start = performance.now();
  while (cache.state() !== state) {
    if (performance.now() - start > withinMs) throw new Error(`still ${cache.state()} after ${withinMs} ms`);
    await sleep(5);
  }
  return performance.now() - start;
}
