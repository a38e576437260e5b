import { createTracker } from '../../src/ingest/tracker.ts';
import { createRecorder } from '../../src/reports/explain/explain.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { count, day, explain, iso, persons, send, signal, today, useExplainRig } from './explain-rig.ts';

const rig = useExplainRig();

test('never computed, then there; the statement, whose rows it computed, and the moment are told', async () => {
  const fresh = await send(rig, { daysAgo: 0 }, { daysAgo: 3 });
  const first = await explain(rig.reports, count(fresh));
  expect(first.explanation.reports).toMatchObject([{ field: 'asked', summary: '7 pieces: 7 computed' }]);
  expect(first.cells).toMatchObject([{ kind: 'buckets', asked: 7, found: 0, computed: 7, shared: 0, failed: 0 }]);
  const [cell] = first.cells;
  expect(cell!.misses).toEqual([
    {
      why: 'NEVER_COMPUTED',
      text: expect.stringMatching(/^never computed: no entry, and this gateway has known none since it started at 20/),
      buckets: 7,
      ranges: [{ from: iso(today() - 6 * day), to: expect.any(String), buckets: 7 }],
      since: null,
    },
  ]);
  const [statement, ...others] = first.explanation.statements;
  expect(others).toEqual([]);
  expect(statement).toMatchObject({ id: 's1', label: 'trend', lane: 'reports', cells: [cell!.id], error: null });
  expect(statement!.rowsRead).toBe(await first.answer.meta.rowsRead());
  expect(statement!.rows).toBe(2);
  expect(statement!.elapsedMs).toBeGreaterThan(0);
  expect(statement!.queryId).toMatch(/^[0-9a-f-]{36}$/);
  expect(cell!.statements).toEqual(['s1']);
  expect(first.explanation.moment).toMatchObject({
    asOf: first.answer.meta.asOf.toISOString(),
    consistency: 'SATISFIED',
    freshness: [{ after: true, maxWaitMs: 10_000 }],
    positions: [{ epoch: 0, lane: 'live', offset: expect.any(Number) }],
  });
  expect(first.explanation.moment!.why.join()).toMatch(/waited \d+ ms until the warehouse had what freshness.after/);

  const again = await explain(rig.reports, count());
  expect(again.explanation.reports[0]!.summary).toBe('7 pieces: 7 found in the cache');
  expect(again.cells).toMatchObject([{ asked: 7, found: 7, computed: 0, misses: [], statements: [] }]);
  expect(again.explanation.statements).toEqual([]);
  expect(again.explanation.cache).toMatchObject({ state: 'ready', looks: [{ state: 'ready' }] });
  const [look] = again.explanation.cache.looks;
  expect(look!.found).toBe(look!.keys);
  expect(again.answer.series).toEqual(first.answer.series);
  // A day that no report of seven days asked for.
  const longer = await explain(rig.reports, count({}, { range: { last: '9d' } }));
  expect(longer.cells[0]!.misses.map(({ why, buckets }) => [why, buckets])).toEqual([['NEVER_COMPUTED', 2]]);
});

test('a late event: which buckets are of older data, and what was stored there since', async () => {
  await explain(rig.reports, count(await send(rig, { daysAgo: 0 }, { daysAgo: 3 })));
  await send(rig, { daysAgo: 1 });
  const { explanation, cells } = await explain(rig.reports, count(await send(rig, { daysAgo: 3 }, { daysAgo: 9 })));
  const [miss, ...others] = cells[0]!.misses;
  expect(others).toEqual([]);
  expect(cells[0]).toMatchObject({ asked: 7, found: 5, computed: 2 });
  expect(miss).toMatchObject({
    why: 'OLDER_DATA',
    text: 'other data: the entry is of another version of the data',
    buckets: 2,
  });
  expect(miss!.ranges).toEqual([
    { from: iso(today() - 3 * day), to: iso(today() - 2 * day), buckets: 1 },
    { from: iso(today() - day), to: iso(today()), buckets: 1 },
  ]);
  expect(explanation.notes).toEqual([]);
  const touched = miss!.since!.flatMap((batch) => batch.touched);
  expect([...new Set(touched)].sort()).toEqual([iso(today() - 3 * day), iso(today() - day)]);
  for (const { lane, first, last, storedAt } of miss!.since!) {
    expect(lane).toBe('live');
    expect(last).toBeGreaterThanOrEqual(first);
    expect(Math.abs(Date.parse(storedAt) - Date.now())).toBeLessThan(60_000);
  }
  const [position] = explanation.moment!.positions;
  expect(Math.max(...miss!.since!.map(({ last }) => last))).toBe(position!.offset);
});

test('a report that is one cell: older data, and what came since', async () => {
  await explain(rig.reports, persons(await send(rig, { daysAgo: 0 }, { daysAgo: 3 })));
  const again = await explain(rig.reports, persons());
  expect(again.cells.every(({ kind, found }) => kind === 'whole' && found === 1)).toBe(true);
  const { cells } = await explain(rig.reports, persons(await send(rig, { daysAgo: 2 })));
  const missed = cells.flatMap(({ misses }) => misses);
  expect(missed.length).toBeGreaterThan(0);
  for (const { why, since } of missed) {
    expect(why).toBe('OLDER_DATA');
    expect(since!.map(({ touched }) => touched)).toEqual([[iso(today() - 2 * day)]]);
  }
});

