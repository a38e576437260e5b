import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMemoryCache } from '../../src/adapters/memory/report-cache.ts';
import { createTracker } from '../../src/ingest/tracker.ts';
import type { Consumption } from '../../src/ports/event-log.ts';
import type { ReportCache } from '../../src/ports/report-cache.ts';
import { createReports, type Reports } from '../../src/reports/reports.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

const metrics = createMetrics();
const logger = createSilentLogger();
const signal = new AbortController().signal;

let engine: string;
let bench: SinkBench;
let sink: Consumption;
let gateways: [Reports, Reports];
let cache: ReportCache;

beforeAll(async () => {
  engine = await mkdtemp(join(tmpdir(), 'tallygate-engine-'));
});
afterAll(() => rm(engine, { recursive: true, force: true }));
beforeEach(async () => {
  bench = await openSinkBench(engine);
  sink = await bench.startSink(bench.warehouse, { lingerMs: 50, batchRows: 200 });
  // Two gateways over one cache, as in production: neither knows what the other has read.
  cache = createMemoryCache({ maxBytes: 32e6, metrics });
  const open = () => createReports({ log: bench.log, warehouse: bench.warehouse, cache, logger, metrics });
  gateways = [open(), open()];
});
afterEach(async () => {
  for (const gateway of gateways) gateway.stop();
  await sink.stop(5000);
  await bench.close();
});

const tracker = () => createTracker({ log: bench.log, metrics, retentionDays: undefined });
const sender = { project: 'demo', keyId: 'k' };
const lastWeek = { last: '7d' };

/** Count and sum of the same events in one operation: different cells, which must agree. */
async function look(gateway: Reports, freshness: object = {}) {
  const operation = gateway.begin('demo', signal);
  const [count, sum, monthly] = await Promise.all([
    operation.trend({ range: lastWeek, series: [{ event: 'E' }], freshness }),
    operation.trend({ range: lastWeek, interval: 'HOUR', series: [{ event: 'E', measure: 'SUM', property: 'one' }] }),
    operation.trend({
      range: { last: '3M' },
      interval: 'MONTH',
      series: [{ event: 'E', measure: 'UNIQUE_VALUES', property: 'id' }],
    }),
  ]);
  const totals = [count, sum, monthly].map(({ series }) => series[0]!.total);
  expect(new Set([count, sum, monthly].map(({ meta }) => meta.snapshot)).size).toBe(1);
  return { totals, meta: count.meta };
}

test('while others write: tiles agree, nothing acknowledged before asOf is missing, nothing unsent is there, and snapshots stay', async () => {
  const acknowledged: { at: number }[] = [];
  let sent = 0;
  let running = true;
  const track = tracker();
  const writers = Array.from({ length: 4 }, async (_, w) => {
    for (let i = 0; running; i++) {
      const count = 1 + ((i * 7 + w) % 9);
      sent += count;
      const events = Array.from({ length: count }, (_, n) => {
        const id = `${w}-${i}-${n}`;
        const late = (i + n) % 5 === 0 ? new Date(Date.now() - 86_400_000 * ((i + n) % 7)) : null;
        return {
          kind: 'track' as const,
          input: { event: 'E', userId: `u${n}`, messageId: id, timestamp: late, properties: { one: 1, id } },
        };
      });
      // Every third batch goes twice, as an impatient client's would.
      if (i % 3 === 0) await track.track(sender, events);
      const { results } = await track.track(sender, events);
      const at = Date.now();
      for (const { status } of results) if (status === 'ACCEPTED') acknowledged.push({ at });
      await sleep(i % 4 === 0 ? 15 : 2);
    }
  });

  const seen: { snapshot: string; totals: (number | null)[] }[] = [];
  const until = Date.now() + 60_000;
  let looks = 0;
  let moved = 0;
  while ((looks < 40 || moved < 8) && Date.now() < until) {
    const { totals, meta } = await look(gateways[looks % 2]!, looks % 5 === 4 ? { maxAgeMs: 0 } : {});
    expect(new Set(totals).size).toBe(1);
    const total = totals[0] as number;
    const due = acknowledged.filter(({ at }) => at < meta.asOf.getTime()).length;
    expect(total).toBeGreaterThanOrEqual(due);
    expect(total).toBeLessThanOrEqual(sent);
    if (total > (seen.at(-1)?.totals[0] ?? 0)) moved++;
    seen.push({ snapshot: meta.snapshot, totals });
    looks++;
    if (looks % 3 === 0) {
      const before = seen[Math.floor(Math.random() * seen.length)]!;
      const again = await look(gateways[(looks + 1) % 2]!, { at: before.snapshot });
      expect(again.totals).toEqual(before.totals);
      expect(again.meta.snapshot).toBe(before.snapshot);
    }
    await sleep(20);
  }
  running = false;
  await Promise.all(writers);
  expect(looks).toBeGreaterThanOrEqual(40);
  expect(moved).toBeGreaterThanOrEqual(8);

  await bench.untilStored();
  const final = await look(gateways[0], { maxAgeMs: 0 });
  expect(final.totals).toEqual([sent, sent, sent]);
  for (const { snapshot, totals } of seen.slice(-10))
    expect((await look(gateways[1], { at: snapshot })).totals).toEqual(totals);
}, 180_000);

