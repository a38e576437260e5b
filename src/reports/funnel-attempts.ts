import {
  literal,
  maskBits,
  passesBit,
  type Rules,
  stepBit,
  toBackward,
  toBackwardMask,
  toChain,
} from './funnel-chains.ts';
import type { Question } from './funnel-input.ts';
import { toAnyOrder, toRunSets } from './funnel-sets.ts';
import { rowsIn, timeMs } from './plan.ts';
import { allOf, join, type Sql, sql } from './sql.ts';

/**
 * The attempt that counts of each person, session or value: rows of
 *   who, began   what is counted; began is the session's, otherwise 0 (milliseconds since 1970)
 *   times        of the steps that were done, milliseconds since 1970; never empty
 *   line         '' without the property, '=value' for a value; '' without a breakdown
 *   user_id, anonymous_id
 * An event is one number meanwhile, so that 50 million of them have room: 44 bits of time, 20 of what it is.
 */
export function toAttempts(question: Question, withIds = false): Sql {
  const { by, order, steps, exclusions, breakdown } = question;
  const isSession = by.kind === 'session';
  const ids = withIds
    ? sql`, minIf(user_id, user_id != '') AS user_id, minIf(anonymous_id, anonymous_id != '') AS anonymous_id`
    : sql`, '' AS user_id, '' AS anonymous_id`;
  const source = sql`SELECT ${by.kind === 'property' ? sql`assumeNotNull(${by.key})` : by.key} AS who, arraySort(groupArray(${toNumberOf(question)})) AS events, ${toValues(question)} AS values${ids}
    FROM events WHERE ${toSource(question)} GROUP BY who`;
  const units = isSession
    ? sql`SELECT who, ${toMs(sql`unit[1]`)} AS began, unit, values, user_id, anonymous_id FROM (${source})
        ARRAY JOIN arraySplit((x, d) -> d >= ${literal(silenceMs)}, events, arrayDifference(arrayMap(x -> ${toTime(sql`x`)}, events))) AS unit`
    : sql`SELECT who, toInt64(0) AS began, events AS unit, values, user_id, anonymous_id FROM (${source})`;
  // The filter is 1 for all events that are looked at, but in a session.
  const keepsAll = order === 'STRICT' ? bits([passesBit]) : bits(stepBitsAnd(exclusions.length, steps.length));
  const relevant = sql`arrayFilter(x -> bitAnd(x, ${bits([passesBit])}) != 0 AND bitAnd(x, ${keepsAll}) != 0, unit)`;
  const prepared = sql`SELECT *, ${relevant} AS xs FROM (${units})
    WHERE arrayExists(x -> bitAnd(x, ${order === 'UNORDERED' ? bits(steps.map((_, i) => stepBit(i))) : bits([stepBit(0)])}) != 0, xs)`;
  const times = order === 'UNORDERED' ? toAnyOrderTimes(question, prepared) : toOrderedTimes(question, prepared);
  return sql`SELECT who, began, ${breakdown ? toLine(question) : sql`''`} AS line, times, user_id, anonymous_id FROM (${times})`;
}

/** 30 minutes without an event of the person end a session. */
export const silenceMs = 30 * 60_000;
/** 1900, the earliest there is. */
const epochMs = 2_208_988_800_000;
/** Later than any time in these numbers: what times are taken from when they are walked backwards. */
const horizonMs = 2 ** 44 - 1;

function bits(places: readonly number[]): Sql {
  return literal(places.reduce((sum, place) => sum + 2 ** place, 0));
}

function stepBitsAnd(exclusions: number, steps: number): number[] {
  return [...Array(exclusions).keys(), ...Array.from({ length: steps }, (_, i) => stepBit(i))];
}

