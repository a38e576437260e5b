import type { PositionVector } from '../../events/position.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import { countUpTo } from '../ascending.ts';
import { moment, toBucketExpression, toScope } from '../plan.ts';
import { type Interval, parseRange, type RangeInput, type TimeRange, toBuckets } from '../range.ts';
import type { Session } from '../session.ts';
import { join, type Sql, sql, toStatement, value } from '../sql.ts';
import { findWrongRanges } from './balance.ts';
import { findUnreported } from './receipts.ts';
import { readEveryMs, type WatermarkReader } from './watermark.ts';

export interface CodeCount {
  readonly code: string;
  readonly count: number;
}

/** What of the events received in a time became what. The schema says what each means, and by whose clock. */
export interface LedgerCounts {
  readonly received: number;
  readonly accepted: number;
  readonly rejected: readonly CodeCount[];
  readonly retried: readonly CodeCount[];
  readonly stored: number;
  readonly deduplicated: number;
  readonly conflicting: number;
  readonly deadLettered: number;
  readonly dropped: number;
  readonly deleted: number;
  readonly inFlight: number;
}

export interface LedgerBucket extends LedgerCounts {
  readonly start: Date;
  readonly balanced: boolean;
  readonly incomplete: boolean;
  readonly byKey: readonly (LedgerCounts & { readonly keyId: string })[];
}

const minuteMs = 60_000;
const mostRows = 500_000;

interface Row {
  readonly [column: string]: unknown;
  /** Beginning of the bucket. */
  readonly b: string;
  readonly key_id: string;
  readonly what: string;
  readonly code: string;
  readonly n: string;
}

export async function runLedger(
  session: Session,
  warehouse: Warehouse,
  watermark: WatermarkReader,
  input: { readonly range: RangeInput; readonly by?: Interval | null | undefined },
  now: number,
): Promise<LedgerBucket[]> {
  const asked = parseRange(input.range, now);
  const buckets = toBuckets(asked, input.by ?? 'MINUTE');
  // Gateways count whole minutes.
  const range: TimeRange = {
    from: Math.floor(asked.from / minuteMs) * minuteMs,
    to: Math.ceil(asked.to / minuteMs) * minuteMs,
  };
  const options = { signal: session.signal };
  const { vector } = await watermark.read(readEveryMs);
  const [fates, answers, wrong, unreported] = await Promise.all([
    session.query<Row>(toStatement(toFates(session.project, vector, range, buckets)), {
      label: 'ledger',
      limits: { resultRows: mostRows },
    }),
    session.query<Row>(toStatement(toAnswers(session.project, range, buckets)), {
      label: 'ledger',
      limits: { resultRows: mostRows },
    }),
    findWrongRanges(warehouse, range, options),
    findUnreported(warehouse, range, now, options),
  ]);

  const inBucket = toBucketOf(buckets);
  const unbalanced = new Set(wrong.map(({ completedAt }) => inBucket(completedAt)));
  const incomplete = new Set(
    unreported.flatMap(({ from, to }) => {
      const [first, last] = [inBucket(from), inBucket(to - 1)];
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    }),
  );
  const byBucket = Map.groupBy([...fates.rows, ...answers.rows], ({ b }) => Number(b));
  return buckets.map((start, i) => {
    const keys = Map.groupBy(byBucket.get(start) ?? [], ({ key_id }) => key_id);
    const byKey = [...keys]
      .map(([keyId, rows]) => ({ keyId, ...toCounts(rows) }))
      .sort((a, b) => (a.keyId < b.keyId ? -1 : 1));
    return {
      start: new Date(start),
      ...sumCounts(byKey),
      balanced: !unbalanced.has(i),
      incomplete: incomplete.has(i),
      byKey,
    };
  });
}

