import type { Warehouse } from '../ports/warehouse.ts';
import type { StreamRange } from './rollup.ts';

/** The positions first..last of a stream that have a row in one of the three tables. */
export async function readPresent(warehouse: Warehouse, { stream, first, last }: StreamRange): Promise<Set<number>> {
  const range = 'WHERE log_stream = {stream:UInt32} AND log_offset BETWEEN {first:UInt64} AND {last:UInt64}';
  const { rows } = await warehouse.query<{ present: string[] }>(
    {
      sql: `SELECT groupUniqArray(log_offset) AS present FROM (
              SELECT log_offset FROM events ${range} UNION ALL
              SELECT log_offset FROM dead_letters ${range} UNION ALL
              SELECT log_offset FROM repeats ${range})`,
      params: { stream, first, last },
    },
    { label: 'read-back', lane: 'sink', limits: { seconds: 600 } },
  );
  return new Set(rows[0]!.present.map(Number));
}
