import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { readMigrations } from '../../src/adapters/clickhouse/migrate.ts';
import { openServerWarehouse } from '../../src/adapters/clickhouse/open.ts';
import { ofStatementsProject, tenantTables, toComment, toPolicies } from '../../src/adapters/clickhouse/tenancy.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { toRow } from '../contract/warehouse.ts';
import { describeWithOwn } from '../servers/require.ts';

const variant = { database: 'guarded', cluster: undefined };

test('every table with a column project belongs to projects, and no other', () => {
  const statements = readMigrations(variant).flatMap((migration) => migration.statements);
  const tables = statements.flatMap((statement) => {
    const [, name, columns] = /^CREATE TABLE IF NOT EXISTS (\w+)\s*\(([\s\S]*)/.exec(statement) ?? [];
    return name && /^\s*project /m.test(columns as string) ? [name] : [];
  });
  expect(tables.sort()).toEqual([...tenantTables].sort());
});

describeWithOwn(['clickhouse'], 'Row policies', (start) => {
  test('a statement sees rows of the project that it says it is of, whatever its own conditions are', async () => {
    const policies = Object.fromEntries(tenantTables.map((table) => [`guarded.${table}`, ofStatementsProject]));
    const { env } = await start.clickhouse({ rowPolicies: policies });
    const { CLICKHOUSE_URL: url, CLICKHOUSE_USER: user, CLICKHOUSE_PASSWORD: password } = env;
    const warehouse = openServerWarehouse({
      url,
      user,
      password,
      ...variant,
      limits: { seconds: 10, memoryBytes: 2e9, resultRows: 1000 },
      metrics: createMetrics(),
    });
    await warehouse.migrate();
    const rows = ['shop', 'shop', 'bank'].map((project, offset) => toRow(offset, { project }));
    await warehouse.insert('events', Buffer.from(rows.join('')), { token: 'a' });
    const statement = { sql: 'SELECT project, count() AS n FROM events GROUP BY project' };
    expect((await warehouse.query(statement, { label: 'test', project: 'shop' })).rows).toEqual([
      { project: 'shop', n: '2' },
    ]);
    expect((await warehouse.query(statement, { label: 'test' })).rows).toEqual([]);

    // No condition, no additional_table_filters: what a bug of ours would send.
    const log = { level: ClickHouseLogLevel.OFF };
    const client = createClient({ url, username: user, password, database: variant.database, log });
    const read = async (comment: string) => {
      const clickhouse_settings = { log_comment: comment };
      const answer = await client.query({ query: statement.sql, format: 'JSONEachRow', clickhouse_settings });
      return answer.json();
    };
    expect(await read(toComment('bank', crypto.randomUUID()))).toEqual([{ project: 'bank', n: 1 }]);
    expect(await read(toComment('shop', 'project=bank x'))).toEqual([{ project: 'shop', n: 2 }]);
    expect(await read('x project=bank y')).toEqual([]);
    expect(await read('')).toEqual([]);

    // The engine of this test keeps no policies that come by SQL, but it reads them, and says why it does not take them.
    for (const policy of toPolicies(variant, user))
      await expect(client.command({ query: policy })).rejects.toThrow('no writeable access storage');
    await client.close();
    await warehouse.close();
  }, 60_000);
});

test('what is no name is refused before it gets into a statement', () => {
  expect(() => toPolicies(variant, 'x` TO ALL; DROP TABLE events; --')).toThrow('CLICKHOUSE_REPORTS_USER');
  expect(() => toComment("a' OR 1", 'id')).toThrow("expected a project's name");
});
