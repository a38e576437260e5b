import { TallygateError } from '../../errors.ts';
import { type BreakdownInput, parseValueBreakdown } from '../breakdown/breakdown.ts';
import { compareKeys, otherKey, toShownKey } from '../breakdown/key.ts';
import type { FilterInput } from '../filter/filter.ts';
import type { EventSelector } from '../measure.ts';
import type { FreshnessInput, Moment } from '../moment/moment.ts';
import type { Connection } from '../page.ts';
import { type Interval, nextBucket, parseRange, type RangeInput, toBuckets } from '../range.ts';
import type { ReportMeta, Session } from '../session.ts';
import { type RetentionPeopleInput, type RetentionPerson, runRetentionPeople } from './people.ts';
import { allMembers, planRetention, type RetentionRow, type RetentionShape } from './plan.ts';

// ---- parameters

export interface RetentionInput {
  readonly range: RangeInput;
  readonly interval?: Interval | null | undefined;
  readonly cohortEvent: EventSelector;
  readonly returnEvent: EventSelector;
  readonly kind?: 'FIRST_TIME' | 'RECURRING' | null | undefined;
  readonly mode?: 'ON' | 'ON_OR_AFTER' | null | undefined;
  readonly periods?: number | null | undefined;
  readonly brackets?: readonly number[] | null | undefined;
  readonly breakdown?: BreakdownInput | null | undefined;
  readonly filter?: FilterInput | null | undefined;
  readonly freshness?: FreshnessInput | null | undefined;
}

export interface Retention {
  readonly cohorts: readonly RetentionCohort[];
  people(input: RetentionPeopleInput): Promise<Connection<RetentionPerson>>;
  readonly meta: ReportMeta;
}

export interface RetentionCohort {
  readonly start: Date;
  readonly breakdown: readonly string[];
  readonly isOther: boolean;
  readonly size: number;
  readonly counts: readonly number[];
  readonly complete: readonly boolean[];
  readonly rates: readonly (number | null)[];
}

const mostPeriods = 100;
const mostIntervals = 1000;
const mostCohorts = 1000;
const mostCells = 1_000_000;

export function runRetention(session: Session, input: RetentionInput): Promise<Retention> {
  return session.report(input.freshness, async (moment) => {
    const shape = toShape(input, moment);
    const cell = await session.load(moment, planRetention(shape));
    const rows = cell.rows as unknown as readonly RetentionRow[];
    const keys = toKeys(rows, shape.breakdown !== null);
    const cohorts = keys.flatMap((key) => toCohorts(key, shape, rows, moment.asOf));
    return {
      cohorts,
      people: (asked) => runRetentionPeople(session, moment, shape, keys, asked),
      meta: session.toMeta(moment, [{ cell, buckets: shape.cohorts }]),
    };
  });
}

function toShape(input: RetentionInput, moment: Moment): RetentionShape {
  const range = parseRange(input.range, moment.now);
  const interval = input.interval ?? 'DAY';
  if (interval === 'MINUTE') throw invalid('interval: expected HOUR, DAY, WEEK, MONTH, QUARTER or YEAR, got MINUTE');
  const brackets = parseBrackets(input);
  const edges = [...toBuckets(range, interval)];
  const cohorts = edges.length;
  if (cohorts > mostCohorts)
    throw new TallygateError(
      'TOO_MANY_BUCKETS',
      `expected at most ${mostCohorts} cohorts, got ${cohorts}: ask for a shorter range or a coarser interval`,
    );
  const breakdown = input.breakdown ? parseValueBreakdown(input.breakdown) : null;
  const cells = cohorts * brackets.length * (breakdown ? breakdown.limit + 1 : 1);
  if (cells > mostCells)
    throw new TallygateError(
      'TOO_MANY_BUCKETS',
      `expected at most ${mostCells} cells (values times cohorts times periods), got ${cells}: ask for a shorter range, fewer periods or a smaller breakdown.limit`,
    );
  const length = brackets.reduce((sum, n) => sum + n, 0);
  for (let i = 0; i < length; i++) edges.push(nextBucket(edges[edges.length - 1] as number, range.timezone, interval));
  return {
    range,
    edges,
    cohorts,
    brackets,
    cohortEvent: input.cohortEvent,
    returnEvent: input.returnEvent,
    isFirstTime: input.kind !== 'RECURRING',
    isOrAfter: input.mode === 'ON_OR_AFTER',
    breakdown,
    filter: input.filter,
  };
}

function parseBrackets({ periods, brackets }: RetentionInput): readonly number[] {
  if (brackets === null || brackets === undefined) {
    const count = periods ?? 7;
    if (count < 1 || count > mostPeriods) throw invalid(`periods: expected 1 to ${mostPeriods}, got ${count}`);
    return new Array<number>(count).fill(1);
  }
  if (brackets.length < 1 || brackets.length > mostPeriods)
    throw invalid(`brackets: expected 1 to ${mostPeriods} of them, got ${brackets.length}`);
  const wrong = brackets.findIndex((length) => length < 1 || length > mostIntervals);
  if (wrong >= 0) throw invalid(`brackets[${wrong}]: expected 1 to ${mostIntervals} intervals, got ${brackets[wrong]}`);
  const length = brackets.reduce((sum, n) => sum + n, 0);
  if (length > mostIntervals)
    throw invalid(`brackets: expected at most ${mostIntervals} intervals in all, got ${length}`);
  return brackets;
}

function invalid(message: string): TallygateError {
  return new TallygateError('INVALID_INPUT', message);
}

// ---- mapping

/** Keys of the lines in their order: those with the most members first, the rest last. */
function toKeys(rows: readonly RetentionRow[], isBrokenDown: boolean): string[] {
  if (!isBrokenDown) return [''];
  const members = new Map<string, number>();
  for (const { key, period, persons } of rows)
    if (period === allMembers) members.set(key, (members.get(key) ?? 0) + Number(persons));
  return [...members]
    .sort(([a, x], [b, y]) => Number(a === otherKey) - Number(b === otherKey) || y - x || compareKeys(a, b))
    .map(([key]) => key);
}

function toCohorts(
  key: string,
  { edges, cohorts, brackets, isOrAfter, breakdown }: RetentionShape,
  rows: readonly RetentionRow[],
  asOf: number,
): RetentionCohort[] {
  const lastIntervals = brackets.map((_, p) => brackets.slice(0, p + 1).reduce((sum, n) => sum + n, 0));
  const table = Array.from({ length: cohorts }, () => ({
    size: 0,
    counts: new Array<number>(brackets.length).fill(0),
  }));
  for (const row of rows) {
    const line = table[row.cohort];
    if (row.key !== key || !line) continue;
    if (row.period === allMembers) line.size = Number(row.persons);
    else line.counts[row.period] = Number(row.persons);
  }
  return table.map(({ size, counts }, i) => {
    // Of those who came back, each is counted in the last period that saw them.
    if (isOrAfter) for (let p = counts.length - 2; p >= 0; p--) counts[p] = (counts[p] ?? 0) + (counts[p + 1] ?? 0);
    const ends = lastIntervals.map((last) => edges[i + last] as number);
    const complete = ends.map((own) => (isOrAfter ? (ends[ends.length - 1] as number) : own) <= asOf);
    return {
      start: new Date(edges[i] as number),
      breakdown: breakdown ? [toShownKey(key)] : [],
      isOther: key === otherKey,
      size,
      counts,
      complete,
      rates: counts.map((count, p) => (!complete[p] ? null : size === 0 ? 0 : count / size)),
    };
  });
}
