import type { createReports } from '../../src/reports/reports.ts';
import { days, firstDay, lastDay } from './report-events.ts';
import type { Scope } from './report-sql.ts';
import * as byHand from './report-sql.ts';

type Asked = ReturnType<ReturnType<typeof createReports>['begin']>;
type Rows = readonly Readonly<Record<string, unknown>>[];
/** Anything that JSON can hold: numbers are compared to nine digits. */
type Answer = unknown;

/** A question put to the product, and the same to the engine by hand. Each round asks it of another range. */
export interface ReportCase {
  readonly name: string;
  ask(reports: Asked, scope: Scope): Promise<Answer>;
  sql(scope: Scope): string;
  toAnswer(rows: Rows): Answer;
}

const toQuestion = ({ from, to }: Scope) => ({ range: { from: new Date(from), to: new Date(to) } });
/** The range of a round; its last day is a little shorter each time. */
export const toRoundRange = (round: number) => ({ from: firstDay, to: lastDay - 1 - round });

const byDay = (rows: Rows, absent: number | null) => {
  const found = new Map(rows.map(({ d, v }) => [Number(d), Number(v)]));
  return Array.from({ length: days }, (_, d) => found.get(d) ?? absent);
};
const trendOf = (series: { event: string; measure: 'COUNT' | 'UNIQUE_USERS' | 'SUM' | 'P90'; property?: string }) => ({
  ask: async (reports: Asked, scope: Scope) => {
    const { series: lines } = await reports.trend({ ...toQuestion(scope), series: [series] });
    return [lines[0]?.values, lines[0]?.total];
  },
});
const levels = (rows: Rows) =>
  [1, 2, 3].map((least) => rows.reduce((sum, { level, n }) => (Number(level) >= least ? sum + Number(n) : sum), 0));
const funnelOf = (more: { order?: 'STRICT'; exclusions?: readonly { event: string }[] }) => ({
  ask: async (reports: Asked, scope: Scope) => {
    const steps = ['Product Viewed', 'Product Added', 'Checkout Started'].map((event) => ({ event }));
    const funnel = await reports.funnel({ ...toQuestion(scope), steps, ...more });
    return funnel.steps.map(({ count }) => count);
  },
  toAnswer: levels,
});
const topOf = (property: string) => ({
  ask: async (reports: Asked, scope: Scope) => {
    const { values, distinct, events, persons } = await reports.topValues({ ...toQuestion(scope), property });
    const lines = values.map((line) => [line.isOther ? '~' : line.isNone ? '' : line.value, line.events, line.persons]);
    return [lines.sort(), distinct, events, persons];
  },
  toAnswer: (rows: Rows) => {
    const whole = rows.find(({ total }) => total);
    const lines = rows.filter(({ total }) => !total).map(({ k, n, persons }) => [k, Number(n), Number(persons)]);
    const hasNone = lines.some(([k]) => k === '') ? 1 : 0;
    return [lines.sort(), Number(whole?.kinds) - hasNone, Number(whole?.n), Number(whole?.persons)];
  },
});
const eventsOf = (filter: { property: string; op: 'GTE'; value: number } | null) => ({
  ask: async (reports: Asked, scope: Scope) => {
    const { nodes } = await reports.events({ ...toQuestion(scope), first: 50, filter }, { persons: false });
    return nodes.map(({ messageId }) => messageId);
  },
  toAnswer: (rows: Rows) => rows.slice(0, 50).map(({ message_id }) => message_id),
});
const pagesOf = (rows: Rows, part: string, column: string) => {
  const pages = rows.filter((row) => row.part === part && row[column] !== '');
  const counted = pages.map((row): [string, number] => [String(row[column]), Number(row.n)]);
  const shown = counted.sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, 10);
  const rest = counted.slice(10).reduce((sum, [, n]) => sum + n, 0);
  return rest > 0 ? [...shown, ['(other)', rest]] : shown;
};

