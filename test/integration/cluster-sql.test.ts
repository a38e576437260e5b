import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, openEnginePool } from '../../src/adapters/clickhouse/engine-pool.ts';
import { readMigrations } from '../../src/adapters/clickhouse/migrate.ts';

/** Replicated tables cannot run without a Keeper, which no machine of ours has: their SQL is parsed by the engine, and no more is known of it here. */
test('the engine parses every statement of the cluster variant', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tallygate-cluster-'));
  const pool = await openEnginePool(dir, 1);
  const parse = (sql: string) => (pool.reports as Connection).command({ query: `EXPLAIN AST ${sql}` } as never);
  const statements = readMigrations({ database: 'tallygate', cluster: 'main' }).flatMap(
    (migration) => migration.statements,
  );
  expect(statements.length).toBeGreaterThanOrEqual(10);
  for (const statement of statements) await parse(statement);
  await expect(parse(statements[0]!.replace('ORDER BY', 'ORDER'))).rejects.toThrow('Syntax error');
  await pool.close();
  await rm(dir, { recursive: true, force: true });
});
