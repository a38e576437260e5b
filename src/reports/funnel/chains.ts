import { join, type Sql, sql } from '../sql.ts';

/**
 * The longest attempt of a person as an expression: a walk over events in order (arrayFold) that keeps for each step the latest
 * attempt that has come so far. Latest in all of its steps at once: order, window and exclusions only compare times of
 * two steps, so of two attempts that are allowed the one with the later time of each step is allowed, too, and nothing that
 * an earlier one could still become is lost. Walked backwards, with steps counted from the last, it gives the earliest attempt.
 */

/** A whole number as it stands in a statement: ours, or one that was checked. */
export function literal(of: number): Sql {
  return { strings: [String(of)], values: [] };
}

/** Where bits of an event's mask are: 12 steps, whether it passes the filter, 7 exclusions. */
export const stepBit = (place: number) => 8 + place;
export const passesBit = 7;
export const maskBits = 20;

/** Arrays over events or, where events of one instant have to be looked at together, over instants. */
export interface Walk {
  /** Times, rising. */
  readonly times: Sql;
  /** What all events of an instant are together. */
  readonly masks: Sql;
  /** Sets of steps for which an instant has too few events. */
  readonly short: Sql | null;
  /** Number of events. */
  readonly counts: Sql | null;
}

export interface Rules {
  readonly steps: number;
  readonly windowMs: number;
  readonly isStrict: boolean;
  /** Numbers of steps, from 1; expressions where they depend on how far the person came. */
  readonly exclusions: readonly { readonly from: Sql; readonly to: Sql }[];
}

const noTimes = sql`CAST([], 'Array(Int64)')`;

/** Times of the attempt's steps, empty without one. */
export function toChain(rules: Rules, walk: Walk): Sql {
  const { steps, exclusions, isStrict } = rules;
  const places = Array.from({ length: steps }, (_, i) => i + 1);
  const seen = exclusions.flatMap((_, e) => toSeen(e, steps));
  const chains = places.map((q) => (isStrict ? toOpenChain(rules, walk, q) : toLatestChain(rules, walk, q)));
  const state = [...chains, ...seen, ...(isStrict ? [toBest(rules, walk)] : [])];
  const start = [...places.map(() => noTimes), ...seen.map(() => sql`toInt64(-1)`), ...(isStrict ? [noTimes] : [])];
  const names = [sql`t`, sql`m`, ...(walk.short ? [sql`v`] : []), ...(walk.counts ? [sql`n`] : [])];
  const arrays = [walk.times, walk.masks, ...(walk.short ? [walk.short] : []), ...(walk.counts ? [walk.counts] : [])];
  const walked = sql`arrayFold((s, ${join(names, ', ')}) -> tuple(${join(state, ', ')}), ${join(arrays, ', ')}, tuple(${join(start, ', ')}))`;
  if (isStrict) return sql`tupleElement(${walked}, ${literal(state.length)})`;
  return sql`arrayLast(c -> notEmpty(c), arrayMap(w -> array(${join(
    places.map((q) => sql`tupleElement(w, ${literal(q)})`),
    ', ',
  )}), array(${walked}))[1])`;
}

const chainOf = (step: number) => sql`tupleElement(s, ${literal(step)})`;

/** The latest time of an excluded event, and the latest before the present instant. */
function toSeen(e: number, steps: number): Sql[] {
  const [last, before] = seenOf(e, steps);
  const isIt = sql`bitTest(m, ${literal(e)})`;
  return [sql`if(${isIt}, t, ${last})`, sql`if(${isIt} AND ${last} < t, ${last}, ${before})`];
}

function seenOf(e: number, steps: number): [last: Sql, before: Sql] {
  return [chainOf(steps + 2 * e + 1), chainOf(steps + 2 * e + 2)];
}

