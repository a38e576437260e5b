import { rmSync } from 'node:fs';
import { type EnginePool, openEnginePool } from '../../src/adapters/clickhouse/engine-pool.ts';
import { openEmbeddedWarehouse } from '../../src/adapters/clickhouse/open.ts';
import type { JsonObject } from '../../src/events/event.ts';
import { parseEvent } from '../../src/events/parse.ts';
import { encodeRecord } from '../../src/events/record.ts';
import type { Warehouse } from '../../src/ports/warehouse.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { toRow } from '../contract/warehouse.ts';
import { makeFolder } from './graphql-site.ts';

const folder = makeFolder();
const arrival = { project: 'demo', keyId: 'k', receivedAt: Date.UTC(2026, 2, 1, 12), retentionDays: undefined };
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
  // A wide part has files for each column, and a merge has those of all its parts open.
  await engine.sink.command({ query: 'ALTER TABLE events MODIFY SETTING min_bytes_for_wide_part = 0' });
}, 60_000);
beforeEach(() => engine.sink.command({ query: 'TRUNCATE TABLE events' }));
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

/** A line as the sink makes it of what the gateway wrote. */
function toLine(offset: number, properties: JsonObject): string {
  const { event, errors } = parseEvent(
    'track',
    { messageId: `m${offset}`, event: 'A', userId: 'u', properties },
    arrival,
  );
  expect(errors).toEqual([]);
  return `{"log_stream":0,"log_offset":${offset},${encodeRecord(event!, arrival).subarray(1)}\n`;
}

/** A different name each time. */
const toNames = (offset: number, value: (i: number) => unknown): JsonObject =>
  Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`n${offset * 10 + i}`, value(offset * 10 + i)]));

const types = [1, -1, 2 ** 63, 1.5, 'a', true, [1], [1.5], ['a'], [true], [null], [], [1, 'a'], [true, 1.5, null]];

/** With how many files there may be at most: a tenth to a third more than there are. */
const kinds: readonly [name: string, mostFiles: number, toProperties: (offset: number) => JsonObject][] = [
  [
    'lists of objects with names of their own',
    2600,
    (offset) => ({
      items: [toNames(offset, (i) => i), { id: offset }],
      ...toNames(offset, (i) => [toNames(i, String), { inner: [toNames(i, () => true)] }]),
    }),
  ],
  [
    'lists of lists, ever deeper',
    500,
    (offset) =>
      toNames(0, (i) => {
        let list: unknown = [offset, 'x'];
        for (let depth = 0; depth < (offset + i) % 28; depth++) list = [list];
        return list;
      }),
  ],
  [
    'values of all types',
    8000,
    (offset) =>
      Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`n${i}`, types[(offset + i) % types.length]])),
  ],
];

test.each(kinds)(
  'a part has few files for %s, and every event is as it came',
  async (name, mostFiles, toProperties) => {
    const [batches, rows] = [3, 40];
    const sent = Array.from({ length: batches * rows }, (_, offset) => toProperties(offset));
    const lines = sent.map((properties, offset) => toLine(offset, properties));
    for (let batch = 0; batch < batches; batch++)
      await warehouse.insert('events', Buffer.from(lines.slice(batch * rows, (batch + 1) * rows).join('')), {
        token: `${name.replaceAll(/\W/g, '')}:${batch}`,
      });
    const check = (found: readonly Part[]) => {
      expect(found.reduce((sum, part) => sum + Number(part.rows), 0)).toBe(batches * rows);
      for (const { part_type, files } of found) {
        expect(part_type).toBe('Wide');
        expect(Number(files)).toBeLessThan(mostFiles);
      }
    };
    check(await parts());
    await engine.sink.command({ query: 'OPTIMIZE TABLE events FINAL' });
    const merged = await parts();
    expect(merged).toHaveLength(1);
    check(merged);
    const { rows: kept } = await warehouse.query<{ data: string }>(
      { sql: 'SELECT data FROM events ORDER BY log_offset' },
      { label: 'test' },
    );
    expect(kept.map(({ data }) => JSON.parse(data).properties)).toEqual(JSON.parse(JSON.stringify(sent)));
  },
  120_000,
);
