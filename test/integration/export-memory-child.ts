import type { AddressInfo } from 'node:net';
import { createClient } from '@clickhouse/client';
import { openServerWarehouse } from '../../src/adapters/clickhouse/open.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { toQuery } from './export-site.ts';
import { openSite, secrets } from './graphql-site.ts';

// node export-memory-child.ts DATABASE KIND ROWS FORMAT, with CLICKHOUSE_* in the environment: a gateway over an engine that is
// another process exports so many generated events to a client of its own; says what it saw and the most memory that it had.

const [database = '', kind = '', rows = '0', format = ''] = process.argv.slice(2);
const { CLICKHOUSE_URL: url = '', CLICKHOUSE_USER: user = '', CLICKHOUSE_PASSWORD: password = '' } = process.env;
const count = Number(rows);

const warehouse = openServerWarehouse({
  url,
  user,
  password,
  database,
  cluster: undefined,
  limits: { seconds: 60, memoryBytes: 4e9, resultRows: 100_000 },
  metrics: createMetrics(),
});
await warehouse.migrate();
// As many small ones as there are to be, or a few small ones and then large ones, which no page before them has measured.
const text = kind === 'large' ? "if(number < 20000, repeat('x', 10), randomPrintableASCII(30000))" : "'pro'";
const client = createClient({ url, username: user, password, database, request_timeout: 300_000 });
await client.command({
  query: `INSERT INTO events (project, kind, received_at, log_stream, log_offset, event, time, message_id, user_id, data)
    SELECT 'shop', 'track', '2026-03-01 12:00:00.000', 0, number, concat('E', toString(number % 5)),
      fromUnixTimestamp64Milli(toInt64(1770000000000) + toInt64(number) * 100, 'UTC'), concat('m', toString(number)), toString(number % 1000),
      concat('{"properties":', toJSONString(map('plan', ${text})), '}') FROM numbers(${count}) SETTINGS max_block_size = 8192`,
});
await client.close();
const row = { phase: 'completed', log_stream: 0, first_offset: 0, last_offset: count - 1, project: 'shop' };
await warehouse.insert('ledger', Buffer.from(`${JSON.stringify(row)}\n`), { token: 'ledger' });

const site = await openSite({ warehouse });
await site.app.listen({ port: 0, host: '127.0.0.1' });
const { port } = site.app.server.address() as AddressInfo;
const before = process.memoryUsage().rss;
let most = before;
const watch = setInterval(() => {
  most = Math.max(most, process.memoryUsage().rss);
}, 20);
const range = { from: '2020-01-01T00:00:00Z', to: '2050-01-01T00:00:00Z' };
const path = `/export/events.${format}${toQuery({ range, order: 'OLDEST', freshness: { maxAgeMs: 0 } })}`;
const response = await fetch(`http://127.0.0.1:${port}${path}`, {
  headers: { authorization: `Bearer ${secrets.read}` },
});
let bytes = 0;
for await (const chunk of response.body ?? []) bytes += chunk.length;
clearInterval(watch);
const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
const written = Number(/tallygate_export_rows_total\{[^}]*\} (\d+)/.exec(metrics)?.[1]);
process.stdout.write(JSON.stringify({ status: response.status, rows: written, bytes, before, most }));
await site.close();
await warehouse.close();
