import type { Warehouse } from '../ports/warehouse.ts';
import { inRange, type StreamRange } from './stream-range.ts';

export interface Present {
  /** Positions that have a row in one of the four tables. */
  readonly offsets: ReadonlySet<number>;
  /** More than there are positions where some have more than one. */
  readonly rows: number;
}

/** What the tables have at positions first..last of a stream. */
export async function readPresent(warehouse: Warehouse, { stream, first, last }: StreamRange): Promise<Present> {
  const { rows } = await warehouse.query<{ present: string[]; rows: string }>(
    {
      sql: `SELECT groupUniqArray(log_offset) AS present, count() AS rows FROM (
              SELECT log_offset FROM events WHERE ${inRange} UNION ALL
              SELECT log_offset FROM dead_letters WHERE ${inRange} UNION ALL
              SELECT log_offset FROM repeats WHERE ${inRange} UNION ALL
              SELECT log_offset FROM tombstones WHERE ${inRange})`,
      params: { stream, first, last },
    },
    { label: 'read-back', lane: 'sink', limits: { seconds: 600 } },
  );
  return { offsets: new Set(rows[0]!.present.map(Number)), rows: Number(rows[0]!.rows) };
}
