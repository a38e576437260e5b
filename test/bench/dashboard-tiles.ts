import { days, project } from './report-events.ts';
import type { Scope } from './report-sql.ts';
import * as byHand from './report-sql.ts';

type Rows = readonly Readonly<Record<string, unknown>>[];

/** A tile: a field of the operation, and what of its answer is compared. */
interface Tile {
  /** What stands in the operation beside range and freshness. */
  readonly field: string;
  readonly ask: string;
  readonly select: string;
  toAnswer(report: never): unknown;
}

/** Twelve tiles asked for at once, and by hand the statements that we would write for them. */
export interface Dashboard {
  readonly name: string;
  readonly tiles: readonly Tile[];
  sql(scope: Scope): readonly string[];
  /** In the order of the tiles. */
  toAnswers(rows: readonly Rows[]): readonly unknown[];
}

interface Trend {
  readonly series: readonly {
    readonly breakdown: readonly string[];
    readonly isOther: boolean;
    readonly values: readonly unknown[];
    readonly total: unknown;
  }[];
}

const trend = (series: string): Tile => ({
  field: 'trend',
  ask: `series: [{ ${series} }]`,
  select: 'series { values total }',
  toAnswer: ({ series: lines }: Trend) => [lines[0]?.values, lines[0]?.total],
});

const byDay = (rows: Rows, column: string, absent: number | null) => {
  const found = new Map(rows.filter(({ total }) => !total).map((row) => [Number(row.d), toNumber(row[column])]));
  const values = Array.from({ length: days }, (_, d) => found.get(d) ?? absent);
  return [values, toNumber(rows.find(({ total }) => total)?.[column])];
};
const toNumber = (of: unknown) => (of === null || of === undefined ? null : Number(of));

const day = `toUInt32(intDiv(toUnixTimestamp64Milli(time) - ${Date.UTC(2026, 0, 5)}, 86400000))`;
const price = byHand.priceOf;
const numberAt = (path: string) =>
  `coalesce(doc.${path}.:Float64, toFloat64(doc.${path}.:Int64), toFloat64(doc.${path}.:UInt64))`;
const isDe = "doc.context.country.:String = 'DE'";
const isPhone = "doc.context.device.type.:String = 'phone'";
const isBook = "doc.properties.category.:String = 'books'";

const country = 'filter: { property: "context.country", op: EQ, value: "DE" }';
const viewed = 'event: "Product Viewed"';
/** Each with the column that counts the same by hand, and what nothing comes to. */
const ofOneEvent: readonly (readonly [series: string, column: string, absent: number | null])[] = [
  [viewed, 'count()', 0],
  [`${viewed}, measure: UNIQUE_USERS`, 'uniqExact(who)', 0],
  [`${viewed}, measure: SUM, property: "price"`, 'sum(price)', 0],
  [`${viewed}, measure: AVG, property: "price"`, 'avg(price)', null],
  [`${viewed}, measure: MAX, property: "price"`, 'max(price)', null],
  [`${viewed}, measure: P90, property: "price"`, 'quantileExactInclusive(0.9)(price)', null],
  [`${viewed}, ${country}`, 'countIf(is_de)', 0],
  [`${viewed}, measure: UNIQUE_USERS, ${country}`, 'uniqExactIf(who, is_de)', 0],
  [`${viewed}, filter: { property: "context.device.type", op: EQ, value: "phone" }`, 'countIf(is_phone)', 0],
  [
    `${viewed}, measure: SUM, property: "price", filter: { property: "category", op: EQ, value: "books" }`,
    'sumIf(price, is_book)',
    0,
  ],
  [`${viewed}, filter: { property: "price", op: GTE, value: 100 }`, 'countIf(price >= 100)', 0],
  [`${viewed}, measure: SUM, property: "quantity"`, 'sum(quantity)', 0],
];

const fourEvents = ['Product Viewed', 'Product Added', 'Checkout Started', 'Order Completed'] as const;
const sameMeasures: readonly (readonly [more: string, column: string])[] = [
  ['', 'n'],
  [', measure: UNIQUE_USERS', 'persons'],
  [', measure: SUM, property: "price"', 'sum'],
];

const stepsAsked = '[{ event: "Product Viewed" }, { event: "Product Added" }, { event: "Checkout Started" }]';
const mixed: readonly Tile[] = [
  trend('event: "Order Completed", measure: SUM, property: "price"'),
  trend('event: "Order Completed"'),
  trend('event: "Product Added", measure: SUM, property: "price"'),
  trend('event: "Product Viewed"'),
  trend('event: "Product Viewed", measure: UNIQUE_USERS'),
  trend('event: "Order Completed", measure: UNIQUE_USERS'),
  trend('event: "Product Viewed", measure: P90, property: "price"'),
  trend('event: "Checkout Started"'),
  {
    field: 'trend',
    ask: 'series: [{ event: "Product Viewed" }], breakdown: [{ property: "context.country", limit: 5 }]',
    select: 'series { breakdown isOther values }',
    toAnswer: ({ series }: Trend) =>
      series.map(({ breakdown, isOther, values }) => [isOther ? '~' : breakdown[0], values]).sort(),
  },
  {
    field: 'funnel',
    ask: `steps: ${stepsAsked}`,
    select: 'steps { count }',
    toAnswer: ({ steps }: { steps: readonly { count: number }[] }) => steps.map(({ count }) => count),
  },
  {
    field: 'retention',
    ask: `interval: WEEK, cohortEvent: { event: "Product Viewed" }, returnEvent: { event: "Product Added" }, periods: ${byHand.retentionPeriods}`,
    select: 'cohorts { size counts }',
    toAnswer: ({ cohorts }: { cohorts: readonly { size: number; counts: readonly number[] }[] }) =>
      cohorts.map(({ size, counts }) => [size, ...counts]),
  },
  {
    field: 'topValues',
    ask: 'property: "category"',
    select: 'values { value isNone isOther events persons } events persons',
    toAnswer: ({ values, events, persons }: TopValues) => [
      values.map((line) => [line.isOther ? '~' : line.isNone ? '' : line.value, line.events, line.persons]).sort(),
      events,
      persons,
    ],
  },
];

