import { ours, type ShownBreakdown, toColumns } from '../breakdown/breakdown.ts';
import { type Aggregate, type Part, toAggregate } from '../measure.ts';
import { type Bucket, type BucketPlan, type BucketRow, type Row, rowsIn, toBucketIndex } from '../plan.ts';
import type { TimeRange } from '../range.ts';
import { allOf, join, type Sql, sql, value } from '../sql.ts';

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
  /** Only where it is counted. */
  readonly x?: number | null;
  readonly y?: number | null;
}

export function toGroupedRows(rows: readonly Row[]): readonly GroupedRow[] {
  return rows as unknown as readonly GroupedRow[];
}

export function toPart({ n, x = null, y = null }: GroupedRow): Part {
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
  const bucket = toBucketColumn(buckets, ours('b0'));
  const numbers = [
    ...(x ? [sql`${toAggregate(x, null)} AS x`] : []),
    ...(y ? [sql`${toAggregate(y, null)} AS y`] : []),
  ];
  // What is not shown is said before: rows are many.
  const declarations = [...columns.declarations, ...columns.indexes, ...bucket.declarations];
  return sql`${toDeclarations(declarations)}SELECT ${join([sql`${toKeys(columns.keys)} AS k`, sql`${bucket.start} AS b`, sql`count() AS n`, ...numbers], ', ')}
    FROM events WHERE ${allOf([rowsIn({ ...toSpan(buckets), timezone }), ...conditions])}${toGroupBy([...columns.names, ...bucket.names])}`;
}

/** Groups that have events: without anything to group by, the engine tells of no events, too. */
export function toGroupBy(names: readonly Sql[]): Sql {
  return names.length > 0 ? sql` GROUP BY ${join(names, ', ')}` : sql` HAVING count() > 0`;
}

/** Those of a range that may begin within the first; `starts` are milliseconds since 1970. */
export function bucketsOf({ from, to }: TimeRange, starts: readonly number[]): Bucket[] {
  return starts.map((start, i) => ({ start, from: Math.max(start, from), to: starts[i + 1] ?? to }));
}

export function toDeclarations(declarations: readonly Sql[]): Sql {
  return declarations.length === 0 ? sql`` : sql`WITH ${join(declarations, ', ')} `;
}

export function toKeys(keys: readonly Sql[]): Sql {
  return keys.length === 0 ? sql`emptyArrayString()` : sql`[${join(keys, ', ')}]`;
}

/** Buckets in a statement: a column of a given name that it is grouped by. A single one takes none. */
export function toBucketColumn(
  buckets: readonly Bucket[],
  name: Sql,
): { readonly names: readonly Sql[]; readonly declarations: readonly Sql[]; readonly start: Sql } {
  const [first] = buckets as [Bucket];
  if (buckets.length === 1) return { names: [], declarations: [], start: sql`${value('Int64', first.start)}` };
  const { index, toStart } = toBucketIndex(buckets.map(({ start }) => start));
  return { names: [name], declarations: [sql`${index} AS ${name}`], start: toStart(name) };
}

/** From the beginning of the first to the end of the last. */
export function toSpan(buckets: readonly Bucket[]): { readonly from: number; readonly to: number } {
  return { from: (buckets[0] as Bucket).from, to: (buckets[buckets.length - 1] as Bucket).to };
}
