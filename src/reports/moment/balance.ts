import type { Stream } from '../../events/position.ts';
import type { QueryOptions, Warehouse } from '../../ports/warehouse.ts';
import { moment } from '../plan.ts';
import type { TimeRange } from '../range.ts';
import { join, type Sql, sql, toStatement, value } from '../sql.ts';

/**
 * Whether the ledger adds up: the records of each completed range are stored, deduplicated, dead-lettered, dropped or deleted with
 * their person, and nothing else; and each range begins where the one before it ended. This is about the log, which has all projects in it.
 */

/** A range whose records do not add up, or that does not begin behind the one before it. */
export interface WrongRange {
  readonly stream: Stream;
  readonly first: number;
  readonly last: number;
  /** Of how many records the ledger tells what they became. */
  readonly told: number;
  /** The last offset of the range before it; null: none was completed before. */
  readonly before: number | null;
  /** When it was completed; milliseconds since 1970. */
  readonly completedAt: number;
}

interface Row {
  readonly log_stream: number;
  readonly first: string;
  readonly last: string;
  readonly told: string;
  readonly before: string | null;
  readonly completed_at: string;
}

/** More than these are as good as all. */
const mostWrong = 20_000;

/** Ranges completed in from <= t < to that are wrong. What was corrected afterwards counts. */
export async function findWrongRanges(
  warehouse: Warehouse,
  { from, to }: TimeRange,
  options: Omit<QueryOptions, 'label' | 'project'>,
): Promise<WrongRange[]> {
  const then = sql`written_at >= ${moment(from)} AND written_at < ${moment(to)}`;
  const { rows } = await warehouse.query<Row>(
    toStatement(sql`SELECT log_stream, first, last, told, before, completed_at FROM (
        SELECT *, lagInFrame(toNullable(last)) OVER (PARTITION BY log_stream ORDER BY first, last ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before
        FROM (
          SELECT log_stream, first, last, sum(n) AS told, toUnixTimestamp64Milli(minIf(at, is_completed)) AS completed_at FROM (
            ${rowsOf(sql`phase = 'completed' AND ${then}`, sql`true`)} UNION ALL ${rowsOf(sql`phase = 'corrected'`, sql`false`)})
          GROUP BY log_stream, first, last HAVING max(is_completed)))
      WHERE told != toInt64(last - first + 1) OR before IS NULL OR first != before + 1
      ORDER BY before IS NULL, completed_at LIMIT ${value('UInt32', mostWrong)}`),
    { ...options, label: 'balance', limits: { resultRows: mostWrong } },
  );
  const odd = rows.map((row) => ({
    stream: row.log_stream,
    first: Number(row.first),
    last: Number(row.last),
    told: Number(row.told),
    before: row.before === null ? null : Number(row.before),
    completedAt: Number(row.completed_at),
  }));
  // The first range of each stream in this time: what was before it is outside.
  const before = await findEndsBefore(
    warehouse,
    odd.filter((range) => range.before === null && range.first > 0),
    options,
  );
  return odd
    .map((range) => ({ ...range, before: range.before ?? before.get(range.stream) ?? null }))
    .filter(({ first, last, told, before }) => told !== last - first + 1 || (before !== null && first !== before + 1));
}

function rowsOf(where: Sql, isCompleted: Sql): Sql {
  return sql`SELECT log_stream, first_offset AS first, last_offset AS last, stored + deduplicated + dead_lettered + dropped + deleted AS n,
    written_at AS at, ${isCompleted} AS is_completed FROM ledger WHERE ${where}`;
}

/** The last completed offset below the first one of each range, by stream; a stream that begins with its range has none. */
async function findEndsBefore(
  warehouse: Warehouse,
  ranges: readonly WrongRange[],
  options: Omit<QueryOptions, 'label' | 'project'>,
): Promise<Map<Stream, number>> {
  const found = new Map<Stream, number>();
  const look = async (where: Sql) => {
    const { rows } = await warehouse.query<{ log_stream: number; last: string }>(
      toStatement(
        sql`SELECT log_stream, max(last_offset) AS last FROM ledger WHERE phase = 'completed' AND ${where} GROUP BY log_stream`,
      ),
      { ...options, label: 'balance' },
    );
    for (const { log_stream, last } of rows) found.set(log_stream, Number(last));
  };
  const endsAt = ({ stream, first }: WrongRange) =>
    sql`(log_stream = ${value('UInt32', stream)} AND last_offset = ${value('UInt64', first - 1)})`;
  if (ranges.length > 0) await look(sql`(${join(ranges.map(endsAt), ' OR ')})`);
  // Nothing ends there: either nothing is before it at all, or there is a hole. Rare, and reads more.
  for (const { stream, first } of ranges.filter(({ stream }) => !found.has(stream)))
    await look(sql`log_stream = ${value('UInt32', stream)} AND last_offset < ${value('UInt64', first)}`);
  return found;
}