test('a token of what was written is waited for, and the wait ends when asked', async () => {
  const track = tracker();
  const input = { event: 'E', userId: 'u', properties: { one: 1, id: 'a' } };
  const { token } = await track.track(sender, [{ kind: 'track', input }]);
  const first = await look(gateways[0], { after: token, maxWaitMs: 10_000 });
  expect(first.totals).toEqual([1, 1, 1]);
  expect(first.meta.consistency).toBe('SATISFIED');

  await sink.stop(5000);
  const { token: unreachable } = await track.track(sender, [{ kind: 'track', input }]);
  const started = Date.now();
  const second = await look(gateways[0], { after: unreachable, maxWaitMs: 300 });
  expect(second.meta.consistency).toBe('TIMED_OUT');
  expect(second.totals).toEqual([1, 1, 1]);
  expect(Date.now() - started).toBeLessThan(5000);
  sink = await bench.startSink();
});

test('rows that are stored before their ledger row are not counted, and not cached under the old version', async () => {
  const track = tracker();
  const add = (id: string) =>
    track.track(sender, [
      { kind: 'track', input: { event: 'E', userId: 'u', messageId: id, properties: { one: 1, id } } },
    ]);
  const { token } = await add('a');
  await look(gateways[0], { after: token, maxWaitMs: 10_000 });
  await sink.stop(5000);
  await add('b');
  // The insert is there, its completion is not: what a statement sees while a sink is in the middle of a batch.
  const completes = Promise.withResolvers<void>();
  const stuck = await bench.startSink({
    ...bench.warehouse,
    async insert(table, lines, options) {
      if (table === 'ledger' && options.token.endsWith(':completed')) await completes.promise;
      await bench.warehouse.insert(table, lines, options);
    },
  });
  for (let left = 200; (await bench.rows<{ n: string }>('SELECT count() AS n FROM events'))[0]!.n !== '2'; left--) {
    expect(left).toBeGreaterThan(0);
    await sleep(20);
  }
  expect((await look(gateways[0], { maxAgeMs: 0 })).totals).toEqual([1, 1, 1]);
  // Its own reading of the ledger may be older than the first event.
  expect((await look(gateways[1], { after: token })).totals).toEqual([1, 1, 1]);
  completes.resolve();
  await bench.untilStored();
  await stuck.stop(5000);
  expect((await look(gateways[0], { maxAgeMs: 0 })).totals).toEqual([2, 2, 2]);
  sink = await bench.startSink();
});

