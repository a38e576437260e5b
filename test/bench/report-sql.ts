import { days, firstDay, project } from './report-events.ts';

/**
 * The best SQL that we could write by hand for each question of report-cases.ts, and for these events: it knows that no edge leads to
 * another one, and how many days there are. It reads the snapshot's rows and no others.
 */

export interface Scope {
  readonly from: number;
  readonly to: number;
  /** Last offset of each stream, by stream. */
  readonly ends: readonly number[];
}

const week = 7 * 86_400_000;
const day = 86_400_000;
const ms = 'toUnixTimestamp64Milli(time)';

const seen = ({ ends }: Scope) => `log_offset <= [${ends.join(', ')}]::Array(UInt64)[log_stream + 1]`;
const time = (at: number) => `fromUnixTimestamp64Milli(${at}, 'UTC')`;
export const rows = (scope: Scope, more = '1', from = scope.from, to = scope.to) =>
  `project = '${project}' AND ${more} AND time >= ${time(from)} AND time < ${time(to)} AND ${seen(scope)}`;
const firsts = (scope: Scope) =>
  `(SELECT child, parent FROM identity_edges WHERE project = '${project}' AND ${seen(scope)} ORDER BY child, received_at, message_id LIMIT 1 BY child)`;
/** A constant table is faster than a join with the edges, even of 350,000 of them. */
const who = (scope: Scope) => {
  const merges = `(SELECT arraySort(groupArray((child, parent))) FROM ${firsts(scope)})`;
  return `transform(person, ${merges}.1, ${merges}.2, person)`;
};
/** The events with who did them. */
export const done = (scope: Scope, columns: string, where = rows(scope)) =>
  `(SELECT ${who(scope)} AS who, ${columns} FROM events WHERE ${where})`;

export const toCountByDay = (scope: Scope) =>
  `SELECT toUInt32(intDiv(${ms} - ${firstDay}, ${day})) AS d, count() AS v FROM events WHERE ${rows(scope, "event = 'Product Viewed'")} GROUP BY d`;

export const toPersonsByDay = (scope: Scope) =>
  `SELECT toUInt32(d) AS d, toUInt8(grouping(d)) AS total, uniqExact(who) AS v FROM ${done(scope, `intDiv(${ms} - ${firstDay}, ${day}) AS d`, rows(scope, "event = 'Product Viewed'"))} GROUP BY GROUPING SETS ((d), ())`;

export const priceOf =
  'coalesce(doc.properties.price.:Float64, toFloat64(doc.properties.price.:Int64), toFloat64(doc.properties.price.:UInt64))';

export const toSumByDay = (scope: Scope) =>
  `SELECT toUInt32(intDiv(${ms} - ${firstDay}, ${day})) AS d, sum(${priceOf}) AS v FROM events WHERE ${rows(scope, "event = 'Order Completed'")} GROUP BY d`;

export const toP90ByDay = (scope: Scope) =>
  `SELECT toUInt32(intDiv(${ms} - ${firstDay}, ${day})) AS d, toUInt8(grouping(d)) AS total, quantileExactInclusive(0.9)(${priceOf}) AS v FROM events WHERE ${rows(scope, "event = 'Product Viewed'")} GROUP BY GROUPING SETS ((d), ())`;

export const toCountByCountry = (scope: Scope) =>
  `SELECT if(place <= 5, country, '~') AS k, d, sum(n) AS v FROM (
    SELECT country, d, n, dense_rank() OVER (ORDER BY whole DESC, country) AS place FROM (
      SELECT country, d, n, sum(n) OVER (PARTITION BY country) AS whole FROM (
        SELECT doc.context.country.:String AS country, toUInt32(intDiv(${ms} - ${firstDay}, ${day})) AS d, count() AS n
        FROM events WHERE ${rows(scope, "event = 'Product Viewed'")} GROUP BY country, d))) GROUP BY k, d`;

export const skus = Array.from({ length: 50 }, (_, i) => `SKU-${i * 7}`);

export const toCountBySku = (scope: Scope) =>
  `SELECT doc.properties.sku.:String AS k, toUInt32(intDiv(${ms} - ${firstDay}, ${day})) AS d, count() AS v FROM events
    WHERE ${rows(scope, `event = 'Product Viewed' AND doc.properties.sku.:String IN (${skus.map((sku) => `'${sku}'`).join(', ')})`)} GROUP BY k, d`;

const windowMs = 14 * day;
const steps = ['Product Viewed', 'Product Added', 'Checkout Started'];
const isStep = steps.map((name) => `event = '${name}'`).join(', ');
const inSteps = `event IN (${steps.map((name) => `'${name}'`).join(', ')})`;

export const toFunnel = (scope: Scope) =>
  `SELECT level, count() AS n FROM (SELECT windowFunnel(${windowMs})(toUInt64(${ms}), ${isStep}) AS level
    FROM ${done(scope, 'time, event', rows(scope, inSteps))} GROUP BY who) WHERE level > 0 GROUP BY level`;

