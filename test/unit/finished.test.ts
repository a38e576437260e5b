import { createFinished, type ReportInput } from '../../src/reports/cells/finished.ts';
import type { Moment } from '../../src/reports/moment/moment.ts';
import type { ReportMeta, Session } from '../../src/reports/session.ts';

const noon = Date.UTC(2026, 2, 1, 12);
const lastWeek = { range: { last: '7d' } };
const fixed = { range: { from: new Date(noon - 1000), to: new Date(noon) } };

/** A session of one moment; `warnings` of the moment itself. */
function at(moment: Partial<Moment>): Session {
  const whole = { vector: new Map(), now: noon, fresh: false, warnings: [], ...moment };
  return {
    project: 'shop',
    report: (_: unknown, run: (of: typeof whole) => Promise<unknown>) => run(whole),
    toMeta: (_: unknown, parts: readonly { buckets: number }[], facts: { warnings: readonly string[] }) => ({
      source: 'CACHE',
      cachedBuckets: parts.reduce((sum, { buckets }) => sum + buckets, 0),
      computedBuckets: 0,
      warnings: [...whole.warnings, ...facts.warnings],
    }),
  } as unknown as Session;
}

const meta = {
  cachedBuckets: 1,
  computedBuckets: 2,
  warnings: [],
  exact: true,
  errorBound: null,
} as unknown as ReportMeta;

function openFinished() {
  const correction = { count: 0, isOpen: false, removedAt: 0, deletedAt: 0 };
  const finished = createFinished({ correction: () => ({ ...correction }) });
  let runs = 0;
  const ask = async (session: Session, input: ReportInput, more: Partial<ReportMeta> = {}) => {
    const before = runs;
    const run = async () => ({ number: ++runs, meta: { ...meta, ...more } });
    const answer = await finished.answer(session, finished.toQuestion('shop', 'trend', input), input, run);
    return { ...answer, wasRun: runs > before };
  };
  return { finished, ask, correction };
}

test('the same question of the same snapshot is answered once, with a meta of its own', async () => {
  const { ask } = openFinished();
  const vector = new Map();
  await ask(at({ vector, warnings: ['a'] }), lastWeek, { warnings: ['a', 'of the report'] });
  const again = await ask(at({ vector, warnings: ['b', 'c'] }), lastWeek);
  expect(again).toMatchObject({ number: 1, wasRun: false });
  expect(again.meta).toMatchObject({ source: 'CACHE', cachedBuckets: 3, warnings: ['b', 'c', 'of the report'] });
});

test.each<[string, Partial<Moment>, ReportInput]>([
  ['a snapshot that is equal, but another one', { vector: new Map() }, lastWeek],
  ['one that asks for no cache', { fresh: true }, lastWeek],
  ['a week that ended meanwhile', { now: noon + 86_400_000 }, lastWeek],
  ['a moment before', { now: noon - 86_400_000 }, lastWeek],
  ['a range up to now', {}, { range: { from: new Date(noon - 1000) } }],
  ['a snapshot that was handed back', {}, { ...fixed, freshness: { at: 'x' } }],
  ['members of a cohort', {}, { ...fixed, filter: { cohort: 'buyers' } } as ReportInput],
])('is run again: %s', async (_, moment, input) => {
  const { ask } = openFinished();
  const vector = new Map();
  await ask(at({ vector }), input);
  expect((await ask(at({ vector, ...moment }), input)).wasRun).toBe(true);
});

test('what was taken out meanwhile is not remembered', async () => {
  const { ask, correction } = openFinished();
  const vector = new Map();
  await ask(at({ vector }), fixed);
  correction.count = 1;
  expect((await ask(at({ vector }), fixed)).wasRun).toBe(true);
  correction.isOpen = true;
  expect((await ask(at({ vector }), fixed)).wasRun).toBe(true);
});

test('questions that only look alike are not taken for each other', () => {
  const { finished } = openFinished();
  const keyOf = (value: unknown) =>
    finished.toQuestion('shop', 'trend', { ...fixed, filter: { property: 'a', op: 'NEQ', value } } as ReportInput).key;
  expect(new Set([keyOf(1), keyOf('1'), keyOf(true)]).size).toBe(3);
  expect(() => keyOf(Number.POSITIVE_INFINITY)).toThrow();
  const ofBins = (edge: number) => ({ ...fixed, breakdown: [{ bins: { edges: [edge, null] } }] }) as ReportInput;
  expect(finished.toQuestion('shop', 'trend', ofBins(Number.NEGATIVE_INFINITY)).key).toBeNull();
  expect(finished.toQuestion('shop', 'trend', ofBins(1)).key).not.toBeNull();
});
