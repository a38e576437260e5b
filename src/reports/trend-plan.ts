import { type Breakdown, type Columns, toColumns } from './breakdown.ts';
import type { Counting, MeasurePlan } from './measure.ts';
import { type BucketPlan, type Plan, person, rowsIn, timeMs, toBucketExpression } from './plan.ts';
import { firstOfDays, type Interval, nextBucket, previousBucket, type Range } from './range.ts';
import { allOf, join, type Sql, sql, value } from './sql.ts';

/** One bucket of one line, or (total = 1) the whole of it. */
export interface TrendRow {
  /** Keys of the breakdowns: see LineKey. */
  readonly k0?: string;
  readonly k1?: string;
  readonly k2?: string;
  /** Milliseconds since 1970, as text. */
  readonly b: string;
  readonly total: number;
  /** Events. */
  readonly n: string;
  readonly x: number | null;
  readonly y: number | null;
}

export interface TrendQuestion {
  readonly measure: MeasurePlan;
  readonly breakdowns: readonly Breakdown[];
  /** Of the events in the range that the series is about. */
  readonly condition: Sql;
  /** Of the events whose most frequent values get lines. */
  readonly chosenBy: Sql;
  readonly range: Range;
  readonly interval: Interval;
  readonly buckets: readonly number[];
  readonly cumulative: boolean;
}

/** What each bucket's events tell by themselves is a plan that is cached by bucket. */
export function planTrend(question: TrendQuestion): Plan | BucketPlan {
  const { measure, range, buckets } = question;
  const { counting } = measure;
  const limits = { resultRows: 1_000_000 };
  if (counting.kind === 'sums') {
    return {
      label: 'trend',
      limits,
      timezone: range.timezone,
      buckets: buckets.map((start, i) => ({
        start,
        from: Math.max(start, range.from),
        to: buckets[i + 1] ?? range.to,
      })),
      select: (some) => {
        const within = { ...range, from: some[0]!.from, to: some[some.length - 1]!.to };
        return selectSums({ ...question, range: within, buckets: some.map(({ start }) => start) }, counting);
      },
    };
  }
  const columns = toColumns(question.breakdowns, question.chosenBy);
  return {
    label: 'trend',
    limits,
    select: sql`${columns.declarations}${toSelect(question, columns, counting)}`,
  };
}

function toSelect(question: TrendQuestion, columns: Columns, counting: Exclude<Counting, { kind: 'sums' }>): Sql {
  switch (counting.kind) {
    case 'distinct':
      if (question.cumulative) return selectFirsts(question, columns, counting.of);
      return selectSets(question, columns, sql`toFloat64(uniqExact(${counting.of}))`);
    case 'percentile': {
      const { level, of } = counting;
      if (question.cumulative) return selectRunningPercentile(question, columns, level, of);
      return selectSets(question, columns, sql`if(count(${of}) = 0, NULL, quantileExactInclusive(${level})(${of}))`);
    }
    case 'rolling':
      return selectRolling(question, columns, counting.days);
  }
}

function toWhere({ range, condition }: TrendQuestion, { conditions }: Columns): Sql {
  return allOf([rowsIn(range), condition, ...conditions]);
}

function list(...of: readonly Sql[]): Sql {
  return join(of, ', ');
}

function selectSums(question: TrendQuestion, { x, y }: { x: Sql; y: Sql }): Sql {
  const columns = toColumns(question.breakdowns, question.chosenBy);
  return sql`${columns.declarations}SELECT ${columns.keys}${columns.indexes}${toBucketExpression(question.buckets)} AS b, 0 AS total, count() AS n, ${x} AS x, ${y} AS y
    FROM events WHERE ${toWhere(question, columns)} GROUP BY ${list(...columns.names, sql`b`)}`;
}

