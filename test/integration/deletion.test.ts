import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryCache } from '../../src/adapters/memory/report-cache.ts';
import { createReplayCommand } from '../../src/commands/replay.ts';
import { runDeletions } from '../../src/ingest/deletion/worker.ts';
import { restoreRange } from '../../src/ingest/restore.ts';
import { createReports } from '../../src/reports/reports.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { runOn } from './command-run.ts';
import { deps, now, readAll, storeInRanges } from './damaged.ts';
import { annsDeadLetters, annsEvents, eraseAll, findings, mortal, request, toRecord, toStory } from './deletion-rig.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

const hour = 3_600_000;

let engine: string;
let bench: SinkBench;
beforeAll(async () => {
  engine = await mkdtemp(join(tmpdir(), 'tallygate-engine-'));
});
afterAll(() => rm(engine, { recursive: true, force: true }));
beforeEach(async () => {
  bench = await openSinkBench(engine);
});
afterEach(() => bench.close());

const replay = () => runOn(bench, createReplayCommand, []);
const states = () =>
  bench.rows<{ id: string; state: string; n: string; events: string; dead: string }>(
    'SELECT id, toString(max(state)) AS state, count() AS n, max(d.events) AS events, max(d.dead_letters) AS dead FROM deletions AS d GROUP BY id ORDER BY min(requested_at), id',
  );

/** Everywhere but in the log: who is looked for by name. */
async function findByName(name: string): Promise<string[]> {
  const tables = [
    'events',
    'dead_letters',
    'repeats',
    'tombstones',
    'deletions',
    'ledger',
    'rollup_hourly',
    'identity_edges',
  ];
  const found: string[] = [];
  for (const table of tables) {
    const rows = await bench.rows<object>(`SELECT * FROM ${table}`);
    if (rows.some((row) => JSON.stringify(row).includes(name))) found.push(table);
  }
  return found;
}

test('everything of a person goes, under all merged ids, and what is left adds up', async () => {
  await storeInRanges(bench, toStory('m'), 5);
  const before = await readAll(bench);
  expect(await findByName('m-ann')).toEqual(['events', 'dead_letters']);
  const deletion = await request(bench, 'm-a1');
  await eraseAll(bench.warehouse);

  const after = await readAll(bench);
  // Bob's identify at her computer names it, and is his. The other project has its own Ann.
  const isHers = (row: object) =>
    /"m-(ann|old-ann)"/.test(JSON.stringify(row)) || /"user_id":"","anonymous_id":"m-a1"/.test(JSON.stringify(row));
  const stays = (row: object) => !isHers(row) || JSON.stringify(row).includes('"project":"other"');
  expect(after.events).toEqual(before.events.filter(stays));
  expect(before.events.length - after.events.length).toBe(annsEvents);
  expect(after.dead_letters).toHaveLength(1);
  expect(after.repeats).toEqual(before.repeats);
  expect(await findings(bench)).toEqual([]);
  expect(await states()).toEqual([
    { id: deletion.id, state: 'done', n: '3', events: String(annsEvents), dead: String(annsDeadLetters) },
  ]);
  expect(await findByName('m-old-ann')).toEqual([]);
  expect(await findByName('ann@example.org')).toEqual([]);
  const [sums] = await bench.rows(
    `SELECT sum(stored) AS stored, sum(dead_lettered) AS dead, sum(deleted) AS deleted, sum(deduplicated) AS repeats,
      (SELECT sum(r.events) FROM rollup_hourly AS r) AS rollup, (SELECT count() FROM identity_edges) AS edges FROM ledger WHERE phase != 'announced'`,
  );
  expect(sums).toEqual({
    stored: String(after.events.length),
    dead: '1',
    deleted: String(annsEvents + annsDeadLetters),
    repeats: '2',
    rollup: String(after.events.length),
    // Bob's browser, and her computer, which is his now.
    edges: '2',
  });
}, 120_000);

