import type { ValueBreakdown } from '../breakdown/breakdown.ts';
import { otherKey } from '../breakdown/key.ts';
import { type FilterInput, toCondition } from '../filter/filter.ts';
import { createIntervalSet, toIndexExpression } from '../interval-set.ts';
import { type EventSelector, toSelection } from '../measure.ts';
import { allTime, moment, type Plan, person, rowsIn, timeMs } from '../plan.ts';
import type { Range } from '../range.ts';
import { allOf, always, type Sql, sql, value } from '../sql.ts';

/** A question with everything resolved that its rows depend on. */
export interface RetentionShape {
  readonly range: Range;
  /** Beginnings of the cohorts' intervals and of all later ones in which anybody can come back, and the end of the last. */
  readonly edges: readonly number[];
  readonly cohorts: number;
  /** Lengths of the periods, in intervals. */
  readonly brackets: readonly number[];
  readonly cohortEvent: EventSelector;
  readonly returnEvent: EventSelector;
  readonly isFirstTime: boolean;
  readonly isOrAfter: boolean;
  readonly breakdown: ValueBreakdown | null;
  readonly filter: FilterInput | null | undefined;
}

/** Instead of a period: all members. */
export const allMembers = -1;

/** Some persons of a cohort. */
export interface RetentionRow {
  readonly key: string;
  /** Index of its interval. */
  readonly cohort: number;
  /** ON: those who came back in this period. ON_OR_AFTER: those who did, and in no later one. */
  readonly period: number;
  readonly persons: string;
}

export function planRetention(shape: RetentionShape): Plan {
  const { breakdown } = shape;
  const counts = sql`SELECT ${breakdown ? sql`key` : sql`'' AS key`}, cohort, period, sum(n) AS persons
    FROM (${toCells(shape, toCounted(shape), sql`n`)}) GROUP BY ${toKey(shape)}cohort, period`;
  const limits = { resultRows: 1_000_000 };
  if (breakdown === null) return { label: 'retention', select: counts, limits };
  const isShown = sql`place <= ${value('UInt32', breakdown.limit)}`;
  return {
    label: 'retention',
    select: sql`SELECT if(${isShown}, value, ${value('String', otherKey)}) AS key, cohort, period, sum(n) AS persons FROM (
        SELECT value, cohort, period, n, dense_rank() OVER (ORDER BY members DESC, value) AS place FROM (
          SELECT key AS value, cohort, period, persons AS n,
            sumIf(persons, period = ${value('Int32', allMembers)}) OVER (PARTITION BY key) AS members FROM (${counts})))
      WHERE ${breakdown.includeOther ? always : isShown} GROUP BY key, cohort, period`,
    limits,
  };
}

/** Persons of one cell of one line: of these keys, or (for the rest) of none of them. */
export interface RetentionCell {
  readonly keys: readonly string[];
  readonly isOther: boolean;
  readonly cohort: number;
  readonly period: number;
}

export interface PersonRow {
  readonly who: string;
  /** The smallest of the ids with which the report saw them, '' if there is none. */
  readonly user: string;
  readonly anonymous: string;
}

/** One person more than `first`, in order of their numbers, beginning after one of them. */
export function planPeople(shape: RetentionShape, cell: RetentionCell, first: number, after: string | null): Plan {
  const period = value('Int32', cell.period);
  const isInCell = allOf([
    sql`cohort = ${value('Int32', cell.cohort)}`,
    shape.isOrAfter && cell.period !== allMembers ? sql`period >= ${period}` : sql`period = ${period}`,
    shape.breakdown === null
      ? always
      : sql`${cell.isOther ? sql`NOT ` : sql``}has(${value('Array(String)', cell.keys)}, key)`,
    after === null ? always : sql`who > ${value('UInt64', after)}`,
  ]);
  const page = sql`SELECT who FROM (${toCells(shape, toPersons(shape), sql`who`)}) WHERE ${isInCell} ORDER BY who LIMIT ${value('UInt32', first + 1)}`;
  const { rows } = toRows(shape);
  return {
    label: 'retention_people',
    select: sql`SELECT ${person} AS who, minIf(user_id, user_id != '') AS user, minIf(anonymous_id, anonymous_id != '') AS anonymous
      FROM events WHERE ${rows} AND ${person} IN (${page}) GROUP BY who ORDER BY who`,
  };
}