/** Buckets and the whole, each of its own events. */
function selectSets(question: TrendQuestion, columns: Columns, x: Sql): Sql {
  const { names } = columns;
  return sql`SELECT ${columns.keys}${columns.indexes}${toBucketExpression(question.buckets)} AS b, toUInt8(grouping(b)) AS total, count() AS n, ${x} AS x, NULL AS y
    FROM events WHERE ${toWhere(question, columns)} GROUP BY GROUPING SETS ((${list(...names, sql`b`)}), (${list(...names)})) HAVING n > 0`;
}

/** Each value in the first bucket that has it. */
function selectFirsts(question: TrendQuestion, columns: Columns, of: Sql): Sql {
  const { names, keys, indexes } = columns;
  const where = toWhere(question, columns);
  const bucket = toBucketExpression(question.buckets);
  const groups = list(...names, sql`b`);
  const firsts = sql`SELECT ${list(...names, sql`first AS b`)}, toUInt64(0) AS events, isNotNull(what) AS fresh FROM (
      SELECT ${indexes}${of} AS what, min(${bucket}) AS first FROM events WHERE ${where} GROUP BY ${list(...names, sql`what`)})`;
  const counts = sql`SELECT ${indexes}${bucket} AS b, count() AS events, 0 AS fresh FROM events WHERE ${where} GROUP BY ${groups}`;
  return sql`SELECT ${keys}${groups}, 0 AS total, sum(events) AS n, toFloat64(sum(fresh)) AS x, NULL AS y
    FROM (${firsts} UNION ALL ${counts}) GROUP BY ${groups}`;
}

function selectRunningPercentile(question: TrendQuestion, columns: Columns, level: Sql, of: Sql): Sql {
  const { names, keys, indexes } = columns;
  const groups = list(...names, sql`b`);
  const partition = names.length === 0 ? sql`` : sql`PARTITION BY ${list(...names)}`;
  return sql`SELECT ${keys}${groups}, 0 AS total, events AS n,
      if(sum(numbers) OVER so_far = 0, NULL, quantileExactInclusiveMerge(${level})(state) OVER so_far) AS x, NULL AS y
    FROM (SELECT ${indexes}${toBucketExpression(question.buckets)} AS b, count() AS events, count(${of}) AS numbers,
        quantileExactInclusiveState(${level})(${of}) AS state
      FROM events WHERE ${toWhere(question, columns)} GROUP BY ${groups})
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
  const { names, keys, indexes } = columns;
  const { range, buckets, condition } = question;
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
  const where = allOf([rowsIn(whole), condition, ...columns.conditions]);
  const last = value('Int32', buckets.length);
  return sql`SELECT ${keys}${list(...names, sql`b`)}, 0 AS total, sum(events) AS n, toFloat64(sum(change)) AS x, NULL AS y
    FROM (SELECT ${list(...names, sql`step.1 AS place`, sql`step.2 AS change`, sql`step.3 AS events`)},
        if(place < ${last}, ${value('Array(Int64)', buckets)}[place + 1], -1) AS b
      FROM (SELECT ${indexes}${person} AS who, toInt64(countIf(${timeMs} >= ${value('Int64', range.from)})) AS asked,
          arraySort(groupUniqArray(${toBucketExpression(pieces)})) AS active,
          arrayMap(piece -> transform(piece, ${piecesSql}, ${lows}, 0), active) AS low,
          arrayMap((piece, next) -> least(transform(piece, ${piecesSql}, ${highs}, 0), next), active, arrayPushBack(arrayPopFront(low), ${last})) AS high
        FROM events WHERE ${where} GROUP BY ${list(...names, sql`who`)})
      ARRAY JOIN arrayConcat(arrayMap((at, i) -> (at, 1, if(i = 1, asked, 0)), low, arrayEnumerate(low)), arrayMap(at -> (at, -1, toInt64(0)), high)) AS step)
    GROUP BY ${list(...names, sql`b`)}`;
}

function countUpTo(ascending: readonly number[], time: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as number) <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}
