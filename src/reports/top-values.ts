import { compareKeys, otherKey, parseLimit, toKey, toShownKey } from './breakdown/key.ts';
import { ofEntity, placeIn } from './entities/columns.ts';
import { type Entities, entity, splitRows, withEntities } from './entities/entities.ts';
import type { FilterInput } from './filter/filter.ts';
import { toSelection } from './measure.ts';
import type { FreshnessInput } from './moment/moment.ts';
import { type Plan, person, rowsIn } from './plan.ts';
import { parseRange, type Range, type RangeInput } from './range.ts';
import type { ReportMeta, Session } from './session.ts';
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

export async function runTopValues(session: Session, input: TopValuesInput): Promise<TopValues> {
  const [answer] = await runManyTopValues(session, input, null);
  return answer as TopValues;
}

/** One for each of the entities, in their order; without any, one of all events. */
export function runManyTopValues(
  session: Session,
  input: TopValuesInput,
  entities: Entities | null,
): Promise<TopValues[]> {
  return session.report(input.freshness, async (moment) => {
    const range = parseRange(input.range, moment.now);
    const limit = parseLimit(input.limit ?? 10, 'limit');
    const plan = entities ? planOfEntities(input, range, limit, entities) : planTopValues(input, range, limit);
    const cell = await session.load(moment, plan);
    const meta = session.toMeta(moment, [{ cell, buckets: 1 }]);
    return splitRows(entities, cell.rows as unknown as readonly TopValuesRow[]).map((rows) => {
      const whole = rows.find(({ total }) => total);
      const events = Number(whole?.n ?? 0);
      return {
        values: toValues(rows, events),
        distinct: Number(whole?.kinds ?? 0),
        events,
        persons: Number(whole?.persons ?? 0),
        meta,
      };
    });
  });
}

// ---- row

/** A value, all beyond the limit, or (total = 1) the whole. */
interface TopValuesRow {
  /** Of which entity, from 1; absent when there are none. */
  readonly entity?: number;
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
  const key = toKey(property);
  const top = sql`(SELECT (groupArray(key), any(kinds)) FROM (
    SELECT key, sum(key != '') OVER () AS kinds FROM (SELECT ${key} AS key, count() AS n FROM events WHERE ${condition} GROUP BY key)
    ORDER BY n DESC, key LIMIT ${value('UInt32', limit)}))`;
  return {
    label: 'top_values',
    // Two passes: one finds the values that are shown, the other counts persons for these and the rest. To keep who did it for each
    // value takes ten times the time and memory where there are as many values as events.
    select: sql`SELECT k, toUInt8(grouping(k)) AS total, count() AS n, uniqExact(who) AS persons, any(${top}.2) AS kinds
      FROM (SELECT ${person} AS who, ${key} AS key, if(has(${top}.1, key), key, ${value('String', otherKey)}) AS k FROM events WHERE ${condition})
      GROUP BY GROUPING SETS ((k), ()) HAVING n > 0`,
  };
}

/** The same of each entity: which values are shown, and how many there are, is known of all of them at once. */
function planOfEntities(
  { event, filter, property }: TopValuesInput,
  range: Range,
  limit: number,
  entities: Entities,
): Plan {
  const condition = withEntities(entities, allOf([rowsIn(range), toSelection({ event, filter })]));
  const key = toKey(property);
  const top = sql`(SELECT (groupArrayArray(shown), groupArray(${entity}), groupArray(kinds)) FROM (
    SELECT ${entity}, countIf(key != '') AS kinds, arrayMap(x -> ${ofEntity(sql`x.2`)}, arraySlice(arraySort(groupArray((-toInt64(n), key))), 1, ${value('UInt32', limit)})) AS shown
    FROM (SELECT ${entities.place} AS ${entity}, ${key} AS key, count() AS n FROM events WHERE ${condition} GROUP BY ${entity}, key)
    GROUP BY ${entity}))`;
  return {
    label: 'top_values',
    limits: { resultRows: 1_000_000 },
    select: sql`SELECT ${entity}, k, toUInt8(grouping(k)) AS total, count() AS n, uniqExact(who) AS persons, ${top}.3[indexOf(${top}.2, ${entity})] AS kinds
      FROM (SELECT ${person} AS who, ${entities.place} AS ${entity}, ${key} AS key,
          if(${placeIn(sql`${top}.1`, ofEntity(sql`key`))} > 0, key, ${value('String', otherKey)}) AS k FROM events WHERE ${condition})
      GROUP BY GROUPING SETS ((${entity}, k), (${entity})) HAVING n > 0`,
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
