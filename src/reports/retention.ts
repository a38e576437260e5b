import { TallygateError } from '../errors.ts';
import { type FilterInput, toCondition } from './filter.ts';
import { type EventSelector, toSelection } from './measure.ts';
import { warnUnknownEvents } from './names.ts';
import { allTime, type Plan, person, rowsIn, timeMs } from './plan.ts';
import { type Interval, nextBucket, parseRange, type Range, type RangeInput, toBuckets } from './range.ts';
import type { FreshnessInput, ReportMeta, Session } from './session.ts';
import { allOf, type Sql, sql, value } from './sql.ts';

// ---- parameters

export interface RetentionInput {
  readonly range: RangeInput;
  readonly interval?: Interval | null | undefined;
  readonly cohortEvent: EventSelector;
  readonly returnEvent: EventSelector;
  readonly kind?: 'FIRST_TIME' | 'RECURRING' | null | undefined;
  readonly mode?: 'ON' | 'ON_OR_AFTER' | null | undefined;
  readonly periods?: number | null | undefined;
  readonly filter?: FilterInput | null | undefined;
  readonly freshness?: FreshnessInput | null | undefined;
}

export interface Retention {
  readonly cohorts: readonly RetentionCohort[];
  readonly meta: ReportMeta;
}

export interface RetentionCohort {
  readonly start: Date;
  readonly size: number;
  readonly counts: readonly number[];
  readonly rates: readonly number[];
}

const mostPeriods = 100;
const mostCohorts = 1000;

export function runRetention(session: Session, input: RetentionInput): Promise<Retention> {
  return session.report(input.freshness, async (moment) => {
    const range = parseRange(input.range, moment.now);
    const interval = input.interval ?? 'DAY';
    const periods = input.periods ?? 7;
    if (interval === 'MINUTE' || interval === 'HOUR')
      throw new TallygateError(
        'INVALID_INPUT',
        `interval: expected DAY, WEEK, MONTH, QUARTER or YEAR, got ${interval}`,
      );
    if (periods < 1 || periods > mostPeriods)
      throw new TallygateError('INVALID_INPUT', `periods: expected 1 to ${mostPeriods}, got ${periods}`);
    const starts = toBuckets(range, interval);
    if (starts.length > mostCohorts)
      throw new TallygateError(
        'TOO_MANY_BUCKETS',
        `expected at most ${mostCohorts} cohorts, got ${starts.length}: ask for a shorter range or a coarser interval`,
      );
    const cell = await session.load(moment, planRetention(input, range, interval, starts, periods));
    const cohorts = toCohorts(starts, periods, cell.rows as unknown as readonly RetentionRow[]);
    const silent = cell.rows.length === 0 ? [input.cohortEvent] : [];
    const warnings = await warnUnknownEvents(session, moment, [
      ...silent,
      ...(cohorts.some(({ counts }) => counts.some((c) => c > 0)) ? [] : [input.returnEvent]),
    ]);
    return { cohorts, meta: session.toMeta(moment, [{ cell, buckets: starts.length }], { warnings }) };
  });
}

// ---- row

/** A cohort with members, by the index of its interval in the range. */
interface RetentionRow {
  readonly cohort: number;
  readonly size: string;
  readonly counts: readonly string[];
}

// ---- SQL

function planRetention(
  input: RetentionInput,
  range: Range,
  interval: Interval,
  starts: readonly number[],
  periods: number,
): Plan {
  /** Beginnings of all intervals in which anybody can come back, and the end of the last one. */
  const edges = [...starts];
  for (let i = 0; i < periods; i++) edges.push(nextBucket(edges[edges.length - 1] as number, range.timezone, interval));
  const end = edges[edges.length - 1] as number;
  const indexes = edges.map((_, i) => i);
  const isFirstTime = (input.kind ?? 'FIRST_TIME') === 'FIRST_TIME';
  const cohortEvent = toSelection(input.cohortEvent);
  const returnEvent = toSelection(input.returnEvent);
  const filter = toCondition(input.filter);
  // Whether a cohort event is somebody's first depends on all that came before.
  const whole = { from: isFirstTime ? allTime.from : (starts[0] as number), to: end, timezone: range.timezone };
  const cameBack =
    input.mode === 'ON_OR_AFTER'
      ? sql`arrayExists(r -> r >= cohort + p AND r < cohort + ${value('UInt32', periods)}, returns)`
      : sql`has(returns, cohort + p)`;
  const index = sql`transform(roundDown(${timeMs}, ${value('Array(Int64)', edges)}), ${value('Array(Int64)', edges)}, ${value('Array(Int32)', indexes)}, toInt32(-1))`;
  const first = sql`minIf(ms, is_cohort)`;
  const isInside = (ms: Sql) => sql`${ms} >= ${value('Int64', range.from)} AND ${ms} < ${value('Int64', range.to)}`;
  const joined = isFirstTime
    ? sql`if(${isInside(first)}, [argMinIf(i, ms, is_cohort)], [])`
    : sql`groupUniqArrayIf(i, is_cohort AND ${isInside(sql`ms`)})`;
  return {
    label: 'retention',
    select: sql`SELECT cohort, count() AS size, sumForEach(arrayMap(p -> toUInt64(${cameBack}), range(${value('UInt32', periods)}))) AS counts FROM (
        SELECT arrayJoin(cohorts) AS cohort, returns FROM (
          SELECT ${joined} AS cohorts, groupUniqArrayIf(i, is_return AND ms >= ${value('Int64', starts[0])}) AS returns FROM (
            SELECT ${person} AS who, ${timeMs} AS ms, ${index} AS i, (${cohortEvent}) AS is_cohort, (${returnEvent}) AS is_return
            FROM events WHERE ${allOf([rowsIn(whole), filter])} AND ((${cohortEvent}) OR (${returnEvent})))
          GROUP BY who HAVING countIf(is_cohort) > 0))
      GROUP BY cohort ORDER BY cohort`,
  };
}

// ---- mapping

function toCohorts(starts: readonly number[], periods: number, rows: readonly RetentionRow[]): RetentionCohort[] {
  const byIndex = new Map(rows.map((row) => [row.cohort, row]));
  return starts.map((start, i) => {
    const row = byIndex.get(i);
    const size = Number(row?.size ?? 0);
    const counts = Array.from({ length: periods }, (_, p) => Number(row?.counts[p] ?? 0));
    return { start: new Date(start), size, counts, rates: counts.map((count) => (size === 0 ? 0 : count / size)) };
  });
}
