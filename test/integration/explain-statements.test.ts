import { setTimeout as sleep } from 'node:timers/promises';
import { createDeletions } from '../../src/ingest/deletion/request.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import type { Warehouse } from '../../src/ports/warehouse.ts';
import { createRecorder, type Explanation } from '../../src/reports/explain/explain.ts';
import type { ReportRequest } from '../../src/reports/reports.ts';
import { eraseAll } from './deletion-rig.ts';
import { count, explain, send, signal, startSink, useExplainRig } from './explain-rig.ts';

const rig = useExplainRig();

test('what is too large to be kept', async () => {
  const texts = Array.from({ length: 1000 }, (_, i) => `${i} ${'x'.repeat(2500)}`);
  let fresh: object = {};
  for (let i = 0; i < texts.length; i += 250)
    fresh = await send(rig, ...texts.slice(i, i + 250).map((text) => ({ daysAgo: 0, text })));
  const ask = count(fresh, { breakdown: [{ property: 'text', limit: 1000 }] });
  await explain(rig.reports, ask);
  let missed = (await explain(rig.reports, ask)).cells.flatMap(({ misses }) => misses);
  for (let left = 50; left > 0 && !missed.some(({ why }) => why === 'TOO_LARGE'); left--) {
    await sleep(100);
    missed = (await explain(rig.reports, ask)).cells.flatMap(({ misses }) => misses);
  }
  expect(missed).toContainEqual(
    expect.objectContaining({
      why: 'TOO_LARGE',
      text: expect.stringMatching(/^too large to be cached: \d{7} bytes when it was last computed$/),
    }),
  );
});

test('events that are taken out, and were', async () => {
  await explain(rig.reports, count(await send(rig, { daysAgo: 0, userId: 'stays' }, { daysAgo: 1, userId: 'goes' })));
  await rig.bench.untilStored();
  const deletions = createDeletions({ log: rig.bench.log, warehouse: rig.bench.warehouse });
  await deletions.request({ project: 'demo', keyId: 'k' }, 'goes');
  await eraseAll(rig.bench.warehouse);
  /** The ledger is read a few times a second. */
  const reasons = async (why: string) => {
    for (let left = 50; ; left--) {
      const found = (await explain(rig.reports, count())).cells[0]!.misses.map((miss) => miss.why);
      if (found.includes(why as never) || left === 0) return found;
      await sleep(100);
    }
  };
  expect(await reasons('CORRECTED')).toEqual(['CORRECTED']);
  await rig.bench.damage(
    "INSERT INTO ledger (phase, project, token) VALUES ('corrected', 'demo', 'dedupe:0:1-2:begin'), ('corrected', 'other', 'dedupe:0:1-2:begin')",
  );
  expect(await reasons('CORRECTION_OPEN')).toEqual(['CORRECTION_OPEN']);
});

test('why a moment is as old as it is', async () => {
  const known = await explain(rig.reports, count(await send(rig, { daysAgo: 0 })));
  const why = async (freshness: object = {}, of = rig.reports) => {
    const { explanation } = await explain(of, count(freshness));
    return { ...explanation.moment!, text: explanation.moment!.why.join('\n') };
  };
  expect((await why({ at: known.answer.meta.snapshot })).why).toEqual([
    'freshness.at asked for this snapshot: nothing that came later is in it',
  ]);
  expect((await why({ maxAgeMs: 60_000 })).text).toMatch(
    /last read \d+ ms before, and freshness.maxAgeMs allows 60000$/,
  );

  // Nobody stores any more.
  await rig.sink.stop(5000);
  const { after } = await send(rig, { daysAgo: 0 }, { daysAgo: 1 });
  const late = await why({ after, maxWaitMs: 300 });
  expect(late.consistency).toBe('TIMED_OUT');
  expect(late.waitedMs).toBeGreaterThanOrEqual(300);
  expect(late.ageMs).toBeGreaterThanOrEqual(300);
  expect(late.text).toMatch(
    /^waited \d+ ms for freshness.after, and the warehouse has not reached live partition 0 position \d+$/m,
  );
  expect(late.text).toMatch(
    /^of the live lane, partition 0 has \d+ records? \(of all projects\) not stored yet: asOf goes on when they are$/m,
  );

  // The log does not answer.
  const deaf: EventLog = { ...rig.bench.log, inspect: () => Promise.reject(new Error('away')) };
  const gateway = rig.open({ log: deaf });
  const unknown = await why({}, gateway);
  gateway.stop();
  expect(unknown.asOf).toBeNull();
  expect(unknown.text).toMatch(/^the log has not told its ends since 20\S+Z: asOf stands still until it does$/m);
  rig.sink = await startSink(rig.bench);
});

