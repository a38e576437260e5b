import { join, type Sql, sql } from '../sql.ts';
import { literal, stepBit } from './chains.ts';
import type { Question } from './input.ts';

/**
 * Steps that one event may be at once. That a few events are a few steps, each another one, is a matter of counting (Hall's
 * theorem): no set of steps has fewer events than steps. Sets that need no look are left out: of steps that are the same
 * all or none.
 */

/** Sets to look at for steps that follow each other. */
export function toRunSets({ overlaps, steps }: Question): Sql {
  const sets = new Set<number>();
  for (const classes of overlaps)
    for (let chosen = 1; chosen < 2 ** classes.length; chosen++) {
      const places = classes.flatMap((of, c) => ((chosen >> c) & 1 ? of : []));
      for (let p = 0; p < steps.length; p++)
        for (let q = p + 1; q < steps.length; q++) {
          const inside = places.filter((place) => p <= place && place <= q);
          if (inside.length > 1) sets.add(toBits(inside));
        }
    }
  return toArray(sets);
}

/** Sets to look at when steps come in any order: an event that is more than one of them makes its whole group one. */
export function toAnySets({ overlaps, steps }: Question): Sql {
  const sets = new Set<number>();
  const alone = steps.map((_, i) => i).filter((i) => !overlaps.some((classes) => classes.flat().includes(i)));
  for (const classes of [...overlaps, ...alone.map((i) => [[i]])])
    for (let chosen = 1; chosen < 2 ** classes.length; chosen++)
      sets.add(toBits(classes.flatMap((of, c) => ((chosen >> c) & 1 ? of : []))));
  return toArray(sets);
}

function toBits(places: readonly number[]): number {
  return places.reduce((bits, place) => bits + 2 ** stepBit(place), 0);
}

function toArray(sets: ReadonlySet<number>): Sql {
  return sql`CAST([${join([...sets].map(literal), ',')}], 'Array(UInt64)')`;
}

const allSteps = literal((2 ** 12 - 1) * 256);

/**
 * Times of the earliest attempt in any order, as `toChain` of a walk backwards has them. A walk keeps events of which each can be another
 * step, in place of the earliest that can be spared: those from a moment on are always as many as steps can be done since.
 */
export function toAnyOrder(question: Question, times: Sql, masks: Sql): Sql {
  const { windowMs, exclusions, overlaps } = question;
  const all = sql`arrayPushBack(tupleElement(s, 1), tuple(t, bitAnd(m, ${allSteps})))`;
  const isWithin = (of: Sql, set: Sql) => sql`bitAnd(${of}, ${set}) = ${of}`;
  const over = sql`arrayFilter(z -> arrayCount(b -> ${isWithin(sql`b.2`, sql`z`)}, a) > bitCount(z), ${toAnySets(question)})`;
  const spare = sql`arrayFirstIndex(b -> ${isWithin(sql`b.2`, sql`arrayReduce('groupBitAnd', o)`)}, a)`;
  const kept =
    overlaps.length === 0
      ? sql`arrayPushBack(arrayFilter(b -> b.2 != bitAnd(m, ${allSteps}), tupleElement(s, 1)), tuple(t, bitAnd(m, ${allSteps})))`
      : sql`arrayMap((a, o) -> if(empty(o), a, arrayConcat(arraySlice(a, 1, ${spare} - 1), arraySlice(a, ${spare} + 1))), array(${all}), array(arrayMap(a -> ${over}, array(${all}))[1]))[1]`;
  const chosen = sql`if(bitAnd(m, ${allSteps}) = 0, tupleElement(s, 1), ${kept})`;
  const isExcluded = sql`bitAnd(m, 127) != 0`;
  const [last, before] = [sql`tupleElement(s, 3)`, sql`tupleElement(s, 4)`];
  const since =
    exclusions.length === 0
      ? sql`t - ${literal(windowMs)}`
      : sql`greatest(t - ${literal(windowMs)}, if(${last} < t, ${last}, ${before}))`;
  const inTime = sql`arrayMap(b -> b.1, arrayFilter(b -> b.1 >= ${since}, k))`;
  const state = sql`arrayMap(k -> tuple(k, if(length(${inTime}) >= length(tupleElement(s, 2)), ${inTime}, tupleElement(s, 2)),
      if(${isExcluded}, t, ${last}), if(${isExcluded} AND ${last} < t, ${last}, ${before})), array(${chosen}))[1]`;
  return sql`tupleElement(arrayFold((s, t, m) -> ${state}, ${times}, ${masks},
    tuple(CAST([], 'Array(Tuple(Int64, UInt64))'), CAST([], 'Array(Int64)'), toInt64(-1), toInt64(-1))), 2)`;
}
