import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createChdbConnection } from 'chdb/connection';
import { openCache, openLog, openWarehouse } from '../../../src/roles/backends.ts';
import { startGatewayPart } from '../../../src/roles/gateway.ts';
import { serveJobs } from '../worker.ts';
import type { Serving } from './http-server.ts';
import { fillWarehouse } from './reports-data.ts';
import { quietTelemetry, toConfig } from './telemetry.ts';

/** A gateway over so many events; or a bare server that has one answer for everything. */
export type ReportServeJob = { readonly events: number } | { readonly answer: string };

const host = '127.0.0.1';

async function serveReports(events: number): Promise<string> {
  const config = { ...toConfig(), HOST: host, PORT: 0 };
  const telemetry = quietTelemetry();
  const warehouse = await openWarehouse(config, telemetry);
  await warehouse.migrate();
  const engine = createChdbConnection({ path: `${config.DATA_DIR}/warehouse` });
  await engine.command({ query: `USE ${config.CLICKHOUSE_DATABASE}` });
  await fillWarehouse(warehouse, engine, events);
  const log = await openLog(config, telemetry);
  const cache = openCache(config, telemetry);
  return (await startGatewayPart(config, { log, warehouse, cache }, telemetry)).url;
}

/** Reads what is asked as any server has to, and parses it. */
async function serveBytes(answer: string): Promise<string> {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { query } = JSON.parse(Buffer.concat(chunks).toString()) as { query?: unknown };
      response.writeHead(typeof query === 'string' ? 200 : 400, headers).end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return `http://${host}:${(server.address() as AddressInfo).port}`;
}

serveJobs<ReportServeJob, Serving>(async (job) => {
  const url = 'answer' in job ? serveBytes(job.answer) : serveReports(job.events);
  return { url: await url, pid: process.pid };
});