/** The events of this instant are steps p to q, each another one. */
function isRun({ short }: Walk, p: number, q: number): Sql {
  const bits = literal((2 ** (q - p + 1) - 1) * 2 ** stepBit(p - 1));
  const all = sql`bitAnd(m, ${bits}) = ${bits}`;
  return short && q > p ? sql`(${all} AND NOT arrayExists(x -> bitAnd(x, ${bits}) = x, v))` : all;
}

/** Step p can be now, after those before it. */
function canFollow({ steps, windowMs, exclusions }: Rules, p: number): Sql {
  if (p === 1) return sql`1`;
  const chain = chainOf(p - 1);
  const allowed = exclusions.map(({ from, to }, e) => {
    const [last, before] = seenOf(e, steps);
    return sql`(${from} >= ${literal(p)} OR ${to} < ${literal(p)} OR if(${last} < t, ${last}, ${before}) <= ${chain}[${from}])`;
  });
  return join([sql`notEmpty(${chain})`, sql`t - ${chain}[1] <= ${literal(windowMs)}`, ...allowed], ' AND ');
}

function toLonger(p: number, q: number): Sql {
  const added = sql`array(${join(
    Array.from({ length: q - p + 1 }, () => sql`t`),
    ', ',
  )})`;
  return p === 1 ? added : sql`arrayConcat(${chainOf(p - 1)}, ${added})`;
}

/** Without `short`, one event at a time: those of one instant are in the order of their steps. */
function toLatestChain(rules: Rules, walk: Walk, q: number): Sql {
  const firsts = walk.short ? Array.from({ length: q }, (_, i) => i + 1) : [q];
  const branches = firsts.map((p) => sql`${isRun(walk, p, q)} AND ${canFollow(rules, p)}, ${toLonger(p, q)}`);
  return sql`multiIf(${join([...branches, chainOf(q)], ', ')})`;
}

/** One that goes on in the next instant: it began in this one, or has all of its events. */
function toOpenChain(rules: Rules, walk: Walk, q: number): Sql {
  const branches = Array.from({ length: q }, (_, i) => {
    const isAll = i === 0 ? sql`` : sql`n = ${literal(q - i)} AND `;
    return sql`${isAll}${isRun(walk, i + 1, q)} AND ${canFollow(rules, i + 1)}, ${toLonger(i + 1, q)}`;
  });
  return sql`multiIf(${join([...branches, noTimes], ', ')})`;
}

/** The longest that ended so far, of these the latest. */
function toBest(rules: Rules, walk: Walk): Sql {
  const best = chainOf(rules.steps + 2 * rules.exclusions.length + 1);
  const branches: Sql[] = [];
  for (let q = rules.steps; q >= 1; q--)
    for (let p = 1; p <= q; p++)
      branches.push(
        sql`length(${best}) <= ${literal(q)} AND ${isRun(walk, p, q)} AND ${canFollow(rules, p)}, ${toLonger(p, q)}`,
      );
  return sql`multiIf(${join([...branches, best], ', ')})`;
}

/** `from` and `to` as they are when steps are counted backwards from the last one that was done, `level`. */
export function toBackward(exclusions: readonly { readonly from: number; readonly to: number }[], level: Sql) {
  return exclusions.map(({ from, to }) => ({
    from: sql`(toInt64(${level}) + 1 - least(toInt64(${level}), ${literal(to)}))`,
    to: sql`(toInt64(${level}) + 1 - ${literal(from)})`,
  }));
}

/** A mask whose steps are counted backwards from `level`; later steps are lost. */
export function toBackwardMask(mask: Sql, steps: number, level: Sql): Sql {
  const turned = Array.from(
    { length: steps },
    (_, i) => sql`bitShiftLeft(toUInt64(bitTest(${mask}, ${literal(stepBit(i))})), ${literal(steps - 1 - i)})`,
  );
  return sql`bitOr(bitAnd(${mask}, 255), bitShiftLeft(bitShiftRight(${join(turned, ' + ')}, ${literal(steps)} - ${level}), 8))`;
}