test('asked for twice, one after the other and at once by two, it is done once; what comes later is somebody new', async () => {
  await storeInRanges(bench, toStory('m'), 5);
  await request(bench, 'm-ann');
  await request(bench, 'm-ann');
  await Promise.all([eraseAll(bench.warehouse), eraseAll(bench.warehouse)]);
  expect((await states()).map(({ state, n, events }) => [state, n, events])).toEqual([
    ['done', '3', String(annsEvents)],
    ['done', '3', '0'],
  ]);
  expect(await findings(bench)).toEqual([]);
  const tombstones = await bench.rows<{ n: string }>('SELECT count() AS n FROM tombstones');
  expect(tombstones).toEqual([{ n: String(annsEvents + annsDeadLetters) }]);

  // Also to the deletions there were.
  await storeInRanges(bench, [toRecord({ messageId: 'new', userId: 'm-ann' })], 1);
  expect((await replay()).code).toBe(0);
  const rows = await bench.rows("SELECT message_id FROM events WHERE user_id = 'm-ann' AND project = 'demo'");
  expect(rows).toEqual([{ message_id: 'new' }]);
  await request(bench, 'm-ann');
  await eraseAll(bench.warehouse);
  expect((await states()).at(-1)).toMatchObject({ state: 'done', events: '1' });
  expect(await findings(bench)).toEqual([]);
}, 120_000);

test('killed behind any step, another process goes on where it was', async () => {
  let isWhole = false;
  let changes = 0;
  while (!isWhole) {
    changes++;
    await storeInRanges(bench, toStory(`m${changes}`, now + changes * hour), 12);
    await request(bench, `m${changes}-ann`);
    try {
      await eraseAll(mortal(bench.warehouse, changes));
      isWhole = true;
    } catch (thrown) {
      expect(String(thrown)).toBe('Error: dead');
    }
    await eraseAll(bench.warehouse);
    expect((await states()).map(({ state, events, dead }) => `${state} ${events} ${dead}`)).toEqual(
      Array.from({ length: changes }, () => `done ${annsEvents} ${annsDeadLetters}`),
    );
    expect(await findings(bench)).toEqual([]);
    expect(
      await bench.rows(
        "SELECT project FROM ledger WHERE phase = 'corrected' GROUP BY project HAVING countIf(endsWith(token, ':begin')) != countIf(endsWith(token, ':end'))",
      ),
    ).toEqual([]);
  }
  // Two states, two ranges with ledger and rollup each and an end, tombstones, two tables, and the purge.
  expect(changes).toBeGreaterThanOrEqual(11);
}, 300_000);

test.each([
  ['the tables', ['events', 'rollup_hourly', 'identity_edges', 'dead_letters', 'repeats']],
  [
    'the tables and the tombstones',
    ['events', 'rollup_hourly', 'identity_edges', 'dead_letters', 'repeats', 'tombstones'],
  ],
  [
    'everything but what was deleted',
    ['events', 'rollup_hourly', 'identity_edges', 'dead_letters', 'repeats', 'tombstones', 'ledger'],
  ],
])(
  'a replay after %s were emptied does not bring it back',
  async (_, tables) => {
    await storeInRanges(bench, toStory('m'), 6);
    await request(bench, 'm-old-ann');
    await eraseAll(bench.warehouse);
    const { ledger: _ledger, ...before } = await readAll(bench);
    for (const table of tables) await bench.damage(`TRUNCATE TABLE ${table}`);
    await restoreRange(deps(bench), { stream: 0, logPartition: 0, first: 0, last: 23 });
    const { ledger: _later, ...after } = await readAll(bench);
    expect(after).toEqual(before);
    expect(await findings(bench)).toEqual([]);
    expect((await replay()).code).toBe(0);
    expect(await findings(bench)).toEqual([]);
    expect(await findByName('m-old-ann')).toEqual([]);
  },
  120_000,
);

