import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMemoryCache } from '../../src/adapters/memory/report-cache.ts';
import { createDeletions } from '../../src/ingest/deletion/request.ts';
import { createTracker } from '../../src/ingest/tracker.ts';
import type { Consumption, EventLog } from '../../src/ports/event-log.ts';
import type { ReportCache } from '../../src/ports/report-cache.ts';
import type { Warehouse } from '../../src/ports/warehouse.ts';
import { createRecorder, type Explanation } from '../../src/reports/explain.ts';
import { createReports, type ReportRequest, type Reports } from '../../src/reports/reports.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { eraseAll } from './deletion-rig.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

const metrics = createMetrics();
const logger = createSilentLogger();
const signal = new AbortController().signal;
const day = 86_400_000;

let engine: string;
let bench: SinkBench;
let sink: Consumption;
let reports: Reports;
/** What the cache is asked for and keeps; a test may change what it answers. */
let stored: Map<string, Buffer>;
let cache: ReportCache;

beforeAll(async () => {
  engine = await mkdtemp(join(tmpdir(), 'tallygate-engine-'));
});
afterAll(() => rm(engine, { recursive: true, force: true }));
beforeEach(async () => {
  bench = await openSinkBench(engine);
  sink = await bench.startSink(bench.warehouse, { lingerMs: 50, batchRows: 200 });
  stored = new Map();
  const memory = createMemoryCache({ maxBytes: 32e6, metrics });
  cache = {
    ...memory,
    getMany: async (keys) => keys.map((key) => stored.get(key)),
    setMany: async (entries) => {
      for (const { key, value } of entries) stored.set(key, value);
    },
  };
  reports = open();
});
afterEach(async () => {
  reports.stop();
  await sink.stop(5000);
  await bench.close();
});

const open = () => createReports({ log: bench.log, warehouse: bench.warehouse, cache, logger, metrics });
const today = () => Math.floor(Date.now() / day) * day;
const iso = (ms: number) => new Date(ms).toISOString();

interface Sent {
  readonly daysAgo: number;
  readonly userId?: string;
  readonly text?: string;
}

async function send(...events: readonly Sent[]) {
  const tracker = createTracker({ log: bench.log, metrics, retentionDays: undefined });
  const { token } = await tracker.track(
    { project: 'demo', keyId: 'k' },
    events.map(({ daysAgo, userId = 'u', text = '' }) => ({
      kind: 'track' as const,
      input: { event: 'E', userId, timestamp: new Date(today() - daysAgo * day), properties: { one: 1, text } },
    })),
  );
  return { after: token, maxWaitMs: 10_000 };
}

/** The explanation of what an operation asked for; nothing but the data goes into `answer`. */
async function explain<T>(ask: (operation: ReportRequest) => Promise<T>, of = reports) {
  const recorder = createRecorder();
  const answer = await recorder.within('asked', () => ask(of.begin('demo', signal, recorder)));
  const explanation = (await recorder.finish()) as Explanation;
  return { answer, explanation, cells: explanation.reports.flatMap(({ cells }) => cells) };
}

const count =
  (freshness: object = {}, more: object = {}) =>
  (operation: ReportRequest) =>
    operation.trend({ range: { last: '7d' }, series: [{ event: 'E' }], freshness, ...more });
const persons =
  (freshness: object = {}) =>
  (operation: ReportRequest) =>
    operation.stickiness({ range: { last: '7d' }, interval: 'DAY', event: 'E', freshness });

test('never computed, then there; the statement, whose rows it computed, and the moment are told', async () => {
  const fresh = await send({ daysAgo: 0 }, { daysAgo: 3 });
  const first = await explain(count(fresh));
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

  const again = await explain(count());
  expect(again.explanation.reports[0]!.summary).toBe('7 pieces: 7 found in the cache');
  expect(again.cells).toMatchObject([{ asked: 7, found: 7, computed: 0, misses: [], statements: [] }]);
  expect(again.explanation.statements).toEqual([]);
  expect(again.explanation.cache).toMatchObject({ state: 'ready', looks: [{ state: 'ready' }] });
  const [look] = again.explanation.cache.looks;
  expect(look!.found).toBe(look!.keys);
  expect(again.answer.series).toEqual(first.answer.series);
  // A day that no report of seven days asked for.
  const longer = await explain(count({}, { range: { last: '9d' } }));
  expect(longer.cells[0]!.misses.map(({ why, buckets }) => [why, buckets])).toEqual([['NEVER_COMPUTED', 2]]);
});

