import type { Stream } from '../events/position.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import { createRepeatWindow, type RepeatWindow } from './repeat-window.ts';

interface Row {
  readonly project: string;
  readonly message_id: string;
  readonly received: string;
}

/** Ids of one statement; the window is read in pages so that no answer is larger than memory likes. */
const page = 200_000;

/**
 * The window of repeats as it was before the record at `asOf` was decided: ids of events and dead letters at positions
 * below it, received within the window before the newest of them. (From the whole table, a replay would take its own
 * first try for repeats.)
 */
export async function rebuildWindow(
  warehouse: Warehouse,
  stream: Stream,
  asOf: number,
  windowHours: number,
): Promise<RepeatWindow> {
  const window = createRepeatWindow(windowHours);
  if (asOf <= 0) return window;
  const below = 'log_stream = {stream:UInt32} AND log_offset < {asOf:UInt64}';
  const options = { label: 'window', lane: 'sink', limits: { seconds: 600, resultRows: page + 1 } } as const;
  const { rows: newest } = await warehouse.query<{ newest: string | null }>(
    {
      sql: `SELECT toUnixTimestamp64Milli(max(toNullable(newest_received_at))) AS newest FROM ledger
            WHERE phase = 'completed' AND log_stream = {stream:UInt32} AND first_offset < {asOf:UInt64}`,
      params: { stream, asOf },
    },
    options,
  );
  if (newest[0]?.newest === null || newest[0] === undefined) return window;
  const since = Number(newest[0].newest) - (windowHours + 1) * 3_600_000;
  let after = -1;
  for (;;) {
    const recent = `${below} AND toInt64(log_offset) > {after:Int64} AND received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')`;
    const { rows } = await warehouse.query<Row & { log_offset: string }>(
      {
        sql: `SELECT project, message_id, toUnixTimestamp64Milli(received_at) AS received, log_offset FROM (
                SELECT project, message_id, received_at, log_offset FROM events WHERE ${recent}
                UNION ALL SELECT project, message_id, received_at, log_offset FROM dead_letters WHERE ${recent})
              ORDER BY log_offset LIMIT {page:UInt32}`,
        params: { stream, asOf, since, after, page },
      },
      options,
    );
    for (const { project, message_id, received } of rows) window.isRepeat(project, message_id, Number(received));
    if (rows.length < page) return window;
    after = Number(rows[rows.length - 1]!.log_offset);
  }
}
