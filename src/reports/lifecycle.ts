import { type FilterInput, toCondition } from './filter/filter.ts';
import { createIntervalSet, toIndexExpression } from './interval-set.ts';
import { toSelection } from './measure.ts';
import type { FreshnessInput } from './moment/moment.ts';
import { allTime, type Plan, person, rowsIn } from './plan.ts';
import {
  type Interval,
  nextBucket,
  parseRange,
  previousBucket,
  type Range,
  type RangeInput,
  toBuckets,
} from './range.ts';
import type { ReportMeta, Session } from './session.ts';
import { allOf, always, sql, value } from './sql.ts';

// ---- parameters

export interface LifecycleInput {
  readonly range: RangeInput;
  readonly interval?: Interval | null | undefined;
  readonly event?: string | null | undefined;
  readonly filter?: FilterInput | null | undefined;
  readonly freshness?: FreshnessInput | null | undefined;
}

export interface Lifecycle {
  readonly buckets: readonly Date[];
  readonly new: readonly number[];
  readonly returning: readonly number[];
  readonly resurrecting: readonly number[];
  readonly dormant: readonly number[];
  readonly complete: readonly boolean[];
  readonly meta: ReportMeta;
}

export function runLifecycle(session: Session, input: LifecycleInput): Promise<Lifecycle> {
  return session.report(input.freshness, async (moment) => {
    const range = parseRange(input.range, moment.now);
    const interval = input.interval ?? 'DAY';
    const buckets = toBuckets(range, interval);
    const before = previousBucket(buckets[0] as number, range, interval);
    const end = nextBucket(buckets[buckets.length - 1] as number, range.timezone, interval);
    const cell = await session.load(
      moment,
      planLifecycle(input, { ...range, from: allTime.from, to: end }, [before, ...buckets]),
    );
    const rows = cell.rows as unknown as readonly LifecycleRow[];
    return {
      buckets: buckets.map((start) => new Date(start)),
      new: toCounts(rows, 'new', buckets.length),
      returning: toCounts(rows, 'returning', buckets.length),
      resurrecting: toCounts(rows, 'resurrecting', buckets.length),
      dormant: toCounts(rows, 'dormant', buckets.length),
      complete: buckets.map((_, i) => (buckets[i + 1] ?? end) <= moment.asOf),
      meta: session.toMeta(moment, [{ cell, buckets: buckets.length }]),
    };
  });
}

// ---- row

type Phase = 'new' | 'returning' | 'resurrecting' | 'dormant';

interface LifecycleRow {
  /** Of the interval, in the range. */
  readonly bucket: number;
  readonly phase: Phase;
  readonly persons: string;
}

// ---- SQL

/**
 * `starts` has one interval more than is asked for, before the others. A person is the set of intervals with an event: 0 stands for all
 * of the past, 1 for the first of `starts`, and the interval of the first event ever is the smallest.
 */
function planLifecycle({ event, filter }: LifecycleInput, whole: Range, starts: readonly number[]): Plan {
  const count = starts.length + 1;
  const past = value('Int64', starts[0]);
  const set = createIntervalSet(count);
  const index = sql`if(toUnixTimestamp64Milli(time) < ${past}, 0, 1 + ${toIndexExpression(starts)})`;
  const condition = allOf([rowsIn(whole), toSelection({ event }), toCondition(filter)]);
  return {
    label: 'lifecycle',
    select: sql`SELECT toInt32(change.1 - 2) AS bucket, change.2 AS phase, count() AS persons FROM (
        SELECT arrayJoin(arrayConcat(
          arrayMap((i, before, n) -> (toUInt32(i), multiIf(n = 1, 'new', before + 1 = i, 'returning', 'resurrecting')),
            active, arrayPopBack(arrayPushFront(active, toUInt16(0))), arrayEnumerate(active)),
          arrayMap(i -> (toUInt32(i + 1), 'dormant'), arrayFilter((i, after) -> i + 1 < after,
            active, arrayPopFront(arrayPushBack(active, toUInt16(65535))))))) AS change FROM (
          SELECT ${set.toArray(sql`seen`)} AS active FROM (
            SELECT ${set.collect(index, always)} AS seen FROM events WHERE ${condition} GROUP BY ${person})))
      WHERE change.1 >= 2 AND change.1 < ${value('UInt32', count)} GROUP BY change`,
  };
}

// ---- mapping

function toCounts(rows: readonly LifecycleRow[], phase: Phase, length: number): number[] {
  const byBucket = new Map(rows.filter((row) => row.phase === phase).map((row) => [row.bucket, Number(row.persons)]));
  return Array.from({ length }, (_, i) => byBucket.get(i) ?? 0);
}
