import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { TallygateError } from '../errors.ts';
import { createAuthenticator } from '../gateway/auth.ts';
import { createBudgets } from '../gateway/budgets.ts';
import { registerExport } from '../gateway/export/register.ts';
import { readSubgraph } from '../gateway/federation.ts';
import { registerGraphQL } from '../gateway/graphql.ts';
import { createHttpServer } from '../gateway/http.ts';
import { landingPage } from '../gateway/landing.ts';
import { createSchema, readTypeDefs } from '../gateway/schema.ts';
import { createDeletions } from '../ingest/deletion/request.ts';
import { startReceiptReports } from '../ingest/receipt-reports.ts';
import { createReceipts } from '../ingest/receipts.ts';
import { createTracker } from '../ingest/tracker.ts';
import type { EventLog } from '../ports/event-log.ts';
import type { ReportCache } from '../ports/report-cache.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import { createReports } from '../reports/reports.ts';
import { assertShared, openCache, openLog, openWarehouse, type Telemetry, untilKnown } from './backends.ts';

/** A running part of the service. */
export interface Part {
  /** Orderly, within the deadline in milliseconds; nothing acknowledged is lost even when it passes. Idempotent. */
  stop(deadlineMs: number): Promise<void>;
}

export interface GatewayPart extends Part {
  /** Where it listens: http://127.0.0.1:4000 */
  readonly url: string;
}

/** Of bodies that are being answered: parsed, they take several times as much. */
const mostBodyBytes = 128 * 1024 * 1024;
/** How long readiness waits for the log to answer for the first time, in milliseconds. */
const firstContactMs = 10_000;
/** What the last report of receipts may take in any case, in milliseconds. */
const lastReportMs = 500;

interface Backends {
  readonly log: EventLog;
  readonly warehouse: Warehouse;
  readonly cache: ReportCache;
}

/** Listens and answers. Waits for no shared backend, but for a moment for log and warehouse to answer for the first time. */
export async function startGatewayPart(
  config: Config,
  { log, warehouse, cache }: Backends,
  telemetry: Telemetry,
): Promise<GatewayPart> {
  const { logger, metrics } = telemetry;
  const schema = createSchema(openSubgraph(config));
  let phase: 'starting' | 'ready' | 'stopping' = 'starting';
  const reports = createReports({
    log,
    warehouse,
    cache,
    logger,
    metrics,
    feeds: { memoryBytes: config.SUBSCRIPTION_MEMORY_MB * 1024 * 1024, trendEveryMs: config.TREND_CHANGES_MS },
  });
  const receipts = createReceipts();
  const receiptReports = await startReceiptReports({ receipts, warehouse, logger });
  const app = await createHttpServer({ logger, metrics, isReady: () => phase === 'ready' });
  const authenticator = createAuthenticator(config.credentials);
  const budgetOf = createBudgets(config.READ_BUDGETS);
  const graphql = await registerGraphQL(app, {
    schema,
    authenticator,
    tracker: createTracker({ log, metrics, receipts, retentionDays: config.RETENTION_DAYS }),
    deletions: createDeletions({ log, warehouse }),
    reports,
    introspection: config.INTROSPECTION,
    admission: { mostRequests: config.MAX_IN_FLIGHT, mostBytes: mostBodyBytes },
    budgetOf,
    corsOrigins: config.CORS_ORIGINS,
    subscriptions: {
      most: config.SUBSCRIPTIONS_AT_ONCE,
      mostOfProject: config.SUBSCRIPTIONS_PER_PROJECT,
      mostOfConnection: config.SUBSCRIPTIONS_PER_CONNECTION,
      stallMs: config.SUBSCRIPTION_STALL_SECONDS * 1000,
    },
    logger,
    metrics,
  });
  const exporting = registerExport(app, {
    schema,
    authenticator,
    reports,
    introspection: config.INTROSPECTION,
    budgetOf,
    limits: { most: config.EXPORTS_AT_ONCE, mostOfProject: config.EXPORTS_PER_PROJECT },
    logger,
    metrics,
  });
  if (config.INTROSPECTION)
    app.get('/schema.graphql', async (_request, reply) =>
      reply.type('application/graphql; charset=utf-8').send(readTypeDefs()),
    );
  await app.register(landingPage({ demo: config.demo }));
  await listen(app, config);
  // A gateway that has not met its log yet would refuse what the others take; one whose log is away does not wait for it. In
  // the background: the process can be stopped meanwhile.
  void untilKnown(log, firstContactMs, () => phase === 'starting').then(() => {
    if (phase === 'starting') phase = 'ready';
  });

  let stopped: Promise<void> | null = null;
  const stop = async (deadlineMs: number) => {
    phase = 'stopping';
    const started = Date.now();
    await sleep(Math.min(config.DRAIN_DELAY_MS, deadlineMs));
    exporting.stop();
    await graphql.subscriptions.stop(Math.max(0, deadlineMs - (Date.now() - started)));
    await Promise.race([
      app.close(),
      sleep(Math.max(0, deadlineMs - (Date.now() - started)), undefined, { ref: false }),
    ]);
    reports.stop();
    await graphql.stop();
    await receiptReports.stop(Math.max(lastReportMs, deadlineMs - (Date.now() - started)));
  };
  return {
    url: toUrl(config.HOST, (app.server.address() as AddressInfo).port),
    stop: (deadlineMs) => {
      stopped ??= stop(deadlineMs);
      return stopped;
    },
  };
}

/** null without FEDERATION. Throws CONFIG_INVALID. */
function openSubgraph({ FEDERATION, ENTITIES_FILE, INTROSPECTION }: Config) {
  if (!FEDERATION) return null;
  return readSubgraph({ typeDefs: readTypeDefs(), entitiesFile: ENTITIES_FILE ?? null, introspection: INTROSPECTION });
}

/** `tallygate gateway`: answers mutations and reports; a sink elsewhere stores. */
export async function runGateway(config: Config, telemetry: Telemetry): Promise<GatewayPart> {
  assertShared(config, 'gateway');
  const log = await openLog(config, telemetry);
  const warehouse = await openWarehouse(config, telemetry);
  const cache = openCache(config, telemetry);
  const part = await startGatewayPart(config, { log, warehouse, cache }, telemetry);
  return {
    url: part.url,
    async stop(deadlineMs) {
      await part.stop(deadlineMs);
      await Promise.allSettled([log.close(), warehouse.close(), cache.close()]);
    },
  };
}

export async function listen(
  app: { listen(options: { host: string; port: number }): Promise<string> },
  { HOST, PORT }: Config,
): Promise<void> {
  try {
    await app.listen({ host: HOST, port: PORT });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why =
      code === 'EADDRINUSE'
        ? `port ${PORT} is taken: stop what has it, or set PORT`
        : code === 'EACCES'
          ? `port ${PORT} is not ours to take: set PORT above 1023`
          : String(cause);
    throw new TallygateError('CONFIG_INVALID', `expected to listen on ${HOST}:${PORT}, but ${why}`, { cause });
  }
}

export function toUrl(host: string, port: number): string {
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${shown}:${port}`;
}
