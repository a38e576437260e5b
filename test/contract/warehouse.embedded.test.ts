import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedWarehouse } from '../../src/adapters/clickhouse/open.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { warehouseContract } from './warehouse.ts';

describe('the engine in this process', () => {
  let dir: string;
  warehouseContract(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tallygate-warehouse-'));
    return openEmbeddedWarehouse({
      path: dir,
      database: 'tallygate',
      reportConnections: 6,
      limits: { seconds: 10, memoryBytes: 2e9, resultRows: 100_000 },
      metrics: createMetrics(),
    });
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));
});
