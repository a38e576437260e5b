import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toStreamOf } from '../../src/events/position.ts';
import { runAudit } from '../../src/ingest/audit/run-audit.ts';
import { restoreRange } from '../../src/ingest/restore.ts';
import { repairRollup } from '../../src/ingest/rollup.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { deps, now, readAll, storeInRanges, toMixture, toRecord } from './damaged.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

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

const count = 160;
const whole = { stream: 0, logPartition: 0, first: 0, last: count - 1 };
const remove = (table: string, where: string) =>
  bench.damage(`ALTER TABLE ${table} DELETE WHERE ${where} SETTINGS mutations_sync = 2`);

/** The rollup's rows belong to the ranges of the ledger that their positions are in, and say what the table has there. */
async function expectRollupFits(): Promise<void> {
  const difference = await bench.rows(
    `SELECT project, event, hour, first, last, sum(n) AS missing FROM (
       SELECT project, event, toInt32(floor(toUnixTimestamp64Milli(time) / 3600000)) AS hour, first, last, toInt64(count()) AS n
       FROM events CROSS JOIN (SELECT DISTINCT first_offset AS first, last_offset AS last FROM ledger WHERE phase = 'completed') AS ranges
       WHERE log_offset BETWEEN first AND last GROUP BY ALL
       UNION ALL
       SELECT project, event, hour, first, last, -sum(r.events)
       FROM rollup_hourly AS r CROSS JOIN (SELECT DISTINCT first_offset AS first, last_offset AS last FROM ledger WHERE phase = 'completed') AS ranges
       WHERE first_offset >= first AND last_offset <= last GROUP BY ALL)
     GROUP BY ALL HAVING missing != 0`,
  );
  expect(difference).toEqual([]);
  const [sums] = await bench.rows<{ events: string; rollup: string }>(
    'SELECT (SELECT count() FROM events) AS events, (SELECT sum(r.events) FROM rollup_hourly AS r) AS rollup',
  );
  expect(sums!.rollup).toBe(sums!.events);
}

test('the rollup is made to say what the table has, whether it had too little or too much, again and again', async () => {
  await storeInRanges(bench, toMixture(count), 50);
  await expectRollupFits();
  const range = { stream: 0, first: 50, last: 99 };
  const errors: unknown[] = [];
  const logger = { ...createSilentLogger(), error: (facts: unknown) => void errors.push(facts) } as never;
  const repair = () => repairRollup({ warehouse: bench.warehouse, logger }, range, 'a-token');
  for (let again = 0; again < 2; again++) {
    await remove('rollup_hourly', "first_offset >= 50 AND last_offset <= 99 AND event = 'event 1'");
    expect(await repair()).toBeGreaterThan(0);
    await expectRollupFits();
    const said = errors.length;
    await bench.damage(
      'INSERT INTO rollup_hourly SELECT * FROM rollup_hourly WHERE first_offset >= 50 AND last_offset <= 99 AND r.events > 0'.replace(
        'rollup_hourly WHERE',
        'rollup_hourly AS r WHERE',
      ),
    );
    expect(await repair()).toBeGreaterThan(0);
    await expectRollupFits();
    expect(errors.length).toBeGreaterThan(said);
    expect(await repair()).toBe(0);
  }
});