/** What the warehouse has, by the minute in which the gateway received it: rows of the snapshot, as reports count them. */
function toFates(project: string, vector: PositionVector, range: TimeRange, buckets: readonly number[]): Sql {
  const bucket = toBucketExpression(buckets);
  const scope = toScope(project, vector);
  const count = (table: Sql, what: Sql, extra: Sql) =>
    sql`SELECT toString(${bucket}) AS b, key_id, ${what} AS what, '' AS code, toInt64(count()) AS n FROM (
        SELECT received_at AS time, key_id FROM ${table} WHERE ${scope} AND ${during(sql`received_at`, range)}${extra}) GROUP BY b, key_id`;
  const dropped = sql`SELECT toString(${bucket}) AS b, key_id, 'dropped' AS what, '' AS code, sum(dropped) AS n FROM (
        SELECT newest_received_at AS time, key_id, dropped FROM ledger
        WHERE project = ${value('String', project)} AND phase IN ('completed', 'corrected') AND dropped != 0 AND ${during(sql`newest_received_at`, range)}) GROUP BY b, key_id`;
  return join(
    [
      count(sql`events`, sql`'stored'`, sql``),
      count(sql`dead_letters`, sql`'dead_lettered'`, sql``),
      count(sql`tombstones`, sql`'deleted'`, sql``),
      count(sql`repeats`, sql`'deduplicated'`, sql``),
      count(sql`repeats`, sql`'conflicting'`, sql` AND conflict`),
      dropped,
    ],
    ' UNION ALL ',
  );
}

/** What gateways answered, by the minute in which they received it. */
function toAnswers(project: string, range: TimeRange, buckets: readonly number[]): Sql {
  return sql`SELECT toString(${toBucketExpression(buckets)}) AS b, key_id, concat('answer ', toString(outcome)) AS what, code, sum(events) AS n
      FROM (SELECT toDateTime64(minute, 3, 'UTC') AS time, key_id, outcome, code, events FROM receipts
        WHERE project = ${value('String', project)} AND outcome != 'report' AND ${during(sql`minute`, range)})
      GROUP BY b, key_id, outcome, code`;
}

function during(column: Sql, { from, to }: TimeRange): Sql {
  return sql`${column} >= ${moment(from)} AND ${column} < ${moment(to)}`;
}

function toCounts(rows: readonly Row[]): LedgerCounts {
  const of = (wanted: string) => rows.reduce((sum, { what, n }) => (what === wanted ? sum + Number(n) : sum), 0);
  const byCode = (wanted: string) =>
    rows.filter(({ what }) => what === wanted).map(({ code, n }) => ({ code, count: Number(n) }));
  const accepted = of('answer accepted') + of('answer dead_lettered');
  const fates = {
    stored: of('stored'),
    deduplicated: of('deduplicated'),
    deadLettered: of('dead_lettered'),
    dropped: of('dropped'),
    deleted: of('deleted'),
  };
  return {
    received: accepted + of('answer rejected') + of('answer retry'),
    accepted,
    rejected: sumCodes([byCode('answer rejected')]),
    retried: sumCodes([byCode('answer retry')]),
    ...fates,
    conflicting: of('conflicting'),
    // A record more than was accepted is no less in flight: a try that the gateway gave up may have been stored as well.
    inFlight: Math.max(
      0,
      accepted - fates.stored - fates.deduplicated - fates.deadLettered - fates.dropped - fates.deleted,
    ),
  };
}

function sumCounts(keys: readonly LedgerCounts[]): LedgerCounts {
  const sum = (of: (key: LedgerCounts) => number) => keys.reduce((total, key) => total + of(key), 0);
  return {
    received: sum(({ received }) => received),
    accepted: sum(({ accepted }) => accepted),
    rejected: sumCodes(keys.map(({ rejected }) => rejected)),
    retried: sumCodes(keys.map(({ retried }) => retried)),
    stored: sum(({ stored }) => stored),
    deduplicated: sum(({ deduplicated }) => deduplicated),
    conflicting: sum(({ conflicting }) => conflicting),
    deadLettered: sum(({ deadLettered }) => deadLettered),
    dropped: sum(({ dropped }) => dropped),
    deleted: sum(({ deleted }) => deleted),
    inFlight: sum(({ inFlight }) => inFlight),
  };
}

function sumCodes(lists: readonly (readonly CodeCount[])[]): CodeCount[] {
  const sums = new Map<string, number>();
  for (const { code, count } of lists.flat()) sums.set(code, (sums.get(code) ?? 0) + count);
  return [...sums].map(([code, count]) => ({ code, count })).sort((a, b) => (a.code < b.code ? -1 : 1));
}

/** The place of the bucket in which a moment lies; the first one begins before it. */
function toBucketOf(buckets: readonly number[]): (moment: number) => number {
  return (moment) => Math.max(0, countUpTo(buckets, moment) - 1);
}