/** Milliseconds since 1900. */
function toTime(of: Sql): Sql {
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
function toSource({ range, by, order, steps, exclusions, breakdown, filter }: Question): Sql {
  const hasKey = by.kind === 'property' ? [sql`${by.key} IS NOT NULL`] : [];
  const isTouch = breakdown !== null && breakdown.attribution !== 'STEP_1';
  const isOne = join(
    [...steps, ...exclusions.map(({ is }) => is)].map((is) => sql`(${is})`),
    ' OR ',
  );
  const some =
    by.kind === 'session'
      ? []
      : order === 'STRICT' || isTouch
        ? [sql`(${filter})`]
        : [sql`(${filter})`, sql`(${isOne})`];
  return allOf([rowsIn(range), ...hasKey, ...some]);
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
function toLine({ by, breakdown }: Question): Sql {
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

const masksOf = (xs: Sql) => sql`arrayMap(x -> bitAnd(x, ${literal(2 ** maskBits - 1)}), ${xs})`;
const backward = (times: Sql) => sql`arrayReverse(arrayMap(t -> ${literal(horizonMs)} - t, ${times}))`;

function toAnyOrderTimes(question: Question, prepared: Sql): Sql {
  const times = sql`arrayMap(x -> ${literal(horizonMs)} - ${toTime(sql`x`)}, arrayReverse(xs))`;
  const found = toAnyOrder(question, times, masksOf(sql`arrayReverse(xs)`));
  return sql`SELECT *, arrayReverse(arrayMap(t -> ${literal(horizonMs - epochMs)} - t, ${found})) AS times FROM (${prepared})`;
}

/** How far, by a walk through the events; then, by one backwards from there, the earliest attempt that got so far. */
function toOrderedTimes(question: Question, prepared: Sql): Sql {
  const { order, overlaps, steps, windowMs, exclusions } = question;
  const isStrict = order === 'STRICT';
  const isByInstant = isStrict || overlaps.length > 0;
  const rules: Rules = {
    steps: steps.length,
    windowMs,
    isStrict,
    exclusions: exclusions.map(({ from, to }) => ({ from: literal(from), to: literal(to) })),
  };
  const short = sql`arrayMap(g -> arrayFilter(z -> arrayCount(x -> bitAnd(x, z) != 0, g) < bitCount(z), ${toRunSets(question)}), instants)`;
  const walked = isByInstant
    ? sql`SELECT *, arrayMap(g -> ${toTime(sql`g[1]`)}, instants) AS ts, arrayMap(g -> arrayReduce('groupBitOr', ${masksOf(sql`g`)}), instants) AS ms,
        ${overlaps.length > 0 ? short : sql`arrayMap(g -> CAST([], 'Array(UInt64)'), instants)`} AS shorts, arrayMap(g -> toInt64(length(g)), instants) AS counts
      FROM (SELECT *, arraySplit((x, d) -> d > 0, xs, arrayDifference(arrayMap(x -> ${toTime(sql`x`)}, xs))) AS instants FROM (${prepared}))`
    : sql`SELECT *, arrayMap(x -> ${toTime(sql`x`)}, xs) AS ts, ${masksOf(sql`xs`)} AS ms FROM (${prepared})`;
  const forward = toChain(rules, {
    times: sql`ts`,
    masks: sql`ms`,
    short: isByInstant ? sql`shorts` : null,
    counts: isStrict ? sql`counts` : null,
  });
  const level = sql`level`;
  const shortBackward = sql`arrayReverse(arrayMap(v -> arrayMap(z -> ${toBackwardMask(sql`z`, steps.length, level)}, arrayFilter(z -> z < bitShiftLeft(toUInt64(256), level), v)), shorts))`;
  const earliest = toChain(
    { ...rules, exclusions: toBackward(exclusions, level) },
    {
      times: backward(sql`ts`),
      masks: sql`arrayReverse(arrayMap(x -> ${toBackwardMask(sql`x`, steps.length, level)}, ms))`,
      short: isByInstant ? shortBackward : null,
      counts: isStrict ? sql`arrayReverse(counts)` : null,
    },
  );
  return sql`SELECT *, arrayReverse(arrayMap(t -> ${literal(horizonMs - epochMs)} - t, ${earliest})) AS times
    FROM (SELECT *, toUInt64(length(${forward})) AS level FROM (${walked}))`;
}