/** Neighbours in time of three steps are all there is to look at. */
export const toStrictFunnel = (scope: Scope) =>
  `SELECT multiIf(arrayExists((a, b, c, s, t) -> a = 1 AND b = 2 AND c = 3 AND t - s <= ${windowMs}, codes, arrayPushBack(arrayPopFront(codes), 0), arrayPushBack(arrayPushBack(arrayPopFront(arrayPopFront(codes)), 0), 0), times,
        arrayPushBack(arrayPushBack(arrayPopFront(arrayPopFront(times)), 0), 0)), 3,
      arrayExists((a, b, s, t) -> a = 1 AND b = 2 AND t - s <= ${windowMs}, codes, arrayPushBack(arrayPopFront(codes), 0), times, arrayPushBack(arrayPopFront(times), 0)), 2, 1) AS level, count() AS n
    FROM (SELECT arrayResize(arrayMap(x -> toUInt8(x % 4), sorted), greatest(length(sorted), 3)) AS codes, arrayResize(arrayMap(x -> toInt64(intDiv(x, 4)), sorted), greatest(length(sorted), 3)) AS times
      FROM (SELECT arraySort(groupArray(toUInt64(${ms}) * 4 + multiIf(${steps.map((name, i) => `event = '${name}', ${i + 1}`).join(', ')}, 0))) AS sorted
        FROM ${done(scope, 'time, event')} GROUP BY who HAVING countIf(event = '${steps[0]}') > 0))
    GROUP BY level`;

/** An exclusion from the first step to the last divides a person's events into parts that have nothing to do with each other. */
export const toExclusionFunnel = (scope: Scope) =>
  `SELECT level, count() AS n FROM (
    SELECT who, max(part) AS level FROM (
      SELECT who, arrayJoin(arrayMap(z -> arrayReduce('windowFunnel(${windowMs})', arrayMap(x -> intDiv(x, 4), z), arrayMap(x -> x % 4 = 1, z), arrayMap(x -> x % 4 = 2, z), arrayMap(x -> x % 4 = 3, z)),
        arraySplit(x -> x % 4 = 0, sorted))) AS part
      FROM (SELECT who, arraySort(groupArray(toUInt64(${ms}) * 4 + multiIf(${steps.map((name, i) => `event = '${name}', ${i + 1}`).join(', ')}, 0))) AS sorted
        FROM ${done(scope, 'time, event', rows(scope, `event IN ('Coupon Removed', ${steps.map((name) => `'${name}'`).join(', ')})`))} GROUP BY who HAVING countIf(event = '${steps[0]}') > 0))
    GROUP BY who) WHERE level > 0 GROUP BY level`;

export const retentionPeriods = 6;
export const retentionWeeks = 12;

/** Bits of the weeks of return, moved so that the cohort's own week is the first. */
export const toRetention = (scope: Scope) =>
  `SELECT cohort, count() AS size, ${Array.from({ length: retentionPeriods }, (_, p) => `sum(bitTest(returns, ${p})) AS p${p}`).join(', ')} FROM (
    SELECT toUInt8(intDiv(minIf(${ms}, event = 'Product Viewed' AND time < ${time(scope.to)}) - ${firstDay}, ${week})) AS cohort,
      bitShiftRight(groupBitOrIf(bitShiftLeft(toUInt32(1), toUInt8(intDiv(${ms} - ${firstDay}, ${week}))), event = 'Product Added' AND time >= ${time(firstDay)}), cohort) AS returns
    FROM ${done(scope, 'time, event', rows(scope, "event IN ('Product Viewed', 'Product Added')", Date.UTC(1900, 0, 1), firstDay + (retentionWeeks + retentionPeriods) * week))}
    GROUP BY who HAVING countIf(event = 'Product Viewed' AND time < ${time(scope.to)}) > 0) GROUP BY cohort`;

/** Bits of the weeks with an event; all of the past counts as the one before the first. */
export const toLifecycle = (scope: Scope) =>
  `SELECT ${Array.from({ length: days / 7 + 1 }, (_, w) => {
    const before = 2 ** (w + 1);
    const isNow = `bitTest(active, ${w + 1})`;
    return `countIf(${isNow} AND active % ${before} = 0) AS new${w}, countIf(${isNow} AND bitTest(active, ${w})) AS returning${w},
      countIf(${isNow} AND NOT bitTest(active, ${w}) AND active % ${before} != 0) AS resurrecting${w}, countIf(NOT ${isNow} AND bitTest(active, ${w})) AS dormant${w}`;
  }).join(', ')} FROM (
    SELECT groupBitOr(bitShiftLeft(toUInt32(1), toUInt8(intDiv(${ms} - ${firstDay - week}, ${week})))) AS active
    FROM ${done(scope, 'time', rows(scope, '1', firstDay - week, firstDay + 13 * week))} GROUP BY who)`;

export const toStickiness = (scope: Scope) =>
  `SELECT bitCount(active) AS d, count() AS v FROM (
    SELECT groupBitOr(bitShiftLeft(toUInt128(1), toUInt8(intDiv(${ms} - ${firstDay}, ${day})))) AS active FROM ${done(scope, 'time')} GROUP BY who) GROUP BY d`;

const gapMs = 30 * 60_000;
const path = "coalesce(nullIf(doc.properties.path.:String, ''), nullIf(doc.context.page.path.:String, ''), '-')";

