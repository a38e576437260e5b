import { rmSync } from 'node:fs';
import { createMemoryCache } from '../../src/adapters/memory/report-cache.ts';
import { createTracker } from '../../src/ingest/tracker.ts';
import type { Consumption } from '../../src/ports/event-log.ts';
import type { Warehouse } from '../../src/ports/warehouse.ts';
import { createReports, type Reports } from '../../src/reports/reports.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { makeFolder } from './graphql-site.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

const metrics = createMetrics();
const logger = createSilentLogger();
const signal = new AbortController().signal;
const sender = { project: 'p', keyId: 'k' };

let engine: string;
let bench: SinkBench;
let sink: Consumption;
let gateway: Reports;
let asked: string[];
let ahead = 0;

beforeAll(async () => {
  engine = makeFolder();
  bench = await openSinkBench(engine);
  sink = await bench.startSink(bench.warehouse, { lingerMs: 20 });
  // All statements but the readings that go on by themselves.
  const warehouse: Warehouse = {
    ...bench.warehouse,
    query(statement, options) {
      if (['trend', 'versions', 'identity'].includes(options.label)) asked.push(options.label);
      return bench.warehouse.query(statement, options);
    },
  };
  const cache = createMemoryCache({ maxBytes: 16e6, metrics });
  gateway = createReports({ log: bench.log, warehouse, cache, logger, metrics, clock: () => Date.now() + ahead });
});
beforeEach(() => {
  asked = [];
});
afterAll(async () => {
  gateway.stop();
  await sink.stop(5000);
  await bench.close();
  rmSync(engine, { recursive: true, force: true });
});

const track = (n: number) =>
  createTracker({ log: bench.log, metrics, retentionDays: undefined }).track(
    sender,
    Array.from({ length: n }, (_, i) => ({ kind: 'track' as const, input: { event: 'E', userId: `u${i}` } })),
  );

async function look(freshness: object) {
  const operation = gateway.begin('p', signal);
  const series = [{ event: 'E', measure: 'UNIQUE_USERS' as const }];
  const { series: lines, meta } = await operation.trend({ range: { last: '7d' }, series, freshness });
  return { total: lines[0]!.total, meta, statements: await meta.statements() };
}

test('equal questions that take an answer of a minute are of one moment and one computation, whatever comes meanwhile', async () => {
  const { token } = await track(3);
  expect((await look({ after: token, maxWaitMs: 20_000 })).total).toBe(3);
  const first = await look({ maxAgeMs: 60_000 });
  expect(first.total).toBe(3);
  const { token: later } = await track(5);
  expect((await look({ after: later, maxWaitMs: 20_000 })).total).toBe(5);

  asked = [];
  for (const age of [10_000, 30_000, 59_000]) {
    // The clock of the gateway alone: within the minute, and just within it.
    ahead = age - 5000;
    const again = await look({ maxAgeMs: 60_000 });
    expect(again).toMatchObject({ total: 3, statements: 0, meta: { source: 'CACHE', snapshot: first.meta.snapshot } });
    expect(again.meta.asOf).toEqual(first.meta.asOf);
  }
  expect(asked).toEqual([]);

  // Who takes less, or says nothing, or has a token, is told what there is now.
  expect((await look({ maxAgeMs: 5000 })).total).toBe(5);
  expect((await look({})).total).toBe(5);
  expect((await look({ after: later, maxAgeMs: 60_000 })).total).toBe(5);
  // The others do not move those who take a minute.
  expect((await look({ maxAgeMs: 60_000 })).total).toBe(3);

  ahead = 61_000;
  const renewed = await look({ maxAgeMs: 60_000 });
  expect(renewed.total).toBe(5);
  expect(renewed.meta.asOf.getTime()).toBeGreaterThan(first.meta.asOf.getTime());
});

test('the strictest of an operation counts for all of it', async () => {
  const held = await look({ maxAgeMs: 60_000 });
  const { token } = await track(8);
  await look({ after: token, maxWaitMs: 20_000 });
  const operation = gateway.begin('p', signal);
  const ask = (freshness: object) =>
    operation.trend({ range: { last: '7d' }, series: [{ event: 'E', measure: 'UNIQUE_USERS' }], freshness });
  const [one, other] = await Promise.all([ask({ maxAgeMs: 60_000 }), ask({ maxAgeMs: 500 })]);
  expect([one, other].map(({ series }) => series[0]!.total)).toEqual([8, 8]);
  expect(one.meta.snapshot).toBe(other.meta.snapshot);
  expect((await look({ maxAgeMs: 60_000 })).meta.snapshot).toBe(held.meta.snapshot);
});