/** The column, where there is one. */
function toKey({ breakdown }: RetentionShape): Sql {
  return breakdown ? sql`key, ` : sql``;
}

/**
 * Rows (key, cohort, period, and the column `whose`): one for each membership, with the period -1, and one for each of its periods
 * with a return. `members` are rows of toPersons or toCounted. In few levels: each costs about a millisecond.
 */
function toCells(shape: RetentionShape, members: Sql, whose: Sql): Sql {
  const { edges, cohorts, brackets, isFirstTime, isOrAfter } = shape;
  const joined = createIntervalSet(cohorts);
  const returned = createIntervalSet(edges.length - 1);
  const length = value(
    'UInt32',
    brackets.reduce((sum, n) => sum + n, 0),
  );
  /** For each interval since the cohort's own, its period. */
  const periodOf = value(
    'Array(Int32)',
    brackets.flatMap((n, period) => new Array<number>(n).fill(period)),
  );
  const within = sql`arrayFilter(i -> i >= joined AND i < joined + ${length}, ${returned.toArray(sql`returned`)})`;
  const isPlain = brackets.every((n) => n === 1);
  const passed = isPlain
    ? sql`arrayMap(i -> toInt32(i - joined), ${within})`
    : sql`arrayDistinct(arrayMap(i -> ${periodOf}[i - joined + 1], ${within}))`;
  const periods = isOrAfter ? sql`if(empty(${passed}), [], [arrayMax(${passed})])` : passed;
  const memberships = isFirstTime
    ? members
    : sql`SELECT ${whose}, ${toKey(shape)}arrayJoin(${joined.toArray(sql`joined`)}) AS joined, returned FROM (${members})`;
  return sql`SELECT ${whose}, ${toKey(shape)}toInt32(joined) AS cohort, arrayJoin(arrayPushFront(${periods}, ${value('Int32', allMembers)})) AS period
    FROM (${memberships})`;
}

/** How many persons (`n`) joined and came back in the same intervals: far fewer rows than persons, whose periods are then made once for all of them. */
function toCounted(shape: RetentionShape): Sql {
  const key = toKey(shape);
  return sql`SELECT ${key}joined, returned, count() AS n FROM (${toPersons(shape)}) GROUP BY ${key}joined, returned`;
}

/** One row for each person who joined: who, key, and the intervals in which they joined (FIRST_TIME: the one) and came back. */
function toPersons(shape: RetentionShape): Sql {
  const { range, edges, cohorts, isFirstTime, breakdown } = shape;
  const { isCohort, isReturn, rows } = toRows(shape);
  const intervals = edges.slice(0, -1);
  const joined = isFirstTime
    ? sql`toUInt16(${toIndexExpression(intervals, sql`first`)})`
    : createIntervalSet(cohorts).collect(toIndexExpression(intervals), isCohort);
  const key = breakdown ? sql`minIf((${timeMs}, ${breakdown.key}), ${isCohort}).2 AS key, ` : sql``;
  return sql`SELECT ${person} AS who, ${key}${isFirstTime ? sql`minIf(${timeMs}, ${isCohort}) AS first, ` : sql``}${joined} AS joined,
      ${createIntervalSet(intervals.length).collect(toIndexExpression(intervals), isReturn)} AS returned
    FROM events WHERE ${rows} GROUP BY who
    HAVING countIf(${isCohort}) > 0${isFirstTime ? sql` AND first >= ${value('Int64', range.from)}` : sql``}`;
}

function toRows({ range, edges, cohortEvent, returnEvent, isFirstTime, filter }: RetentionShape) {
  const start = edges[0] as number;
  // Whether a cohort event is somebody's first depends on all that came before.
  const whole = { ...range, from: isFirstTime ? allTime.from : start, to: edges[edges.length - 1] as number };
  const isCohort = allOf([
    sql`time < ${moment(range.to)}`,
    ...(isFirstTime ? [] : [sql`time >= ${moment(range.from)}`]),
    toSelection(cohortEvent),
  ]);
  const isReturn = allOf([sql`time >= ${moment(start)}`, toSelection(returnEvent)]);
  return {
    isCohort,
    isReturn,
    rows: sql`${allOf([rowsIn(whole), toCondition(filter)])} AND ((${isCohort}) OR (${isReturn}))`,
  };
}