test('a late event: which buckets are of older data, and what was stored there since', async () => {
  await explain(count(await send({ daysAgo: 0 }, { daysAgo: 3 })));
  await send({ daysAgo: 1 });
  const { explanation, cells } = await explain(count(await send({ daysAgo: 3 }, { daysAgo: 9 })));
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
  await explain(persons(await send({ daysAgo: 0 }, { daysAgo: 3 })));
  const again = await explain(persons());
  expect(again.cells.every(({ kind, found }) => kind === 'whole' && found === 1)).toBe(true);
  const { cells } = await explain(persons(await send({ daysAgo: 2 })));
  const missed = cells.flatMap(({ misses }) => misses);
  expect(missed.length).toBeGreaterThan(0);
  for (const { why, since } of missed) {
    expect(why).toBe('OLDER_DATA');
    expect(since!.map(({ touched }) => touched)).toEqual([[iso(today() - 2 * day)]]);
  }
});

test('maxAgeMs 0: computed whatever is there', async () => {
  await explain(count(await send({ daysAgo: 0 })));
  const { explanation, cells } = await explain(count({ maxAgeMs: 0 }));
  expect(cells[0]!.misses).toMatchObject([{ why: 'FRESH_ASKED', buckets: 7 }]);
  expect(explanation.moment!.freshness).toEqual([{ maxAgeMs: 0 }]);
  expect(explanation.statements).toHaveLength(1);
});

test('damaged entries, and entries that are gone', async () => {
  await explain(count(await send({ daysAgo: 0 })));
  await explain(persons());
  for (const key of stored.keys()) stored.set(key, Buffer.from('{"not":"rows"}'));
  expect((await explain(count())).cells[0]!.misses).toMatchObject([{ why: 'DAMAGED', buckets: 7 }]);
  for (const key of stored.keys()) stored.set(key, Buffer.from('garbage'));
  expect((await explain(persons())).cells.flatMap(({ misses }) => misses.map(({ why }) => why))).toContain('DAMAGED');

  stored.clear();
  const gone = (await explain(count())).cells[0]!.misses;
  expect(gone).toMatchObject([{ why: 'GONE', text: expect.stringContaining('though this gateway knew one at 20') }]);
  stored.clear();
  expect((await explain(persons())).cells.flatMap(({ misses }) => misses.map(({ why }) => why))).toContain('GONE');
  // Another gateway knows of none of them.
  stored.clear();
  const other = open();
  expect((await explain(count(), other)).cells[0]!.misses).toMatchObject([{ why: 'NEVER_COMPUTED' }]);
  other.stop();
});

test('what another computation in flight answers, and what stands twice in one operation', async () => {
  const fresh = await send({ daysAgo: 0 });
  await explain(count(fresh, { series: [{ event: 'other' }] }));
  const [first, second] = await Promise.all([explain(count()), explain(count())]);
  const outcomes = [first, second].map(({ cells: [cell] }) => [cell!.computed, cell!.shared, cell!.statements.length]);
  expect(outcomes.sort()).toEqual([
    [0, 7, 0],
    [7, 0, 1],
  ]);
  const twice = await explain(async (operation) =>
    Promise.all([count()(operation), count()(operation)]).then(([a, b]) => [a.series, b.series]),
  );
  expect(twice.cells.map(({ sameAs }) => sameAs)).toEqual([null, 'c1']);
  expect(twice.answer[0]).toEqual(twice.answer[1]);
});

