import { countUpTo } from '../ascending.ts';
import { type Columns, type ShownBreakdown, toColumns } from '../breakdown/breakdown.ts';
import {
  bucketsOf,
  type GroupedPlan,
  type GroupedRow,
  toDeclarations,
  toGroupedPlan,
  toKeys,
} from '../cells/grouped.ts';
import type { Aggregate, MeasurePlan } from '../measure.ts';
import { type Plan, person, rowsIn, timeMs, toBucketExpression } from '../plan.ts';
import { firstOfDays, type Interval, nextBucket, previousBucket, type Range } from '../range.ts';
import { allOf, join, type Sql, sql, value } from '../sql.ts';

/** One bucket of one line. */
export type TrendRow = GroupedRow;

export interface TrendQuestion {
  readonly measure: MeasurePlan;
  readonly breakdowns: readonly ShownBreakdown[];
  /** All hold for the events in the range that the series is about. */
  readonly conditions: readonly Sql[];
  readonly range: Range;
  readonly interval: Interval;
  readonly buckets: readonly number[];
  readonly cumulative: boolean;
}

export interface TrendPlans {
  /** What each bucket's events tell by themselves is a plan that is cached by bucket. */
  readonly values: Plan | GroupedPlan;
  /** The whole range as one bucket, where that is not what its buckets come to. */
  readonly total: GroupedPlan | null;
}

const limits = { resultRows: 1_000_000 };

export function planTrend(question: TrendQuestion): TrendPlans {
  const { measure, range, buckets, cumulative, conditions, breakdowns } = question;
  const { counting } = measure;
  const byBucket = (starts: readonly number[]): GroupedPlan => {
    if (counting.kind === 'rolling') throw new Error('expected numbers that a bucket has by itself');
    const y = counting.kind === 'sums' ? counting.y : null;
    const plan = {
      label: 'trend',
      limits,
      timezone: range.timezone,
      buckets: bucketsOf(range, starts),
    };
    return toGroupedPlan({ conditions, breakdowns, x: counting.x, y }, plan);
  };
  const whole = (select: (columns: Columns) => Sql): TrendPlans => {
    const columns = toColumns(breakdowns);
    return { values: { label: 'trend', limits, select: select(columns) }, total: null };
  };
  if (counting.kind === 'sums') return { values: byBucket(buckets), total: null };
  if (counting.kind === 'rolling') return whole((columns) => selectRolling(question, columns, counting.days));
  if (!cumulative) return { values: byBucket(buckets), total: byBucket([range.from]) };
  return counting.kind === 'distinct'
    ? whole((columns) => selectFirsts(question, columns, counting.x.of))
    : whole((columns) => selectRunningPercentile(question, columns, counting.x));
}

function toWhere({ range, conditions }: TrendQuestion): Sql {
  return allOf([rowsIn(range), ...conditions]);
}

function list(...of: readonly Sql[]): Sql {
  return join(of, ', ');
}

/** Each value in the first bucket that has it. */
function selectFirsts(question: TrendQuestion, columns: Columns, of: Sql): Sql {
  const { names, indexes, declarations } = columns;
  const where = toWhere(question);
  const bucket = toBucketExpression(question.buckets);
  const groups = list(...names, sql`b`);
  const firsts = sql`SELECT ${list(...names, sql`first AS b`)}, toUInt64(0) AS events, isNotNull(what) AS fresh FROM (
      SELECT ${list(...indexes, sql`${of} AS what`)}, min(${bucket}) AS first FROM events WHERE ${where} GROUP BY ${list(...names, sql`what`)})`;
  const counts = sql`SELECT ${list(...indexes, sql`${bucket} AS b`)}, count() AS events, 0 AS fresh FROM events WHERE ${where} GROUP BY ${groups}`;
  return sql`${toDeclarations(declarations)}SELECT ${toKeys(columns.keys)} AS k, ${groups}, sum(events) AS n, toFloat64(sum(fresh)) AS x, NULL AS y
    FROM (${firsts} UNION ALL ${counts}) GROUP BY ${groups}`;
}

