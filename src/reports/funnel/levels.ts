import { rowsIn, timeMs } from '../plan.ts';
import { allOf, join, type Sql, sql } from '../sql.ts';
import { literal, maskBits, stepBit } from './chains.ts';
import type { Question } from './input.ts';
import { toTime, toUnits } from './units.ts';

/**
 * How far everybody got, where no more is asked for and steps are events of different names: without the times of attempts, most of
 * what a walk does can be left out. Rows of `level`, 0 for who did not begin.
 */

/** Milliseconds since 1900, since the engine's function takes no time before its zero. */
const since1900 = sql`toUInt64(${timeMs} + 2208988800000)`;

/** The engine's own function, where order and window are all that matters. */
export function toPlainLevels({ range, steps, windowMs, filter, by, overlaps }: Question): Sql {
  // That an event counts once costs a third more, and says nothing where none can be two steps.
  const once = overlaps.length > 0 ? sql`, 'strict_once'` : sql``;
  return sql`SELECT windowFunnel(${literal(windowMs)}${once})(${since1900}, ${list(steps)}) AS level
    FROM events WHERE ${allOf([rowsIn(range), ...hasKey(by), filter])} AND (${anyOf(steps)}) GROUP BY ${by.key}`;
}

// Events of the function below as numbers: 8 bits for what it is, the rest is time. A step is there twice where an excluded event is at its
// very instant, before it and after it.
const excluded = 16;
const after = 32;

/**
 * An excluded event divides a person's events: no attempt has it between its first step and its last, so each is in one of the parts,
 * and in each the engine's function says how far. What happens at the instant of the excluded event is in both parts.
 */
export function toDividedLevels({ range, steps, windowMs, filter, by, exclusions }: Question): Sql {
  const what = sql`multiIf(${join(
    steps.map((is, i) => sql`${is}, ${literal(after + i + 1)}`),
    ', ',
  )}, ${literal(excluded)})`;
  const all = [...steps, ...exclusions.map(({ is }) => is)];
  const isExcluded = sql`bitAnd(x, 255) = ${literal(excluded)}`;
  const meets = sql`arrayExists((x, y) -> ${isExcluded} AND bitShiftRight(x, 8) = bitShiftRight(y, 8), events, arrayPushBack(arrayPopFront(events), toUInt64(0)))`;
  const both = sql`arraySort(arrayConcat(events, arrayMap(x -> bitXor(x, ${literal(after)}), arrayFilter(x -> bitAnd(x, 255) > ${literal(excluded)}, events))))`;
  const isStep = steps.map((_, i) => sql`arrayMap(x -> bitAnd(x, 15) = ${literal(i + 1)}, part)`);
  const level = sql`arrayReduce(${funnelName(windowMs)}, arrayMap(x -> bitShiftRight(x, 8), part), ${list(isStep)})`;
  return sql`SELECT arrayMax(arrayMap(part -> ${level}, arraySplit(x -> ${isExcluded}, if(${meets}, ${both}, events)))) AS level
    FROM (SELECT arraySort(groupArray(bitShiftLeft(${since1900}, 8) + ${what})) AS events
      FROM events WHERE ${allOf([rowsIn(range), ...hasKey(by), filter])} AND (${anyOf(all)}) GROUP BY ${by.key} HAVING countIf(${steps[0] as Sql}) > 0)`;
}

/** The name of an aggregate has to be a literal; the window is a checked number. */
function funnelName(windowMs: number): Sql {
  return { strings: [`'windowFunnel(${windowMs})'`], values: [] };
}

/**
 * Of events in order, steps that follow each other are neighbours. Where some are of one instant, neighbours are an attempt, too, but
 * there may be better ones, which a walk finds: through the stretches with such an instant, since no attempt goes beyond one without a step.
 */
