import { farDays } from '../events/touch.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import { readCompleted, toLedgerRow } from './ledger.ts';
import { inRange, type StreamRange } from './stream-range.ts';

interface Row {
  readonly project: string;
  readonly key_id: string;
  readonly stored: string;
  readonly deduplicated: string;
  readonly dead_lettered: string;
  readonly touches: number[];
  readonly newest_received: string;
  readonly newest: string;
}

const rounds = 20;
const farMs = farDays * 24 * 3_600_000;

/** See src/events/touch.ts. */
const touch = `if(t >= 0 AND abs(t - r) <= ${farMs}, toInt32(intDiv(t, 3600000)), toInt32(-1 - ((toYear(time) - 1900) * 12 + toMonth(time) - 1)))`;

/** Writes the ledger's rows for a range that it has lost: they say what the tables hold, and held before persons were deleted: a correction tells of that. */
export async function completeFromTables(warehouse: Warehouse, range: StreamRange, token: string): Promise<void> {
  const { stream, first, last } = range;
  const where = `WHERE ${inRange}`;
  const others = (stored: string) =>
    `[]::Array(Int32) AS touches, max(toUnixTimestamp64Milli(received_at)) AS newest_received, toInt64(0) AS newest FROM ${stored} ${where} GROUP BY project, key_id`;
  const { rows } = await warehouse.query<Row>(
    {
      sql: `SELECT project, key_id, sum(s) AS stored, sum(d) AS deduplicated, sum(l) AS dead_lettered,
              arraySort(groupUniqArrayArray(touches)) AS touches, max(newest_received) AS newest_received, max(newest) AS newest
            FROM (
              SELECT project, key_id, count() AS s, 0 AS d, 0 AS l, groupUniqArray(touch) AS touches, max(r) AS newest_received, max(t) AS newest
              FROM (SELECT project, key_id, toUnixTimestamp64Milli(time) AS t, toUnixTimestamp64Milli(received_at) AS r, ${touch} AS touch FROM events ${where})
              GROUP BY project, key_id
              UNION ALL SELECT project, key_id, 0, count(), 0, ${others('repeats')}
              UNION ALL SELECT project, key_id, 0, 0, count(), ${others('dead_letters')}
              UNION ALL SELECT project, key_id, countIf(was = 'event'), 0, countIf(was = 'dead_letter'), ${others('tombstones')})
            GROUP BY project, key_id ORDER BY project, key_id`,
      params: { stream, first, last },
    },
    { label: 'ledger', lane: 'sink', limits: { seconds: 600, resultRows: 1_000_000 } },
  );
  if (rows.length === 0) return;
  const held = rows.reduce(
    (sum, row) => sum + Number(row.stored) + Number(row.deduplicated) + Number(row.dead_lettered),
    0,
  );
  const lines = rows.map((row, i) =>
    toLedgerRow('completed', range, token, {
      project: row.project,
      keyId: row.key_id,
      stored: Number(row.stored),
      deduplicated: Number(row.deduplicated),
      deadLettered: Number(row.dead_lettered),
      // Positions that neither the tables nor the log have any more.
      dropped: i === 0 ? Math.max(0, last - first + 1 - held) : 0,
      touches: row.touches,
      newestReceivedAt: Number(row.newest_received),
      newestTime: Number(row.newest),
    }),
  );
  // The engine may remember the token of the rows that were lost.
  for (let round = 0; round < rounds; round++) {
    const name = round === 0 ? `${token}:completed` : `${token}:completed:repair:${round}`;
    await warehouse.insert('ledger', Buffer.from(lines.join('')), { token: name });
    const ranges = await readCompleted(warehouse, stream, first);
    if (ranges.some((each) => each.first === first && each.last === last)) return;
  }
}
