import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bounds } from '../../src/ingest/audit/bounds.ts';
import { runAudit } from '../../src/ingest/audit/run-audit.ts';
import { restoreRange } from '../../src/ingest/restore.ts';
import type { Commit } from '../../src/ports/event-log.ts';
import { hold } from '../contract/event-log-rig.ts';
import { deps, readAll, toMixture, toRecord } from './damaged.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

const count = 200;
const batch = 40;

let engine: string;
let bench: SinkBench;
beforeAll(async () => {
  engine = await mkdtemp(join(tmpdir(), 'tallygate-engine-'));
});
afterAll(() => rm(engine, { recursive: true, force: true }));
afterEach(() => bench.close());

const audit = (bounds: Bounds = {}) =>
  runAudit({ ...bench, group: 'sink', windowHours: 24, settleMs: 0 }, { ...bounds, isDeep: true }).then(
    ({ findings }) =>
      findings.map(({ kind, stream, first, last }) => `${kind} ${stream.lane}/${stream.partition} ${first}-${last}`),
  );
const remove = (table: string, where: string) =>
  bench.damage(`ALTER TABLE ${table} DELETE WHERE ${where} SETTINGS mutations_sync = 2`);
const update = (table: string, set: string, where: string) =>
  bench.damage(`ALTER TABLE ${table} UPDATE ${set} WHERE ${where} SETTINGS mutations_sync = 2`);
const restore = () => restoreRange(deps(bench), { stream: 0, logPartition: 0, first: 0, last: count - 1 });
const columns = '* EXCEPT (person, doc)';

/** A batch touches the hours of events that were refused as well; a ledger that was made from the tables does not. */
async function readTables() {
  const { ledger, ...tables } = await readAll(bench);
  return { ...tables, ledger: ledger.map((row) => ({ ...(row as object), touches: null, newest_time: null })) };
}

async function commit(wanted: Commit): Promise<void> {
  const held = await hold(bench.log, 'sink', 2);
  await held.leases.get(0)!.commit(wanted);
  await held.stop();
}

async function offsetOf(sql: string): Promise<number> {
  const [row] = await bench.rows<{ log_offset: string }>(sql);
  return Number(row!.log_offset);
}