test('a late event changes only answers whose range it touches', async () => {
  const track = tracker();
  const day = 86_400_000;
  const add = (daysAgo: number) =>
    track.track(sender, [
      {
        kind: 'track',
        input: { event: 'E', userId: 'u', timestamp: new Date(Date.now() - daysAgo * day), properties: { one: 1 } },
      },
    ]);
  await add(1);
  const { token } = await add(40);
  const ranges = {
    recent: { from: new Date(Date.now() - 7 * day) },
    old: { from: new Date(Date.now() - 60 * day), to: new Date(Date.now() - 30 * day) },
  };
  const to = new Date();
  const ask = async (freshness: object) => {
    const operation = gateways[0].begin('demo', signal);
    const [recent, old] = await Promise.all([
      operation.trend({ range: { ...ranges.recent, to }, series: [{ event: 'E' }], freshness }),
      operation.trend({ range: ranges.old, series: [{ event: 'E' }] }),
    ]);
    return [recent, old].map(({ series, meta }) => [series[0]!.total, meta.source]);
  };
  expect(await ask({ after: token, maxWaitMs: 10_000 })).toEqual([
    [1, 'WAREHOUSE'],
    [1, 'WAREHOUSE'],
  ]);
  expect(await ask({})).toEqual([
    [1, 'CACHE'],
    [1, 'CACHE'],
  ]);
  const late = await add(45);
  expect(await ask({ after: late.token, maxWaitMs: 10_000 })).toEqual([
    [1, 'CACHE'],
    [2, 'PARTIAL_CACHE'],
  ]);
});

test('a report of 90 days computes the buckets again that something came into, and no others', async () => {
  const track = tracker();
  const day = 86_400_000;
  const today = Math.floor(Date.now() / day) * day;
  const add = (...daysAgo: number[]) =>
    track.track(
      sender,
      daysAgo.map((ago) => ({
        kind: 'track' as const,
        input: { event: 'E', userId: 'u', timestamp: new Date(today - ago * day), properties: { one: 1 } },
      })),
    );
  const all = Array.from({ length: 90 }, (_, i) => i);
  const { token } = await add(...all, ...all);
  const ask = async (gateway: Reports, freshness: object, input: object = {}) => {
    const operation = gateway.begin('demo', signal);
    const { series, meta } = await operation.trend({
      range: { last: '90d' },
      series: [{ event: 'E' }],
      freshness,
      ...input,
    });
    const { source, cachedBuckets, computedBuckets } = meta;
    const read = { statements: await meta.statements(), rowsRead: await meta.rowsRead() };
    return { values: series[0]!.values, source, cachedBuckets, computedBuckets, ...read };
  };
  const first = await ask(gateways[0], { after: token, maxWaitMs: 10_000 });
  expect(first).toMatchObject({ source: 'WAREHOUSE', computedBuckets: 90, statements: 1 });
  expect(first.values).toEqual(all.map(() => 2));
  expect(await ask(gateways[1], { after: token })).toMatchObject({
    source: 'CACHE',
    cachedBuckets: 90,
    statements: 0,
  });

  const late = await add(0, 33, 34, 80);
  const again = await ask(gateways[0], { after: late.token, maxWaitMs: 10_000 });
  expect(again).toMatchObject({ source: 'PARTIAL_CACHE', cachedBuckets: 86, computedBuckets: 4, statements: 1 });
  expect(again.values).toEqual(all.map((i) => ([0, 33, 34, 80].includes(89 - i) ? 3 : 2)));
  // Days that other reports of the same events know are known to all: of a longer range, compared, or summed up.
  const known = { after: late.token };
  expect(await ask(gateways[1], known, { range: { last: '30d' }, cumulative: true })).toMatchObject({
    source: 'CACHE',
    statements: 0,
  });
  expect(await ask(gateways[1], known, { range: { last: '40d' }, compareTo: { shift: '50d' } })).toMatchObject({
    source: 'CACHE',
    cachedBuckets: 80,
  });
  // The days of another zone are other days.
  expect(await ask(gateways[1], {}, { range: { last: '90d', timezone: 'Asia/Kolkata' } })).toMatchObject({
    source: 'WAREHOUSE',
  });
  // More pieces than are asked for at once: what lies in the shortest gaps comes along, and no number is lost.
  const scattered = await add(1, 3, 40, 60, 62, 88);
  const last = await ask(gateways[0], { after: scattered.token, maxWaitMs: 10_000 });
  expect(last).toMatchObject({ source: 'PARTIAL_CACHE', cachedBuckets: 63, computedBuckets: 27, statements: 1 });
  expect(last.values).toEqual((await ask(gateways[1], { maxAgeMs: 0 })).values);
});

