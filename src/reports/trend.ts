import { TallygateError } from '../errors.ts';
import { type FilterInput, toCondition } from './filter.ts';
import { type EventSelector, type Measure, toAggregate, toLabel, toSelection } from './measure.ts';
import { warnUnknownEvents } from './names.ts';
import { type Plan, rowsIn, toBucketExpression } from './plan.ts';
import { parseProperty, toText } from './property.ts';
import { type Interval, parseRange, type Range, type RangeInput, toBuckets } from './range.ts';
import type { FreshnessInput, ReportMeta, Session } from './session.ts';
import { allOf, always, type Sql, sql, value } from './sql.ts';

// ---- parameters

export interface TrendInput {
  readonly range: RangeInput;
  readonly interval?: Interval | null | undefined;
  readonly series: readonly SeriesInput[];
  readonly breakdown?: readonly BreakdownInput[] | null | undefined;
  readonly filter?: FilterInput | null | undefined;
  readonly freshness?: FreshnessInput | null | undefined;
}

export interface SeriesInput extends EventSelector {
  readonly measure?: Measure | null | undefined;
  readonly property?: string | null | undefined;
}

export interface BreakdownInput {
  readonly property: string;
  readonly limit?: number | null | undefined;
  readonly includeOther?: boolean | null | undefined;
}

export interface Trend {
  readonly buckets: readonly Date[];
  readonly series: readonly TrendSeries[];
  readonly meta: ReportMeta;
}

export interface TrendSeries {
  readonly label: string;
  readonly breakdown: readonly string[];
  readonly isOther: boolean;
  readonly values: readonly (number | null)[];
  readonly total: number | null;
}

const mostSeries = 26;
const mostValues = 1000;

export function runTrend(session: Session, input: TrendInput): Promise<Trend> {
  return session.report(input.freshness, async (moment) => {
    const range = parseRange(input.range, moment.now);
    const buckets = toBuckets(range, input.interval ?? 'DAY');
    if (input.series.length === 0 || input.series.length > mostSeries) {
      throw new TallygateError(
        'INVALID_INPUT',
        `series: expected 1 to ${mostSeries} of them, got ${input.series.length}`,
      );
    }
    const breakdown = parseBreakdown(input.breakdown);
    const plans = input.series.map((series, i) =>
      planSeries(series, input.filter, breakdown, range, buckets, `series[${i}]`),
    );
    const cells = await Promise.all(plans.map((plan) => session.load(moment, plan)));
    const series = cells.flatMap(({ rows }, i) =>
      toSeries(input.series[i] as SeriesInput, rows as unknown as readonly TrendRow[], breakdown !== null, buckets),
    );
    const silent = input.series.filter((_, i) => cells[i]!.rows.length === 0);
    return {
      buckets: buckets.map((start) => new Date(start)),
      series,
      meta: session.toMeta(
        moment,
        cells.map((cell) => ({ cell, buckets: buckets.length })),
        {
          warnings: await warnUnknownEvents(session, moment, silent),
        },
      ),
    };
  });
}

// ---- row

/** One bucket of one line, or (total = 1) the whole of it. Without a breakdown there is one line and k is ''. */
interface TrendRow {
  /** '' without the property, '=value' for a value, '~' for all beyond the limit. */
  readonly k: string;
  /** Milliseconds since 1970, as text. */
  readonly b: string;
  readonly total: number;
  readonly v: number | null;
  /** Events. */
  readonly n: string;
}

// ---- SQL

interface Breakdown {
  readonly key: Sql;
  readonly limit: number;
  readonly includeOther: boolean;
}

function planSeries(
  series: SeriesInput,
  filter: FilterInput | null | undefined,
  breakdown: Breakdown | null,
  range: Range,
  buckets: readonly number[],
  at: string,
): Plan {
  const measure = series.measure ?? 'COUNT';
  const aggregate = toAggregate(measure, series.property, at);
  const condition = allOf([rowsIn(range), toSelection(series), toCondition(filter)]);
  const bucket = toBucketExpression(buckets);
  const limits = { resultRows: 1_000_000 };
  if (breakdown === null) {
    return {
      label: 'trend',
      select: sql`SELECT '' AS k, toString(${bucket}) AS b, toUInt8(grouping(b)) AS total, ${aggregate} AS v, count() AS n
        FROM events WHERE ${condition} GROUP BY GROUPING SETS ((b), ()) HAVING n > 0`,
      limits,
    };
  }
  const top = sql`(SELECT key FROM (SELECT ${breakdown.key} AS key, count() AS events FROM events
    WHERE ${condition} GROUP BY key ORDER BY events DESC, key LIMIT ${value('UInt32', breakdown.limit)}))`;
  const others = breakdown.includeOther ? always : sql`${breakdown.key} IN ${top}`;
  return {
    label: 'trend',
    select: sql`SELECT if(${breakdown.key} IN ${top}, ${breakdown.key}, '~') AS k, toString(${bucket}) AS b, toUInt8(grouping(b)) AS total, ${aggregate} AS v, count() AS n
      FROM events WHERE ${allOf([condition, others])} GROUP BY GROUPING SETS ((k, b), (k))`,
    limits,
  };
}

function parseBreakdown(inputs: readonly BreakdownInput[] | null | undefined): Breakdown | null {
  const [input, ...more] = inputs ?? [];
  if (!input) return null;
  if (more.length > 0)
    throw new TallygateError('INVALID_INPUT', `breakdown: expected at most one, got ${more.length + 1}`);
  const limit = input.limit ?? 10;
  if (limit < 1 || limit > mostValues)
    throw new TallygateError('INVALID_INPUT', `breakdown[0].limit: expected 1 to ${mostValues}, got ${limit}`);
  const key = sql`ifNull(concat('=', ${toText(parseProperty(input.property))}), '')`;
  return { key, limit, includeOther: input.includeOther ?? true };
}

// ---- mapping

function toSeries(
  series: SeriesInput,
  rows: readonly TrendRow[],
  isBrokenDown: boolean,
  buckets: readonly number[],
): TrendSeries[] {
  const empty = ['COUNT', 'UNIQUE_USERS', 'SUM', 'UNIQUE_VALUES', 'UNIQUE_GROUPS'].includes(series.measure ?? 'COUNT')
    ? 0
    : null;
  const index = new Map(buckets.map((start, i) => [String(start), i]));
  const lines = new Map<string, { values: (number | null)[]; total: number | null; events: number }>();
  const lineOf = (k: string) => {
    let line = lines.get(k);
    if (!line) {
      line = { values: new Array(buckets.length).fill(empty), total: empty, events: 0 };
      lines.set(k, line);
    }
    return line;
  };
  if (!isBrokenDown) lineOf('');
  for (const { k, b, total, v, n } of rows) {
    const line = lineOf(k);
    if (total) {
      line.total = v;
      line.events = Number(n);
    } else line.values[index.get(b) as number] = v;
  }
  const label = toLabel(series);
  return [...lines]
    .sort(([a, x], [b, y]) => Number(a === '~') - Number(b === '~') || y.events - x.events || compareTexts(a, b))
    .map(([k, { values, total }]) => ({
      label,
      breakdown: isBrokenDown ? [toShown(k)] : [],
      isOther: k === '~',
      values,
      total,
    }));
}

/** By code point, as the warehouse orders what ties. */
function compareTexts(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function toShown(k: string): string {
  return k === '' ? '(none)' : k === '~' ? '(other)' : k.slice(1);
}
