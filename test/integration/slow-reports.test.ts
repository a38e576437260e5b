import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEmbeddedWarehouse } from '../../src/adapters/clickhouse/open.ts';
import { openLmdbLog } from '../../src/adapters/lmdb/open-lmdb-log.ts';
import { createTracker } from '../../src/ingest/tracker.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

/**
 * The engine's statements and the log's fsyncs share libuv's threads. With the four that Node has by default, four slow
 * reports hold up every acknowledgement until one of them ends: src/bin.cjs asks for more.
 */
test('acknowledgements do not wait for slow reports, nor does what ends those', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tallygate-slow-'));
  const metrics = createMetrics();
  const warehouse = await openEmbeddedWarehouse({
    path: join(dir, 'warehouse'),
    database: 'tallygate',
    reportConnections: 6,
    limits: { seconds: 60, memoryBytes: 1e9, resultRows: 10 },
    metrics,
  });
  const log = await openLmdbLog({
    path: join(dir, 'log'),
    retentionMs: 3_600_000,
    maxQueuedBytes: 64e6,
    logger: createSilentLogger(),
    metrics,
  });
  const tracker = createTracker({ log, metrics, retentionDays: undefined });
  const cancel = new AbortController();
  let ended = 0;
  // As many as there are connections, and as many again that wait for one.
  const reports = Array.from({ length: 12 }, () =>
    warehouse
      .query(
        { sql: 'SELECT count() FROM numbers({n:UInt64}) WHERE cityHash64(number) % 7 = 3', params: { n: 1e12 } },
        { label: 'slow', signal: cancel.signal },
      )
      .catch(() => {})
      .finally(() => ended++),
  );
  await sleep(500);
  for (let i = 0; i < 50; i++) {
    const { results } = await tracker.track({ project: 'demo', keyId: 'k' }, [
      { kind: 'track', input: { event: 'E', userId: `u${i}` } },
    ]);
    expect(results[0]!.status).toBe('ACCEPTED');
  }
  await warehouse.query({ sql: 'SELECT 1' }, { label: 'ledger', lane: 'ledger' });
  expect(ended).toBe(0);
  cancel.abort();
  await Promise.all(reports);
  await log.close();
  await warehouse.close();
  await rm(dir, { recursive: true, force: true });
}, 90_000);
