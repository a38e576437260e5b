import { openServerWarehouse } from '../../src/adapters/clickhouse/open.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { describeWith, describeWithOwn, uniqueName } from '../servers/require.ts';
import { toRow, warehouseContract } from './warehouse.ts';

const options = {
  limits: { seconds: 10, memoryBytes: 2e9, resultRows: 100_000 },
  metrics: createMetrics(),
  cluster: undefined,
};

describeWith(
  ['clickhouse'],
  'ClickHouse behind HTTP',
  ({ CLICKHOUSE_URL: url, CLICKHOUSE_USER: user, CLICKHOUSE_PASSWORD: password }) => {
    warehouseContract(async () =>
      openServerWarehouse({ ...options, url, user, password, database: uniqueName('contract') }),
    );
  },
);

describeWithOwn(['clickhouse'], 'ClickHouse that comes and goes', (start) => {
  test('away is a retriable failure, and it comes back by itself', async () => {
    const server = await start.clickhouse();
    const { CLICKHOUSE_URL: url, CLICKHOUSE_USER: user, CLICKHOUSE_PASSWORD: password } = server.env;
    const warehouse = openServerWarehouse({ ...options, url, user, password, database: 'comes_and_goes' });
    const statement = { sql: 'SELECT count() AS n FROM events' };
    await expect(warehouse.query(statement, { label: 'test' })).rejects.toMatchObject({
      code: 'WAREHOUSE_UNAVAILABLE',
      message: expect.stringContaining('run "tallygate migrate"'),
    });
    await warehouse.migrate();
    await warehouse.insert('events', Buffer.from(toRow(1)), { token: 'a' });
    await server.kill();
    await expect(warehouse.query(statement, { label: 'test' })).rejects.toMatchObject({
      code: 'WAREHOUSE_UNAVAILABLE',
      retriable: true,
      retryAfterMs: 1000,
    });
    await expect(warehouse.insert('events', Buffer.from(toRow(2)), { token: 'b' })).rejects.toMatchObject({
      code: 'WAREHOUSE_UNAVAILABLE',
    });
    await expect(warehouse.ping()).rejects.toMatchObject({ code: 'WAREHOUSE_UNAVAILABLE' });
    await server.restart();
    expect((await warehouse.query(statement, { label: 'test' })).rows).toEqual([{ n: '1' }]);
    await warehouse.insert('events', Buffer.from(toRow(1)), { token: 'a' });
    expect((await warehouse.query(statement, { label: 'test' })).rows).toEqual([{ n: '1' }]);
    await warehouse.close();
  }, 60_000);
});
