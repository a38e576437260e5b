import { setTimeout as sleep } from 'node:timers/promises';
import couchbase from 'couchbase';
import { toFrame } from '../../src/adapters/couchbase/value-frame.ts';
import { createMemoryCache } from '../../src/adapters/memory/report-cache.ts';
import { createTieredCache } from '../../src/adapters/memory/tiered-cache.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { describeWith, uniqueName } from '../servers/require.ts';
import { describeReportCache } from './report-cache.ts';
import {
  closeOpened,
  connectDirectly,
  entry,
  open,
  openReady,
  releaseOpened,
  timeMiss,
} from './report-cache-couchbase.ts';

afterEach(closeOpened);

describeWith(['couchbase'], 'a Couchbase server', (env) => {
  // Divergences: keys beyond 240 bytes are never stored, and under pressure writes are dropped and reads are misses; how
  // long anything may take is tested below, and here a busy machine shall not fail the rest.
  const ready = async () => {
    const { cache } = await openReady(env, { timeoutMs: 1000 });
    releaseOpened(cache); // the suite closes it
    return cache;
  };
  describeReportCache('couchbase', { uniqueName, open: ready });
  describeReportCache('memory in front of couchbase', {
    uniqueName,
    open: async () =>
      createTieredCache({
        near: createMemoryCache({ maxBytes: 1024 * 1024, metrics: createMetrics() }),
        far: await ready(),
      }),
  });

  test('two processes share what is stored', async () => {
    const [one, other] = [await openReady(env), await openReady(env)];
    const key = uniqueName('shared');
    await one.cache.setMany([entry(key, 'from one')]);
    expect(String((await other.cache.getMany([key]))[0])).toBe('from one');
  });

  test('bytes that are not ours are misses: cut, changed, of another key, of another version, JSON, text, empty', async () => {
    const { cache, operations } = await openReady(env);
    const direct = await connectDirectly(env);
    try {
      const collection = direct.bucket.defaultCollection();
      const raw = { transcoder: new couchbase.RawBinaryTranscoder() };
      const stored = uniqueName('stored');
      await cache.setMany([entry(stored, 'a value of some length')]);
      const { content: good } = (await collection.get(stored, raw)) as { content: Buffer };
      const changed = (at: number) => {
        const bytes = Buffer.from(good);
        bytes[at]! ^= 1;
        return bytes;
      };
      const damaged = [
        good.subarray(0, good.length - 1),
        Buffer.concat([good, Buffer.from([0])]),
        ...Array.from(good, (_, at) => changed(at)),
        good, // whole, and under a key that it was not made for
        Buffer.alloc(0),
        Buffer.from('TGC'),
        good.subarray(0, 7),
      ];
      const stem = uniqueName('damaged');
      const keys = damaged.map((_, i) => `${stem}:${i}`);
      for (const [i, bytes] of damaged.entries()) await collection.upsert(keys[i]!, bytes, raw);
      const foreign = [`${stem}:json`, `${stem}:text`];
      await collection.upsert(foreign[0]!, { some: 'document' });
      await collection.upsert(foreign[1]!, 'text', { transcoder: new couchbase.RawStringTranscoder() });
      const found = await cache.getMany([...keys, ...foreign, stored]);
      expect(found.slice(0, -1)).toEqual([...keys, ...foreign].map(() => undefined));
      expect(String(found.at(-1))).toBe('a value of some length');
      expect(await operations()).toMatchObject({ 'couchbase_get invalid': keys.length + 2, 'couchbase_get hit': 1 });
      expect(cache.state()).toBe('ready');
      // A good value takes the place of a bad one.
      await cache.setMany([entry(keys[0]!, 'mended')]);
      expect(String((await cache.getMany([keys[0]!]))[0])).toBe('mended');
    } finally {
      await direct.close();
    }
  });

  test('long values are stored in fewer bytes, and one that says it is much longer than it may be is a miss', async () => {
    const { cache } = await openReady(env);
    const direct = await connectDirectly(env);
    try {
      const collection = direct.bucket.defaultCollection();
      const raw = { transcoder: new couchbase.RawBinaryTranscoder() };
      const rows = Array.from({ length: 900 }, (_, i) => ({ b: String(i * 86_400_000), v: String((i * 7919) % 1009) }));
      const value = Buffer.from(JSON.stringify(rows));
      const [long, bomb] = [uniqueName('long'), uniqueName('bomb')];
      await cache.setMany([{ key: long, value, ttlSeconds: 60 }]);
      const { content } = (await collection.get(long, raw)) as { content: Buffer };
      expect(content.length).toBeLessThan(value.length / 2);
      expect((await cache.getMany([long]))[0]).toEqual(value);
      await collection.upsert(bomb, toFrame(bomb, Buffer.alloc(64 * 1024 * 1024)), raw);
      expect(await cache.getMany([bomb])).toEqual([undefined]);
    } finally {
      await direct.close();
    }
  });

  test('bytes under a lease that nobody understands are nobody’s', async () => {
    const { cache, operations } = await openReady(env);
    const direct = await connectDirectly(env);
    try {
      const key = uniqueName('lease');
      await direct.bucket.defaultCollection().upsert(key, { some: 'document' });
      expect(await cache.claim([{ key, holder: 'one' }], 60)).toEqual([true]);
      expect(await cache.claim([{ key: uniqueName('lease'), holder: 'one' }], 60)).toEqual([true]);
      expect(await operations()).toEqual({ 'couchbase_claim granted': 2 });
    } finally {
      await direct.close();
    }
  });

  test('a value that could not be read in time is not stored', async () => {
    const { cache, operations } = await openReady(env);
    const key = uniqueName('huge');
    await cache.setMany([{ key, value: Buffer.alloc(3 * 1024 * 1024), ttlSeconds: 60 }]);
    expect(await operations()).toEqual({ 'couchbase_set too_large': 1 });
  });

  test('what waits to be written is bounded; the rest is dropped, and nobody waits for long', async () => {
    const { cache, operations } = await openReady(env);
    const value = Buffer.alloc(1024 * 1024);
    const entries = Array.from({ length: 40 }, () => ({ key: uniqueName('burst'), value, ttlSeconds: 60 }));
    const begin = performance.now();
    await cache.setMany(entries);
    expect(performance.now() - begin).toBeLessThan(1000);
    expect((await operations())['couchbase_set dropped']).toBe(8);
    await cache.setMany(entries.slice(0, 20));
    expect((await operations())['couchbase_set dropped']).toBe(8);
  });

  test('wrong password: everything is a miss, the reason is said once, and never the password', async () => {
    const { cache, lines, operations, breaker } = open({ ...env, COUCHBASE_PASSWORD: 'open-sesame' });
    const end = performance.now() + 3000;
    while (performance.now() < end) {
      expect(await timeMiss(cache)).toBeLessThan(200);
      await cache.setMany([entry('unheard')]);
      await sleep(50);
    }
    expect(cache.state()).toBe('degraded');
    expect(await breaker()).toBe(1);
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({
        level: 'warn',
        reason:
          'Couchbase refuses user "Administrator": expected a COUCHBASE_USER that may read and write bucket "default", and its COUCHBASE_PASSWORD',
      }),
    ]);
    expect(lines.join()).not.toContain('open-sesame');
    const counted = await operations();
    expect(Object.keys(counted)).toEqual(['couchbase_get skipped', 'couchbase_set skipped']);
  });

  test('a scope and a collection that are not there are named; once made, they are used', async () => {
    const scope = uniqueName('scope');
    const missing = open(env, { scope, collection: 'answers' });
    const deadline = performance.now() + 5000;
    while (missing.lines.length === 0 && performance.now() < deadline) await sleep(20);
    expect(JSON.parse(missing.lines[0]!).reason).toBe(
      `expected scope "${scope}" (COUCHBASE_SCOPE) in bucket "default", there is none`,
    );
    const direct = await connectDirectly(env);
    try {
      await direct.bucket.collections().createScope(scope);
      await direct.bucket.collections().createCollection('answers', scope);
      const { cache } = await openReady(env, { scope, collection: 'answers' });
      const key = uniqueName('named');
      await cache.setMany([entry(key, 'in its own collection')]);
      expect(String((await cache.getMany([key]))[0])).toBe('in its own collection');
      const named = direct.bucket.scope(scope).collection('answers');
      expect((await named.exists(key)).exists).toBe(true);
      expect((await direct.bucket.defaultCollection().exists(key)).exists).toBe(false);
    } finally {
      await direct.close();
    }
  });
});
