import { hash } from 'node:crypto';
import type { PositionVector, Stream } from '../events/position.ts';
import type { QueryOptions, StatementLimits } from '../ports/warehouse.ts';
import type { TimeRange } from './range.ts';
import { allOf, fill, holesOf, join, type Sql, sql, value } from './sql.ts';

/** The whole of time: what the catalog depends on. */
export const allTime = { from: Date.UTC(1900, 0, 1), to: Date.UTC(2300, 0, 1), timezone: null } as const;

/**
 * A part of a report that is computed and cached as one. The statement says everything: it tells these rows from others of
 * the same data, and its `rowsIn` tell which events they depend on.
 */
export interface Plan {
  /** A short constant name. */
  readonly label: string;
  readonly select: Sql;
  readonly limits?: Partial<StatementLimits>;
}

/** A bucket of a question: its events are those of from <= t < to, in milliseconds since 1970, which may be less than all of it. */
export interface Bucket extends TimeRange {
  /** Where it begins, whatever the question asks of it; its name in rows. */
  readonly start: number;
}

/** A row of a bucket. */
export interface BucketRow extends Row {
  /** The bucket's start, in milliseconds since 1970, as text. */
  readonly b: string;
}

/**
 * A part of a report that is computed at once and cached by bucket, since the rows of a bucket are made of its events alone.
 * Cached answers are told from others by the statement of one bucket, and by the bucket.
 */
export interface BucketPlan {
  /** A short constant name. */
  readonly label: string;
  /** They ascend and do not overlap. */
  readonly buckets: readonly Bucket[];
  /** Of the calendar that they are buckets of. */
  readonly timezone: string;
  /** The rows of neighbours among them. Says nothing of the range that was asked for. */
  select(buckets: readonly Bucket[]): Sql;
  readonly limits?: Partial<StatementLimits>;
}

/** The plan that computes neighbouring buckets of another one. */
export function toPlanOf({ label, select, limits }: BucketPlan, buckets: readonly Bucket[]): Plan {
  return { label, select: select(buckets), ...(limits ? { limits } : {}) };
}

/** What the warehouse has to know beside the statement. */
export function toQueryOptions({ label, limits }: Plan): Pick<QueryOptions, 'label' | 'limits'> {
  return { label, ...(limits ? { limits } : {}) };
}

/**
 * The condition of every SELECT from `events`: the project's rows within the range that the snapshot has. A cached answer
 * is one of the events in the ranges of its statement, and of no others. `timezone`: of the question; null where none matters.
 */
export function rowsIn({ from, to, timezone }: TimeRange & { readonly timezone: string | null }): Sql {
  return allOf([
    sql`${{ hole: 'rows', from, to, ...(timezone === null ? {} : { timezone }) }}`,
    ...(from > allTime.from ? [sql`time >= ${moment(from)}`] : []),
    ...(to < allTime.to ? [sql`time < ${moment(to)}`] : []),
  ]);
}

/** Who did it: the same number for all ids that are one person as of the snapshot. Columns `person` are ids as they were written. */
export const person: Sql = personOf(sql`person`);

/** Whom an id stands for as of the snapshot; `id` is a hash as the table makes it for its column `person`. */
export function personOf(id: Sql): Sql {
  return sql`${{ hole: 'person', id }}`;
}

/** Whether its rows depend on who is who. */
export function countsPersons({ select }: Pick<Plan, 'select'>): boolean {
  return holesOf(withAround(select)).some(({ hole }) => hole === 'person');
}

/** The timezone of the question: the one that `rowsIn` names, by a range that has one. */
export const zone: Sql = sql`${{ hole: 'zone' }}`;

/** A piece that is made of the range of the events that the statement looks at: from the first of all `rowsIn` to the last. */
export function around(toSql: (range: TimeRange) => Sql): Sql {
  return sql`${{ hole: 'around', toSql }}`;
}

/** With what is around filled in, of the piece's own range. */
export function withAround(select: Sql): Sql {
  const holes = holesOf(select);
  if (!holes.some(({ hole }) => hole === 'around')) return select;
  const asked = holes.filter((hole) => hole.hole === 'rows');
  if (asked.length === 0) throw new Error('expected a statement with rowsIn, got none');
  const range = { from: Math.min(...asked.map(({ from }) => from)), to: Math.max(...asked.map(({ to }) => to)) };
  return fill(select, (hole) => (hole.hole === 'around' ? hole.toSql(range) : sql`${hole}`));
}

/** The shortest range that has all the events that the plan's rows depend on. */
export function dependsOf({ select }: Plan): TimeRange {
  const ranges = holesOf(withAround(select)).filter((hole) => hole.hole === 'rows');
  if (ranges.length === 0) throw new Error('expected a statement with rowsIn, got none');
  return {
    from: Math.min(...ranges.map(({ from }) => from)),
    to: Math.max(...ranges.map(({ to }) => to)),
  };
}

/** Whether the plan's rows depend on no events but those of the range. */
export function dependsOnlyOn({ select }: Pick<Plan, 'select'>, { from, to }: TimeRange): boolean {
  return holesOf(withAround(select)).every((hole) => hole.hole !== 'rows' || (hole.from === from && hole.to === to));
}

/** The statement as of a snapshot; `toPerson` makes an id the person. */
export function toSelect({ select }: Plan, project: string, vector: PositionVector, toPerson: (id: Sql) => Sql): Sql {
  const scope = toScope(project, vector);
  return fill(toSettled(select), (hole) => {
    if (hole.hole === 'cohort')
      throw new Error(`expected a statement whose cohorts are known, got one with ${hole.name}`);
    return hole.hole === 'person' ? toPerson(hole.id) : scope;
  });
}

