import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryCache } from '../../src/adapters/memory/report-cache.ts';
import { createDedupeCommand } from '../../src/commands/dedupe.ts';
import { createReplayCommand } from '../../src/commands/replay.ts';
import { runAudit } from '../../src/ingest/audit/run-audit.ts';
import type { CorrectableWarehouse } from '../../src/ports/warehouse.ts';
import { createReports } from '../../src/reports/reports.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { runOn } from './command-run.ts';
import { now, readAll, storeInRanges, toRecord } from './damaged.ts';
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

/** Three ranges of 6 records: four events, the same again 30 hours later, and one of them another 30 hours later. */
async function storeRepeats(name: string, from: number): Promise<void> {
  const ids = ['a', 'b', 'c', 'd'].map((id) => `${name}-${id}`);
  const project = (id: string) => (id.endsWith('d') ? 'other' : 'demo');
  const wave = (some: readonly string[], at: number, n: number, fill: string) => [
    ...some.map((messageId, i) =>
      toRecord({ messageId, project: project(messageId), keyId: `k${i % 2}`, event: `E${i % 3}`, receivedAt: at, n }),
    ),
    ...Array.from({ length: 6 - some.length }, (_, i) =>
      toRecord({ messageId: `${name}-${fill}-${i}`, event: 'E1', receivedAt: at }),
    ),
  ];
  await storeInRanges(
    bench,
    [
      ...wave(ids, from, 1, 'x'),
      ...wave(ids, from + 30 * hour, 1, 'y'),
      // Something else under the same id.
      ...wave(ids.slice(0, 1), from + 60 * hour, 2, 'z'),
    ],
    6,
  );
}

/** Everything but commits, which nobody makes here. */
async function findings(): Promise<string[]> {
  const report = await runAudit({ ...bench, group: 'sink', windowHours: 24, settleMs: 0 }, { isDeep: true });
  return report.findings.flatMap(({ kind, first, last }) =>
    kind === 'COMMIT_BACK' ? [] : [`${kind} ${first}-${last}`],
  );
}

const dedupe = (...args: string[]) => runOn(bench, createDedupeCommand, args);
const ids = () =>
  bench.rows<{ n: string; ids: string }>('SELECT count() AS n, uniqExact(project, message_id) AS ids FROM events');

test('the first one stays, the others are repeats, and ledger and rollup say so; a dry run changes nothing', async () => {
  await storeRepeats('m', now);
  const before = await readAll(bench);
  expect(before.events).toHaveLength(18);
  const dry = await dedupe('--dry-run');
  expect(dry).toMatchObject({ code: 0, stderr: '' });
  expect(dry.stdout.split('\n')).toHaveLength(5 + 2);
  expect(dry.stdout).toContain(
    'demo m-a at 0:6, received 2026-03-02T18:00:00.000Z; first at 0:0, received 2026-03-01T12:00:00.000Z',
  );
  expect(dry.stdout).toContain('would take out 5 events');
  expect(await readAll(bench)).toEqual(before);

  expect((await dedupe('--project', 'other')).stdout).toContain('took out 1 events');
  expect((await dedupe('--from', '0:12')).stdout).toContain('took out 1 events');
  expect(await findings()).toEqual([]);
  expect((await dedupe()).stdout).toContain('took out 3 events');
  const after = await readAll(bench);
  expect(after.events).toEqual(
    before.events.filter(({ log_offset }) => ![6, 7, 8, 9, 12].includes(Number(log_offset))),
  );
  expect(after.repeats).toMatchObject([
    { log_offset: '6', project: 'demo', key_id: 'k0', conflict: false },
    { log_offset: '7', project: 'demo', key_id: 'k1', conflict: false },
    { log_offset: '8', project: 'demo', key_id: 'k0', conflict: false },
    { log_offset: '9', project: 'other', key_id: 'k1', conflict: false },
    { log_offset: '12', project: 'demo', key_id: 'k0', conflict: true },
  ]);
  expect(await findings()).toEqual([]);
  const [sums] = await bench.rows<Record<string, string>>(
    "SELECT (SELECT sum(r.events) FROM rollup_hourly AS r) AS rollup, (SELECT sum(stored) FROM ledger WHERE phase != 'announced') AS stored, (SELECT sum(deduplicated) FROM ledger WHERE phase != 'announced') AS deduplicated",
  );
  expect(sums).toEqual({ rollup: '13', stored: '13', deduplicated: '5' });
  expect((await dedupe()).stdout).toContain('took out 0 events');
}, 120_000);

/** A warehouse whose user dies behind its n-th change. */
function mortal(warehouse: CorrectableWarehouse, changes: number): CorrectableWarehouse {
  let left = changes;
  const after = async (change: Promise<void>) => {
    if (left === 0) throw new Error('dead');
    await change;
    if (--left === 0) throw new Error('dead');
  };
  return {
    ...warehouse,
    insert: (table, lines, options) => after(warehouse.insert(table, lines, options)),
    removeEvents: (stream, offsets) => after(warehouse.removeEvents(stream, offsets)),
  };
}

