import type { Stream } from '../events/position.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import { type OffsetRange, toGaps } from './ledger.ts';
import type { StreamRange } from './stream-range.ts';

/** A range of the ledger, or what lies between two of them. */
export interface Piece extends OffsetRange {
  /** The batch's; null where the ledger has nothing. */
  readonly token: string | null;
}

/** Ranges of one statement of the ledger. */
const page = 5000;

/**
 * Goes through first..last of a stream in blocks of about so many positions: whole ranges of the ledger, also where those
 * at the ends reach further, and the gaps between them. In memory are never more than a page of ranges.
 */
export async function* readBlocks(
  warehouse: Warehouse,
  { stream, first, last }: StreamRange,
  positions: number,
): AsyncIterable<readonly Piece[]> {
  let block: Piece[] = [];
  let held = 0;
  let next = first;
  while (next <= last) {
    const ranges = await readPage(warehouse, stream, next, last);
    const begin = Math.min(next, ranges[0]?.first ?? next);
    const isLast = ranges.length < page;
    const end = isLast ? Math.max(last, ranges.at(-1)?.last ?? last) : ranges.at(-1)!.last;
    const pieces: Piece[] = withoutOverlap(ranges);
    for (const gap of toGaps({ first: begin, last: end }, ranges)) {
      const asked = { first: gap.first, last: Math.min(gap.last, last) };
      if (asked.first > asked.last) continue;
      const announced = await readAnnounced(warehouse, stream, asked);
      const rest = toGaps(asked, announced).flatMap((part) => split(part, positions));
      pieces.push(...announced.map((part) => ({ ...part, token: null })), ...rest);
    }
    pieces.sort((a, b) => a.first - b.first);
    for (const piece of pieces) {
      block.push(piece);
      held += piece.last - piece.first + 1;
      if (held < positions) continue;
      yield block;
      block = [];
      held = 0;
    }
    next = end + 1;
  }
  if (block.length > 0) yield block;
}

async function readPage(warehouse: Warehouse, stream: Stream, from: number, to: number): Promise<Piece[]> {
  const { rows } = await warehouse.query<{ first: string; last: string; token: string }>(
    {
      sql: `SELECT first_offset AS first, last_offset AS last, any(token) AS token FROM ledger
            WHERE phase = 'completed' AND log_stream = {stream:UInt32} AND last_offset >= {from:UInt64} AND first_offset <= {to:UInt64}
            GROUP BY first, last ORDER BY last, first LIMIT {page:UInt32}`,
      params: { stream, from, to, page },
    },
    { label: 'ledger', lane: 'sink', limits: { seconds: 600 } },
  );
  return rows.map(({ first, last, token }) => ({ first: Number(first), last: Number(last), token }));
}

/** What was announced within a gap: with the bounds that it had, a batch has the token that it had. */
async function readAnnounced(
  warehouse: Warehouse,
  stream: Stream,
  { first, last }: OffsetRange,
): Promise<readonly OffsetRange[]> {
  const { rows } = await warehouse.query<{ first: string; last: string }>(
    {
      sql: `SELECT DISTINCT first_offset AS first, last_offset AS last FROM ledger
            WHERE phase = 'announced' AND log_stream = {stream:UInt32} AND last_offset BETWEEN {first:UInt64} AND {last:UInt64}
              AND first_offset >= {first:UInt64} ORDER BY first, last LIMIT {page:UInt32}`,
      params: { stream, first, last, page },
    },
    { label: 'ledger', lane: 'sink', limits: { seconds: 600 } },
  );
  return withoutOverlap(rows.map((row) => ({ first: Number(row.first), last: Number(row.last) })));
}

/** A position belongs to one piece, whatever the ledger says. */
function withoutOverlap<Range extends OffsetRange>(ranges: readonly Range[]): Range[] {
  let next = -1;
  return ranges.flatMap((range) => {
    const piece = { ...range, first: Math.max(range.first, next) };
    if (piece.first > piece.last) return [];
    next = piece.last + 1;
    return [piece];
  });
}

function split({ first, last }: OffsetRange, size: number): Piece[] {
  const parts: Piece[] = [];
  for (let from = first; from <= last; from += size)
    parts.push({ first: from, last: Math.min(from + size - 1, last), token: null });
  return parts;
}