test('a statement that fails says with what', async () => {
  const recorder = createRecorder();
  const poor: Warehouse = {
    ...rig.bench.warehouse,
    query: (statement, options) =>
      rig.bench.warehouse.query(
        statement,
        options.label === 'trend' ? { ...options, limits: { memoryBytes: 1 } } : options,
      ),
  };
  const gateway = rig.open({ warehouse: poor });
  const asked = count(await send(rig, { daysAgo: 0 }))(gateway.begin('demo', signal, recorder));
  await expect(asked).rejects.toMatchObject({ code: 'QUERY_TOO_EXPENSIVE' });
  const explanation = (await recorder.finish()) as Explanation;
  gateway.stop();
  expect(explanation.reports[0]!.cells[0]).toMatchObject({ asked: 7, failed: 7, computed: 0 });
  expect(explanation.statements).toMatchObject([{ error: 'QUERY_TOO_EXPENSIVE', queryId: null, rowsRead: 0 }]);
});

test('which cells one statement computed, and why others had each their own', async () => {
  const fresh = await send(rig, { daysAgo: 0 });
  await explain(rig.reports, count(fresh, { series: [{ event: 'other' }] }));
  const sum = count({}, { series: [{ event: 'E', measure: 'SUM', property: 'one' }] });
  const both = (operation: ReportRequest) => Promise.all([count()(operation), sum(operation)]);
  let statements = 0;
  const fails: Warehouse = {
    ...rig.bench.warehouse,
    query(statement, options) {
      const isFirst = options.label === 'trend' && ++statements === 1;
      return rig.bench.warehouse.query(statement, isFirst ? { ...options, limits: { memoryBytes: 1 } } : options);
    },
  };
  const gateway = rig.open({ warehouse: fails });
  const apart = await explain(gateway, both);
  gateway.stop();
  expect(apart.explanation.fusion).toEqual([
    { members: ['c1', 'c2'], others: 0, decision: 'fused', why: expect.any(String) },
    { members: ['c1'], others: 0, decision: 'apart', why: 'the statement for several of them failed' },
    { members: ['c2'], others: 0, decision: 'apart', why: 'the statement for several of them failed' },
  ]);
  expect(apart.explanation.statements.map(({ cells, error }) => [cells, error])).toEqual([
    [['c1', 'c2'], 'QUERY_TOO_EXPENSIVE'],
    [['c1'], null],
    [['c2'], null],
  ]);
  expect(apart.cells).toMatchObject([
    { computed: 7, failed: 0, statements: ['s1', 's2'] },
    { computed: 7, failed: 0, statements: ['s1', 's3'] },
  ]);

  await rig.forget();
  const other = rig.open();
  const fused = await explain(other, both);
  expect(fused.explanation.fusion).toMatchObject([{ members: ['c1', 'c2'], decision: 'fused' }]);
  expect(fused.explanation.statements).toMatchObject([{ id: 's1', label: 'trend', cells: ['c1', 'c2'] }]);
  expect(fused.cells.map(({ statements }) => statements)).toEqual([['s1'], ['s1']]);
  expect(fused.answer.map(({ meta }) => meta.source)).toEqual(['WAREHOUSE', 'WAREHOUSE']);

  // Of what another operation asks for in the same moment no more than that there is something.
  await rig.forget();
  const third = rig.open();
  const [explained] = await Promise.all([explain(third, count()), sum(third.begin('demo', signal))]);
  expect(explained.explanation.fusion).toMatchObject([{ members: ['c1'], others: 1, decision: 'fused' }]);
  expect(explained.explanation.statements).toMatchObject([{ cells: ['c1'] }]);
  third.stop();
  other.stop();
});
