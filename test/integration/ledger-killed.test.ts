import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEmbeddedWarehouse } from '../../src/adapters/clickhouse/open.ts';
import { openLmdbLog } from '../../src/adapters/lmdb/open-lmdb-log.ts';
import { createMemoryCache } from '../../src/adapters/memory/report-cache.ts';
import { createReports } from '../../src/reports/reports.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { ask, secrets, startRole } from '../e2e/tallygate.ts';
import { makeFolder } from './graphql-site.ts';

const logger = createSilentLogger();
const metrics = createMetrics();
const minute = 60_000;

let folder: string;
beforeAll(() => {
  folder = makeFolder();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const track = (url: string, messageId: string) =>
  ask<{ track: { result: { status: string } } }>(
    url,
    secrets.write,
    'mutation ($input: TrackInput!) { track(input: $input) { result { status } } }',
    { input: { event: 'E', userId: 'u', messageId } },
  );

const env = () => ({ DATA_DIR: join(folder, 'data'), SINK_LINGER_MS: '50' });

test('a service that stops in order has told everything; one that is killed leaves its minutes incomplete, and not unbalanced', async () => {
  const orderly = await startRole('serve', folder, env());
  for (let i = 0; i < 5; i++) expect((await track(orderly.url, `a${i}`)).status).toBe(200);
  await orderly.stop();
  const restarted = Date.now();
  const killed = await startRole('serve', folder, env());
  for (let i = 0; i < 7; i++) expect((await track(killed.url, `b${i}`)).status).toBe(200);
  await sleep(500);
  await killed.kill();
  const died = Date.now();

  const log = await openLmdbLog({
    path: join(folder, 'data', 'log'),
    retentionMs: 3_600_000,
    maxQueuedBytes: 1e6,
    logger,
    metrics,
  });
  const warehouse = await openEmbeddedWarehouse({
    path: join(folder, 'data', 'warehouse'),
    database: 'tallygate',
    reportConnections: 2,
    limits: { seconds: 60, memoryBytes: 4e9, resultRows: 1e6 },
    metrics,
  });
  await warehouse.migrate();
  const cache = createMemoryCache({ maxBytes: 1e6, metrics });
  // Half an hour later, as the one who asks would have it.
  const reports = createReports({ log, warehouse, cache, logger, metrics, clock: () => Date.now() + 30 * minute });
  const buckets = await reports.begin('e2e', new AbortController().signal).ledger({ range: { last: '45m' } });
  reports.stop();
  await Promise.allSettled([log.close(), warehouse.close(), cache.close()]);

  const incomplete = buckets.filter((bucket) => bucket.incomplete).map(({ start }) => start.getTime());
  expect(incomplete.some((start) => start <= died && start + minute > restarted)).toBe(true);
  for (const start of incomplete) {
    expect(start + minute).toBeGreaterThan(restarted);
    expect(start).toBeLessThan(died + 6 * minute);
  }
  expect(buckets.every(({ balanced }) => balanced)).toBe(true);
  const sum = (of: 'accepted' | 'stored') => buckets.reduce((total, bucket) => total + bucket[of], 0);
  // Those of the orderly life, and what the other one told before it died.
  expect(sum('accepted')).toBeGreaterThanOrEqual(5);
  expect(sum('accepted')).toBeLessThanOrEqual(12);
  expect(sum('stored')).toBeGreaterThanOrEqual(5);
}, 120_000);