test('maxAgeMs 0: computed whatever is there', async () => {
  await explain(rig.reports, count(await send(rig, { daysAgo: 0 })));
  const { explanation, cells } = await explain(rig.reports, count({ maxAgeMs: 0 }));
  expect(cells[0]!.misses).toMatchObject([{ why: 'FRESH_ASKED', buckets: 7 }]);
  expect(explanation.moment!.freshness).toEqual([{ maxAgeMs: 0 }]);
  expect(explanation.statements).toHaveLength(1);
});

test('damaged entries, and entries that are gone', async () => {
  await explain(rig.reports, count(await send(rig, { daysAgo: 0 })));
  await explain(rig.reports, persons());
  for (const key of rig.stored.keys()) rig.stored.set(key, Buffer.from('{"not":"rows"}'));
  expect((await explain(rig.reports, count())).cells[0]!.misses).toMatchObject([{ why: 'DAMAGED', buckets: 7 }]);
  for (const key of rig.stored.keys()) rig.stored.set(key, Buffer.from('garbage'));
  expect((await explain(rig.reports, persons())).cells.flatMap(({ misses }) => misses.map(({ why }) => why))).toContain(
    'DAMAGED',
  );

  await rig.forget();
  const gone = (await explain(rig.reports, count())).cells[0]!.misses;
  expect(gone).toMatchObject([{ why: 'GONE', text: expect.stringContaining('though this gateway knew one at 20') }]);
  await rig.forget();
  expect((await explain(rig.reports, persons())).cells.flatMap(({ misses }) => misses.map(({ why }) => why))).toContain(
    'GONE',
  );
  // Another gateway knows of none of them.
  await rig.forget();
  const other = rig.open();
  expect((await explain(other, count())).cells[0]!.misses).toMatchObject([{ why: 'NEVER_COMPUTED' }]);
  other.stop();
});

test('what another computation in flight answers, and what stands twice in one operation', async () => {
  const fresh = await send(rig, { daysAgo: 0 });
  await explain(rig.reports, count(fresh, { series: [{ event: 'other' }] }));
  const [first, second] = await Promise.all([explain(rig.reports, count()), explain(rig.reports, count())]);
  const outcomes = [first, second].map(({ cells: [cell] }) => [cell!.computed, cell!.shared, cell!.statements.length]);
  expect(outcomes.sort()).toEqual([
    [0, 7, 0],
    [7, 0, 1],
  ]);
  const twice = await explain(rig.reports, async (operation) =>
    Promise.all([count()(operation), count()(operation)]).then(([a, b]) => [a.series, b.series]),
  );
  expect(twice.cells.map(({ sameAs }) => sameAs)).toEqual([null, 'c1']);
  expect(twice.answer[0]).toEqual(twice.answer[1]);
});

test('what another gateway is computing at the moment is waited for, and said to be', async () => {
  const fresh = await send(rig, { daysAgo: 0 });
  const gateways = [rig.reports, rig.open()] as const;
  await Promise.all(gateways.map((gateway) => explain(gateway, count(fresh, { series: [{ event: 'other' }] }))));
  const both = await Promise.all(gateways.map((gateway) => explain(gateway, count())));
  gateways[1].stop();
  const [computing, waiting] = both.map(({ cells: [cell] }) => cell!).sort((a, b) => b.computed - a.computed);
  expect(computing).toMatchObject({ computed: 7, shared: 0, notes: [] });
  expect(waiting).toMatchObject({ computed: 0, shared: 7, statements: [] });
  expect(waiting!.notes).toEqual(['another gateway was computing it at this moment, and its answer was waited for']);
});

test('a merge of persons changes what counts persons, and nothing else', async () => {
  await explain(rig.reports, persons(await send(rig, { daysAgo: 0, userId: 'a' }, { daysAgo: 2, userId: 'b' })));
  await explain(rig.reports, count());
  const tracker = createTracker({ log: rig.bench.log, metrics: createMetrics(), retentionDays: undefined });
  const { token } = await tracker.track({ project: 'demo', keyId: 'k' }, [
    { kind: 'alias', input: { userId: 'a', previousId: 'b', timestamp: new Date(today() - 30 * day) } },
  ]);
  const { cells } = await explain(rig.reports, persons({ after: token, maxWaitMs: 10_000 }));
  expect([...new Set(cells.flatMap(({ misses }) => misses.map(({ why }) => why)))]).toEqual(['IDENTITY_CHANGED']);
  expect((await explain(rig.reports, count())).cells).toMatchObject([{ found: 7, computed: 0 }]);
});

test('a bucket that is there is computed again between missing ones, where that is cheaper', async () => {
  await explain(rig.reports, count(await send(rig, { daysAgo: 0 })));
  const { cells } = await explain(rig.reports, count(await send(rig, ...[0, 2, 4, 6].map((daysAgo) => ({ daysAgo })))));
  expect(cells[0]!.misses.map(({ why, buckets }) => [why, buckets])).toEqual([
    ['OLDER_DATA', 4],
    ['COMES_ALONG', 1],
  ]);
  expect(cells[0]).toMatchObject({ found: 2, computed: 5 });
});

test('nothing is recorded for whoever does not ask', async () => {
  const recorder = createRecorder();
  await count(await send(rig, { daysAgo: 0 }))(rig.reports.begin('demo', signal));
  expect(await recorder.finish()).toBeNull();
});
