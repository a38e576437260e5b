import { join, type Sql, sql } from '../sql.ts';
import { literal, maskBits, type Rules, stepBit, toBackward, toBackwardMask, toChain } from './chains.ts';
import type { Question } from './input.ts';
import { toAnyOrder, toRunSets } from './sets.ts';
import { epochMs, horizonMs, toLine, toTime, toUnits } from './units.ts';

/**
 * The attempt that counts of each person, session or value: rows of
 *   who, began   what is counted; began is the session's, otherwise 0 (milliseconds since 1970)
 *   times        of the steps that were done, milliseconds since 1970; never empty
 *   line         '' without the property, '=value' for a value; '' without a breakdown
 *   user_id, anonymous_id
 */
export function toAttempts(question: Question, withIds = false): Sql {
  const units = toUnits(question, withIds);
  const times = question.order === 'UNORDERED' ? toAnyOrderTimes(question, units) : toOrderedTimes(question, units);
  return sql`SELECT who, began, ${question.breakdown ? toLine(question) : sql`''`} AS line, times, uid AS user_id, aid AS anonymous_id FROM (${times})`;
}

const masksOf = (xs: Sql) => sql`arrayMap(x -> bitAnd(x, ${literal(2 ** maskBits - 1)}), ${xs})`;
const backward = (times: Sql) => sql`arrayReverse(arrayMap(t -> ${literal(horizonMs)} - t, ${times}))`;

function toAnyOrderTimes(question: Question, prepared: Sql): Sql {
  const times = sql`arrayMap(x -> ${literal(horizonMs)} - ${toTime(sql`x`)}, arrayReverse(xs))`;
  const found = toAnyOrder(question, times, masksOf(sql`arrayReverse(xs)`));
  return sql`SELECT *, arrayReverse(arrayMap(t -> ${literal(horizonMs - epochMs)} - t, ${found})) AS times FROM (${prepared})`;
}

/** The rows with the attempt found: at once where that is easy, otherwise by walks. */
function toOrderedTimes(question: Question, prepared: Sql): Sql {
  const { order, overlaps } = question;
  if (order !== 'STRICT' && overlaps.length === 0) return toWalked(question, toEasy(question, prepared));
  const split = (arrays: Sql) =>
    sql`arraySplit((x, d) -> d > 0, ${arrays}, arrayDifference(arrayMap(x -> ${toTime(sql`x`)}, ${arrays})))`;
  if (order !== 'STRICT')
    return toWalked(question, toInstants(question, sql`SELECT *, ${split(sql`xs`)} AS instants FROM (${prepared})`));
  // No attempt goes beyond an instant without a step: what lies between such instants is looked at by itself.
  const stretches = sql`SELECT who, began, unit, values, uid, aid, instants FROM (${prepared})
    ARRAY JOIN arrayFilter(z -> arrayExists(g -> ${holds('g', 1)}, z), arraySplit(g -> NOT ${holds('g', 4095)}, ${split(sql`xs`)})) AS instants`;
  const walked = toWalked(question, toInstants(question, stretches));
  return sql`SELECT who, began, any(u) AS unit, any(v) AS values, any(ui) AS uid, any(ai) AS aid, argMin(t, (-length(t), t)) AS times
    FROM (SELECT who, began, unit AS u, values AS v, uid AS ui, aid AS ai, times AS t FROM (${walked})) GROUP BY who, began`;
}

/** Some of the events are of these steps. */
function holds(array: 'g' | 'xs', steps: number): Sql {
  return sql`arrayExists(x -> bitAnd(x, ${literal(steps * 256)}) != 0, ${array === 'g' ? sql`g` : sql`xs`})`;
}

function toInstants(question: Question, rows: Sql): Sql {
  const short =
    question.overlaps.length > 0
      ? sql`, arrayMap(g -> arrayFilter(z -> arrayCount(x -> bitAnd(x, z) != 0, g) < bitCount(z), ${toRunSets(question)}), instants) AS shorts`
      : sql``;
  return sql`SELECT *, CAST([], 'Array(Int64)') AS easy, arrayMap(g -> ${toTime(sql`g[1]`)}, instants) AS ts,
      arrayMap(g -> arrayReduce('groupBitOr', ${masksOf(sql`g`)}), instants) AS ms, arrayMap(g -> toInt64(length(g)), instants) AS counts${short}
    FROM (${rows})`;
}