function selectRunningPercentile(question: TrendQuestion, columns: Columns, { name, parameter, of }: Aggregate): Sql {
  const { names, indexes, declarations } = columns;
  const groups = list(...names, sql`b`);
  const partition = names.length === 0 ? sql`` : sql`PARTITION BY ${list(...names)}`;
  const as = (suffix: string): Sql => ({ strings: [`${name}${suffix}(${parameter})`], values: [] });
  return sql`${toDeclarations(declarations)}SELECT ${toKeys(columns.keys)} AS k, ${groups}, events AS n,
      ${as('Merge')}(state) OVER so_far AS x, NULL AS y
    FROM (SELECT ${list(...indexes, sql`${toBucketExpression(question.buckets)} AS b`)}, count() AS events, ${as('State')}(${of}) AS state
      FROM events WHERE ${toWhere(question)} GROUP BY ${groups})
    WINDOW so_far AS (${partition} ORDER BY b)`;
}

/** What the windows of rolling days depend on: from the beginning of the first one. */
export function toWindowRange({ range, interval, buckets }: Windows, days: number): Range {
  const [from] = toWindowStarts({ range, interval, buckets: buckets.slice(0, 1) }, days) as [number];
  return { ...range, from };
}

type Windows = Pick<TrendQuestion, 'range' | 'interval' | 'buckets'>;

/** Of each bucket, where the days begin that end with it. The calendar is asked once for a day: it takes its time. */
function toWindowStarts({ range, interval, buckets }: Windows, days: number): number[] {
  const { timezone, to } = range;
  let day = { end: Number.NEGATIVE_INFINITY, from: 0 };
  return buckets.map((start, i) => {
    const end = Math.min(buckets[i + 1] ?? nextBucket(start, timezone, interval), to);
    if (end > day.end) {
      const own = previousBucket(end, range, 'DAY');
      day = { end: nextBucket(own, timezone, 'DAY'), from: firstOfDays(end, timezone, days) };
    }
    return day.from;
  });
}

/**
 * By how many persons each bucket's window has more than the one before it. Whoever was active in a piece of time is in the
 * windows `lo` to `hi` that hold it, and pieces follow each other so that these never go back: the windows of a person are
 * counted once by ending those of each piece where those of the next begin.
 */
function selectRolling(question: TrendQuestion, columns: Columns, days: number): Sql {
  const { names, indexes, declarations } = columns;
  const { range, buckets, conditions } = question;
  const starts = toWindowStarts(question, days);
  const pieces = [...new Set([...starts, ...buckets.slice(1)])]
    .filter((time) => time >= (starts[0] as number))
    .sort((a, b) => a - b);
  const places = pieces.map((piece) => [countUpTo(buckets, piece), countUpTo(starts, piece)] as const);
  const piecesSql = value('Array(Int64)', pieces);
  const lows = value(
    'Array(Int32)',
    places.map(([low]) => Math.max(0, low - 1)),
  );
  const highs = value(
    'Array(Int32)',
    places.map(([, high]) => high),
  );
  const whole = toWindowRange(question, days);
  const where = allOf([rowsIn(whole), ...conditions]);
  const last = value('Int32', buckets.length);
  return sql`${toDeclarations(declarations)}SELECT ${toKeys(columns.keys)} AS k, ${list(...names, sql`b`)}, sum(events) AS n, toFloat64(sum(change)) AS x, NULL AS y
    FROM (SELECT ${list(...names, sql`step.1 AS place`, sql`step.2 AS change`, sql`step.3 AS events`)},
        if(place < ${last}, ${value('Array(Int64)', buckets)}[place + 1], -1) AS b
      FROM (SELECT ${list(...indexes, sql`${person} AS who`)}, toInt64(countIf(${timeMs} >= ${value('Int64', range.from)})) AS asked,
          arraySort(groupUniqArray(${toBucketExpression(pieces)})) AS active,
          arrayMap(piece -> transform(piece, ${piecesSql}, ${lows}, 0), active) AS low,
          arrayMap((piece, next) -> least(transform(piece, ${piecesSql}, ${highs}, 0), next), active, arrayPushBack(arrayPopFront(low), ${last})) AS high
        FROM events WHERE ${where} GROUP BY ${list(...names, sql`who`)})
      ARRAY JOIN arrayConcat(arrayMap((at, i) -> (at, 1, if(i = 1, asked, 0)), low, arrayEnumerate(low)), arrayMap(at -> (at, -1, toInt64(0)), high)) AS step)
    GROUP BY ${list(...names, sql`b`)}`;
}
