import { rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { openEnginePool } from '../../src/adapters/clickhouse/engine-pool.ts';
import { openEmbeddedWarehouse } from '../../src/adapters/clickhouse/open.ts';
import type { BudgetSetting } from '../../src/config.ts';
import { toTouch } from '../../src/events/touch.ts';
import type { Warehouse } from '../../src/ports/warehouse.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { makeFolder, openSite, type Site, secrets } from './graphql-site.ts';

/** A gateway that listens, over an engine whose rows a test writes itself: as they are to be, and as many as it wants. */
export interface ExportSite {
  readonly url: string;
  readonly site: Site;
  /** The end of all rows that are stored is the end of what reports see. */
  store(lines: readonly StoredRow[]): Promise<void>;
  /** SELECT of columns of `events`; `count` rows of it, at the next offsets. */
  generate(select: string, count: number): Promise<void>;
  /** What the engine itself reads of a file, in any order: it reads batches side by side. */
  readFile(path: string, format: string): Promise<readonly Record<string, unknown>[]>;
  /** Another gateway over the same rows. */
  openBeside(
    warehouse: (inner: Warehouse) => Warehouse,
    budgets?: readonly BudgetSetting[],
  ): Promise<{ readonly url: string; readonly site: Site; close(): Promise<void> }>;
  get(path: string, options?: { as?: string | null; headers?: Record<string, string> }): Promise<Response>;
  close(): Promise<void>;
}

export interface StoredRow {
  readonly project?: string;
  readonly time?: string;
  readonly receivedAt?: string;
  readonly event?: string;
  readonly kind?: string;
  readonly userId?: string;
  readonly anonymousId?: string;
  readonly messageId?: string;
  readonly originalTimestamp?: string | null;
  /** JSON as text. */
  readonly data?: string;
}

export async function openExportSite(clock: () => number = Date.now): Promise<ExportSite> {
  const folder = makeFolder();
  const metrics = createMetrics();
  const warehouse = await openEmbeddedWarehouse({
    path: folder,
    database: 'tallygate',
    reportConnections: 4,
    limits: { seconds: 60, memoryBytes: 4e9, resultRows: 100_000 },
    metrics,
  });
  await warehouse.migrate();
  const engine = await openEnginePool(folder, 1);
  await engine.use('tallygate');
  let next = 0;

  const complete = async (count: number) => {
    const [first, last] = [next, next + count - 1];
    // Without what they touch, an answer of before they were seen would stay the right one for ever.
    const { rows } = await warehouse.query<{ time: string; received: string }>(
      {
        sql: `SELECT DISTINCT intDiv(toUnixTimestamp64Milli(time), 3600000) * 3600000 AS time, toUnixTimestamp64Milli(received_at) AS received
          FROM events WHERE log_stream = 0 AND log_offset BETWEEN ${first} AND ${last}`,
      },
      { label: 'test' },
    );
    const touches = new Set(rows.map(({ time, received }) => toTouch(Number(time), Number(received))));
    const row = {
      phase: 'completed',
      log_stream: 0,
      first_offset: first,
      last_offset: last,
      project: 'shop',
      touches: [...touches],
    };
    await warehouse.insert('ledger', Buffer.from(`${JSON.stringify(row)}\n`), { token: `ledger:${next}` });
    next += count;
  };
  const listen = async (over: Warehouse, budgets: readonly BudgetSetting[] = []) => {
    const site = await openSite({ warehouse: over, clock, budgets });
    await site.app.listen({ port: 0, host: '127.0.0.1' });
    return { site, url: `http://127.0.0.1:${(site.app.server.address() as AddressInfo).port}` };
  };
  const first = await listen(warehouse);

  return {
    ...first,
    async store(rows) {
      const lines = rows.map((row, i) => {
        const head = JSON.stringify({
          log_stream: 0,
          log_offset: next + i,
          v: 1,
          project: row.project ?? 'shop',
          message_id: row.messageId ?? `m${next + i}`,
          received_at: row.receivedAt ?? '2026-03-01 12:00:00.000',
          time: row.time ?? '2026-03-01 12:00:00.123',
          kind: row.kind ?? 'track',
          event: row.event ?? 'Order',
          user_id: row.userId ?? 'u1',
          ...(row.anonymousId === undefined ? {} : { anonymous_id: row.anonymousId }),
          ...(row.originalTimestamp === undefined ? {} : { original_timestamp: row.originalTimestamp }),
        });
        return `${head.slice(0, -1)},"data":${row.data ?? '{}'}}\n`;
      });
      await warehouse.insert('events', Buffer.from(lines.join('')), { token: `rows:${next}` });
      await complete(rows.length);
    },
    async generate(select, count) {
      await engine.sink.command({
        query: `INSERT INTO events (project, kind, received_at, log_stream, log_offset, event, time, message_id, user_id, data)
          SELECT 'shop', 'track', '2026-03-01 12:00:00.000', 0, ${next} + number, ${select} FROM numbers(${count}) SETTINGS max_insert_threads = 1`,
      });
      await complete(count);
    },
    async readFile(path, format) {
      const sql = `SELECT * FROM file('${path}', '${format}')`;
      return (await warehouse.query<Record<string, unknown>>({ sql }, { label: 'test' })).rows;
    },
    async openBeside(wrap, budgets) {
      const { site, url } = await listen(wrap(warehouse), budgets);
      return { url, site, close: () => site.close() };
    },
    get: (path, { as = secrets.read, headers = {} } = {}) =>
      fetch(`${first.url}${path}`, {
        headers: { ...(as === null ? {} : { authorization: `Bearer ${as}` }), ...headers },
      }),
    async close() {
      await first.site.close();
      await engine.close();
      await warehouse.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function toQuery(parameters: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(parameters).map(([name, of]) => [
    name,
    typeof of === 'string' ? of : JSON.stringify(of),
  ]);
  return `?${new URLSearchParams(entries as [string, string][])}`;
}
