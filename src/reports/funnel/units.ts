import { rowsIn, timeMs } from '../plan.ts';
import { allOf, join, type Sql, sql } from '../sql.ts';
import { literal, maskBits, passesBit, stepBit } from './chains.ts';
import type { Question } from './input.ts';

/**
 * Who or what is counted, with its events. An event is one number, so that 50 million of them have room: 44 bits of time, 20
 * of what it is. Names of columns differ from the table's: a filter that names one of these means the table's.
 */
export function toUnits(question: Question, withIds: boolean): Sql {
  const { by, order, steps, exclusions, filter } = question;
  const isSession = by.kind === 'session';
  const isStep = sql`(${filter}) AND (${join(
    steps.map((is) => sql`(${is})`),
    ' OR ',
  )})`;
  const ids = withIds
    ? sql`, minIf(user_id, user_id != '' AND ${isStep}) AS uid, minIf(anonymous_id, anonymous_id != '' AND ${isStep}) AS aid`
    : sql`, '' AS uid, '' AS aid`;
  const source = sql`SELECT ${by.kind === 'property' ? sql`assumeNotNull(${by.key})` : by.key} AS who, arraySort(groupArray(${toNumberOf(question)})) AS events, ${toValues(question)} AS values${ids}
    FROM events WHERE ${toSource(question)} GROUP BY who`;
  const units = isSession
    ? sql`SELECT who, ${toMs(sql`unit[1]`)} AS began, unit, values, uid, aid FROM (${source})
        ARRAY JOIN arraySplit((x, d) -> d >= ${literal(silenceMs)}, events, arrayDifference(arrayMap(x -> ${toTime(sql`x`)}, events))) AS unit`
    : sql`SELECT who, toInt64(0) AS began, events AS unit, values, uid, aid FROM (${source})`;
  const keepsAll = order === 'STRICT' ? bits([passesBit]) : bits(stepBitsAnd(exclusions.length, steps.length));
  // Of a session, all events of the person were looked at.
  const relevant =
    isSession || (order !== 'STRICT' && isTouch(question))
      ? sql`arrayFilter(x -> bitAnd(x, ${bits([passesBit])}) != 0 AND bitAnd(x, ${keepsAll}) != 0, unit)`
      : sql`unit`;
  return sql`SELECT *, ${relevant} AS xs FROM (${units})
    WHERE arrayExists(x -> bitAnd(x, ${order === 'UNORDERED' ? bits(steps.map((_, i) => stepBit(i))) : bits([stepBit(0)])}) != 0, xs)`;
}

/** 30 minutes without an event of the person end a session. */
const silenceMs = 30 * 60_000;
/** 1900, the earliest there is. */
export const epochMs = 2_208_988_800_000;
/** Later than any time in these numbers: what times are taken from when they are walked backwards. */
export const horizonMs = 2 ** 44 - 1;

function bits(places: readonly number[]): Sql {
  return literal(places.reduce((sum, place) => sum + 2 ** place, 0));
}

function stepBitsAnd(exclusions: number, steps: number): number[] {
  return [...Array(exclusions).keys(), ...Array.from({ length: steps }, (_, i) => stepBit(i))];
}

/** Milliseconds since 1900. */
export function toTime(of: Sql): Sql {
  return sql`toInt64(bitShiftRight(${of}, ${literal(maskBits)}))`;
}

/** Milliseconds since 1970. */
function toMs(of: Sql): Sql {
  return sql`(${toTime(of)} - ${literal(epochMs)})`;
}

function toNumberOf({ steps, exclusions, filter }: Question): Sql {
  const marks = [
    ...exclusions.map(({ is }, e) => sql`if(${is}, ${bits([e])}, 0)`),
    sql`if(${filter}, ${bits([passesBit])}, 0)`,
    ...steps.map((is, i) => sql`if(${is}, ${bits([stepBit(i)])}, 0)`),
  ];
  return sql`bitOr(bitShiftLeft(toUInt64(${timeMs} + ${literal(epochMs)}), ${literal(maskBits)}), ${join(
    marks.map((mark) => sql`toUInt64(${mark})`),
    ' + ',
  )})`;
}

/** Events that say something: of a session, of a strict order, or of where somebody came from, all of them. */
function toSource(question: Question): Sql {
  const { range, by, order, steps, exclusions, filter } = question;
  const hasKey = by.kind === 'property' ? [sql`${by.key} IS NOT NULL`] : [];
  const isOne = join(
    [...steps, ...exclusions.map(({ is }) => is)].map((is) => sql`(${is})`),
    ' OR ',
  );
  const some =
    by.kind === 'session'
      ? []
      : order === 'STRICT' || isTouch(question)
        ? [sql`(${filter})`]
        : [sql`(${filter})`, sql`(${isOne})`];
  return allOf([rowsIn(range), ...hasKey, ...some]);
}

/** Where somebody came from, or was last: any event may tell. */
function isTouch({ breakdown }: Question): boolean {
  return breakdown !== null && breakdown.attribution !== 'STEP_1';
}

/** The property's values with their events, of those that can matter. */
function toValues({ by, breakdown, steps, order, filter }: Question): Sql {
  if (!breakdown) return sql`[]`;
  const { key, attribution } = breakdown;
  const first = order === 'UNORDERED' ? steps : steps.slice(0, 1);
  const isFirst = join(
    first.map((is) => sql`(${is})`),
    ' OR ',
  );
  const condition = allOf([
    sql`(${filter})`,
    sql`${key} != ''`,
    ...(attribution === 'STEP_1' ? [sql`(${isFirst})`] : []),
  ]);
  const time = sql`(${timeMs})`;
  if (attribution === 'STEP_1' || by.kind === 'session') return sql`groupArrayIf((${time}, ${key}), ${condition})`;
  const sign = attribution === 'LAST_TOUCH' ? sql`-${time}` : time;
  return sql`[(toInt64(0), argMinIf(${key}, (${sign}, ${key}), ${condition}))]`;
}

/** Which of the values the attempt has. */
export function toLine({ by, breakdown }: Question): Sql {
  const smallest = (of: Sql) => sql`arrayMin(arrayMap(v -> v.2, arrayFilter(v -> ${of}, values)))`;
  const orNone = (of: Sql, line: Sql) => sql`if(arrayExists(v -> ${of}, values), ${line}, '')`;
  if (breakdown?.attribution === 'STEP_1') {
    const isIt = sql`v.1 = times[1]`;
    return orNone(isIt, smallest(isIt));
  }
  if (by.kind !== 'session') return sql`values[1].2`;
  const isInside = sql`v.1 >= ${toMs(sql`unit[1]`)} AND v.1 <= ${toMs(sql`unit[-1]`)}`;
  const sign = breakdown?.attribution === 'LAST_TOUCH' ? sql`-v.1` : sql`v.1`;
  const first = sql`arraySort(v -> (${sign}, v.2), arrayFilter(v -> ${isInside}, values))[1].2`;
  return orNone(isInside, first);
}