test('rows that were lost when it was done, and are put back later, are put back without it', async () => {
  await storeInRanges(bench, toStory('m'), 6);
  await bench.damage('ALTER TABLE events DELETE WHERE log_offset BETWEEN 5 AND 9 SETTINGS mutations_sync = 2');
  await request(bench, 'm-ann');
  await eraseAll(bench.warehouse);
  expect((await replay()).code).toBe(0);
  expect(await findByName('m-old-ann')).toEqual([]);
  expect(await findings(bench)).toEqual([]);
}, 120_000);

test('a sink that was behind, and one that replays, store it and it goes; a late second try is a repeat', async () => {
  const records = toStory('m');
  await bench.log.append(0, records);
  await request(bench, 'm-ann');
  const over = new AbortController();
  const metrics = createMetrics();
  const worker = runDeletions({ ...bench, logger: createSilentLogger(), metrics, everyMs: 20 }, over.signal);
  try {
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await states())[0]).toMatchObject({ state: 'requested' });
    const sink = await bench.startSink(bench.warehouse, { batchRows: 7 });
    for (let left = 600; (await states())[0]?.state !== 'done' && left > 0; left--)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await states())[0]).toMatchObject({ state: 'done', events: String(annsEvents) });
    await sink.stop(10_000);
    expect(await findings(bench)).toEqual([]);

    // The group has forgotten everything, and the engine every token: all of it is stored anew.
    const [again] = records;
    await bench.log.append(0, [again!]);
    const next = await bench.startSink(bench.warehouse, { verifyRecent: true });
    await bench.untilStored();
    await next.stop(10_000);
    expect(await findByName('m-old-ann')).toEqual([]);
    const repeats = await bench.rows("SELECT conflict FROM repeats WHERE message_id = 'm-0'");
    expect(repeats).toEqual([{ conflict: false }]);
    expect(await findings(bench)).toEqual([]);
  } finally {
    over.abort();
    await worker;
  }
}, 120_000);

test('no answer that was cached has the person, and an older snapshot says so', async () => {
  await storeInRanges(bench, toStory('m'), 5);
  const cache = createMemoryCache({ maxBytes: 32e6, metrics: createMetrics() });
  const reports = createReports({ ...bench, cache, logger: createSilentLogger(), metrics: createMetrics() });
  const look = async (at?: string) => {
    // The ledger is read at most four times a second.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const range = { from: new Date(now - 300 * hour), to: new Date(now + 100 * hour) };
    const request = reports.begin('demo', new AbortController().signal);
    const { series, meta } = await request.trend({
      range,
      interval: 'MONTH',
      series: [{ event: 'Bought', measure: 'UNIQUE_USERS' }],
      freshness: at === undefined ? null : { at },
    });
    const found = await request.person({ id: 'm-ann', freshness: at === undefined ? null : { at } });
    return { total: series[0]!.total, found: found?.eventCount ?? null, meta };
  };
  try {
    const first = await look();
    expect(first).toMatchObject({ total: 2, found: annsEvents });
    expect(await look()).toMatchObject({ total: 2, meta: { source: 'CACHE' } });
    await request(bench, 'm-ann');
    await eraseAll(bench.warehouse);
    expect(await look()).toMatchObject({ total: 1, found: null, meta: { source: 'WAREHOUSE', warnings: [] } });
    expect(await look()).toMatchObject({ total: 1, found: null, meta: { source: 'CACHE' } });
    expect(await look(first.meta.snapshot)).toMatchObject({
      total: 1,
      found: null,
      meta: { warnings: ['persons were deleted since this snapshot: its numbers are without them'] },
    });
    const [bucket] = await reports
      .begin('demo', new AbortController().signal)
      .ledger({ range: { from: new Date(now - hour), to: new Date(now + 2 * hour) }, by: 'DAY' });
    expect(bucket).toMatchObject({ deleted: annsEvents + annsDeadLetters, deadLettered: 1, inFlight: 0 });
  } finally {
    reports.stop();
  }
}, 120_000);
