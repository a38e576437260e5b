import type { createChdbConnection } from 'chdb/connection';
import { insertSettings } from '../../../src/adapters/clickhouse/warehouse.ts';
import { toStreamOf } from '../../../src/events/position.ts';
import { toTouch } from '../../../src/events/touch.ts';
import { toLedgerRow } from '../../../src/ingest/ledger.ts';
import type { Warehouse } from '../../../src/ports/warehouse.ts';
import { project, streams, toInsert, toUnseen } from '../report-events.ts';

const batchRows = 1_000_000;
const label = { label: 'bench', limits: { seconds: 600, memoryBytes: 16 * 2 ** 30 } } as const;

type Engine = ReturnType<typeof createChdbConnection>;

/** Fills the tables of a migrated warehouse through the product's own views, and the ledger as the sink does; a full one stays as it is. */
export async function fillWarehouse(warehouse: Warehouse, engine: Engine, events: number): Promise<void> {
  // Parts stay as they were inserted, a million rows each: figures do not depend on what is merged beside them.
  await engine.command({ query: 'SYSTEM STOP MERGES events' });
  const { rows } = await warehouse.query<{ n: string }>({ sql: 'SELECT count() AS n FROM events' }, label);
  const present = Number(rows[0]?.n);
  if (present === events + toUnseen(events)) return;
  if (present > 0) throw new Error(`expected an empty table or one of ${events} events, got one of ${present} rows`);
  for (let first = 0; first < events; first += batchRows) {
    const last = Math.min(first + batchRows, events);
    await insert(engine, events, first, last);
    await complete(warehouse, first, last - 1);
  }
  await insert(engine, events, events, events + toUnseen(events));
}

async function insert(engine: Engine, events: number, first: number, last: number): Promise<void> {
  const settings = [
    ...insertSettings,
    `insert_deduplication_token = 'bench:${first}'`,
    'min_insert_block_size_rows = 1048576',
    'min_insert_block_size_bytes = 0',
  ].join(', ');
  await engine.command({ query: `${toInsert(events, first, last)} SETTINGS ${settings}` });
}

/** The streams take turns with the numbers, so a range of numbers is a range of each of them. */
async function complete(warehouse: Warehouse, first: number, last: number): Promise<void> {
  const { rows } = await warehouse.query<{ hour: string; newest: string }>(
    {
      sql: 'SELECT toString(toUnixTimestamp64Milli(time)) AS newest, toString(intDiv(toUnixTimestamp64Milli(time), 3600000)) AS hour FROM events WHERE log_offset BETWEEN {first:UInt64} AND {last:UInt64} ORDER BY time DESC LIMIT 1 BY hour',
      params: { first, last },
    },
    label,
  );
  const newest = Number(rows[0]?.newest);
  const stored = Math.ceil((last - first + 1) / streams);
  const counts = {
    project,
    keyId: 'k1',
    stored,
    deduplicated: 0,
    deadLettered: 0,
    // The numbers of the other streams: so the ledger adds up.
    dropped: last - first + 1 - stored,
    touches: rows.map(({ hour }) => toTouch(Number(hour) * 3_600_000, newest)),
    newestReceivedAt: newest,
    newestTime: newest,
  };
  for (const phase of ['announced', 'completed'] as const) {
    const lines = Array.from({ length: streams }, (_, s) =>
      toLedgerRow(phase, { stream: toStreamOf(0, 2 * s), first, last }, `bench:${s}:${first}`, counts),
    );
    await warehouse.insert('ledger', Buffer.from(lines.join('')), { token: `bench:${phase}:${first}` });
  }
}
