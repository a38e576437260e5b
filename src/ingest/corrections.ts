import type { Stream } from '../events/position.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import { type OffsetRange, toLedgerRow } from './ledger.ts';
import { inRange, notDeleted, type StreamRange, toRangeName } from './stream-range.ts';

/**
 * Rows of the ledger's phase `corrected` say, as differences, what moved. Those that begin a removal are followed by ones
 * that say nothing but that it is over. Between the two, no answer about the project is worth keeping: see src/reports/moment/versions.ts.
 */
export const begins = ':begin';
const ends = ':end';

/** Why rows are taken out: tokens begin with it. */
export type Cause = 'dedupe' | `delete:${string}`;

const rounds = 25;
const options = { label: 'ledger', lane: 'sink', limits: { seconds: 600, resultRows: 1_000_000 } } as const;
export const ofRange =
  "phase = 'corrected' AND log_stream = {stream:UInt32} AND last_offset BETWEEN {first:UInt64} AND {last:UInt64}";

/** Where a removal was begun and not ended. */
export async function readOpenCorrections(
  warehouse: Warehouse,
  cause: Cause,
): Promise<(StreamRange & { readonly project: string })[]> {
  const { rows } = await warehouse.query<{ stream: Stream; project: string; first: string; last: string }>(
    {
      sql: `SELECT log_stream AS stream, project, min(first_offset) AS first, max(last_offset) AS last FROM ledger
            WHERE phase = 'corrected' AND startsWith(token, {cause:String})
            GROUP BY log_stream, project, first_offset, last_offset HAVING countIf(endsWith(token, '${begins}')) > countIf(endsWith(token, '${ends}'))
            ORDER BY stream, first`,
      params: { cause: `${cause}:` },
    },
    options,
  );
  return rows.map((row) => ({ ...row, first: Number(row.first), last: Number(row.last) }));
}

/** Whether the tables have what the ledger says of a range: what they have lost must not be taken for a correction. */
export async function isCorrectable(warehouse: Warehouse, range: StreamRange): Promise<boolean> {
  const differences = await readDifferences(warehouse, range);
  return differences.every(({ stored, deduplicated, dead }) => stored + deduplicated === 0 && dead === 0);
}

/** Whether the ledger counts what the tables have at positions first..last, which must be whole ranges of it. */
export async function isBalanced(warehouse: Warehouse, range: StreamRange): Promise<boolean> {
  return (await readDifferences(warehouse, range)).length === 0;
}

/** Makes the ledger say what the tables will have once the events that are in `repeats` as well are gone; false when it does already. */
export function beginCorrection(
  warehouse: Warehouse,
  range: StreamRange,
  touches: readonly number[],
): Promise<boolean> {
  return correct(warehouse, range, `dedupe:${toRangeName(range)}${begins}`, touches);
}

/**
 * Makes the ledger say what the tables have after rows were put back: of two lanes that had both lost an id, the other one
 * may have the event now. Not where a dedupe had moved some: what it took out has come back, and verify accuses until it
 * runs again.
 */
export async function noteMoved(warehouse: Warehouse, range: StreamRange): Promise<void> {
  const { rows } = await warehouse.query<{ n: string }>(
    { sql: `SELECT count() AS n FROM ledger WHERE ${ofRange} AND startsWith(token, 'dedupe:')`, params: { ...range } },
    options,
  );
  if (Number(rows[0]?.n) > 0 || !(await isCorrectable(warehouse, range))) return;
  await correct(warehouse, range, `restore:${toRangeName(range)}`, []);
}

/** Writes the differences as rows of the ledger; false when there are none. */
async function correct(
  warehouse: Warehouse,
  { stream, first, last }: StreamRange,
  token: string,
  touches: readonly number[],
): Promise<boolean> {
  for (let round = 1; round <= rounds; round++) {
    const differences = await readDifferences(warehouse, { stream, first, last });
    if (differences.length === 0) return round > 1;
    const lines = differences.map(({ project, key_id, stored, deduplicated }) =>
      toLedgerRow('corrected', { stream, first, last }, token, {
        project,
        keyId: key_id,
        stored,
        deduplicated,
        deadLettered: 0,
        touches,
        newestReceivedAt: 0,
        newestTime: 0,
      }),
    );
    await warehouse.insert('ledger', Buffer.from(lines.join('')), { token: `${token}:${round}` });
  }
  throw new Error(`the ledger still differs from the tables after ${rounds} corrections of ${first} to ${last}`);
}