interface TopValues {
  readonly values: readonly {
    readonly value: string;
    readonly isNone: boolean;
    readonly isOther: boolean;
    readonly events: number;
    readonly persons: number;
  }[];
  readonly events: number;
  readonly persons: number;
}

export const dashboards: readonly Dashboard[] = [
  {
    name: 'one event, many measures and filters',
    tiles: ofOneEvent.map(([series]) => trend(series)),
    sql: (scope) => [
      `SELECT toUInt32(d) AS d, toUInt8(grouping(d)) AS total, ${ofOneEvent.map(([, column], i) => `${column} AS c${i}`).join(', ')}
       FROM ${byHand.done(
         scope,
         `${day} AS d, ${price} AS price, ${numberAt('properties.quantity')} AS quantity, ifNull(${isDe}, 0) AS is_de, ifNull(${isPhone}, 0) AS is_phone, ifNull(${isBook}, 0) AS is_book`,
         byHand.rows(scope, "event = 'Product Viewed'"),
       )} GROUP BY GROUPING SETS ((d), ())`,
    ],
    toAnswers: ([rows]) => ofOneEvent.map(([, , absent], i) => byDay(rows as Rows, `c${i}`, absent)),
  },
  {
    name: 'four events, the same measures',
    tiles: fourEvents.flatMap((event) => sameMeasures.map(([more]) => trend(`event: "${event}"${more}`))),
    sql: (scope) => [
      `SELECT event, toUInt32(d) AS d, toUInt8(grouping(d)) AS total, count() AS n, uniqExact(who) AS persons, sum(price) AS sum
       FROM ${byHand.done(scope, `event, ${day} AS d, ${price} AS price`, byHand.rows(scope, `event IN (${fourEvents.map((name) => `'${name}'`).join(', ')})`))}
       GROUP BY GROUPING SETS ((event, d), (event))`,
    ],
    toAnswers: ([rows]) =>
      fourEvents.flatMap((name) => {
        const own = (rows as Rows).filter(({ event }) => event === name);
        return sameMeasures.map(([, column]) => byDay(own, column, 0));
      }),
  },
  {
    name: 'mixed reports',
    tiles: mixed,
    sql: (scope) => [
      `SELECT toUInt32(d) AS d, toUInt8(grouping(d)) AS total, sumIf(price, event = 'Order Completed') AS c0, countIf(event = 'Order Completed') AS c1,
         sumIf(price, event = 'Product Added') AS c2, countIf(event = 'Product Viewed') AS c3, uniqExactIf(who, event = 'Product Viewed') AS c4,
         uniqExactIf(who, event = 'Order Completed') AS c5, quantileExactInclusiveIf(0.9)(price, event = 'Product Viewed') AS c6, countIf(event = 'Checkout Started') AS c7
       FROM ${byHand.done(scope, `event, ${day} AS d, ${price} AS price`, byHand.rows(scope, `event IN (${fourEvents.map((name) => `'${name}'`).join(', ')})`))}
       GROUP BY GROUPING SETS ((d), ())`,
      byHand.toCountByCountry(scope),
      byHand.toFunnel(scope),
      byHand.toRetention(scope),
      byHand.toTopCategories(scope),
    ],
    toAnswers: ([trends, countries, funnel, retention, top]) => [
      ...Array.from({ length: 8 }, (_, i) => byDay(trends as Rows, `c${i}`, i === 6 ? null : 0)),
      [...Map.groupBy(countries as Rows, ({ k }) => String(k))]
        .map(([k, lines]) => [
          k,
          byDay(
            lines.map((row) => ({ ...row, total: 0 })),
            'v',
            0,
          )[0],
        ])
        .sort(),
      [1, 2, 3].map((least) =>
        (funnel as Rows).reduce((sum, { level, n }) => (Number(level) >= least ? sum + Number(n) : sum), 0),
      ),
      toCohorts(retention as Rows),
      [
        (top as Rows)
          .filter(({ total }) => !total)
          .map(({ k, n, persons }) => [k, Number(n), Number(persons)])
          .sort(),
        Number((top as Rows).find(({ total }) => total)?.n),
        Number((top as Rows).find(({ total }) => total)?.persons),
      ],
    ],
  },
];

function toCohorts(rows: Rows) {
  const found = new Map(rows.map((row) => [Number(row.cohort), row]));
  return Array.from({ length: byHand.retentionWeeks + 1 }, (_, week) => {
    const row = found.get(week);
    const counts = Array.from({ length: byHand.retentionPeriods }, (_, p) => Number(row?.[`p${p}`] ?? 0));
    return [Number(row?.size ?? 0), ...counts];
  });
}

/** The whole dashboard as one operation. */
export function toDocument({ tiles }: Dashboard, { from, to }: Scope): string {
  const range = `range: { from: "${new Date(from).toISOString()}", to: "${new Date(to).toISOString()}" }`;
  const fields = tiles.map(
    ({ field, ask, select }, i) => `t${i}: ${field}(input: { ${range}, ${ask} }) { ${select} meta { source } }`,
  );
  return `{ ${fields.join(' ')} }`;
}

export const reader = { project, right: 'read', keyId: 'bench' } as const;