test('killed behind any step, it goes on where it was: nothing is lost, and everything adds up', async () => {
  let isWhole = false;
  let changes = 0;
  while (!isWhole) {
    changes++;
    await storeRepeats(`m${changes}`, now + changes * hour);
    const warehouse = mortal(bench.warehouse, changes);
    const { code, stderr } = await runOn({ log: bench.log, warehouse }, createDedupeCommand, []);
    isWhole = code === 0;
    if (!isWhole) expect(stderr).toBe('dedupe: dead\n');
    expect((await dedupe()).code).toBe(0);
    const [counts] = await ids();
    expect(counts).toEqual({ n: String(13 * changes), ids: String(13 * changes) });
    expect(await findings()).toEqual([]);
    const [rollup] = await bench.rows<{ n: string }>('SELECT sum(r.events) AS n FROM rollup_hourly AS r');
    expect(rollup!.n).toBe(counts!.n);
    const open = await bench.rows(
      "SELECT project FROM ledger WHERE phase = 'corrected' GROUP BY project HAVING countIf(endsWith(token, ':begin')) != countIf(endsWith(token, ':end'))",
    );
    expect(open).toEqual([]);
  }
  // Two ranges: repeats, ledger, rollup and end of each, and one deletion.
  expect(changes).toBeGreaterThanOrEqual(9);
}, 300_000);

test('a position that has two rows has one again', async () => {
  await storeRepeats('m', now);
  await dedupe();
  const before = await readAll(bench);
  await bench.damage('INSERT INTO events SELECT * EXCEPT (person, doc) FROM events WHERE log_offset BETWEEN 1 AND 2');
  expect(await findings()).toEqual(['DOUBLED 1-2']);
  expect((await dedupe()).stdout).toContain('the second rows of 2 positions');
  expect(await findings()).toEqual([]);
  expect(await readAll(bench)).toEqual(before);
}, 120_000);

test('tables that were emptied after it are replayed, and deduplicated again', async () => {
  await storeRepeats('m', now);
  await dedupe();
  const before = await readAll(bench);
  for (const table of ['events', 'repeats', 'rollup_hourly']) await bench.damage(`TRUNCATE TABLE ${table}`);
  expect((await runOn(bench, createReplayCommand, [])).code).toBe(0);
  expect(new Set((await findings()).map((text) => text.split(' ')[0]))).toEqual(new Set(['TALLY']));
  expect((await dedupe()).stdout).toContain('took out 5 events');
  expect(await findings()).toEqual([]);
  expect(await readAll(bench)).toEqual(before);
}, 120_000);

test('what the tables have lost is not taken for a correction', async () => {
  await storeRepeats('m', now);
  await bench.damage('ALTER TABLE events DELETE WHERE log_offset = 10 SETTINGS mutations_sync = 2');
  const { code, stdout } = await dedupe();
  expect(code).toBe(3);
  expect(stdout).toContain('the tables lack what the ledger has of positions 6 to 11: run "tallygate verify"');
  expect((await findings())[0]).toBe('MISSING 10-10');
}, 120_000);

test('an answer that was cached before is not given after, and an older snapshot says what it lacks', async () => {
  await storeRepeats('m', now);
  const cache = createMemoryCache({ maxBytes: 32e6, metrics: createMetrics() });
  const reports = createReports({ ...bench, cache, logger: createSilentLogger(), metrics: createMetrics() });
  const look = async (at?: string) => {
    // The ledger is read at most four times a second.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const range = { from: new Date(now - hour), to: new Date(now + 100 * hour) };
    const freshness = at === undefined ? null : { at };
    const { series, meta } = await reports
      .begin('demo', new AbortController().signal)
      .trend({ range, interval: 'DAY', series: [{ event: 'E0' }], freshness });
    return { total: series[0]!.total, meta };
  };
  try {
    const first = await look();
    expect(first.total).toBe(3);
    expect(await look()).toMatchObject({ total: 3, meta: { source: 'CACHE' } });
    await dedupe();
    expect(await look()).toMatchObject({ total: 1, meta: { source: 'WAREHOUSE', warnings: [] } });
    expect(await look()).toMatchObject({ total: 1, meta: { source: 'CACHE' } });
    // Nor is one that was cached while rows were missing, once they are back.
    await bench.damage('ALTER TABLE events DELETE WHERE log_offset = 0 SETTINGS mutations_sync = 2');
    expect(await look()).toMatchObject({ total: 1, meta: { source: 'CACHE' } });
    await runOn(bench, createReplayCommand, []);
    expect(await look()).toMatchObject({ total: 1, meta: { source: 'WAREHOUSE' } });
    const old = await look(first.meta.snapshot);
    expect(old).toMatchObject({
      total: 1,
      meta: {
        warnings: ['events that were sent twice were removed since this snapshot: its numbers are without them'],
      },
    });
  } finally {
    reports.stop();
  }
}, 120_000);