const losses: Readonly<Record<string, () => Promise<unknown>>> = {
  'some events': () => remove('events', 'log_offset % 7 = 2'),
  'the ones that came first': () => remove('events', 'message_id IN (SELECT message_id FROM repeats)'),
  'all repeats': () => remove('repeats', '1'),
  'a dead letter of every kind': () => remove('dead_letters', 'log_offset < 110'),
  'some of everything': async () => {
    for (const table of ['events', 'repeats', 'dead_letters']) await remove(table, 'log_offset BETWEEN 37 AND 122');
    await remove('rollup_hourly', 'first_offset < 70');
  },
  'every table': async () => {
    for (const table of ['events', 'repeats', 'dead_letters', 'rollup_hourly'])
      await bench.damage(`TRUNCATE TABLE ${table}`);
  },
  'the ledger of two ranges, and nothing else': () => remove('ledger', 'first_offset IN (50, 150)'),
  'the ledger, and a few rows': async () => {
    await remove('ledger', 'first_offset IN (50, 150)');
    await remove('events', 'log_offset IN (55, 56, 122, 151)');
  },
  'the rollup alone': () => bench.damage('TRUNCATE TABLE rollup_hourly'),
  everything: async () => {
    for (const table of ['events', 'repeats', 'dead_letters', 'rollup_hourly', 'ledger'])
      await bench.damage(`TRUNCATE TABLE ${table}`);
  },
};

test.each(Object.keys(losses))(
  'restores %s: the tables are what they were, however often they are lost',
  async (what) => {
    await storeInRanges(bench, toMixture(count), 50);
    await expectRollupFits();
    const before = await readAll(bench);
    for (const table of ['events', 'repeats', 'dead_letters'] as const) expect(before[table].length).toBeGreaterThan(4);
    const ledger = what === 'everything' ? { ledger: expect.anything() } : {};
    for (let again = 0; again < 2; again++) {
      await losses[what]!();
      expect(await readAll(bench)).not.toEqual(before);
      const dry = await restoreRange({ ...deps(bench), isDry: true }, whole);
      expect(await readAll(bench)).not.toEqual(before);
      const restored = await restoreRange(deps(bench), whole);
      expect(restored).toEqual({ ...dry, rollupRows: expect.any(Number) });
      expect({ ...(await readAll(bench)), ...ledger }).toEqual({ ...before, ...ledger });
      await expectRollupFits();
      expect(await restoreRange(deps(bench), whole)).toEqual({
        positions: count,
        events: 0,
        deadLetters: 0,
        repeats: 0,
        gone: 0,
        rollupRows: 0,
        tombstones: 0,
        edges: 0,
        ranges: 0,
      });
    }
  },
  120_000,
);

test('two who restore at once store one row each, and so does one with other bounds', async () => {
  await storeInRanges(bench, toMixture(count), 50);
  const before = await readAll(bench);
  for (let again = 0; again < 2; again++) {
    await losses['some of everything']!();
    await Promise.all([
      restoreRange(deps(bench), whole),
      restoreRange(deps(bench), { ...whole, first: 48, last: 99 }),
      restoreRange(deps(bench), { ...whole, first: 30 }),
    ]);
    expect(await readAll(bench)).toEqual(before);
    await expectRollupFits();
  }
}, 120_000);

test('what the log has no more is said, and the rest is restored', async () => {
  await storeInRanges(bench, toMixture(100), 50);
  await remove('events', 'log_offset BETWEEN 10 AND 30');
  const log = {
    ...bench.log,
    read: (partition: number, from: number, to: number) => bench.log.read(partition, Math.max(from, 20), to),
  };
  const before = Number((await bench.rows<{ n: string }>('SELECT count() AS n FROM events'))[0]!.n);
  const restored = await restoreRange({ ...deps(bench), log }, { ...whole, last: 99 });
  expect(restored.gone).toBe(
    10 -
      (await bench.rows('SELECT 1 FROM repeats WHERE log_offset BETWEEN 10 AND 19')).length -
      (await bench.rows('SELECT 1 FROM dead_letters WHERE log_offset BETWEEN 10 AND 19')).length,
  );
  expect(restored.gone).toBeGreaterThan(0);
  expect(Number((await bench.rows<{ n: string }>('SELECT count() AS n FROM events'))[0]!.n)).toBe(
    before + restored.events,
  );
});

