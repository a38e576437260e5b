import { type Columns, type ShownBreakdown, toColumns } from './breakdown.ts';
import { type Aggregate, type Part, toAggregate } from './measure.ts';
import { type Bucket, type BucketPlan, type BucketRow, type Row, rowsIn, toBucketExpression } from './plan.ts';
import type { TimeRange } from './range.ts';
import { allOf, join, type Sql, sql } from './sql.ts';

/** What is counted of the events of each bucket and line. */
export interface Grouped {
  /** All hold for the events that are counted, beside the range. */
  readonly conditions: readonly Sql[];
  readonly breakdowns: readonly ShownBreakdown[];
  readonly x: Aggregate | null;
  readonly y: Aggregate | null;
}

/** A bucket of one line. */
export interface GroupedRow extends BucketRow {
  /** See LineKey. */
  readonly k: readonly string[];
  /** Events. */
  readonly n: string;
  readonly x: number | null;
  readonly y: number | null;
}

export function toGroupedRows(rows: readonly Row[]): readonly GroupedRow[] {
  return rows as unknown as readonly GroupedRow[];
}

export function toPart({ n, x, y }: GroupedRow): Part {
  return { n: Number(n), x, y };
}

/** A plan whose statement is made of what it counts, so that others' can be counted by the same statement: see fusion.ts. */
export interface GroupedPlan extends BucketPlan {
  readonly grouped: Grouped;
}

export function toGroupedPlan(
  grouped: Grouped,
  { label, buckets, timezone, limits }: Omit<BucketPlan, 'select'>,
): GroupedPlan {
  return {
    label,
    buckets,
    timezone,
    grouped,
    ...(limits ? { limits } : {}),
    select: (some) => selectGrouped(grouped, some, timezone),
  };
}

function selectGrouped({ conditions, breakdowns, x, y }: Grouped, buckets: readonly Bucket[], timezone: string): Sql {
  const columns = toColumns(breakdowns);
  const number = (aggregate: Aggregate | null) => (aggregate ? toAggregate(aggregate, null) : sql`NULL`);
  return sql`${toDeclarations(columns.declarations)}SELECT ${toLine(columns)}, ${toStart(buckets)} AS b, count() AS n, ${number(x)} AS x, ${number(y)} AS y
    FROM events WHERE ${allOf([rowsIn({ ...toSpan(buckets), timezone }), ...conditions])} GROUP BY ${join([...columns.names, sql`b`], ', ')}`;
}

/** Those of a range that may begin within the first; `starts` are milliseconds since 1970. */
export function bucketsOf({ from, to }: TimeRange, starts: readonly number[]): Bucket[] {
  return starts.map((start, i) => ({ start, from: Math.max(start, from), to: starts[i + 1] ?? to }));
}

export function toDeclarations(declarations: readonly Sql[]): Sql {
  return declarations.length === 0 ? sql`` : sql`WITH ${join(declarations, ', ')} `;
}

/** The columns k, and those that it is made of. */
export function toLine({ indexes, keys }: Columns): Sql {
  return join([sql`${toKeys(keys)} AS k`, ...indexes], ', ');
}

export function toKeys(keys: readonly Sql[]): Sql {
  return keys.length === 0 ? sql`emptyArrayString()` : sql`[${join(keys, ', ')}]`;
}

export function toStart(buckets: readonly Bucket[]): Sql {
  return toBucketExpression(buckets.map(({ start }) => start));
}

/** From the beginning of the first to the end of the last. */
export function toSpan(buckets: readonly Bucket[]): { readonly from: number; readonly to: number } {
  return { from: (buckets[0] as Bucket).from, to: (buckets[buckets.length - 1] as Bucket).to };
}
