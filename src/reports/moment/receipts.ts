import type { QueryOptions, Warehouse } from '../../ports/warehouse.ts';
import { moment } from '../plan.ts';
import type { TimeRange } from '../range.ts';
import { sql, toStatement, value } from '../sql.ts';

/** A gateway from which nothing has come for this long is not waited for any more, in milliseconds. */
const graceMs = 120_000;
/** A gateway that fell silent may have received events for this long, in milliseconds; after that it is taken for dead. */
const silenceMs = 300_000;
/** A report that came later than this after a range is not looked for. */
const latestMs = 7 * 24 * 3_600_000;
const minuteMs = 60_000;

interface Row {
  readonly from: string;
  readonly to: string;
  readonly before: string | null;
  readonly is_last: number;
  readonly number: number;
  readonly ended: boolean;
  readonly lost_from: string;
  readonly lost_to: string;
}

/**
 * Times within the range of which some gateway has not told what it received: it was killed, or is cut off from the
 * warehouse. From the table alone: reports of one life follow each other without a gap, and the last one says so.
 */
export async function findUnreported(
  warehouse: Warehouse,
  { from, to }: TimeRange,
  now: number,
  options: Omit<QueryOptions, 'label' | 'project'>,
): Promise<TimeRange[]> {
  const lower = Math.floor((from - silenceMs) / minuteMs) * minuteMs;
  const limit = { resultRows: 100_000 };
  const { rows } = await warehouse.query<Row>(
    toStatement(sql`SELECT from, to, before, following IS NULL AS is_last, number, ended, lost_from, lost_to FROM (
        SELECT number, ended, toUnixTimestamp64Milli(covers_from) AS from, toUnixTimestamp64Milli(covers_to) AS to,
          toUnixTimestamp64Milli(receipts.lost_from) AS lost_from, toUnixTimestamp64Milli(receipts.lost_to) AS lost_to,
          lagInFrame(toNullable(to)) OVER w AS before, leadInFrame(toNullable(number)) OVER w AS following
        FROM receipts
        WHERE project = '' AND outcome = 'report' AND minute >= ${moment(lower)} AND minute < ${moment(to + latestMs)}
          AND covers_from < ${moment(to)}
        WINDOW w AS (PARTITION BY life ORDER BY number ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING))
      WHERE following IS NULL OR lost_to > 0 OR from > before OR (before IS NULL AND number > 0)
      LIMIT ${value('UInt32', limit.resultRows)}`),
    { ...options, label: 'receipts', limits: limit },
  );
  const unreported: TimeRange[] = [];
  const add = (begin: number, end: number) => {
    const part = { from: Math.max(begin, from), to: Math.min(end, to) };
    if (part.from < part.to) unreported.push(part);
  };
  for (const row of rows) {
    const begin = Number(row.from);
    const end = Number(row.to);
    // The report before the first one that is seen here ended where it begins, or it is missing.
    if (row.before !== null) add(Number(row.before), begin);
    else if (row.number > 0) add(lower, begin);
    if (Number(row.lost_to) > 0) add(Number(row.lost_from), Number(row.lost_to));
    if (row.is_last && !row.ended) add(end, Math.min(end + silenceMs, now - graceMs));
  }
  return unreported;
}