/** With what its own range and timezone tell filled in; the timezone only where it matters: equal statements are equal in every zone. */
export function toSettled(unsettled: Sql): Sql {
  const select = withAround(unsettled);
  const zones = new Set(holesOf(select).flatMap((hole) => ('timezone' in hole ? [hole.timezone] : [])));
  return fill(select, (hole) => {
    if (hole.hole === 'rows') return sql`${{ hole: 'rows', from: hole.from, to: hole.to }}`;
    if (hole.hole !== 'zone') return sql`${hole}`;
    if (zones.size !== 1) throw new Error(`expected rowsIn of a range with one timezone, got ${zones.size} of them`);
    return sql`${value('String', [...zones][0])}`;
  });
}

export interface Row {
  readonly [column: string]: unknown;
}

/** Names everything that the plan's rows depend on. */
export function toCellKey(project: string, plan: Plan, version: string): string {
  return `${toShapeKey(project, plan)}:${version}`;
}

/** Names everything that the rows depend on beside the events. */
export function toShapeKey(project: string, { label, select }: Pick<Plan, 'label' | 'select'>): string {
  const shape = hash('sha256', JSON.stringify(toSettled(select)), 'base64url').slice(0, 32);
  return `tg:${project}:${label}:${shape}`;
}

/** The project's rows at positions that the vector includes. Rows of a batch are visible before the ledger has it. */
export function toScope(project: string, vector: PositionVector): Sql {
  const ofProject = sql`project = ${value('String', project)}`;
  if (vector.size === 0) return sql`${ofProject} AND 0`;
  return allOf([ofProject, toIncluded([...vector].sort(([a], [b]) => a - b))]);
}

/** Streams of a log that was never replaced and has no history: numbers below this. */
const mostListed = 1024;

/** Every report asks this of every row. */
function toIncluded(streams: readonly (readonly [Stream, number])[]): Sql {
  const [first, last] = [streams[0]!, streams[streams.length - 1]!];
  if (streams.length === 1)
    return sql`log_stream = ${value('UInt32', first[0])} AND log_offset <= ${value('UInt64', first[1])}`;
  if (last[0] >= mostListed) {
    const numbers = streams.map(([stream]) => stream);
    const offsets = streams.map(([, offset]) => offset);
    return sql`log_offset <= transform(log_stream, ${value('Array(UInt32)', numbers)}, ${value('Array(Int64)', offsets)}, toInt64(-1))`;
  }
  const counts = new Array<number>(last[0] + 1).fill(0);
  for (const [stream, offset] of streams) counts[stream] = offset + 1;
  // Beyond its end, a list has 0.
  return sql`log_offset < ${value('Array(UInt64)', counts)}[log_stream + 1]`;
}

/** Rows that `after` has and `before` has not, so that an index of positions can tell where they are. */
export function toNewer(before: PositionVector, after: PositionVector): Sql {
  const grown = [...after].filter(([stream, last]) => last > (before.get(stream) ?? -1));
  if (grown.length === 0) return sql`0`;
  const pieces = grown.map(
    ([stream]) =>
      sql`(log_stream = ${value('UInt32', stream)} AND log_offset >= ${value('UInt64', (before.get(stream) ?? -1) + 1)})`,
  );
  return sql`(${join(pieces, ' OR ')})`;
}

export function moment(milliseconds: number): Sql {
  return sql`fromUnixTimestamp64Milli(${value('Int64', milliseconds)}, 'UTC')`;
}

/**
 * An event's time in milliseconds since 1970: what min and max have to take. Where the engine compiles them, it compares
 * the bits of a DateTime64 as an unsigned number, and 1969 comes after 2026.
 */
export const timeMs = sql`toUnixTimestamp64Milli(time)`;

/** By what events are grouped, and what that tells. */
export interface BucketIndex {
  /** As small a number as it can be: it is part of the key of a hash table. Never a constant, since GROUPING SETS take none. */
  readonly index: Sql;
  /** The beginning of the bucket, in milliseconds since 1970; `index`: its name. */
  toStart(index: Sql): Sql;
}

/** The bucket in which an event lies. `buckets` cover every event asked for. `ms`: what else lies in one, in milliseconds since 1970. */
export function toBucketIndex(buckets: readonly number[], ms: Sql = timeMs): BucketIndex {
  const first = buckets[0] as number;
  const step = (buckets[1] ?? first) - first;
  if (step === 0 || buckets.some((start, i) => start !== first + i * step))
    return { index: sql`roundDown(${ms}, ${value('Array(Int64)', buckets)})`, toStart: (index) => index };
  return {
    // The last bucket may be longer than the others: a day of 25 hours.
    index: sql`toUInt16(least(intDiv(${ms} - ${value64(first)}, ${value64(step)}), ${value64(buckets.length - 1)}))`,
    toStart: (index) => sql`${value64(first)} + ${index} * ${value64(step)}`,
  };
}

/** The beginning of the bucket in which an event lies, in milliseconds since 1970: see toBucketIndex. */
export function toBucketExpression(buckets: readonly number[], ms: Sql = timeMs): Sql {
  const { index, toStart } = toBucketIndex(buckets, ms);
  return toStart(index);
}

function value64(of: number): Sql {
  return sql`${value('Int64', of)}`;
}
