import type { FilterInput } from './filter.ts';
import { compareKeys, otherKey, parseLimit, toKey, toShownKey } from './key.ts';
import { toSelection } from './measure.ts';
import { type Plan, person, rowsIn } from './plan.ts';
import { parseRange, type Range, type RangeInput } from './range.ts';
import type { FreshnessInput, ReportMeta, Session } from './session.ts';
import { allOf, sql, value } from './sql.ts';

// ---- parameters

export interface TopValuesInput {
  readonly range: RangeInput;
  readonly property: string;
  readonly event?: string | null | undefined;
  readonly filter?: FilterInput | null | undefined;
  readonly limit?: number | null | undefined;
  readonly freshness?: FreshnessInput | null | undefined;
}

export interface TopValues {
  readonly values: readonly TopValue[];
  readonly distinct: number;
  readonly events: number;
  readonly persons: number;
  readonly meta: ReportMeta;
}

export interface TopValue {
  readonly value: string;
  readonly isNone: boolean;
  readonly isOther: boolean;
  readonly events: number;
  readonly persons: number;
  readonly share: number;
}

export function runTopValues(session: Session, input: TopValuesInput): Promise<TopValues> {
  return session.report(input.freshness, async (moment) => {
    const range = parseRange(input.range, moment.now);
    const limit = parseLimit(input.limit ?? 10, 'limit');
    const cell = await session.load(moment, planTopValues(input, range, limit));
    const rows = cell.rows as unknown as readonly TopValuesRow[];
    const whole = rows.find(({ total }) => total);
    const events = Number(whole?.n ?? 0);
    return {
      values: toValues(rows, events),
      distinct: Number(whole?.kinds ?? 0),
      events,
      persons: Number(whole?.persons ?? 0),
      meta: session.toMeta(moment, [{ cell, buckets: 1 }]),
    };
  });
}

// ---- row

/** A value, all beyond the limit, or (total = 1) the whole. */
interface TopValuesRow {
  readonly k: string;
  readonly total: number;
  readonly n: string;
  readonly persons: string;
  /** Different values. */
  readonly kinds: string;
}

// ---- SQL

function planTopValues({ event, filter, property }: TopValuesInput, range: Range, limit: number): Plan {
  const condition = allOf([rowsIn(range), toSelection({ event, filter })]);
  return {
    label: 'top_values',
    // One pass: who did it is kept for each value, so that nobody counts twice among the others.
    select: sql`SELECT k, toUInt8(grouping(k)) AS total, sum(events) AS n, uniqExactMerge(done_by) AS persons, countIf(key != '') AS kinds FROM (
        SELECT key, events, done_by, if(row_number() OVER (ORDER BY events DESC, key) <= ${value('UInt32', limit)}, key, ${value('String', otherKey)}) AS k FROM (
          SELECT ${toKey(property)} AS key, count() AS events, uniqExactState(${person}) AS done_by
          FROM events WHERE ${condition} GROUP BY key))
      GROUP BY GROUPING SETS ((k), ()) HAVING n > 0`,
  };
}

// ---- mapping

function toValues(rows: readonly TopValuesRow[], all: number): TopValue[] {
  return rows
    .filter(({ total }) => !total)
    .sort(
      (a, b) =>
        Number(a.k === otherKey) - Number(b.k === otherKey) || Number(b.n) - Number(a.n) || compareKeys(a.k, b.k),
    )
    .map(({ k, n, persons }) => ({
      value: toShownKey(k),
      isNone: k === '',
      isOther: k === otherKey,
      events: Number(n),
      persons: Number(persons),
      share: Number(n) / all,
    }));
}
