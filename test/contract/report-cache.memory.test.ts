import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createMemoryCache } from '../../src/adapters/memory/report-cache.ts';
import { createTieredCache } from '../../src/adapters/memory/tiered-cache.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { describeReportCache } from './report-cache.ts';

const uniqueName = (prefix: string) => `${prefix}_${randomBytes(6).toString('hex')}`;
const mebibyte = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

function open(maxBytes = 16 * mebibyte) {
  const metrics = createMetrics();
  const cache = createMemoryCache({ maxBytes, metrics });
  const operations = async () => {
    const { values } = await metrics.cacheOperations.get();
    return Object.fromEntries(values.map(({ labels, value }) => [`${labels.operation} ${labels.outcome}`, value]));
  };
  return { cache, operations };
}

// Divergences of memory from the port: none; it takes longer keys than it has to.
describeReportCache('memory', { uniqueName, open: async () => open().cache });

// Divergence of tiers: a copy that came from far lives for nearTtlSeconds, which may be longer than the entry's own life.
describeReportCache('tiers of memory', {
  uniqueName,
  open: async () => createTieredCache({ near: open(mebibyte).cache, far: open().cache }),
});

describe('memory', () => {
  const entry = (key: string, bytes: number, ttlSeconds = 60) => ({ key, value: Buffer.alloc(bytes, 1), ttlSeconds });
  const present = async (cache: ReturnType<typeof open>['cache'], keys: string[]) =>
    (await cache.getMany(keys)).map((value) => value !== undefined);

  test('keeps within its bytes, and lets go of what was asked least recently', async () => {
    const { cache } = open(10 * 1100);
    const keys = Array.from({ length: 8 }, (_, i) => `k${i}`);
    await cache.setMany(keys.map((key) => entry(key, 700)));
    await cache.getMany(['k0']);
    await cache.setMany([entry('new1', 700), entry('new2', 700), entry('new3', 700)]);
    const kept = await present(cache, [...keys, 'new1', 'new2', 'new3']);
    expect(kept).toEqual([true, false, ...Array(9).fill(true)]);
  });

  test('the bytes are what the process pays: filled many times over, it does not grow beyond them', async () => {
    const { cache } = open(24 * mebibyte);
    // Windows on much larger blocks, as values read from a response are: only the window may be kept.
    const fill = async (round: number) => {
      for (let i = 0; i < 400; i++) {
        const block = Buffer.alloc(512 * 1024, 1);
        await cache.setMany([{ key: `r${round}:${i}`, value: block.subarray(0, 50), ttlSeconds: 60 }]);
      }
    };
    const held = async () => {
      collectGarbage();
      // Buffers are let go of after the collection that found them unused.
      await sleep(50);
      collectGarbage();
      return process.memoryUsage().arrayBuffers;
    };
    const before = await held();
    await fill(0);
    await fill(1);
    // 800 windows would hold 400 MiB of blocks.
    expect((await held()) - before).toBeLessThan(30 * mebibyte);
  });

  test('what is larger than all of it is not kept, empties nothing, and is counted', async () => {
    const { cache, operations } = open(100_000);
    await cache.setMany([entry('small', 100)]);
    await cache.setMany([entry('huge', 200_000)]);
    expect(await present(cache, ['small', 'huge'])).toEqual([true, false]);
    expect(await operations()).toEqual({
      'memory_set stored': 1,
      'memory_set too_large': 1,
      'memory_get hit': 1,
      'memory_get miss': 1,
    });
  });
});

describe('tiers', () => {
  const entry = (key: string) => ({ key, value: Buffer.from(key), ttlSeconds: 60 });

  test('far is asked for what near lacks, and only once', async () => {
    const near = open();
    const far = open();
    const tiers = createTieredCache({ near: near.cache, far: far.cache });
    await far.cache.setMany([entry('a'), entry('b')]);
    await near.cache.setMany([entry('n')]);
    expect((await tiers.getMany(['a', 'n', 'absent', 'b'])).map(String)).toEqual(['a', 'n', 'undefined', 'b']);
    const shared: number[] = [];
    const onShared = (found: number) => void shared.push(found);
    expect((await tiers.getMany(['b', 'a'], { onShared })).map(String)).toEqual(['b', 'a']);
    await far.cache.setMany([entry('c'), entry('d')]);
    await tiers.getMany(['a', 'c', 'd', 'nowhere'], { onShared });
    // Nothing was asked of far, and then two were there.
    expect(shared).toEqual([0, 2]);
    expect(await far.operations()).toMatchObject({ 'memory_get hit': 4, 'memory_get miss': 2 });
    expect(await near.operations()).toMatchObject({ 'memory_get hit': 4, 'memory_get miss': 6 });
  });

  test('what is stored goes to both, and near forgetting it does not lose it', async () => {
    const far = open();
    const tiers = createTieredCache({ near: open(2000).cache, far: far.cache });
    const keys = Array.from({ length: 20 }, (_, i) => `key${i}`);
    await tiers.setMany(keys.map(entry));
    expect((await tiers.getMany(keys)).map(String)).toEqual(keys);
    expect((await far.operations())['memory_get hit']).toBeGreaterThanOrEqual(15);
  });

  test('the newest is asked of far, and of near what far lacks', async () => {
    const near = open();
    const far = open();
    const tiers = createTieredCache({ near: near.cache, far: far.cache });
    const as = (key: string, value: string) => ({ key, value: Buffer.from(value), ttlSeconds: 60 });
    await near.cache.setMany([as('k', 'older'), as('near', 'alone')]);
    await far.cache.setMany([as('k', 'newer')]);
    const keys = ['k', 'near', 'absent'];
    expect((await tiers.getMany(keys)).map(String)).toEqual(['older', 'alone', 'undefined']);
    expect((await tiers.getMany(keys, { newest: true })).map(String)).toEqual(['newer', 'alone', 'undefined']);
    expect((await tiers.getMany(keys)).map(String)).toEqual(['newer', 'alone', 'undefined']);
  });

  test('two processes with a near cache each claim of each other', async () => {
    const far = open();
    const [one, other] = [1, 2].map(() => createTieredCache({ near: open().cache, far: far.cache }));
    expect(await one!.claim([{ key: 'k', holder: 'one' }], 60)).toEqual([true]);
    expect(await other!.claim([{ key: 'k', holder: 'other' }], 60)).toEqual([false]);
  });
});
