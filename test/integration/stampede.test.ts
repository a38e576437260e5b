import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMemoryCache } from '../../src/adapters/memory/report-cache.ts';
import { createTieredCache } from '../../src/adapters/memory/tiered-cache.ts';
import { createTracker } from '../../src/ingest/tracker.ts';
import type { ReportCache } from '../../src/ports/report-cache.ts';
import type { Warehouse } from '../../src/ports/warehouse.ts';
import { createReports, type Reports } from '../../src/reports/reports.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { closeOpened, open as openCouchbase, openReady } from '../contract/report-cache-couchbase.ts';
import { findFreePorts } from '../servers/ports.ts';
import { describeWith, uniqueName } from '../servers/require.ts';
import { makeFolder } from './graphql-site.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

const metrics = createMetrics();
const logger = createSilentLogger();
const signal = new AbortController().signal;

/** Its cells are not in a server that was used before. */
const project = uniqueName('p');

let engine: string;
let bench: SinkBench;
let statements: number;
const gateways: Reports[] = [];

beforeAll(async () => {
  engine = makeFolder();
  bench = await openSinkBench(engine);
  const sink = await bench.startSink();
  const events = Array.from({ length: 300 }, (_, i) => ({
    kind: 'track' as const,
    input: { event: 'E', userId: `u${i % 7}`, timestamp: new Date(Date.now() - (i % 50) * 86_400_000), properties: {} },
  }));
  await createTracker({ log: bench.log, metrics, retentionDays: undefined }).track({ project, keyId: 'k' }, events);
  await bench.untilStored();
  await sink.stop(5000);
});
beforeEach(() => {
  statements = 0;
});
afterEach(async () => {
  for (const gateway of gateways.splice(0)) gateway.stop();
  await closeOpened();
});
afterAll(async () => {
  await bench.close();
  rmSync(engine, { recursive: true, force: true });
});

const openMemory = () => createMemoryCache({ maxBytes: 16e6, metrics });
const tiers = (far: ReportCache) => createTieredCache({ near: openMemory(), far });

/** A gateway whose trends take a while: long enough for others to ask the same. */
function openGateway(cache: ReportCache, hold: () => Promise<unknown> = () => sleep(300)): Reports {
  const warehouse: Warehouse = {
    ...bench.warehouse,
    async query(statement, options) {
      if (options.label === 'trend') {
        statements++;
        await hold();
      }
      return bench.warehouse.query(statement, options);
    },
  };
  const gateway = createReports({ log: bench.log, warehouse, cache, logger, metrics });
  gateways.push(gateway);
  return gateway;
}

async function total(gateway: Reports, range: { last: string }, freshness: object = {}, event = 'E'): Promise<number> {
  const { series } = await gateway.begin(project, signal).trend({ range, series: [{ event }], freshness });
  return series[0]!.total as number;
}

/** Ranges that nobody has asked for, with what the last so many days have. */
let days = 60;
const anew = () => ({ last: `${++days}d` });

describe('two gateways over one memory', () => {
  let shared: ReportCache;
  suite(async () => {
    shared ??= openMemory();
    return tiers(shared);
  });
});

describeWith(['couchbase'], 'two gateways over one Couchbase', (env) => {
  suite(async () => tiers((await openReady(env, { timeoutMs: 1000 })).cache));
});

function suite(open: () => Promise<ReportCache>): void {
  test('a thousand equal questions at once are one statement', async () => {
    const pair = [openGateway(await open()), openGateway(await open())];
    const range = anew();
    const totals = await Promise.all(Array.from({ length: 1000 }, (_, i) => total(pair[i % 2]!, range)));
    expect(new Set(totals)).toEqual(new Set([300]));
    expect(statements).toBe(1);
  });

  test('what one has computed the other does not compute, also when it has an older copy of its neighbours', async () => {
    const pair = [openGateway(await open()), openGateway(await open())];
    // Of an event of its own: no bucket of it is there.
    const event = uniqueName('other');
    for (const [i, range] of [{ last: '20d' }, { last: '21d' }, { last: '22d' }, { last: '23d' }].entries()) {
      const before = statements;
      await total(pair[i % 2]!, range, {}, event);
      expect(statements).toBe(before + 1);
      // It is written a moment after it was answered.
      await sleep(200);
      await total(pair[(i + 1) % 2]!, range, {}, event);
      expect(statements).toBe(before + 1);
    }
  });

  test('a gateway that dies while it computes holds the others up for as long as its lease lasts, no longer', async () => {
    let isDead = false;
    const cache = await open();
    const nothing = () => Promise.resolve();
    // Of a process that is gone nothing comes any more.
    const mortal: ReportCache = {
      ...cache,
      claim: (leases, ttlSeconds) => (isDead ? new Promise(() => {}) : cache.claim(leases, ttlSeconds)),
      release: (leases) => (isDead ? nothing() : cache.release(leases)),
      setMany: (entries) => (isDead ? nothing() : cache.setMany(entries)),
    };
    const dying = openGateway(mortal, () => {
      isDead = true;
      return new Promise(() => {});
    });
    const range = anew();
    void total(dying, range).catch(() => {});
    while (!isDead) await sleep(5);
    const others = [openGateway(await open()), openGateway(await open())];
    const began = performance.now();
    const totals = await Promise.all(Array.from({ length: 20 }, (_, i) => total(others[i % 2]!, range)));
    expect(new Set(totals)).toEqual(new Set([300]));
    expect(performance.now() - began).toBeLessThan(15_000);
    // The dead one's, and one more for both of the others, or one for each where a slow machine has used up their patience.
    expect([2, 3]).toContain(statements);
  }, 30_000);

  test('who wants it computed anew waits for nobody', async () => {
    const { promise: held, resolve: go } = Promise.withResolvers<void>();
    const slow = openGateway(await open(), () => held);
    const range = anew();
    const first = total(slow, range);
    while (statements === 0) await sleep(5);
    expect(await total(openGateway(await open()), range, { maxAgeMs: 0 })).toBe(300);
    expect(statements).toBe(2);
    go();
    expect(await first).toBe(300);
  });
}

test('with the shared cache away everybody computes, and everybody is answered', async () => {
  const [port] = await findFreePorts(2);
  const away = { COUCHBASE_URL: `couchbase://127.0.0.1:${port}`, COUCHBASE_USER: 'u', COUCHBASE_PASSWORD: 'p' };
  const pair = [1, 2].map(() => openGateway(tiers(openCouchbase(away).cache)));
  const range = anew();
  const totals = await Promise.all(Array.from({ length: 200 }, (_, i) => total(pair[i % 2]!, range)));
  expect(new Set(totals)).toEqual(new Set([300]));
  expect(statements).toBe(2);
});