/** A visit's events within a day of its beginning, with a text of each. */
const runs = (scope: Scope, text: string) =>
  `(SELECT who, arrayFilter(e -> e.1 < long[1].1 + ${day}, long) AS run FROM (
      SELECT who, arrayJoin(arraySplit((e, pause) -> pause >= ${gapMs}, sorted, arrayDifference(sorted.1))) AS long
      FROM (SELECT who, arraySort(groupArray((${ms}, text))) AS sorted
        FROM ${done(scope, `time, ${text} AS text`, rows(scope, '1', scope.from - gapMs, scope.to + day))} GROUP BY who))
    WHERE long[1].1 >= ${scope.from} AND long[1].1 < ${scope.to})`;

export const toSessions = (scope: Scope) =>
  `SELECT multiIf(grouping(d) = 0, 'day', grouping(entry) = 0, 'entry', grouping(exit) = 0, 'exit', 'all') AS part, toUInt32(intDiv(start - ${firstDay}, ${day})) AS d, entry, exit,
      count() AS n, uniqExact(who) AS persons, sum(ms) AS sum_ms, quantileExactInclusive(0.5)(ms) AS median, sum(bounced) AS bounces, sum(events) AS all_events
    FROM (SELECT who, run[1].1 AS start, run[-1].1 - start AS ms, length(run) AS events, arrayCount(e -> e.2 != '?', run) <= 1 AS bounced,
        arrayFirst(e -> e.2 NOT IN ('', '?'), run).2 AS entry, arrayLast(e -> e.2 NOT IN ('', '?'), run).2 AS exit
      FROM ${runs(scope, `multiIf(kind = 'page', ${path}, kind IN ('track', 'screen'), '', '?')`)})
    GROUP BY GROUPING SETS ((d), (entry), (exit), ())`;

export const pathDepth = 5;

export const toPaths = (scope: Scope) =>
  `SELECT link.1 AS step, link.2 AS name, link.3 AS next, multiIf(grouping(step) = 1, 'all', grouping(next) = 1, 'node', 'link') AS part,
      count() AS n, uniqExact(who) AS persons, countIf(step = 1) AS began, countIf(step = size) AS ended
    FROM (SELECT who, size, arrayJoin(arrayZip(arrayEnumerate(shown), shown, nexts)) AS link
      FROM (SELECT who, length(whole) AS size, arraySlice(whole, 1, ${pathDepth}) AS shown, arrayPushBack(arrayPopFront(shown), '') AS nexts
        FROM (SELECT who, arrayCompact(arrayFilter(x -> x != '?', run.2)) AS whole
          FROM ${runs(scope, `multiIf(kind = 'page', ${path}, kind = 'track', toString(event), '?')`)}) WHERE notEmpty(whole)))
    GROUP BY GROUPING SETS ((step, name, next), (step, name), ()) HAVING part != 'link' OR next != ''`;

/** Two passes: one finds the values, the other counts persons. */
export const toTopValues = (scope: Scope, key: string) =>
  `WITH (SELECT (groupArray(key), any(kinds)) FROM (SELECT key, n, count() OVER () AS kinds FROM (SELECT ${key} AS key, count() AS n FROM events WHERE ${rows(scope)} GROUP BY key) ORDER BY n DESC, key LIMIT 10)) AS tops
    SELECT k, toUInt8(grouping(k)) AS total, count() AS n, uniqExact(who) AS persons, any(tops.2) AS kinds
    FROM ${done(scope, `if(has(tops.1, ${key}), ${key}, '~') AS k`)} GROUP BY GROUPING SETS ((k), ())`;

/** Of few values, one pass. */
export const toTopCategories = (scope: Scope) =>
  `SELECT k, toUInt8(grouping(k)) AS total, count() AS n, uniqExact(who) AS persons, uniqExact(k) AS kinds
    FROM ${done(scope, "ifNull(doc.properties.category.:String, '') AS k")} GROUP BY GROUPING SETS ((k), ())`;

/** The ids of persons first, before any other column is read. */
export const toPerson = (scope: Scope, id: string) =>
  `SELECT groupUniqArrayIf(user_id, user_id != '') AS user_ids, groupUniqArrayIf(anonymous_id, anonymous_id != '') AS anonymous_ids, min(${ms}) AS first, max(${ms}) AS last, count() AS n
    FROM events PREWHERE person IN (SELECT sipHash64('u${id}') UNION ALL SELECT child FROM ${firsts(scope)} WHERE parent = sipHash64('u${id}'))
    WHERE project = '${project}' AND ${seen(scope)}`;

const columns =
  'message_id, kind, event, time, original_timestamp, sent_at, received_at, user_id, anonymous_id, group_id, previous_id, data, log_stream, log_offset';

/** The newest rows are found by what orders them, and the rest of their columns read afterwards. */
export const toNewest = (scope: Scope, more = '1') =>
  `SELECT ${columns} FROM events WHERE ${rows(scope, more)} ORDER BY time DESC, log_stream DESC, log_offset DESC LIMIT 51`;

export const isDear = `${priceOf} >= 199`;