interface Difference {
  readonly project: string;
  readonly key_id: string;
  readonly stored: number;
  readonly deduplicated: number;
  readonly dead: number;
}

/** At first..last, which must be whole ranges of the ledger. */
async function readDifferences(warehouse: Warehouse, range: StreamRange): Promise<Difference[]> {
  const { rows } = await warehouse.query<Record<keyof Difference, string>>(
    {
      sql: `SELECT project, key_id, sum(s) AS stored, sum(d) AS deduplicated, sum(l) AS dead FROM (
              SELECT project, key_id, toInt64(uniqExact(log_offset)) AS s, toInt64(0) AS d, toInt64(0) AS l FROM events
              WHERE ${inRange} AND ${notDeleted} AND log_offset NOT IN (SELECT log_offset FROM repeats WHERE ${inRange}) GROUP BY project, key_id
              UNION ALL SELECT project, key_id, 0, toInt64(uniqExact(log_offset)), 0 FROM repeats WHERE ${inRange} GROUP BY project, key_id
              UNION ALL SELECT project, key_id, 0, 0, toInt64(uniqExact(log_offset)) FROM dead_letters WHERE ${inRange} AND ${notDeleted} GROUP BY project, key_id
              UNION ALL SELECT project, key_id, -sum(g.stored), -sum(g.deduplicated), -sum(g.dead_lettered) FROM ledger AS g
              WHERE (phase = 'completed' AND log_stream = {stream:UInt32} AND first_offset >= {first:UInt64} AND last_offset <= {last:UInt64})
                OR (${ofRange}) GROUP BY project, key_id)
            GROUP BY project, key_id HAVING stored != 0 OR deduplicated != 0 OR dead != 0`,
      params: { ...range },
    },
    options,
  );
  return rows.map(({ project, key_id, stored, deduplicated, dead }) => ({
    project,
    key_id,
    stored: Number(stored),
    deduplicated: Number(deduplicated),
    dead: Number(dead),
  }));
}

/** Says that what was begun in this range is over. */
export async function endCorrection(warehouse: Warehouse, range: StreamRange, cause: Cause): Promise<void> {
  const { stream, first, last } = range;
  const token = `${cause}:${toRangeName(range)}${ends}`;
  for (let round = 1; round <= rounds; round++) {
    const { rows } = await warehouse.query<{ project: string; key_id: string; first: string; last: string }>(
      {
        sql: `SELECT project, key_id, first_offset AS first, last_offset AS last FROM ledger WHERE ${ofRange} AND startsWith(token, {cause:String})
              GROUP BY project, key_id, first_offset, last_offset
              HAVING countIf(endsWith(token, '${begins}')) > countIf(endsWith(token, '${ends}'))`,
        params: { ...range, cause: `${cause}:` },
      },
      options,
    );
    if (rows.length === 0) return;
    const lines = rows.map((row) =>
      toNothing({ stream, first: Number(row.first), last: Number(row.last) }, row.project, row.key_id, token),
    );
    await warehouse.insert('ledger', Buffer.from(lines.join('')), { token: `${token}:${round}` });
  }
  throw new Error(`the removal from ${first} to ${last} is still open after ${rounds} tries to end it`);
}

/** Says that rows of these projects came or went: answers that were made before are not used again. */
export async function noteChanged(
  warehouse: Warehouse,
  stream: Stream,
  { first, last }: OffsetRange,
  projects: Iterable<string>,
): Promise<void> {
  const token = `changed:${toRangeName({ stream, first, last })}:${crypto.randomUUID()}`;
  const lines = [...projects].map((project) => toNothing({ stream, first, last }, project, '', token));
  if (lines.length > 0) await warehouse.insert('ledger', Buffer.from(lines.join('')), { token });
}

function toNothing(range: StreamRange, project: string, keyId: string, token: string): string {
  return toLedgerRow('corrected', range, token, {
    project,
    keyId,
    stored: 0,
    deduplicated: 0,
    deadLettered: 0,
    touches: [],
    newestReceivedAt: 0,
    newestTime: 0,
  });
}