export function toStrictLevels(question: Question): Sql {
  const { steps, windowMs } = question;
  const shifts = steps.map((_, i) => sql`x${literal(i)}`);
  const shifted = shifts
    .slice(1)
    .map((name, i) => sql`arrayPushBack(arrayPopFront(${shifts[i] as Sql}), toUInt64(0)) AS ${name}`);
  const isRun = (length: number) => {
    const names = shifts.slice(0, length).map((_, i) => sql`a${literal(i)}`);
    const marks = names.map((name, i) => sql`bitTest(${name}, ${literal(stepBit(i))})`);
    const inTime = sql`${toTime(names[length - 1] as Sql)} - ${toTime(sql`a0`)} <= ${literal(windowMs)}`;
    return sql`arrayExists((${list(names)}) -> ${allOf([...marks, inTime])}, ${list(shifts.slice(0, length))})`;
  };
  // A run of three begins with one of two: it is looked for among these alone.
  const shorter = steps.slice(1).map((_, i) => sql`NOT ${isRun(i + 2)}, ${literal(i + 1)}`);
  const neighbours = sql`multiIf(${list(shorter)}, ${literal(steps.length)})`;
  const masks = sql`arrayMap(x -> bitAnd(x, ${literal(2 ** maskBits - 1)}), g)`;
  const split = sql`arraySplit((x, d) -> d > 0, xs, arrayDifference(arrayMap(x -> ${toTime(sql`x`)}, xs)))`;
  const isStep = (g: Sql, bits: number) =>
    sql`arrayExists(x -> bitAnd(x, ${literal(bits * 2 ** stepBit(0))}) != 0, ${g})`;
  const stretches = sql`arrayFilter(z -> arrayExists(g -> length(g) > 1, z) AND arrayExists(g -> ${isStep(sql`g`, 1)}, z),
    arraySplit(g -> NOT ${isStep(sql`g`, 4095)}, ${split}))`;
  const ties = sql`arrayExists((x, y) -> bitShiftRight(x, ${literal(maskBits)}) = bitShiftRight(y, ${literal(maskBits)}), x0, x1)`;
  return sql`SELECT greatest(near, ${toStrictWalk(question)}) AS level FROM (
    SELECT near, arrayMap(g -> ${toTime(sql`g[1]`)}, instants) AS ts, arrayMap(g -> arrayReduce('groupBitOr', ${masks}), instants) AS ms,
        arrayMap(g -> toInt64(length(g)), instants) AS counts
      FROM (SELECT ${neighbours} AS near, if(${ties}, arrayReduce('groupArrayArray', ${stretches}), CAST([], 'Array(Array(UInt64))')) AS instants
        FROM (SELECT xs, xs AS x0, ${list(shifted)} FROM (${toUnits(question, false)}))))`;
}

/**
 * How far, through instants: of each number of steps, when the latest attempt began that has come so far and can go on in the next
 * instant, because it began in this one or has all of its events; -1 without one. A few short pieces for any number of steps: to
 * write out each step's own, as toChain does, took an eighth of a report over a million events to plan.
 */
function toStrictWalk({ steps, windowMs }: Question): Sql {
  const run = sql`bitShiftLeft(1, q - p + 1) - 1`;
  const isRun = sql`bitAnd(bitShiftRight(m, ${literal(stepBit(0) - 1)} + p), ${run}) = ${run}`;
  const began = sql`tupleElement(s, 1)[p - 1]`;
  const goesOn = sql`${began} >= 0 AND t - ${began} <= ${literal(windowMs)}`;
  const all = sql`range(1, ${literal(steps.length + 1)})`;
  const open = sql`arrayMax(p -> if(${isRun} AND (p = 1 OR n = q - p + 1 AND ${goesOn}), if(p = 1, t, ${began}), toInt64(-1)), range(1, q + 1))`;
  const isReached = sql`arrayExists(p -> ${isRun} AND (p = 1 OR ${goesOn}), range(1, q + 1))`;
  const furthest = sql`greatest(tupleElement(s, 2), arrayMax(q -> if(${isReached}, toUInt16(q), 0), ${all}))`;
  return sql`tupleElement(arrayFold((s, t, m, n) -> tuple(arrayMap(q -> ${open}, ${all}), ${furthest}), ts, ms, counts,
    tuple(arrayWithConstant(${literal(steps.length)}, toInt64(-1)), toUInt16(0))), 2)`;
}

function hasKey(by: Question['by']): Sql[] {
  return by.kind === 'property' ? [sql`${by.key} IS NOT NULL`] : [];
}

function list(pieces: readonly Sql[]): Sql {
  return join(pieces, ', ');
}

function anyOf(conditions: readonly Sql[]): Sql {
  return join(
    conditions.map((is) => sql`(${is})`),
    ' OR ',
  );
}