test('a filter that looks at a whole life makes one cell of all buckets', async () => {
  const track = tracker();
  const filter = { property: 'personLatest.plan', op: 'EQ' as const, value: 'pro' };
  const identify = (plan: string) =>
    track.track(sender, [{ kind: 'identify' as const, input: { userId: 'u', traits: { plan } } }]);
  await identify('pro');
  const { token } = await track.track(sender, [
    { kind: 'track', input: { event: 'E', userId: 'u', timestamp: new Date(Date.now() - 5 * 86_400_000) } },
  ]);
  const ask = async (freshness: object) => {
    const operation = gateways[0].begin('demo', signal);
    const { series, meta } = await operation.trend({
      range: lastWeek,
      series: [{ event: 'E' }],
      filter,
      freshness,
    });
    return [series[0]!.total, meta.source];
  };
  expect(await ask({ after: token, maxWaitMs: 10_000 })).toEqual([1, 'WAREHOUSE']);
  expect(await ask({})).toEqual([1, 'CACHE']);
  // Today's event changes what is true of the one five days ago.
  const { token: after } = await identify('free');
  expect(await ask({ after, maxWaitMs: 10_000 })).toEqual([0, 'WAREHOUSE']);
});

test('damaged or foreign entries of the cache are misses', async () => {
  const track = tracker();
  const { token } = await track.track(sender, [
    { kind: 'track', input: { event: 'E', userId: 'u', properties: { one: 1, id: 'a' } } },
  ]);
  await look(gateways[0], { after: token, maxWaitMs: 10_000 });
  const broken: ReportCache = {
    ...cache,
    getMany: async (keys) => keys.map((_, i) => Buffer.from(['{"not":"rows"}', 'garbage', '\xff'][i % 3]!)),
  };
  const reports = createReports({ log: bench.log, warehouse: bench.warehouse, cache: broken, logger, metrics });
  expect((await look(reports)).totals).toEqual([1, 1, 1]);
  reports.stop();
});

test("equal questions at the same time cost one statement, and who goes away ends nobody else's", async () => {
  const track = tracker();
  const { token } = await track.track(sender, [{ kind: 'track', input: { event: 'E', userId: 'u' } }]);
  await gateways[0]
    .begin('demo', signal)
    .trend({ range: lastWeek, series: [{ event: 'other' }], freshness: { after: token, maxWaitMs: 10_000 } });
  const gone = new AbortController();
  const asked = Array.from({ length: 50 }, (_, i) =>
    gateways[0].begin('demo', i === 0 ? gone.signal : signal).trend({ range: lastWeek, series: [{ event: 'E' }] }),
  );
  setTimeout(() => gone.abort(), 1);
  const answers = (await Promise.allSettled(asked)).flatMap((settled) =>
    settled.status === 'fulfilled' ? [settled.value] : [],
  );
  expect(answers.length).toBeGreaterThanOrEqual(49);
  for (const { series } of answers) expect(series[0]!.total).toBe(1);
  const statements = await Promise.all(answers.map(({ meta }) => meta.statements()));
  expect(statements.reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(1);
});

test('tokens that are none of ours are refused', async () => {
  const ask = (freshness: object) =>
    gateways[0].begin('demo', signal).trend({ range: lastWeek, series: [{}], freshness });
  await expect(ask({ after: 'nonsense' })).rejects.toMatchObject({ code: 'INVALID_TOKEN' });
  await expect(ask({ at: Buffer.from('[1,2]').toString('base64url') })).rejects.toMatchObject({
    code: 'INVALID_TOKEN',
  });
  const future = Buffer.from(JSON.stringify([Date.now(), Date.now(), [0, 1e9]])).toString('base64url');
  await expect(ask({ at: future, maxWaitMs: 50 })).rejects.toMatchObject({ code: 'INVALID_TOKEN' });
  await expect(ask({ maxWaitMs: 60_000 })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: 'expected freshness.maxWaitMs of 0 to 30000, got 60000',
  });
  const operation = gateways[0].begin('demo', signal);
  const [a, b] = await Promise.allSettled([
    operation.trend({ range: lastWeek, series: [{}], freshness: { at: 'x' } }),
    operation.trend({ range: lastWeek, series: [{}], freshness: { at: 'y' } }),
  ]);
  expect([a, b]).toMatchObject([{ reason: { code: 'INVALID_INPUT' } }, { reason: { code: 'INVALID_INPUT' } }]);
});