test('what another gateway is computing at the moment is waited for, and said to be', async () => {
  const fresh = await send({ daysAgo: 0 });
  const gateways = [reports, open()] as const;
  await Promise.all(gateways.map((gateway) => explain(count(fresh, { series: [{ event: 'other' }] }), gateway)));
  const both = await Promise.all(gateways.map((gateway) => explain(count(), gateway)));
  gateways[1].stop();
  const [computing, waiting] = both.map(({ cells: [cell] }) => cell!).sort((a, b) => b.computed - a.computed);
  expect(computing).toMatchObject({ computed: 7, shared: 0, notes: [] });
  expect(waiting).toMatchObject({ computed: 0, shared: 7, statements: [] });
  expect(waiting!.notes).toEqual(['another gateway was computing it at this moment, and its answer was waited for']);
});

test('a merge of persons changes what counts persons, and nothing else', async () => {
  await explain(persons(await send({ daysAgo: 0, userId: 'a' }, { daysAgo: 2, userId: 'b' })));
  await explain(count());
  const tracker = createTracker({ log: bench.log, metrics, retentionDays: undefined });
  const { token } = await tracker.track({ project: 'demo', keyId: 'k' }, [
    { kind: 'alias', input: { userId: 'a', previousId: 'b', timestamp: new Date(today() - 30 * day) } },
  ]);
  const { cells } = await explain(persons({ after: token, maxWaitMs: 10_000 }));
  expect([...new Set(cells.flatMap(({ misses }) => misses.map(({ why }) => why)))]).toEqual(['IDENTITY_CHANGED']);
  expect((await explain(count())).cells).toMatchObject([{ found: 7, computed: 0 }]);
});

test('a bucket that is there is computed again between missing ones, where that is cheaper', async () => {
  await explain(count(await send({ daysAgo: 0 })));
  const { cells } = await explain(count(await send(...[0, 2, 4, 6].map((daysAgo) => ({ daysAgo })))));
  expect(cells[0]!.misses.map(({ why, buckets }) => [why, buckets])).toEqual([
    ['OLDER_DATA', 4],
    ['COMES_ALONG', 1],
  ]);
  expect(cells[0]).toMatchObject({ found: 2, computed: 5 });
});

test('what is too large to be kept', async () => {
  const texts = Array.from({ length: 1000 }, (_, i) => `${i} ${'x'.repeat(2500)}`);
  let fresh: object = {};
  for (let i = 0; i < texts.length; i += 250)
    fresh = await send(...texts.slice(i, i + 250).map((text) => ({ daysAgo: 0, text })));
  const ask = count(fresh, { breakdown: [{ property: 'text', limit: 1000 }] });
  await explain(ask);
  await sleep(100);
  const missed = (await explain(ask)).cells.flatMap(({ misses }) => misses);
  expect(missed).toContainEqual(
    expect.objectContaining({
      why: 'TOO_LARGE',
      text: expect.stringMatching(/^too large to be cached: \d{7} bytes when it was last computed$/),
    }),
  );
});

test('events that are taken out, and were', async () => {
  await explain(count(await send({ daysAgo: 0, userId: 'stays' }, { daysAgo: 1, userId: 'goes' })));
  await bench.untilStored();
  const deletions = createDeletions({ log: bench.log, warehouse: bench.warehouse });
  await deletions.request({ project: 'demo', keyId: 'k' }, 'goes');
  await eraseAll(bench.warehouse);
  /** The ledger is read a few times a second. */
  const reasons = async (why: string) => {
    for (let left = 50; ; left--) {
      const found = (await explain(count())).cells[0]!.misses.map((miss) => miss.why);
      if (found.includes(why as never) || left === 0) return found;
      await sleep(100);
    }
  };
  expect(await reasons('CORRECTED')).toEqual(['CORRECTED']);
  await bench.damage(
    "INSERT INTO ledger (phase, project, token) VALUES ('corrected', 'demo', 'dedupe:0:1-2:begin'), ('corrected', 'other', 'dedupe:0:1-2:begin')",
  );
  expect(await reasons('CORRECTION_OPEN')).toEqual(['CORRECTION_OPEN']);
});

