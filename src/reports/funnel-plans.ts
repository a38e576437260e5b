import { toAttempts } from './funnel-attempts.ts';
import { literal } from './funnel-chains.ts';
import type { Question } from './funnel-input.ts';
import { otherKey } from './key.ts';
import { type Plan, person, rowsIn, toBucketExpression } from './plan.ts';
import { allOf, join, type Sql, sql, value } from './sql.ts';

/** How many got exactly this far: 1 for the first step alone. */
export interface LevelRow {
  readonly level: number;
  readonly persons: string;
}

/** The engine's own function: where order, window and one step for each event are all that is asked for, it gives the same. */
export function planLevels({ range, steps, windowMs, filter, by }: Question): Plan {
  const isStep = steps.map((step) => sql`(${step})`);
  const hasKey = by.kind === 'property' ? [sql`${by.key} IS NOT NULL`] : [];
  return {
    label: 'funnel',
    // Milliseconds since 1900, since the function takes no time before its zero.
    select: sql`SELECT level, count() AS persons FROM (
          SELECT windowFunnel(${literal(windowMs)}, 'strict_once')(toUInt64(toUnixTimestamp64Milli(time) + 2208988800000), ${join(isStep, ', ')}) AS level
          FROM events WHERE ${allOf([rowsIn(range), ...hasKey, filter])} AND (${join(isStep, ' OR ')}) GROUP BY ${by.kind === 'property' ? by.key : person})
        WHERE level > 0 GROUP BY level`,
  };
}

export function canPlanLevels({ order, exclusions, by, breakdown }: Question): boolean {
  return order === 'ORDERED' && exclusions.length === 0 && by.kind !== 'session' && breakdown === null;
}

/** A line of the breakdown, or all there is. Each list has one element for each step that anybody did. */
export interface LineRow {
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
  const { breakdown } = question;
  const attempts = toAttempts(question);
  if (!breakdown) {
    return {
      label: 'funnel',
      select: sql`SELECT '' AS line, sumForEach(${counted}) AS counts, ${quantiles('ForEach')}(${fromPrevious}) AS fromPrevious,
          ${quantiles('ForEach')}(${fromStart}) AS fromStart FROM (${attempts})`,
    };
  }
  const { limit, includeOther } = breakdown;
  return {
    label: 'funnel',
    select: sql`SELECT if(place <= ${literal(limit)}, key, ${value('String', otherKey)}) AS line, sumForEachMerge(c) AS counts,
        ${quantiles('ForEachMerge')}(p) AS fromPrevious, ${quantiles('ForEachMerge')}(s) AS fromStart
      FROM (SELECT key, c, p, s, row_number() OVER (ORDER BY n DESC, key) AS place FROM (
        SELECT line AS key, count() AS n, sumForEachState(${counted}) AS c, ${quantiles('ForEachState')}(${fromPrevious}) AS p,
          ${quantiles('ForEachState')}(${fromStart}) AS s FROM (${attempts}) GROUP BY key))
      ${includeOther ? sql`` : sql`WHERE place <= ${literal(limit)}`} GROUP BY line`,
  };
}

/** Attempts by the beginning of the bucket in which they began. */
export interface BucketRow {
  /** Milliseconds since 1970. */
  readonly bucket: string;
  readonly counts: readonly string[];
}

export function planTrend(question: Question, buckets: readonly number[]): Plan {
  const attempts = sql`SELECT times, fromUnixTimestamp64Milli(times[1], 'UTC') AS time FROM (${toAttempts(question)})`;
  return {
    label: 'funnel trend',
    select: sql`SELECT toString(${toBucketExpression(buckets)}) AS bucket, sumForEach(${counted}) AS counts FROM (${attempts}) GROUP BY bucket`,
  };
}
