import { type Stream, toStreamParts } from '../../events/position.ts';
import type { Warehouse } from '../../ports/warehouse.ts';

/** A time of receipt, in milliseconds since 1970, or a position. */
export type Bound = { readonly at: number } | { readonly partition: number; readonly offset: number };

export interface Bounds {
  readonly partition?: number;
  readonly lane?: number;
  readonly from?: Bound;
  readonly to?: Bound;
}

/** Whether the bounds are about this stream at all. */
export function isWithin({ partition, lane, from, to }: Bounds, stream: Stream): boolean {
  const parts = toStreamParts(stream);
  const isOf = (bound: Bound | undefined) => !bound || 'at' in bound || bound.partition === parts.partition;
  return (
    (partition ?? parts.partition) === parts.partition && (lane ?? parts.lane) === parts.lane && isOf(from) && isOf(to)
  );
}

/** The ranges of the ledger that may hold what the bounds name, as offsets. Both ends are included. */
export async function toLedgerBounds(
  warehouse: Warehouse,
  stream: Stream,
  { from, to }: Bounds,
): Promise<{ readonly first: number; readonly last: number }> {
  const first = !from ? 0 : 'at' in from ? await readFirstSince(warehouse, stream, from.at, 'first') : from.offset;
  const last = !to
    ? null
    : 'at' in to
      ? await readFirstSince(warehouse, stream, to.at, 'last')
      : await readEndOf(warehouse, stream, to.offset);
  return { first: first ?? Number.MAX_SAFE_INTEGER, last: last ?? Number.MAX_SAFE_INTEGER };
}

/** The first range with something that was received then or later: its first or its last offset. */
async function readFirstSince(
  warehouse: Warehouse,
  stream: Stream,
  at: number,
  what: 'first' | 'last',
): Promise<number | null> {
  const { rows } = await warehouse.query<{ first: string; last: string }>(
    {
      sql: `SELECT first_offset AS first, last_offset AS last FROM ledger
            WHERE phase = 'completed' AND log_stream = {stream:UInt32} AND newest_received_at >= fromUnixTimestamp64Milli({at:Int64}, 'UTC')
            ORDER BY last_offset LIMIT 1`,
      params: { stream, at },
    },
    { label: 'ledger', lane: 'sink', limits: { seconds: 600 } },
  );
  const [row] = rows;
  return row ? Number(row[what]) : null;
}

/** The end of the range that has this offset; the offset itself where none has it. */
async function readEndOf(warehouse: Warehouse, stream: Stream, offset: number): Promise<number> {
  const { rows } = await warehouse.query<{ first: string; last: string }>(
    {
      sql: `SELECT first_offset AS first, last_offset AS last FROM ledger
            WHERE phase = 'completed' AND log_stream = {stream:UInt32} AND last_offset >= {offset:UInt64} ORDER BY last_offset LIMIT 1`,
      params: { stream, offset },
    },
    { label: 'ledger', lane: 'sink', limits: { seconds: 600 } },
  );
  const [row] = rows;
  return row && Number(row.first) <= offset ? Number(row.last) : offset;
}
