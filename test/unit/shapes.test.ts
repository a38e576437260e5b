import { runEvents } from '../../src/reports/events.ts';
import { runFunnel } from '../../src/reports/funnel.ts';
import { type Plan, toCellKey } from '../../src/reports/plan.ts';
import { runRetention } from '../../src/reports/retention.ts';
import type { Moment, Session } from '../../src/reports/session.ts';
import { runTrend } from '../../src/reports/trend.ts';

/** An answer is cached by its shape: two questions that differ in anything must not share one. */
const moment = { vector: new Map(), asOf: 0, now: Date.UTC(2026, 2, 1, 12), snapshot: 's' } as unknown as Moment;

/** The keys of the cells that a report asks for. */
async function keysOf(ask: (session: Session) => Promise<unknown>): Promise<string> {
  const plans: Plan[] = [];
  const session = {
    report: (_: unknown, run: (at: Moment) => Promise<unknown>) => run(moment),
    load: async (_: Moment, plan: Plan) => {
      plans.push(plan);
      return { rows: [], source: 'warehouse', statements: 0, rowsRead: 0 };
    },
    toMeta: () => ({}),
  } as unknown as Session;
  await ask(session);
  return plans
    .filter(({ label }) => label !== 'names')
    .map((plan) => toCellKey('demo', plan, 'v'))
    .join(' ');
}

const range = { from: new Date('2026-01-01'), to: new Date('2026-02-01') };
const ranges = [
  range,
  { ...range, from: new Date('2026-01-02') },
  { ...range, to: new Date('2026-02-02') },
  { ...range, timezone: 'Asia/Kathmandu' },
];
const filters = [
  { property: 'a', value: 1 },
  { property: 'a', value: '1' },
  { property: 'b', value: 1 },
  { property: 'a', op: 'NEQ' as const, value: 1 },
  { not: { property: 'a', value: 1 } },
];

async function expectDifferent(asks: readonly ((session: Session) => Promise<unknown>)[]): Promise<void> {
  const keys = await Promise.all(asks.map(keysOf));
  for (const key of keys) expect(key).not.toBe('');
  const same = keys.findIndex((key, i) => keys.indexOf(key) !== i);
  expect(
    same === -1 ? null : `question ${same} is taken for question ${keys.indexOf(keys[same] as string)}`,
  ).toBeNull();
}

test('trends', () => {
  const base = { range, series: [{ event: 'A' }] };
  const inputs = [
    ...ranges.map((each) => ({ ...base, range: each })),
    ...(['HOUR', 'WEEK', 'MONTH'] as const).map((interval) => ({ ...base, interval })),
    { ...base, series: [{ event: 'B' }] },
    { ...base, series: [{}] },
    ...(['UNIQUE_USERS', 'COUNT_PER_USER'] as const).map((measure) => ({ ...base, series: [{ event: 'A', measure }] })),
    ...(['SUM', 'AVG', 'MIN', 'MAX', 'P50', 'P75', 'P90', 'P95', 'P99', 'UNIQUE_VALUES'] as const).flatMap((measure) =>
      ['x', 'y'].map((property) => ({ ...base, series: [{ event: 'A', measure, property }] })),
    ),
    ...filters.flatMap((filter) => [
      { ...base, filter },
      { ...base, series: [{ event: 'A', filter }] },
    ]),
    { ...base, breakdown: [{ property: 'x' }] },
    { ...base, breakdown: [{ property: 'y' }] },
    { ...base, breakdown: [{ property: 'x', limit: 3 }] },
    { ...base, breakdown: [{ property: 'x', includeOther: false }] },
  ];
  return expectDifferent(inputs.map((input) => (session: Session) => runTrend(session, input)));
});

test('funnels', () => {
  const base = { range, steps: [{ event: 'A' }, { event: 'B' }] };
  const inputs = [
    ...ranges.slice(0, 3).map((each) => ({ ...base, range: each })),
    { ...base, steps: [{ event: 'B' }, { event: 'A' }] },
    { ...base, steps: [{ event: 'A' }, { event: 'B' }, { event: 'C' }] },
    { ...base, windowSeconds: 60 },
    ...filters.flatMap((filter) => [
      { ...base, filter },
      { ...base, steps: [{ event: 'A', filter }, { event: 'B' }] },
      { ...base, steps: [{ event: 'A' }, { event: 'B', filter }] },
    ]),
  ];
  return expectDifferent(inputs.map((input) => (session: Session) => runFunnel(session, input)));
});

test('retentions', () => {
  const base = { range, cohortEvent: { event: 'A' }, returnEvent: { event: 'B' } };
  const inputs = [
    ...ranges.map((each) => ({ ...base, range: each })),
    { ...base, interval: 'WEEK' as const },
    { ...base, kind: 'RECURRING' as const },
    { ...base, mode: 'ON_OR_AFTER' as const },
    { ...base, periods: 3 },
    { ...base, cohortEvent: { event: 'B' }, returnEvent: { event: 'A' } },
    ...filters.flatMap((filter) => [
      { ...base, filter },
      { ...base, cohortEvent: { event: 'A', filter } },
      { ...base, returnEvent: { event: 'B', filter } },
    ]),
  ];
  return expectDifferent(inputs.map((input) => (session: Session) => runRetention(session, input)));
});

test('events', () => {
  const after = (time: number) => Buffer.from(JSON.stringify([time, 0, 5, 's'])).toString('base64url');
  const inputs = [
    ...ranges.slice(0, 3).map((each) => ({ range: each })),
    { range, first: 10 },
    { range, after: after(1) },
    { range, after: after(2) },
    ...filters.map((filter) => ({ range, filter })),
  ];
  return expectDifferent(inputs.map((input) => (session: Session) => runEvents(session, input)));
});