export const reportCases: readonly ReportCase[] = [
  {
    name: 'trend: count',
    ...trendOf({ event: 'Product Viewed', measure: 'COUNT' }),
    sql: byHand.toCountByDay,
    toAnswer: (rows) => [byDay(rows, 0), rows.reduce((sum, { v }) => sum + Number(v), 0)],
  },
  {
    name: 'trend: persons',
    ...trendOf({ event: 'Product Viewed', measure: 'UNIQUE_USERS' }),
    sql: byHand.toPersonsByDay,
    toAnswer: (rows) => [
      byDay(
        rows.filter(({ total }) => !total),
        0,
      ),
      Number(rows.find(({ total }) => total)?.v),
    ],
  },
  {
    name: 'trend: sum of a property',
    ...trendOf({ event: 'Order Completed', measure: 'SUM', property: 'price' }),
    sql: byHand.toSumByDay,
    toAnswer: (rows) => [byDay(rows, 0), rows.reduce((sum, { v }) => sum + Number(v), 0)],
  },
  {
    name: 'trend: 90th percentile',
    ...trendOf({ event: 'Product Viewed', measure: 'P90', property: 'price' }),
    sql: byHand.toP90ByDay,
    toAnswer: (rows) => [
      byDay(
        rows.filter(({ total }) => !total),
        null,
      ),
      Number(rows.find(({ total }) => total)?.v),
    ],
  },
  {
    name: 'trend: by country',
    ask: async (reports, scope) => {
      const { series } = await reports.trend({
        ...toQuestion(scope),
        series: [{ event: 'Product Viewed' }],
        breakdown: [{ property: 'context.country', limit: 5 }],
      });
      return series.map(({ breakdown, isOther, values }) => [isOther ? '~' : breakdown[0], values]).sort();
    },
    sql: byHand.toCountByCountry,
    toAnswer: (rows) => [...Map.groupBy(rows, ({ k }) => String(k))].map(([k, lines]) => [k, byDay(lines, 0)]).sort(),
  },
  {
    name: '50 entities: count',
    ask: async (reports, scope) => {
      const products = reports.entities.list({ property: 'sku', ids: byHand.skus });
      const trends = products.map((product) =>
        product.trend({ ...toQuestion(scope), series: [{ event: 'Product Viewed' }] }),
      );
      return (await Promise.all(trends)).map(({ series }) => series[0]?.values);
    },
    sql: byHand.toCountBySku,
    toAnswer: (rows) => {
      const bySku = Map.groupBy(rows, ({ k }) => String(k));
      return byHand.skus.map((sku) => byDay(bySku.get(sku) ?? [], 0));
    },
  },
  { name: 'funnel', ...funnelOf({}), sql: byHand.toFunnel },
  { name: 'funnel: STRICT', ...funnelOf({ order: 'STRICT' }), sql: byHand.toStrictFunnel },
  {
    name: 'funnel: an exclusion',
    ...funnelOf({ exclusions: [{ event: 'Coupon Removed' }] }),
    sql: byHand.toExclusionFunnel,
  },
  {
    name: 'retention',
    ask: async (reports, scope) => {
      const { cohorts } = await reports.retention({
        ...toQuestion(scope),
        interval: 'WEEK',
        cohortEvent: { event: 'Product Viewed' },
        returnEvent: { event: 'Product Added' },
        periods: byHand.retentionPeriods,
      });
      return cohorts.map(({ size, counts }) => [size, ...counts]);
    },
    sql: byHand.toRetention,
    toAnswer: (rows) => {
      const found = new Map(rows.map((row) => [Number(row.cohort), row]));
      return Array.from({ length: byHand.retentionWeeks + 1 }, (_, week) => {
        const row = found.get(week);
        const counts = Array.from({ length: byHand.retentionPeriods }, (_, p) => Number(row?.[`p${p}`] ?? 0));
        return [Number(row?.size ?? 0), ...counts];
      });
    },
  },
  {
    name: 'lifecycle',
    ask: async (reports, scope) => {
      const report = await reports.lifecycle({ ...toQuestion(scope), interval: 'WEEK' });
      return [report.new, report.returning, report.resurrecting, report.dormant];
    },
    sql: byHand.toLifecycle,
    toAnswer: ([row]) =>
      ['new', 'returning', 'resurrecting', 'dormant'].map((phase) =>
        Array.from({ length: byHand.retentionWeeks + 1 }, (_, week) => Number(row?.[`${phase}${week}`])),
      ),
  },
  {
    name: 'stickiness',
    ask: async (reports, scope) => (await reports.stickiness({ ...toQuestion(scope) })).persons,
    sql: byHand.toStickiness,
    toAnswer: (rows) => {
      const found = new Map(rows.map(({ d, v }) => [Number(d), Number(v)]));
      return Array.from({ length: days }, (_, i) => found.get(i + 1) ?? 0);
    },
  },
  {
    name: 'sessions',
    ask: async (reports, scope) => {
      const { series, entryPages, exitPages } = await reports.sessions({ ...toQuestion(scope) });
      const figures = [...(series[0]?.values ?? []), series[0]?.total].map((of) => [
        of?.sessions,
        of?.persons,
        of?.averageSeconds,
        of?.medianSeconds,
        of?.bounceRate,
        of?.eventsPerSession,
      ]);
      const toPages = (pages: typeof entryPages) => pages.map(({ page, sessions }) => [page, sessions]);
      return [figures, toPages(entryPages), toPages(exitPages)];
    },
    sql: byHand.toSessions,
    toAnswer: (rows) => {
      const toFigures = (row: Rows[number]) => {
        const n = Number(row.n);
        const share = (of: unknown, by: number) => Number(of) / by;
        return [
          n,
          Number(row.persons),
          share(row.sum_ms, n * 1000),
          share(row.median, 1000),
          share(row.bounces, n),
          share(row.all_events, n),
        ];
      };
      const byD = rows.filter(({ part }) => part === 'day').sort((a, b) => Number(a.d) - Number(b.d));
      const figures = [...byD, ...rows.filter(({ part }) => part === 'all')].map(toFigures);
      return [figures, pagesOf(rows, 'entry', 'entry'), pagesOf(rows, 'exit', 'exit')];
    },
  },
  {
    name: 'paths',
    ask: async (reports, scope) => {
      const { sessions, persons, nodes, links } = await reports.paths({
        ...toQuestion(scope),
        depth: byHand.pathDepth,
        limit: 1000,
      });
      const found = nodes.map((of) => [of.step, of.name, of.sessions, of.persons, of.began, of.ended]);
      const between = links.map((of) => [of.step, of.from, of.to, of.sessions, of.persons]);
      return [sessions, persons, sortTexts(found), sortTexts(between)];
    },
    sql: byHand.toPaths,
    toAnswer: (rows) => {
      const whole = rows.find(({ part }) => part === 'all');
      const nodes = rows
        .filter(({ part }) => part === 'node')
        .map(({ step, name, n, persons, began, ended }): [number, string, ...number[]] => [
          Number(step),
          String(name),
          ...[n, persons, began, ended].map(Number),
        ])
        .sort((a, b) => Number(b[2]) - Number(a[2]) || a[0] - b[0] || (a[1] < b[1] ? -1 : 1))
        .slice(0, 1000);
      const shown = new Set(nodes.map(([step, name]) => `${step} ${name}`));
      const links = rows
        .filter(
          ({ part, step, name, next }) =>
            part === 'link' && shown.has(`${step} ${name}`) && shown.has(`${Number(step) + 1} ${next}`),
        )
        .map(({ step, name, next, n, persons }) => [Number(step), name, next, Number(n), Number(persons)]);
      return [Number(whole?.began), Number(whole?.persons), sortTexts(nodes), sortTexts(links)];
    },
  },
  { name: 'topValues: 6 values', ...topOf('category'), sql: byHand.toTopCategories },
  {
    name: 'topValues: as many values as events',
    ...topOf('$messageId'),
    sql: (scope) => byHand.toTopValues(scope, 'message_id'),
  },
  {
    name: 'person',
    ask: async (reports, scope) => {
      const found = await reports.person({ id: toPersonId(scope) }, { traits: false });
      return [
        found?.userIds,
        found?.anonymousIds,
        found?.firstSeen.getTime(),
        found?.lastSeen.getTime(),
        found?.eventCount,
      ];
    },
    sql: (scope) => byHand.toPerson(scope, toPersonId(scope)),
    toAnswer: ([row]) => [row?.user_ids, row?.anonymous_ids, Number(row?.first), Number(row?.last), Number(row?.n)],
  },
  { name: 'events: the newest 50', ...eventsOf(null), sql: (scope) => byHand.toNewest(scope) },
  {
    name: 'events: the newest 50 of a filter',
    ...eventsOf({ property: 'price', op: 'GTE', value: 199 }),
    sql: (scope) => byHand.toNewest(scope, byHand.isDear),
  },
];

/** Of those that were merged, another one each round. */
function toPersonId({ to }: Scope): string {
  return `user-${10 + ((lastDay - to) % 20)}`;
}

function sortTexts(of: readonly unknown[]): unknown[] {
  return of.map((one) => JSON.stringify(one)).sort();
}
