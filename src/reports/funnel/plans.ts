import { otherKey } from '../breakdown/key.ts';
import { entity } from '../entities/entities.ts';
import { type Plan, toBucketExpression } from '../plan.ts';
import { type Sql, sql, value } from '../sql.ts';
import { toAttempts } from './attempts.ts';
import { literal } from './chains.ts';
import type { Question } from './input.ts';
import { toDividedLevels, toPlainLevels, toStrictLevels } from './levels.ts';

/** How many got exactly this far: 1 for the first step alone. */
export interface LevelRow {
  readonly level: number;
  readonly persons: string;
}

/** How far everybody got, without when. */
export function planLevels(question: Question): Plan {
  const { order, exclusions } = question;
  const levels =
    order === 'STRICT'
      ? toStrictLevels(question)
      : exclusions.length > 0
        ? toDividedLevels(question)
        : toPlainLevels(question);
  return {
    label: 'funnel',
    select: sql`SELECT level, count() AS persons FROM (${levels}) WHERE level > 0 GROUP BY level`,
  };
}

export function canPlanLevels({ order, steps, exclusions, by, breakdown, isDisjoint, entities }: Question): boolean {
  if (entities || order === 'UNORDERED' || by.kind === 'session' || breakdown !== null) return false;
  if (order === 'STRICT') return isDisjoint && exclusions.length === 0;
  if (exclusions.length === 0) return true;
  return isDisjoint && exclusions.every(({ from, to }) => from === 1 && to === steps.length);
}

/** A line of the breakdown, or all there is. Each list has one element for each step that anybody did. */
export interface LineRow {
  /** Of which entity, from 1; absent when there are none. */
  readonly entity?: number;
  /** '' without the property, '=value' for a value, '~' for all beyond the limit. */
  readonly line: string;
  readonly counts: readonly string[];
  /** Median and p90, in milliseconds. */
  readonly fromPrevious: readonly (readonly [number, number])[];
  readonly fromStart: readonly (readonly [number, number])[];
}

const counted = sql`arrayMap(t -> toUInt64(1), times)`;
const fromPrevious = sql`arrayMap(d -> toFloat64(d), arrayDifference(times))`;
const fromStart = sql`arrayMap(t -> toFloat64(t - times[1]), times)`;
const quantiles = (combinators: string): Sql => ({
  strings: [`quantilesExactInclusive${combinators}(0.5, 0.9)`],
  values: [],
});

export function planLines(question: Question): Plan {
  const { breakdown, entities } = question;
  const attempts = toAttempts(question);
  // Who is counted is then counted for an entity.
  const whose = entities ? sql`who.1 AS ${entity}, ` : sql``;
  const own = entities ? sql`${entity}, ` : sql``;
  if (!breakdown) {
    return {
      label: 'funnel',
      select: sql`SELECT ${whose}'' AS line, sumForEach(${counted}) AS counts, ${quantiles('ForEach')}(${fromPrevious}) AS fromPrevious,
          ${quantiles('ForEach')}(${fromStart}) AS fromStart FROM (${attempts})${entities ? sql` GROUP BY ${entity}` : sql``}`,
    };
  }
  const { limit, includeOther } = breakdown;
  const partition = entities ? sql`PARTITION BY ${entity} ` : sql``;
  return {
    label: 'funnel',
    select: sql`SELECT ${own}if(place <= ${literal(limit)}, key, ${value('String', otherKey)}) AS line, sumForEachMerge(c) AS counts,
        ${quantiles('ForEachMerge')}(p) AS fromPrevious, ${quantiles('ForEachMerge')}(s) AS fromStart
      FROM (SELECT ${own}key, c, p, s, row_number() OVER (${partition}ORDER BY n DESC, key) AS place FROM (
        SELECT ${whose}line AS key, count() AS n, sumForEachState(${counted}) AS c, ${quantiles('ForEachState')}(${fromPrevious}) AS p,
          ${quantiles('ForEachState')}(${fromStart}) AS s FROM (${attempts}) GROUP BY ${own}key))
      ${includeOther ? sql`` : sql`WHERE place <= ${literal(limit)}`} GROUP BY ${own}line`,
  };
}

/** Attempts by the beginning of the bucket in which they began. */
export interface BucketRow {
  /** Of which entity, from 1; absent when there are none. */
  readonly entity?: number;
  /** Milliseconds since 1970. */
  readonly bucket: string;
  readonly counts: readonly string[];
}

export function planTrend(question: Question, buckets: readonly number[]): Plan {
  const [whose, own] = question.entities ? [sql`who.1 AS ${entity}, `, sql`${entity}, `] : [sql``, sql``];
  const attempts = sql`SELECT ${whose}times, fromUnixTimestamp64Milli(times[1], 'UTC') AS time FROM (${toAttempts(question)})`;
  return {
    label: 'funnel trend',
    select: sql`SELECT ${own}toString(${toBucketExpression(buckets)}) AS bucket, sumForEach(${counted}) AS counts FROM (${attempts}) GROUP BY ${own}bucket`,
  };
}