/**
 * Taking each step as soon as it can be, whatever the window and the exclusions say, gets at least as far as any attempt, and nowhere
 * later. Where they allow it, it is the attempt that counts, and no events are left for the walks.
 */
function toEasy({ steps, windowMs, exclusions }: Question, prepared: Sql): Sql {
  let rows = sql`SELECT *, arrayMap(x -> ${toTime(sql`x`)}, xs) AS all_ts, ${masksOf(sql`xs`)} AS all_ms FROM (${prepared})`;
  for (const i of steps.keys()) {
    const after = i === 0 ? sql`1` : sql`e${literal(i - 1)} >= 0 AND t >= e${literal(i - 1)}`;
    rows = sql`SELECT *, if(arrayExists((t, m) -> bitTest(m, ${literal(stepBit(i))}) AND ${after}, all_ts, all_ms),
        arrayFirst((t, m) -> bitTest(m, ${literal(stepBit(i))}) AND ${after}, all_ts, all_ms), toInt64(-1)) AS e${literal(i)} FROM (${rows})`;
  }
  const found = join(
    steps.map((_, i) => sql`e${literal(i)}`),
    ', ',
  );
  const bounds = exclusions.map(
    ({ from, to }, e) =>
      sql`, if(length(eager) > ${literal(from)}, eager[${literal(from)}], eager[-1]) AS x${literal(e)}, eager[least(${literal(to)}, length(eager))] AS y${literal(e)}`,
  );
  const allowed = exclusions.map(
    (_, e) =>
      sql`NOT arrayExists((t, m) -> bitTest(m, ${literal(e)}) AND t > x${literal(e)} AND t < y${literal(e)}, all_ts, all_ms)`,
  );
  const isEasy = join([sql`eager[-1] - eager[1] <= ${literal(windowMs)}`, ...allowed], ' AND ');
  return sql`SELECT *, if(is_easy, eager, CAST([], 'Array(Int64)')) AS easy,
      if(is_easy, CAST([], 'Array(Int64)'), all_ts) AS ts, if(is_easy, CAST([], 'Array(UInt64)'), all_ms) AS ms
    FROM (SELECT *, ${isEasy} AS is_easy FROM (SELECT *${join(bounds, '')}
      FROM (SELECT *, arrayFilter(t -> t >= 0, [${found}]) AS eager FROM (${rows}))))`;
}

/** How far, by a walk through the events; then, by one backwards from there, the earliest attempt that got so far. */
function toWalked(question: Question, rows: Sql): Sql {
  const { order, overlaps, steps, windowMs, exclusions } = question;
  const isStrict = order === 'STRICT';
  const hasShort = overlaps.length > 0;
  const rules: Rules = {
    steps: steps.length,
    windowMs,
    isStrict,
    exclusions: exclusions.map(({ from, to }) => ({ from: literal(from), to: literal(to) })),
  };
  const forward = toChain(rules, {
    times: sql`ts`,
    masks: sql`ms`,
    short: hasShort ? sql`shorts` : null,
    counts: isStrict ? sql`counts` : null,
  });
  const level = sql`level`;
  const backwardSets = sql`arrayMap(z -> ${toBackwardMask(sql`z`, steps.length, level)}, arrayFilter(z -> z < bitShiftLeft(toUInt64(256), level), v))`;
  const earliest = toChain(
    { ...rules, exclusions: toBackward(exclusions, level) },
    {
      times: backward(sql`ts`),
      masks: sql`arrayReverse(arrayMap(x -> ${toBackwardMask(sql`x`, steps.length, level)}, ms))`,
      short: hasShort ? sql`arrayReverse(arrayMap(v -> ${backwardSets}, shorts))` : null,
      counts: isStrict ? sql`arrayReverse(counts)` : null,
    },
  );
  const found = sql`arrayReverse(arrayMap(t -> ${literal(horizonMs)} - t, ${earliest}))`;
  return sql`SELECT who, began, unit, values, uid, aid, arrayMap(t -> t - ${literal(epochMs)}, arrayConcat(easy, ${found})) AS times FROM (SELECT *, toUInt64(length(${forward})) AS level FROM (${rows}))`;
}
