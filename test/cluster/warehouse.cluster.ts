import { openServerWarehouse } from '../../src/adapters/clickhouse/open.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { warehouseContract } from '../contract/warehouse.ts';
import { uniqueName } from '../servers/require.ts';

/**
 * The contract on a real cluster, with replicated and distributed tables: `npm run verify:cluster` with CLICKHOUSE_URL,
 * CLICKHOUSE_CLUSTER and, where needed, CLICKHOUSE_USER and CLICKHOUSE_PASSWORD. Makes a database of its own and leaves it.
 * No part of `npm test`: Replicated tables need a Keeper, which no package registry has.
 */
const {
  CLICKHOUSE_URL: url,
  CLICKHOUSE_CLUSTER: cluster,
  CLICKHOUSE_USER: user = 'default',
  CLICKHOUSE_PASSWORD: password = '',
} = process.env;
if (!url || !cluster) throw new Error('expected CLICKHOUSE_URL and CLICKHOUSE_CLUSTER to be set');

describe(`the cluster ${cluster}`, () => {
  warehouseContract(async () =>
    openServerWarehouse({
      url,
      cluster,
      user,
      password,
      database: uniqueName('contract'),
      limits: { seconds: 10, memoryBytes: 2e9, resultRows: 100_000 },
      metrics: createMetrics(),
    }),
  );
});
