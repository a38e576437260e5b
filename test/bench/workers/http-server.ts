import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fastify } from 'fastify';
import { mercurius } from 'mercurius';
import { scalars } from '../../../resolvers/scalars.ts';
import type { MutationTrackArgs } from '../../../resolvers/types.generated.ts';
import { createAuthenticator } from '../../../src/gateway/auth.ts';
import { createBudgets } from '../../../src/gateway/budgets.ts';
import { registerGraphQL } from '../../../src/gateway/graphql.ts';
import { createHttpServer } from '../../../src/gateway/http.ts';
import { createSchema } from '../../../src/gateway/schema.ts';
import type { Tracker } from '../../../src/ingest/tracker.ts';
import { createReports } from '../../../src/reports/reports.ts';
import { openCache, openLog, openWarehouse } from '../../../src/roles/backends.ts';
import { startGatewayPart } from '../../../src/roles/gateway.ts';
import { serveJobs } from '../worker.ts';
import { quietTelemetry, toConfig } from './telemetry.ts';

export interface ServeJob {
  /**
   * parse: node:http, JSON.parse and a fixed answer. mercurius: Mercurius with JIT, the tracking schema and a resolver that does nothing.
   * idle: our gateway with a tracker that does nothing. log: our gateway with its durable log, but no sink.
   */
  readonly kind: 'parse' | 'mercurius' | 'idle' | 'log';
}

export interface Serving {
  readonly url: string;
  readonly pid: number;
}

const host = '127.0.0.1';
const payload = (messageId: string) => ({
  result: { index: 0, messageId, status: 'ACCEPTED', errors: [] },
  token: 'WzAsMV0',
});

async function serveParse(): Promise<string> {
  const answer = JSON.stringify({ data: { track: payload('fixed') } });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { query } = JSON.parse(chunks.length === 1 ? String(chunks[0]) : Buffer.concat(chunks).toString());
      response.writeHead(typeof query === 'string' ? 200 : 400, headers).end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return `http://${host}:${(server.address() as AddressInfo).port}`;
}

async function serveMercurius(): Promise<string> {
  const app = fastify({ logger: false, bodyLimit: 1024 * 1024 });
  const schemaDir = join(import.meta.dirname, '../../../schema');
  const [scalarTypes, tracking] = ['scalars', 'tracking'].map((name) =>
    readFileSync(join(schemaDir, `${name}.graphql`), 'utf8'),
  );
  await app.register(mercurius, {
    schema: `${scalarTypes}\n${tracking}\ntype Query { ok: Boolean }`,
    resolvers: {
      ...scalars,
      Mutation: { track: async (_: unknown, { input }: MutationTrackArgs) => payload(input.messageId ?? '') },
    },
    jit: 1,
  });
  return app.listen({ host, port: 0 });
}

async function serveGateway(kind: 'idle' | 'log'): Promise<string> {
  const config = { ...toConfig(), HOST: host, PORT: 0 };
  const telemetry = quietTelemetry();
  const log = await openLog(config, telemetry);
  const warehouse = await openWarehouse(config, telemetry);
  const cache = openCache(config, telemetry);
  await warehouse.migrate();
  if (kind === 'log') return (await startGatewayPart(config, { log, warehouse, cache }, telemetry)).url;

  const nothing: Tracker = {
    track: async (_, [first]) => ({
      results: [payload(first?.input.messageId ?? '').result as never],
      token: payload('').token,
      refusal: null,
    }),
  };
  const app = await createHttpServer({ ...telemetry, isReady: () => true });
  await registerGraphQL(app, {
    ...telemetry,
    schema: createSchema(),
    authenticator: createAuthenticator(config.credentials),
    tracker: nothing,
    deletions: { request: () => Promise.reject(new Error('nobody is deleted here')) },
    reports: createReports({ log, warehouse, cache, ...telemetry }),
    introspection: config.INTROSPECTION,
    admission: { mostRequests: config.MAX_IN_FLIGHT, mostBytes: 128 * 1024 * 1024 },
    budgetOf: createBudgets(config.READ_BUDGETS),
    corsOrigins: config.CORS_ORIGINS,
    subscriptions: { most: 10, mostOfProject: 10, mostOfConnection: 10, stallMs: 30_000 },
  });
  return app.listen({ host, port: 0 });
}

serveJobs<ServeJob, Serving>(async ({ kind }) => {
  const url = kind === 'parse' ? serveParse() : kind === 'mercurius' ? serveMercurius() : serveGateway(kind);
  return { url: await url, pid: process.pid };
});
