import { type FilterInput, toCondition } from './filter/filter.ts';
import { createIntervalSet, toIndexExpression } from './interval-set.ts';
import { toSelection } from './measure.ts';
import type { FreshnessInput } from './moment/moment.ts';
import { type Plan, person, rowsIn } from './plan.ts';
import { type Interval, parseRange, type Range, type RangeInput, toBuckets } from './range.ts';
import type { ReportMeta, Session } from './session.ts';
import { allOf, always, sql } from './sql.ts';

// ---- parameters

export interface StickinessInput {
  readonly range: RangeInput;
  readonly interval?: Interval | null | undefined;
  readonly event?: string | null | undefined;
  readonly filter?: FilterInput | null | undefined;
  readonly freshness?: FreshnessInput | null | undefined;
}

export interface Stickiness {
  readonly persons: readonly number[];
  readonly meta: ReportMeta;
}

export function runStickiness(session: Session, input: StickinessInput): Promise<Stickiness> {
  return session.report(input.freshness, async (moment) => {
    const range = parseRange(input.range, moment.now);
    const buckets = toBuckets(range, input.interval ?? 'DAY');
    const cell = await session.load(moment, planStickiness(input, range, buckets));
    return {
      persons: toPersons(buckets.length, cell.rows as unknown as readonly StickinessRow[]),
      meta: session.toMeta(moment, [{ cell, buckets: buckets.length }]),
    };
  });
}

// ---- row

/** How many persons were active in that many intervals. */
interface StickinessRow {
  readonly intervals: number;
  readonly persons: string;
}

// ---- SQL

function planStickiness({ event, filter }: StickinessInput, range: Range, buckets: readonly number[]): Plan {
  const active = createIntervalSet(buckets.length);
  const condition = allOf([rowsIn(range), toSelection({ event }), toCondition(filter)]);
  return {
    label: 'stickiness',
    select: sql`SELECT toUInt32(${active.toSize(sql`active`)}) AS intervals, count() AS persons FROM (
        SELECT ${active.collect(toIndexExpression(buckets), always)} AS active
        FROM events WHERE ${condition} GROUP BY ${person})
      GROUP BY intervals`,
  };
}

// ---- mapping

function toPersons(intervals: number, rows: readonly StickinessRow[]): number[] {
  const byIntervals = new Map(rows.map((row) => [row.intervals, Number(row.persons)]));
  return Array.from({ length: intervals }, (_, i) => byIntervals.get(i + 1) ?? 0);
}
