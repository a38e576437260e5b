import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { FastifyInstance, InjectOptions } from 'fastify';
import type { Subgraph } from '../../resolvers/federation.ts';
import { openLmdbLog } from '../../src/adapters/lmdb/open-lmdb-log.ts';
import { createMemoryCache } from '../../src/adapters/memory/report-cache.ts';
import type { BudgetSetting, Credential } from '../../src/config.ts';
import type { AdmissionLimits } from '../../src/gateway/admission.ts';
import { createAuthenticator } from '../../src/gateway/auth.ts';
import { createBudgets } from '../../src/gateway/budgets.ts';
import { registerExport } from '../../src/gateway/export/register.ts';
import { registerGraphQL } from '../../src/gateway/graphql.ts';
import { createHttpServer } from '../../src/gateway/http.ts';
import { createSchema } from '../../src/gateway/schema.ts';
import type { SubscriptionLimits } from '../../src/gateway/subscriptions/register.ts';
import { createDeletions } from '../../src/ingest/deletion/request.ts';
import { toBytes } from '../../src/ingest/place.ts';
import type { Receipts } from '../../src/ingest/receipts.ts';
import { createTracker } from '../../src/ingest/tracker.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import type { Warehouse } from '../../src/ports/warehouse.ts';
import { createReports } from '../../src/reports/reports.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { readEnds } from '../contract/event-log-rig.ts';

export const secrets = {
  write: 'wk_0a1b2c3d4e5f',
  read: 'rt_6a7b8c9d0e1f',
  edit: 'et_4a5b6c7d8e9f',
  admin: 'at_2a3b4c5d6e7f',
  other: 'wk_another_project',
  otherRead: 'rt_another_project',
} as const;

const credentials: readonly Credential[] = [
  { project: 'shop', secret: secrets.write, right: 'write' },
  { project: 'shop', secret: secrets.read, right: 'read' },
  { project: 'shop', secret: secrets.edit, right: 'edit' },
  { project: 'shop', secret: secrets.admin, right: 'admin' },
  { project: 'other', secret: secrets.other, right: 'write' },
  { project: 'other', secret: secrets.otherRead, right: 'read' },
];

export interface SiteOptions {
  /** Shared by sites of one process: the engine keeps one data folder a process. */
  readonly warehouse: Warehouse;
  readonly introspection?: boolean;
  readonly subgraph?: Subgraph;
  readonly corsOrigins?: string;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
  readonly retentionDays?: number;
  readonly maxQueuedBytes?: number;
  /** Instead of one of its own. */
  readonly log?: EventLog;
  /** Counts what is answered. */
  readonly receipts?: Receipts | undefined;
  readonly admission?: AdmissionLimits;
  readonly subscriptions?: SubscriptionLimits;
  readonly budgets?: readonly BudgetSetting[];
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** Parsed, when it is JSON. */
  readonly body: { readonly data?: Record<string, unknown> | null; readonly errors?: readonly AnsweredError[] };
}

export interface AnsweredError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly locations?: readonly unknown[];
  readonly extensions: Readonly<Record<string, unknown>>;
}

export interface Site {
  readonly app: FastifyInstance;
  readonly log: EventLog;
  /** What was logged, one line each. */
  readonly lines: string[];
  send(options: InjectOptions): Promise<Answer>;
  /** POST /graphql as a client does it. */
  post(body: object | string, options?: { as?: string | null; headers?: Record<string, string> }): Promise<Answer>;
  /** Requests by the lane that executed them. */
  lanes(): Promise<{ compiled: number; ordinary: number }>;
  /** Values of all records, as text. */
  records(): Promise<string[]>;
  /** Stops GraphQL alone, as the end of a stop does. */
  stopGraphQL(): Promise<void>;
  close(): Promise<void>;
}

export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), 'tallygate-'));
}

/** The gateway's front door over a real log: what startGatewayPart wires, without a listener. */
export async function openSite(options: SiteOptions): Promise<Site> {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const logger = createLogger('info', destination);
  const metrics = createMetrics();
  const folder = makeFolder();
  const log =
    options.log ??
    (await openLmdbLog({
      path: folder,
      retentionMs: 3_600_000,
      maxQueuedBytes: options.maxQueuedBytes ?? 64 * 1024 * 1024,
      logger,
      metrics,
    }));
  const clock = options.clock ?? Date.now;
  const reports = createReports({
    log,
    warehouse: options.warehouse,
    cache: createMemoryCache({ maxBytes: 1 << 24, metrics }),
    logger,
    metrics,
    clock,
  });
  const app = await createHttpServer({ logger, metrics, isReady: () => true });
  const schema = createSchema(options.subgraph);
  const authenticator = createAuthenticator(credentials);
  const budgetOf = createBudgets(options.budgets ?? [], clock);
  const graphql = await registerGraphQL(app, {
    schema,
    authenticator,
    tracker: createTracker({ log, metrics, receipts: options.receipts, retentionDays: options.retentionDays, clock }),
    deletions: createDeletions({ log, warehouse: options.warehouse, clock }),
    reports,
    introspection: options.introspection ?? true,
    admission: options.admission ?? { mostRequests: 2000, mostBytes: 128 * 1024 * 1024 },
    budgetOf,
    corsOrigins: options.corsOrigins ?? '*',
    subscriptions: options.subscriptions ?? { most: 1000, mostOfProject: 500, mostOfConnection: 50, stallMs: 30_000 },
    logger,
    metrics,
  });
  const exporting = registerExport(app, {
    schema,
    authenticator,
    reports,
    introspection: options.introspection ?? true,
    budgetOf,
    limits: { most: 4, mostOfProject: 2 },
    logger,
    metrics,
  });
  await app.ready();

  const send = async (request: InjectOptions): Promise<Answer> => {
    const response = await app.inject(request);
    const text = response.body;
    const isJson = text !== '' && String(response.headers['content-type']).includes('json');
    const headers = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)]));
    return { status: response.statusCode, headers, text, body: isJson ? JSON.parse(text) : {} };
  };
  return {
    app,
    log,
    lines,
    send,
    post: (body, { as = secrets.admin, headers = {} } = {}) =>
      send({
        method: 'POST',
        url: '/graphql',
        headers: {
          'content-type': 'application/json',
          ...(as === null ? {} : { authorization: `Bearer ${as}` }),
          ...headers,
        },
        payload: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    async lanes() {
      const { values } = await metrics.fastLane.get();
      const of = (lane: string) => values.find(({ labels }) => labels.lane === lane)?.value ?? 0;
      return { compiled: of('compiled'), ordinary: of('ordinary') };
    },
    async records() {
      const ends = await readEnds(log);
      const records: string[] = [];
      for (const [partition, end] of ends.entries()) {
        if (end === 0) continue;
        for await (const chunk of log.read(partition, 0, end - 1))
          for (const record of chunk) records.push(toBytes(record).toString());
      }
      return records;
    },
    stopGraphQL: () => graphql.stop(),
    async close() {
      exporting.stop();
      await graphql.subscriptions.stop(1000);
      reports.stop();
      await app.close();
      await graphql.stop();
      if (!options.log) await log.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