test('why a moment is as old as it is', async () => {
  const known = await explain(count(await send({ daysAgo: 0 })));
  const why = async (freshness: object = {}, of = reports) => {
    const { explanation } = await explain(count(freshness), of);
    return { ...explanation.moment!, text: explanation.moment!.why.join('\n') };
  };
  expect((await why({ at: known.answer.meta.snapshot })).why).toEqual([
    'freshness.at asked for this snapshot: nothing that came later is in it',
  ]);
  expect((await why({ maxAgeMs: 60_000 })).text).toMatch(
    /last read \d+ ms before, and freshness.maxAgeMs allows 60000$/,
  );

  // Nobody stores any more.
  await sink.stop(5000);
  const { after } = await send({ daysAgo: 0 }, { daysAgo: 1 });
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
  const deaf: EventLog = { ...bench.log, inspect: () => Promise.reject(new Error('away')) };
  const gateway = createReports({ log: deaf, warehouse: bench.warehouse, cache, logger, metrics });
  const unknown = await why({}, gateway);
  gateway.stop();
  expect(unknown.asOf).toBeNull();
  expect(unknown.text).toMatch(/^the log has not told its ends since 20\S+Z: asOf stands still until it does$/m);
  sink = await bench.startSink(bench.warehouse, { lingerMs: 50, batchRows: 200 });
});

test('a statement that fails says with what', async () => {
  const recorder = createRecorder();
  const poor: Warehouse = {
    ...bench.warehouse,
    query: (statement, options) =>
      bench.warehouse.query(
        statement,
        options.label === 'trend' ? { ...options, limits: { memoryBytes: 1 } } : options,
      ),
  };
  const gateway = createReports({ log: bench.log, warehouse: poor, cache, logger, metrics });
  const asked = count(await send({ daysAgo: 0 }))(gateway.begin('demo', signal, recorder));
  await expect(asked).rejects.toMatchObject({ code: 'QUERY_TOO_EXPENSIVE' });
  const explanation = (await recorder.finish()) as Explanation;
  gateway.stop();
  expect(explanation.reports[0]!.cells[0]).toMatchObject({ asked: 7, failed: 7, computed: 0 });
  expect(explanation.statements).toMatchObject([{ error: 'QUERY_TOO_EXPENSIVE', queryId: null, rowsRead: 0 }]);
});

test('which cells one statement computed, and why others had each their own', async () => {
  const fresh = await send({ daysAgo: 0 });
  await explain(count(fresh, { series: [{ event: 'other' }] }));
  const sum = count({}, { series: [{ event: 'E', measure: 'SUM', property: 'one' }] });
  const both = (operation: ReportRequest) => Promise.all([count()(operation), sum(operation)]);
  let statements = 0;
  const fails: Warehouse = {
    ...bench.warehouse,
    query(statement, options) {
      const isFirst = options.label === 'trend' && ++statements === 1;
      return bench.warehouse.query(statement, isFirst ? { ...options, limits: { memoryBytes: 1 } } : options);
    },
  };
  const gateway = createReports({ log: bench.log, warehouse: fails, cache, logger, metrics });
  const apart = await explain(both, gateway);
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

  stored.clear();
  const other = open();
  const fused = await explain(both, other);
  expect(fused.explanation.fusion).toMatchObject([{ members: ['c1', 'c2'], decision: 'fused' }]);
  expect(fused.explanation.statements).toMatchObject([{ id: 's1', label: 'trend', cells: ['c1', 'c2'] }]);
  expect(fused.cells.map(({ statements }) => statements)).toEqual([['s1'], ['s1']]);
  expect(fused.answer.map(({ meta }) => meta.source)).toEqual(['WAREHOUSE', 'WAREHOUSE']);

  // Of what another operation asks for in the same moment no more than that there is something.
  stored.clear();
  const third = open();
  const [explained] = await Promise.all([explain(count(), third), sum(third.begin('demo', signal))]);
  expect(explained.explanation.fusion).toMatchObject([{ members: ['c1'], others: 1, decision: 'fused' }]);
  expect(explained.explanation.statements).toMatchObject([{ cells: ['c1'] }]);
  third.stop();
  other.stop();
});

test('nothing is recorded for whoever does not ask', async () => {
  const recorder = createRecorder();
  await count(await send({ daysAgo: 0 }))(reports.begin('demo', signal));
  expect(await recorder.finish()).toBeNull();
});
