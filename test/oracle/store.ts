import { join } from 'node:path';
import { openEmbeddedWarehouse } from '../../src/adapters/clickhouse/open.ts';
import { openLmdbLog } from '../../src/adapters/lmdb/open-lmdb-log.ts';
import type { Logger } from '../../src/telemetry/logger.ts';
import type { Metrics } from '../../src/telemetry/metrics.ts';

export const mebibyte = 1024 * 1024;

interface StoreOptions {
  readonly folder: string;
  readonly partitions: number;
  readonly reportConnections: number;
  /** Of a statement. */
  readonly memoryBytes: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** The embedded log and a migrated warehouse, in a folder of their own. */
export async function openStore({ folder, partitions, reportConnections, memoryBytes, logger, metrics }: StoreOptions) {
  const log = await openLmdbLog({
    path: join(folder, 'log'),
    partitions,
    retentionMs: 3_600_000,
    maxQueuedBytes: 64 * mebibyte,
    logger,
    metrics,
  });
  const warehouse = await openEmbeddedWarehouse({
    path: join(folder, 'warehouse'),
    database: 'tallygate',
    reportConnections,
    limits: { seconds: 30, memoryBytes, resultRows: 100_000 },
    metrics,
  });
  await warehouse.migrate();
  return { log, warehouse };
}
