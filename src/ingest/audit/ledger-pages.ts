import type { Stream } from '../../events/position.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import type { OffsetRange } from '../ledger.ts';

/** What the ledger says of a range, for one write key. */
export interface LedgerEntry {
  readonly project: string;
  readonly keyId: string;
  readonly stored: number;
  readonly deduplicated: number;
  readonly deadLettered: number;
  readonly dropped: number;
  readonly deleted: number;
}

export interface LedgerRange extends OffsetRange {
  readonly entries: readonly LedgerEntry[];
}

/** Ranges of one block: their first positions travel in the address of a statement. */
export const mostRanges = 2000;
/** Positions of one block, unless one range alone has more. */
const mostPositions = 200_000;

type Entry = readonly [string, string, string, string, string, string, string];

/** The completed ranges of a stream that end at from..to, in order of their ends, in blocks. */
export async function* readLedgerBlocks(
  warehouse: Warehouse,
  stream: Stream,
  { first: from, last: to }: OffsetRange,
): AsyncIterable<readonly LedgerRange[]> {
  let next = from;
  for (;;) {
    const { rows } = await warehouse.query<{ first: string; last: string; entries: readonly Entry[] }>(
      {
        sql: `SELECT first_offset AS first, last_offset AS last,
                groupArray((toString(project), toString(key_id), stored, deduplicated, dead_lettered, dropped, deleted)) AS entries
              FROM ledger WHERE phase = 'completed' AND log_stream = {stream:UInt32} AND last_offset BETWEEN {next:UInt64} AND {to:UInt64}
              GROUP BY first, last ORDER BY last, first LIMIT {limit:UInt32}`,
        params: { stream, next, to, limit: mostRanges },
      },
      { label: 'ledger', lane: 'sink', limits: { seconds: 600 } },
    );
    const ranges = rows.map(({ first, last, entries }) => ({
      first: Number(first),
      last: Number(last),
      entries: entries.map(toEntry),
    }));
    // Two ranges may end at one position, where the ledger is damaged: neither is left out.
    const cut = ranges.length < mostRanges ? ranges : ranges.filter(({ last }) => last < ranges.at(-1)!.last);
    let block: LedgerRange[] = [];
    let positions = 0;
    for (const range of cut.length > 0 ? cut : ranges) {
      block.push(range);
      positions += range.last - range.first + 1;
      if (positions < mostPositions) continue;
      yield block;
      block = [];
      positions = 0;
    }
    if (block.length > 0) yield block;
    if (ranges.length < mostRanges) return;
    next = (cut.at(-1) ?? ranges.at(-1)!).last + 1;
  }
}

/** Differences that were written afterwards, by the range whose positions they are about. */
export async function readCorrections(
  warehouse: Warehouse,
  stream: Stream,
  { first, last }: OffsetRange,
): Promise<(OffsetRange & { readonly entry: LedgerEntry })[]> {
  const { rows } = await warehouse.query<{ first: string; last: string; entry: Entry }>(
    {
      sql: `SELECT first_offset AS first, last_offset AS last,
              (toString(project), toString(key_id), sum(stored), sum(deduplicated), sum(dead_lettered), sum(dropped), sum(deleted)) AS entry
            FROM ledger WHERE phase = 'corrected' AND log_stream = {stream:UInt32} AND last_offset BETWEEN {first:UInt64} AND {last:UInt64}
            GROUP BY first, last, project, key_id`,
      params: { stream, first, last },
    },
    { label: 'ledger', lane: 'sink', limits: { seconds: 600, resultRows: 1_000_000 } },
  );
  return rows.map((row) => ({ first: Number(row.first), last: Number(row.last), entry: toEntry(row.entry) }));
}

function toEntry([project, keyId, stored, deduplicated, deadLettered, dropped, deleted]: Entry): LedgerEntry {
  return {
    project,
    keyId,
    stored: Number(stored),
    deduplicated: Number(deduplicated),
    deadLettered: Number(deadLettered),
    dropped: Number(dropped),
    deleted: Number(deleted),
  };
}