test('the first of two that are both lost stands, and one that is there wins over an earlier one that is lost', async () => {
  const hour = 3_600_000;
  await storeInRanges(
    bench,
    [
      toRecord({ messageId: 'a', n: 1 }),
      toRecord({ messageId: 'a', n: 1, receivedAt: now + 20 * hour }),
      toRecord({ messageId: 'a', n: 1, receivedAt: now + 30 * hour }),
      toRecord({ messageId: 'a', n: 2, receivedAt: now + 31 * hour }),
    ],
    1,
  );
  const before = await readAll(bench);
  expect(before.events.map(({ log_offset }) => log_offset)).toEqual(['0', '2']);
  expect(before.repeats).toMatchObject([
    { log_offset: '1', conflict: false },
    { log_offset: '3', conflict: true },
  ]);
  await remove('events', '1');
  await remove('repeats', '1');
  await restoreRange(deps(bench), { ...whole, last: 3 });
  expect(await readAll(bench)).toEqual(before);
});

test('history is judged by the times of its events, however late it came, and knows the live lane of its pair', async () => {
  const hour = 3_600_000;
  const year = 365 * 24 * hour;
  await storeInRanges(bench, [toRecord({ messageId: 'live', timestamp: now - hour })], 1);
  const first = await bench.log.append(1, [
    toRecord({ messageId: 'old', timestamp: now - year }),
    toRecord({ messageId: 'old', timestamp: now - year + 2 * hour, receivedAt: now + 100 * hour }),
    toRecord({ messageId: 'old', timestamp: now - 2 * year, receivedAt: now + hour }),
    toRecord({ messageId: 'live', timestamp: now - hour, receivedAt: now + 100 * hour }),
  ]);
  const history = { stream: toStreamOf(0, 1), logPartition: 1, first, last: first + 3 };
  await restoreRange(deps(bench), history);
  const before = await readAll(bench);
  const of = (rows: readonly { log_stream: number; log_offset: string }[]) =>
    rows.filter(({ log_stream }) => log_stream === history.stream).map(({ log_offset }) => Number(log_offset));
  expect(of(before.events)).toEqual([0, 2]);
  expect(of(before.repeats as never)).toEqual([1, 3]);
  await remove('events', `log_stream = ${history.stream}`);
  await remove('repeats', '1');
  await restoreRange(deps(bench), history);
  expect(await readAll(bench)).toEqual(before);
});

test('of two lanes that have both lost an id the other one may have the event now, and the ledger says so', async () => {
  const same = (keyId: string, receivedAt = now) => toRecord({ messageId: 'same', keyId, receivedAt, timestamp: now });
  const first = await bench.log.append(1, [toRecord({ messageId: 'before' }), same('import')]);
  const history = { stream: toStreamOf(0, 1), logPartition: 1, first, last: first + 1 };
  await restoreRange(deps(bench), history);
  await storeInRanges(bench, [toRecord({ messageId: 'after' }), same('site', now + 1000)], 2);
  const live = { ...whole, last: 1 };
  const isHistory = (rows: readonly { log_stream: number }[]) => rows.map((row) => row.log_stream === history.stream);
  const before = await readAll(bench);
  expect([isHistory(before.events), isHistory(before.repeats as never)]).toEqual([[false, true, true], [false]]);
  await remove('events', 'log_offset = 1');
  await remove('repeats', '1');
  // As a start does: the live lane first.
  for (const lane of [live, history]) expect(await restoreRange(deps(bench), lane)).toMatchObject({ positions: 2 });
  const after = await readAll(bench);
  expect([isHistory(after.events), isHistory(after.repeats as never)]).toEqual([[false, false, true], [true]]);
  const audit = async () =>
    (await runAudit({ ...bench, group: 'sink', windowHours: 24, settleMs: 0 }, { isDeep: true })).findings
      .map(({ kind }) => kind)
      .filter((kind) => kind !== 'COMMIT_BACK');
  expect(await audit()).toEqual([]);
  await expectRollupFits();
  await remove('ledger', "startsWith(token, 'restore:')");
  expect(await audit()).toEqual(['TALLY', 'TALLY']);
  for (const lane of [live, history]) await restoreRange(deps(bench), lane);
  expect(await audit()).toEqual([]);
});
