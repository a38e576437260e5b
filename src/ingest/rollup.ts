import { TallygateError } from '../errors.ts';
import type { Stream } from '../events/position.ts';
import { toStoredTime } from '../events/record.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { Logger } from '../telemetry/logger.ts';
import { inRange, notDeleted, type StreamRange } from './stream-range.ts';

/** Events of one name in one hour: how many the table has more (or, negative, fewer) than the rollup. */
export interface RollupDifference {
  readonly project: string;
  readonly event: string;
  /** Since 1970. */
  readonly hour: number;
  readonly events: number;
  readonly rollup: number;
  readonly first: number;
  readonly last: number;
  /** Milliseconds since 1970. */
  readonly oldest: number;
  readonly newest: number;
}

interface RollupDeps {
  readonly warehouse: Warehouse;
  readonly logger: Logger;
}

const rounds = 5;

/**
 * Where `rollup_hourly` does not say what `events` has at positions first..last, which must be whole ranges of the ledger.
 * `isBeforeRemoval`: events at positions that are in `repeats` as well are about to be taken out, and count no more.
 */
export async function readRollupDifferences(
  warehouse: Warehouse,
  { stream, first, last }: StreamRange,
  isBeforeRemoval = false,
): Promise<RollupDifference[]> {
  const staying = isBeforeRemoval ? `AND log_offset NOT IN (SELECT log_offset FROM repeats WHERE ${inRange})` : '';
  const { rows } = await warehouse.query<Record<keyof RollupDifference, string>>(
    {
      sql: `SELECT project, event, hour, sum(n) AS events, sum(m) AS rollup, min(lo) AS first, max(hi) AS last, min(t0) AS oldest, max(t1) AS newest
            FROM (
              SELECT project, event, toInt32(floor(toUnixTimestamp64Milli(time) / 3600000)) AS hour, toInt64(count()) AS n, toInt64(0) AS m,
                min(log_offset) AS lo, max(log_offset) AS hi, min(toUnixTimestamp64Milli(time)) AS t0, max(toUnixTimestamp64Milli(time)) AS t1
              FROM events WHERE ${inRange} AND ${notDeleted} ${staying}
              GROUP BY project, event, hour
              UNION ALL
              SELECT project, event, hour, toInt64(0), sum(r.events), min(first_offset), max(last_offset),
                min(toUnixTimestamp64Milli(oldest_time)), max(toUnixTimestamp64Milli(newest_time))
              FROM rollup_hourly AS r WHERE log_stream = {stream:UInt32} AND first_offset >= {first:UInt64} AND last_offset <= {last:UInt64}
              GROUP BY project, event, hour)
            GROUP BY project, event, hour HAVING events != rollup ORDER BY project, event, hour`,
      params: { stream, first, last },
    },
    { label: 'rollup-check', lane: 'sink', limits: { seconds: 600, resultRows: 1_000_000 } },
  );
  return rows.map(({ project, event, ...counts }) => {
    const numbers = Object.fromEntries(Object.entries(counts).map(([name, value]) => [name, Number(value)]));
    return { project, event, ...numbers } as unknown as RollupDifference;
  });
}

/**
 * Makes the rollup say what the table has at positions first..last of a stream, which must be whole ranges of the ledger;
 * resolves with the number of rows added. An engine that was killed between the table and its view has the one without the
 * other, and then takes a second try under the same token for done.
 */
export async function repairRollup(
  { warehouse, logger }: RollupDeps,
  range: StreamRange,
  token: string,
  isBeforeRemoval = false,
): Promise<number> {
  const { stream, first, last } = range;
  let added = 0;
  for (let round = 1; round <= rounds; round++) {
    const differences = await readRollupDifferences(warehouse, range, isBeforeRemoval);
    if (differences.length === 0) return added;
    const surplus = differences.filter(({ events, rollup }) => events < rollup);
    if (surplus.length > 0 && !isBeforeRemoval)
      logger.error({ stream, first, last, surplus: surplus.length }, 'the rollup counted more than the table has');
    const lines = differences.map((difference) => toLine(stream, difference)).join('');
    await warehouse.insert('rollup_hourly', Buffer.from(lines), { token: `${token}:rollup:${round}` });
    added += differences.length;
  }
  // What the last round added may well have been what was missing.
  if ((await readRollupDifferences(warehouse, range, isBeforeRemoval)).length === 0) return added;
  throw new TallygateError(
    'INTERNAL',
    `the rollup of positions ${first} to ${last} of stream ${stream} still differs from the table after ${rounds} repairs`,
  );
}

function toLine(
  stream: Stream,
  { project, event, hour, events, rollup, first, last, oldest, newest }: RollupDifference,
) {
  return `${JSON.stringify({
    project,
    event,
    hour,
    log_stream: stream,
    first_offset: first,
    last_offset: last,
    events: events - rollup,
    oldest_time: toStoredTime(oldest),
    newest_time: toStoredTime(newest),
  })}\n`;
}
