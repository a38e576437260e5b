import type { Stream } from '../events/position.ts';

/** Positions first..last of a stream. */
export interface StreamRange {
  readonly stream: Stream;
  readonly first: number;
  readonly last: number;
}

/** As tokens and rows of the ledger name it. */
export function toRangeName({ stream, first, last }: StreamRange): string {
  return `${stream}:${first}-${last}`;
}

/** Rows at these positions; a StreamRange is what the parameters are. */
export const inRange = 'log_stream = {stream:UInt32} AND log_offset BETWEEN {first:UInt64} AND {last:UInt64}';

/** Of rows at these positions: those whose person was not deleted. While rows are being taken out, they count no more. */
export const notDeleted = `log_offset NOT IN (SELECT log_offset FROM tombstones WHERE ${inRange})`;
