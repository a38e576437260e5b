import { expandMigration, readMigrations, runMigrations } from '../../src/adapters/clickhouse/migrate.ts';

const single = { database: 'tallygate', cluster: undefined };
const cluster = { database: 'tallygate', cluster: 'main' };

test('macros make the plain, the replicated and the distributed table', () => {
  const sql =
    'CREATE TABLE {{table t}} {{on_cluster}} (a Int8) ENGINE = {{engine MergeTree}} ORDER BY a SETTINGS {{durable}};\n{{distributed t by a}}';
  expect(expandMigration(sql, single)).toBe(
    'CREATE TABLE t  (a Int8) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 20000, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;\n',
  );
  expect(expandMigration(sql, cluster)).toBe(
    "CREATE TABLE t_local ON CLUSTER 'main' (a Int8) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}') ORDER BY a SETTINGS replicated_deduplication_window = 20000, replicated_deduplication_window_seconds = 86400;\n" +
      "CREATE TABLE IF NOT EXISTS t ON CLUSTER 'main' AS t_local ENGINE = Distributed('main', 'tallygate', 't_local', a);",
  );
});

test('an unknown macro is a mistake of ours', () => {
  expect(() => expandMigration('{{engin MergeTree}}', single)).toThrow(
    'expected a known macro in a migration, got {{engin MergeTree}}',
  );
});

test('every table has a distributed one in front in a cluster, and none without', () => {
  const tablesOf = (variant: typeof single | typeof cluster) =>
    readMigrations(variant).flatMap(({ statements }) =>
      statements.flatMap((s) => /^CREATE TABLE IF NOT EXISTS (\w+)/.exec(s)?.slice(1) ?? []),
    );
  const plain = tablesOf(single);
  expect(plain).toEqual(expect.arrayContaining(['events', 'ledger', 'dead_letters', 'repeats', 'log_epochs']));
  expect(tablesOf(cluster)).toEqual(plain.flatMap((table) => [`${table}_local`, table]));
});

test('statements are applied in order, once, and again from the one that failed', async () => {
  const migrations = [
    { name: '1', statements: ['a', 'b'] },
    { name: '2', statements: ['c'] },
  ];
  const applied: string[] = [];
  const commands: string[] = [];
  let broken = true;
  const database = {
    command: async (sql: string) => {
      if (sql === 'b' && broken) throw new Error('away');
      commands.push(sql);
    },
    applied: async () => applied,
    record: async (name: string) => void applied.push(name),
  };
  await expect(runMigrations(migrations, database)).rejects.toThrow('away');
  expect(applied).toEqual([]);
  broken = false;
  expect(await runMigrations(migrations, database)).toEqual(['1', '2']);
  expect(commands).toEqual(['a', 'a', 'b', 'c']);
  expect(await runMigrations(migrations, database)).toEqual([]);
});
