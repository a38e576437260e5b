import type { Warehouse } from '../../ports/warehouse.ts';
import { begins, type Cause, ofRange } from '../corrections.ts';
import { toLedgerRow } from '../ledger.ts';
import { inRange, type StreamRange, toRangeName } from '../stream-range.ts';
import { type Doomed, toTombstone } from './tombstone.ts';

const rounds = 25;
const options = { label: 'deletion', lane: 'sink', limits: { seconds: 600, resultRows: 1_000_000 } } as const;

/** A tombstone at each of the positions that has none. `doomed` are in order, and not empty. */
export async function addTombstones(
  warehouse: Warehouse,
  stream: number,
  of: { readonly project: string; readonly deletion: string },
  doomed: readonly Doomed[],
): Promise<void> {
  const range = { stream, first: doomed[0]!.offset, last: doomed.at(-1)!.offset };
  for (let round = 1; round <= rounds; round++) {
    const { rows } = await warehouse.query<{ log_offset: string }>(
      { sql: `SELECT log_offset FROM tombstones WHERE ${inRange}`, params: { ...range } },
      options,
    );
    const present = new Set(rows.map(({ log_offset }) => Number(log_offset)));
    const absent = doomed.filter(({ offset }) => !present.has(offset));
    if (absent.length === 0) return;
    const lines = absent.map((record) => toTombstone(stream, of, record));
    await warehouse.insert('tombstones', Buffer.from(lines.join('')), {
      token: `delete:${of.deletion}:${toRangeName(range)}:tombstones:${round}`,
    });
  }
  throw new Error(`tombstones of positions ${range.first} to ${range.last} are still missing after ${rounds} tries`);
}

/** Makes the ledger say of a range of it what was deleted: as many as there are tombstones. */
export async function noteDeleted(warehouse: Warehouse, range: StreamRange, cause: Cause): Promise<void> {
  const { first, last } = range;
  const token = `${cause}:${toRangeName(range)}${begins}`;
  for (let round = 1; round <= rounds; round++) {
    const { rows } = await warehouse.query<{ project: string; key_id: string; events: string; dead: string }>(
      {
        sql: `SELECT project, key_id, sum(e) AS events, sum(d) AS dead FROM (
                SELECT project, key_id, toInt64(uniqExactIf(log_offset, was = 'event')) AS e, toInt64(uniqExactIf(log_offset, was = 'dead_letter')) AS d
                FROM tombstones WHERE ${inRange} GROUP BY project, key_id
                UNION ALL SELECT project, key_id, sum(g.stored), sum(g.dead_lettered) FROM ledger AS g
                WHERE ${ofRange} AND startsWith(token, 'delete:') GROUP BY project, key_id)
              GROUP BY project, key_id HAVING events != 0 OR dead != 0 ORDER BY project, key_id`,
        params: { ...range },
      },
      options,
    );
    if (rows.length === 0) return;
    const lines = rows.map(({ project, key_id, events, dead }) =>
      toLedgerRow('corrected', range, token, {
        project,
        keyId: key_id,
        stored: -Number(events),
        deduplicated: 0,
        deadLettered: -Number(dead),
        deleted: Number(events) + Number(dead),
        touches: [],
        newestReceivedAt: 0,
        newestTime: 0,
      }),
    );
    await warehouse.insert('ledger', Buffer.from(lines.join('')), { token: `${token}:${round}` });
  }
  throw new Error(`the ledger still differs from the tombstones of ${first} to ${last} after ${rounds} corrections`);
}
