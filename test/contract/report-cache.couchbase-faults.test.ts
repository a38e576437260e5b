import { setTimeout as sleep } from 'node:timers/promises';
import { createCouchbaseFaults, kvStatus } from '../servers/couchbase-faults.ts';
import { findFreePorts } from '../servers/ports.ts';
import { describeWithOwn, uniqueName } from '../servers/require.ts';
import { storeSurely, untilState } from './report-cache.ts';
import { closeOpened, entry, open, openReady, timeMiss } from './report-cache-couchbase.ts';

afterEach(closeOpened);

describeWithOwn(['couchbase'], 'a Couchbase server that misbehaves', (start) => {
  test('away at the start: it opens at once, misses are quick, and it is there when the server is', async () => {
    const [port] = await findFreePorts(2);
    const away = {
      COUCHBASE_URL: `couchbase://127.0.0.1:${port}`,
      COUCHBASE_USER: 'Administrator',
      COUCHBASE_PASSWORD: 'password',
    };
    const begin = performance.now();
    const { cache, lines } = open(away);
    expect(performance.now() - begin).toBeLessThan(1000);
    expect(cache.state()).toBe('degraded');
    // Long enough for more than one attempt to connect, of which one line tells.
    for (let i = 0; i < 45; i++) {
      expect(await timeMiss(cache)).toBeLessThan(200);
      await cache.setMany([entry('k')]);
      await sleep(100);
    }
    expect(lines.map((line) => JSON.parse(line).reason)).toEqual([
      'Couchbase does not answer, or has no bucket "default"',
    ]);
    await start.couchbase({ port: port! });
    await untilState(cache, 'ready', 12_000);
    await cache.setMany([entry('k', 'stored after all')]);
    expect(String((await cache.getMany(['k']))[0])).toBe('stored after all');
  });

  test.each(['killed', 'frozen'] as const)('%s: a few time-outs, then nothing, then it is back', async (how) => {
    const server = await start.couchbase();
    const { cache, breaker, lines, operations } = await openReady(server.env);
    await storeSurely(cache, [entry('before')]);

    if (how === 'killed') await server.kill();
    else server.freeze();
    const first: number[] = [];
    while (cache.state() === 'ready' && first.length < 10) first.push(await timeMiss(cache, ['before', 'other']));
    expect(first.length).toBeLessThanOrEqual(4);
    for (const ms of first) expect(ms).toBeLessThan(150);
    expect(await breaker()).toBe(1);

    const quick: number[] = [];
    for (let i = 0; i < 100; i++) {
      quick.push(await timeMiss(cache, ['before']));
      const write = performance.now();
      await cache.setMany([entry('during')]);
      quick.push(performance.now() - write);
      await sleep(10);
    }
    quick.sort((a, b) => a - b);
    expect(quick[Math.floor(quick.length * 0.8)]).toBeLessThan(2);
    expect(cache.state()).toBe('degraded');

    if (how === 'killed') await server.restart();
    else server.thaw();
    await untilState(cache, 'ready', 8000);
    expect(await breaker()).toBe(0);
    await storeSurely(cache, [entry('after')]);
    expect(String((await cache.getMany(['after']))[0])).toBe('after');
    if (how === 'frozen') expect(String((await cache.getMany(['before']))[0])).toBe('before');
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual([
      'the report cache is connected',
      'the report cache does not answer; reports go on without it',
      'the report cache answers again',
    ]);
    expect((await operations())['couchbase_get skipped']).toBeGreaterThanOrEqual(100);
  });

  test.each(['killed', 'frozen'] as const)('%s for long: the connection is made anew', async (how) => {
    const server = await start.couchbase();
    const { cache, lines } = await openReady(server.env, { reconnectAfterMs: 1000 });
    if (how === 'killed') await server.kill();
    else server.freeze();
    const anew = () => lines.some((line) => line.includes('connecting anew'));
    while (!anew()) {
      expect(await timeMiss(cache)).toBeLessThan(150);
      await sleep(50);
    }
    await sleep(2000);
    if (how === 'killed') await server.restart();
    else server.thaw();
    await untilState(cache, 'ready', 12_000);
    await storeSurely(cache, [entry('after')]);
    expect(lines.at(-1)).toContain('the report cache is connected');
  });

  test('frozen under load: no caller waits longer than its time-out, whatever it asks', async () => {
    const server = await start.couchbase();
    const { cache } = await openReady(server.env);
    server.freeze();
    const keys = Array.from({ length: 2000 }, (_, i) => `k${i}`);
    const calls = Array.from({ length: 20 }, async () => {
      const begin = performance.now();
      const found = await cache.getMany(keys);
      return { took: performance.now() - begin, hits: found.filter(Boolean).length };
    });
    const ends = await Promise.all(calls);
    expect(Math.max(...ends.map(({ hits }) => hits))).toBe(0);
    expect(Math.max(...ends.map(({ took }) => took))).toBeLessThan(400);
    server.thaw();
    await untilState(cache, 'ready', 8000);
  });

  test('connections that are cut are made again without anybody noticing much', async () => {
    const server = await start.couchbase();
    const faults = createCouchbaseFaults(server.env.COUCHBASE_FAULTS_URL);
    const { cache } = await openReady(server.env);
    await storeSurely(cache, [entry('k')]);
    await faults.cut();
    await storeSurely(cache, [entry('again')]).catch(() => undefined);
    await untilState(cache, 'ready', 8000);
    await storeSurely(cache, [entry('again')]);
    expect(String((await cache.getMany(['k']))[0])).toBe('k');
  });

  test('requests that are swallowed or refused are misses within the time-out, and one alone changes nothing', async () => {
    const server = await start.couchbase();
    const faults = createCouchbaseFaults(server.env.COUCHBASE_FAULTS_URL);
    const { cache, operations } = await openReady(server.env, { timeoutMs: 25 });
    await storeSurely(cache, [entry('k')]);
    await faults.swallow({ command: 'GET' });
    expect(await timeMiss(cache, ['k'])).toBeLessThan(70);
    await faults.answer({ command: 'GET', count: 1 }, kvStatus.outOfMemory);
    const start2 = performance.now();
    await cache.getMany(['k']);
    expect(performance.now() - start2).toBeLessThan(70);
    await faults.answer({ command: 'SET' }, kvStatus.tooBig);
    await cache.setMany([entry('refused')]);
    expect(cache.state()).toBe('ready');
    expect(String((await cache.getMany(['k']))[0])).toBe('k');
    expect(await operations()).toMatchObject({
      'couchbase_get failed': expect.any(Number),
      'couchbase_set too_large': 1,
    });
  });

  test('a lease that cannot be asked for is granted within the time-out', async () => {
    const server = await start.couchbase();
    const faults = createCouchbaseFaults(server.env.COUCHBASE_FAULTS_URL);
    const { cache, operations } = await openReady(server.env, { timeoutMs: 50 });
    const claim = (holder: string) => cache.claim([{ key: 'lease', holder }], 60);
    expect(await claim('one')).toEqual([true]);
    expect(await claim('two')).toEqual([false]);
    await faults.swallow({ command: 'ADD' });
    const begin = performance.now();
    expect(await claim('three')).toEqual([true]);
    expect(performance.now() - begin).toBeLessThan(300);
    expect(await claim('four')).toEqual([false]);
    server.freeze();
    while (cache.state() === 'ready') expect(await claim('five')).toEqual([true]);
    expect(await claim('six')).toEqual([true]);
    await expect(cache.release([{ key: 'lease', holder: 'one' }])).resolves.toBeUndefined();
    server.thaw();
    expect((await operations())['couchbase_claim skipped']).toBeGreaterThan(0);
  });

  test('a slow answer never changes what an earlier call has returned', async () => {
    const server = await start.couchbase();
    const faults = createCouchbaseFaults(server.env.COUCHBASE_FAULTS_URL);
    const { cache } = await openReady(server.env);
    await storeSurely(cache, [entry('k')]);
    await faults.delay({ command: 'GET' }, 120);
    const found = await cache.getMany(['k']);
    expect(found).toEqual([undefined]);
    await sleep(200);
    expect(found).toEqual([undefined]);
  });

  test('one node of three away: the answers of the others are still used, in time', async () => {
    const server = await start.couchbase({ nodes: 3 });
    const faults = createCouchbaseFaults(server.env.COUCHBASE_FAULTS_URL);
    const { cache } = await openReady(server.env, { timeoutMs: 150 });
    const keys = Array.from({ length: 120 }, (_, i) => uniqueName(`k${i}`));
    await storeSurely(
      cache,
      keys.map((key) => entry(key)),
    );
    await faults.swallow({ command: 'GET', node: 1, count: Number.POSITIVE_INFINITY });
    for (let i = 0; i < 6; i++) {
      const begin = performance.now();
      const found = await cache.getMany(keys);
      expect(performance.now() - begin).toBeLessThan(300);
      const hits = found.filter((value) => value !== undefined).length;
      expect(hits).toBeGreaterThan(60);
      expect(hits).toBeLessThan(120);
    }
    expect(cache.state()).toBe('ready');
  });

  test.each([0, 1, 2])(
    'two nodes of three away: it is left alone until most of them answer (node %i is well)',
    async (well) => {
      const server = await start.couchbase({ nodes: 3 });
      const faults = createCouchbaseFaults(server.env.COUCHBASE_FAULTS_URL);
      const { cache, lines } = await openReady(server.env);
      const keys = Array.from({ length: 60 }, () => uniqueName('k'));
      for (const node of [0, 1, 2]) {
        if (node !== well) await faults.swallow({ command: '*', node, count: Number.POSITIVE_INFINITY });
      }
      for (let i = 0; i < 10 && cache.state() === 'ready'; i++) await cache.getMany(keys);
      await sleep(1000);
      expect(cache.state()).toBe('degraded');
      await faults.clear();
      await untilState(cache, 'ready', 8000);
      expect(lines.filter((line) => line.includes('answers again'))).toHaveLength(1);
    },
  );

  test('lives of months and of fractions end, and no sooner than a tenth early', async () => {
    const server = await start.couchbase();
    const faults = createCouchbaseFaults(server.env.COUCHBASE_FAULTS_URL);
    const { cache } = await openReady(server.env);
    const day = 86_400;
    const lives = { fraction: 0.5, hour: 3600, days30: 30 * day, year: 365 * day };
    await storeSurely(
      cache,
      Object.entries(lives).map(([key, seconds]) => entry(key, key, seconds)),
    );
    const present = async () => {
      const found = await cache.getMany(Object.keys(lives));
      return found.flatMap((value) => (value === undefined ? [] : [String(value)]));
    };
    await faults.moveClock(3);
    expect(await present()).toEqual(['hour', 'days30', 'year']);
    await faults.moveClock(3200);
    expect(await present()).toEqual(['hour', 'days30', 'year']);
    await faults.moveClock(500);
    expect(await present()).toEqual(['days30', 'year']);
    await faults.moveClock(26 * day);
    expect(await present()).toEqual(['days30', 'year']);
    await faults.moveClock(3 * day);
    expect(await present()).toEqual([]);
  });

  test.each(['connecting', 'frozen', 'probing'] as const)('close never hangs: %s', async (when) => {
    const server = await start.couchbase();
    if (when === 'connecting') server.freeze();
    const { cache } = when === 'connecting' ? open(server.env) : await openReady(server.env);
    if (when === 'connecting') await sleep(300);
    else server.freeze();
    if (when === 'probing') {
      while (cache.state() === 'ready') await timeMiss(cache);
      await sleep(150);
    }
    const call = cache.getMany(['k']);
    const begin = performance.now();
    await cache.close();
    expect(performance.now() - begin).toBeLessThan(2500);
    expect(await call).toEqual([undefined]);
    expect(cache.state()).toBe('degraded');
  });
});
