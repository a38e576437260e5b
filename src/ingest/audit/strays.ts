import type { Stream } from '../../events/position.ts';
import { toStreamParts } from '../../events/position.ts';
import type { Commit } from '../../ports/event-log.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import { type AuditFinding, toOffsetRanges } from './finding.ts';

/** Positions of one list; of more than so many only the first ones are named. */
const most = 250_000;
const tables = ['events', 'dead_letters', 'repeats', 'tombstones', 'identity_edges'];

/** What the tables have behind the last range that was completed when they were asked: of a batch under way, or phantoms. */
export interface Strays {
  readonly rows: readonly number[];
  /** Ranges of rows of the rollup. */
  readonly rollup: readonly (readonly [first: number, last: number])[];
  readonly announced: readonly (readonly [first: number, last: number])[];
}

export async function readStrays(warehouse: Warehouse, stream: Stream, completed: number): Promise<Strays> {
  const behind = 'log_stream = {stream:UInt32} AND toInt64(log_offset) > {completed:Int64}';
  const ends = 'log_stream = {stream:UInt32} AND toInt64(last_offset) > {completed:Int64}';
  type Pair = readonly [string, string];
  const { rows } = await warehouse.query<{
    offsets: readonly string[];
    rollup: readonly Pair[];
    announced: readonly Pair[];
  }>(
    {
      sql: `SELECT
          (SELECT arraySort(groupUniqArray(${most})(log_offset)) FROM (${tables.map((t) => `SELECT log_offset FROM ${t} WHERE ${behind}`).join(' UNION ALL ')})) AS offsets,
          (SELECT groupUniqArray(${most})((first_offset, last_offset)) FROM rollup_hourly WHERE ${ends}) AS rollup,
          (SELECT groupUniqArray(${most})((first_offset, last_offset)) FROM ledger WHERE phase = 'announced' AND ${ends}) AS announced`,
      params: { stream, completed },
    },
    { label: 'verify', lane: 'sink', limits: { seconds: 600 } },
  );
  const toPair = ([first, last]: Pair) => [Number(first), Number(last)] as const;
  const [row] = rows;
  return {
    rows: row!.offsets.map(Number),
    rollup: row!.rollup.map(toPair),
    announced: row!.announced.map(toPair),
  };
}

/** `completed` and `committed` as they were read after the strays. */
export function judgeStrays(
  stream: Stream,
  strays: Strays,
  completed: number,
  committed: Commit | null,
  hasLog: boolean,
): AuditFinding[] {
  const parts = toStreamParts(stream);
  const { next, end } = committed ?? { next: 0, end: null };
  // Below the commit is what the group takes for stored: judgeCommit has that.
  const isFine = (first: number, last: number) =>
    last <= completed || last < next || (end !== null && last <= end && first >= next);
  const underWay = end === null ? 'nothing is being stored' : `only ${next} to ${end} is being stored`;
  const expected = `no rows behind ${completed}, the last position that is completed; ${underWay}`;
  const phantom = (first: number, last: number, got: string): AuditFinding => ({
    kind: 'PHANTOM',
    stream: parts,
    first,
    last,
    expected,
    got,
    todo: hasLog
      ? `nobody acknowledged these: delete them, WHERE log_stream = ${stream} AND log_offset BETWEEN ${first} AND ${last}, from the table and from rollup_hourly`
      : 'the log of this stream is gone, so nobody can tell: either the ledger has lost its last rows, or nobody acknowledged these',
  });
  return [
    ...toOffsetRanges(strays.rows.filter((offset) => !isFine(offset, offset))).map(({ first, last }) =>
      phantom(first, last, 'rows in events, dead_letters or repeats'),
    ),
    ...strays.rollup
      .filter(
        ([first, last]) => !isFine(first, last) && !strays.rows.some((offset) => offset >= first && offset <= last),
      )
      .map(([first, last]) => phantom(first, last, 'rows in rollup_hourly alone')),
    ...strays.announced
      .filter(([first, last]) => !isFine(first, last))
      .map(
        ([first, last]): AuditFinding => ({
          kind: 'ANNOUNCED_ONLY',
          stream: parts,
          first,
          last,
          expected: `nothing announced behind ${completed} but what is being stored; ${underWay}`,
          got: `a range that was announced and never completed`,
          todo: 'the commit was led back behind it: let a sink go on, and verify again',
        }),
      ),
  ];
}
