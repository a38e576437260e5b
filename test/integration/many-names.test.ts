import { rmSync } from 'node:fs';
import { type EnginePool, openEnginePool } from '../../src/adapters/clickhouse/engine-pool.ts';
import { openEmbeddedWarehouse } from '../../src/adapters/clickhouse/open.ts';
import type { Warehouse } from '../../src/ports/warehouse.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { toRow } from '../contract/warehouse.ts';
import { makeFolder } from './graphql-site.ts';

const folder = makeFolder();
let warehouse: Warehouse;
let engine: EnginePool;
beforeAll(async () => {
  const limits = { seconds: 60, memoryBytes: 4e9, resultRows: 100_000 };
  const metrics = createMetrics();
  warehouse = await openEmbeddedWarehouse({
    path: folder,
    database: 'tallygate',
    reportConnections: 1,
    limits,
    metrics,
  });
  await warehouse.migrate();
  engine = await openEnginePool(folder, 1);
  await engine.use('tallygate');
}, 60_000);
afterAll(async () => {
  await engine.close();
  await warehouse.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Part {
  readonly part_type: string;
  readonly files: string;
  readonly own: string;
  readonly rows: string;
}

const parts = async () =>
  (
    await warehouse.query<Part>(
      {
        sql: `SELECT part_type, files, rows, own FROM
            (SELECT name, part_type, files, rows FROM system.parts WHERE active AND database = 'tallygate' AND table = 'events') AS part
          JOIN (SELECT _part AS name, length(groupUniqArrayArray(JSONDynamicPaths(doc))) AS own FROM events GROUP BY name) AS paths USING name`,
      },
      { label: 'test' },
    )
  ).rows;

test('however many names browsers make up, a part has few columns of its own, and every value is still there', async () => {
  // A wide part has files for each column, and a merge has those of all its parts open.
  await engine.sink.command({ query: 'ALTER TABLE events MODIFY SETTING min_bytes_for_wide_part = 0' });
  const [batches, rows, names] = [4, 25, 30];
  for (let batch = 0; batch < batches; batch++) {
    const lines = Array.from({ length: rows }, (_, row) => {
      const offset = batch * rows + row;
      const own = Array.from({ length: names }, (_, i) => [`n${offset * names + i}`, offset * names + i]);
      return toRow(offset, { data: { properties: { common: 1, ...Object.fromEntries(own) } } });
    });
    await warehouse.insert('events', Buffer.from(lines.join('')), { token: `batch:${batch}` });
  }
  const check = (found: readonly Part[]) => {
    expect(found.reduce((sum, part) => sum + Number(part.rows), 0)).toBe(batches * rows);
    for (const { part_type, own, files } of found) {
      expect([part_type, Number(own)]).toEqual(['Wide', 128]);
      expect(Number(files)).toBeLessThan(2500);
    }
  };
  check(await parts());
  await engine.sink.command({ query: 'OPTIMIZE TABLE events FINAL' });
  const merged = await parts();
  expect(merged).toHaveLength(1);
  check(merged);
  const asked = Array.from({ length: batches * rows * names }, (_, i) => i).filter((i) => i % 7 === 0);
  const { rows: sums } = await warehouse.query<Record<string, string>>(
    {
      sql: `SELECT sum(doc.properties.common.:Int64) AS common, ${asked.map((i) => `sum(doc.properties.n${i}.:Int64) AS n${i}`).join(', ')} FROM events`,
    },
    { label: 'test' },
  );
  expect(sums).toEqual([
    { common: String(batches * rows), ...Object.fromEntries(asked.map((i) => [`n${i}`, String(i)])) },
  ]);
}, 120_000);