test('each damage is found with its exact range, and nothing once it is repaired', async () => {
  bench = await openSinkBench(engine);
  await bench.log.append(0, toMixture(count));
  await bench.log.append(
    1,
    Array.from({ length: 30 }, (_, i) => toRecord({ messageId: `history-${i}` })),
  );
  const sink = await bench.startSink(undefined, { batchRows: batch });
  await bench.untilStored();
  await sink.stop(20_000);
  expect(await audit()).toEqual([]);
  const before = await readTables();
  const expectRepaired = async () => {
    expect(await audit()).toEqual([]);
    expect(await readTables()).toEqual(before);
  };

  const event = await offsetOf(
    'SELECT log_offset FROM events WHERE log_stream = 0 AND log_offset >= 45 ORDER BY log_offset LIMIT 1',
  );
  await remove('events', `log_stream = 0 AND log_offset = ${event}`);
  // The table lacks it and the rollup has it: both are named.
  expect(await audit()).toEqual([`MISSING 0/0 ${event}-${event}`, 'ROLLUP 0/0 40-79']);
  const at = (offset: number) => ({ partition: 0, offset });
  expect(await audit({ from: at(60), to: at(90) })).toHaveLength(2);
  expect(await audit({ from: at(0), to: at(40) })).toHaveLength(2);
  expect(await audit({ from: at(80) })).toEqual([]);
  expect(await audit({ to: at(39) })).toEqual([]);
  expect(await audit({ partition: 1 })).toEqual([]);
  expect(await audit({ lane: 1 })).toEqual([]);
  await restore();
  await expectRepaired();

  const letter = await offsetOf(
    'SELECT log_offset FROM dead_letters WHERE log_stream = 0 AND log_offset >= 90 ORDER BY log_offset LIMIT 1',
  );
  await remove('dead_letters', `log_offset = ${letter}`);
  expect(await audit()).toEqual([`MISSING 0/0 ${letter}-${letter}`]);
  await restore();
  await expectRepaired();

  await bench.damage(
    `INSERT INTO events SELECT ${columns} FROM events WHERE log_stream = 0 AND log_offset BETWEEN 80 AND 84`,
  );
  const doubled = await bench.rows<{ log_offset: string }>(
    'SELECT DISTINCT log_offset FROM events WHERE log_stream = 0 AND log_offset BETWEEN 80 AND 84 ORDER BY log_offset',
  );
  const twice = await audit();
  expect(twice.every((text) => text.startsWith('DOUBLED 0/0 '))).toBe(true);
  const found = twice.flatMap((text) => {
    const [first, last] = text.split(' ').at(-1)!.split('-').map(Number) as [number, number];
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  expect(found).toEqual(doubled.map(({ log_offset }) => Number(log_offset)));
  await remove('events', 'log_stream = 0 AND log_offset BETWEEN 80 AND 84');
  await restore();
  await expectRepaired();

  // What waits in the log is nobody's damage.
  await bench.log.append(
    0,
    Array.from({ length: 10 }, (_, i) => toRecord({ messageId: `waiting-${i}` })),
  );
  expect(await audit()).toEqual([]);
  for (const [wanted, finding] of [
    [{ next: 40, end: null }, 'COMMIT_BACK 0/0 40-199'],
    [{ next: 40, end: 79 }, 'COMMIT_BACK 0/0 40-199'],
    [{ next: 180, end: 199 }, 'OPEN_RANGE 0/0 180-199'],
    [{ next: 205, end: null }, 'COMMIT_AHEAD 0/0 200-204'],
    [{ next: 205, end: 215 }, 'COMMIT_AHEAD 0/0 200-204,OPEN_RANGE 0/0 205-215'],
  ] as const) {
    await commit(wanted);
    expect((await audit()).join()).toBe(finding);
  }
  await commit({ next: 160, end: 199 });
  expect(await audit()).toEqual([]);
  await commit({ next: 200, end: null });

  await update(
    'rollup_hourly',
    'events = events + 1',
    "log_stream = 0 AND first_offset BETWEEN 120 AND 159 AND event = 'event 2' AND project = 'demo'",
  );
  expect(new Set(await audit())).toEqual(new Set(['ROLLUP 0/0 120-159']));
  await restore();
  await expectRepaired();

  await remove('ledger', "phase = 'completed' AND first_offset = 80");
  expect(await audit()).toEqual(['LEDGER_GAP 0/0 80-119']);
  await restore();
  await expectRepaired();

  // Two neighbours are two ranges again: they were announced as such.
  await remove('ledger', "phase = 'completed' AND first_offset IN (80, 120)");
  expect(await audit()).toEqual(['LEDGER_GAP 0/0 80-159']);
  await restore();
  await expectRepaired();

  // Of the last range: its rows are nobody's phantoms.
  await remove('ledger', "phase = 'completed' AND log_stream = 0 AND first_offset = 160");
  expect(await audit()).toEqual(['COMMIT_AHEAD 0/0 160-199']);
  await restore();
  await expectRepaired();

  await remove('ledger', "phase = 'completed' AND first_offset = 80 AND project = 'demo' AND key_id = 'k1'");
  expect(await audit()).toEqual(['LEDGER_UNBALANCED 0/0 80-119', 'TALLY 0/0 80-119']);
  await remove('ledger', "phase = 'completed' AND first_offset = 80");
  await restore();
  await expectRepaired();

  await bench.damage(
    `INSERT INTO events SELECT ${columns} REPLACE (1000 AS log_offset, 'phantom' AS message_id) FROM events WHERE log_stream = 0 LIMIT 1`,
  );
  expect(await audit()).toEqual(['PHANTOM 0/0 1000-1000']);
  await remove('events', 'log_offset = 1000');
  expect(await audit()).toEqual(['PHANTOM 0/0 1000-1000']);
  await remove('rollup_hourly', 'first_offset = 1000');
  await expectRepaired();

  const again = await offsetOf(
    'SELECT log_offset FROM repeats WHERE log_stream = 0 AND log_offset >= 120 AND NOT conflict ORDER BY log_offset LIMIT 1',
  );
  await bench.damage(
    `INSERT INTO events SELECT ${columns} REPLACE (${again} AS log_offset) FROM events WHERE (project, message_id) IN (SELECT project, message_id FROM repeats WHERE log_stream = 0 AND log_offset = ${again})`,
  );
  await remove('repeats', `log_stream = 0 AND log_offset = ${again}`);
  const counted = await audit();
  expect(counted).toContain(`REPEAT_COUNTED 0/0 ${again}-${again}`);
  expect(new Set(counted.map((text) => text.split(' ')[0]))).toEqual(new Set(['REPEAT_COUNTED', 'TALLY']));
  await remove('events', `log_stream = 0 AND log_offset = ${again}`);
  await restore();
  await expectRepaired();

  await update('events', 'fingerprint = fingerprint + 1', `log_stream = 0 AND log_offset = ${event}`);
  expect(await audit()).toEqual([`CONTENT 0/0 ${event}-${event}`]);
}, 240_000);

test('a system at work is clean, however often one looks', async () => {
  bench = await openSinkBench(engine);
  const records = toMixture(count);
  const sink = await bench.startSink(undefined, { batchRows: 7, lingerMs: 20 });
  let isOver = false;
  const sending = (async () => {
    for (let i = 0; i < count; i += 5) {
      await bench.log.append(0, records.slice(i, i + 5));
      await bench.log.append(1, [toRecord({ messageId: `history-${i}` })]);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await bench.untilStored();
    isOver = true;
  })();
  let looks = 0;
  while (!isOver || looks < 5) {
    expect(await audit()).toEqual([]);
    looks++;
  }
  await sending;
  await sink.stop(20_000);
  expect(await audit()).toEqual([]);
}, 120_000);
