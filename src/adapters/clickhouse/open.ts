import { mkdirSync } from 'node:fs';
import { ClickHouseLogLevel, type ClickHouseSettings, createClient } from '@clickhouse/client';
import type { CorrectableWarehouse, StatementLimits } from '../../ports/warehouse.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { type Connection, openEnginePool } from './engine-pool.ts';
import { createFileInsert, createStreamInsert } from './insert-lines.ts';
import { createWarehouse } from './warehouse.ts';

interface Common {
  readonly database: string;
  readonly limits: StatementLimits;
  readonly metrics: Metrics;
}

export interface ServerOptions extends Common {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly cluster: string | undefined;
  /** Whom statements of reports are asked as, when it is somebody else: see docs/deploying.md. */
  readonly reportsUser?: { readonly name: string; readonly password: string } | undefined;
}

/** A ClickHouse server or cluster. Returns at once; whether it answers shows in the first statement. */
export function openServerWarehouse({
  url,
  user,
  password,
  database,
  cluster,
  reportsUser,
  limits,
  metrics,
}: ServerOptions): CorrectableWarehouse {
  const connect = (
    name: string,
    connections: number,
    more: {
      readonly database?: string;
      readonly settings?: ClickHouseSettings;
      readonly as?: { readonly name: string; readonly password: string } | undefined;
    } = { database },
  ) =>
    createClient({
      url,
      username: more.as?.name ?? user,
      password: more.as?.password ?? password,
      application: `tallygate-${name}`,
      ...(more.database ? { database: more.database } : {}),
      max_open_connections: connections,
      request_timeout: (limits.seconds + 5) * 1000,
      // Below the server's own, so that no request meets a connection that is being closed.
      keep_alive: { enabled: true, idle_socket_ttl: 2500 },
      // What fails is ours to log, once.
      log: { level: ClickHouseLogLevel.OFF },
      compression: { request: true, response: false },
      // Long lists of parameters go into the body: addresses have a limit at every proxy.
      use_multipart_params_auto: true,
      ...(more.settings ? { clickhouse_settings: more.settings } : {}),
    });
  // The server ends a statement whose client has gone away only when it can change nothing.
  const reading = {
    database,
    settings: { readonly: '2' as const, cancel_http_readonly_queries_on_client_close: 1 as const },
  };
  const reports = connect('reports', 16, { ...reading, as: reportsUser });
  const everyProject = reportsUser ? connect('checks', 4, reading) : reports;
  const ledger = connect('ledger', 4, reading);
  const sink = connect('sink', 32);
  return createWarehouse({
    clients: {
      reports,
      sink,
      ledger,
      everyProject,
      insertLines: createStreamInsert(sink),
      selectDatabase: async () => {
        const plain = connect('migrate', 1, {});
        await plain.command({
          query: `CREATE DATABASE IF NOT EXISTS ${database} ${cluster ? `ON CLUSTER '${cluster}'` : ''}`,
        });
        await plain.close();
      },
      close: async () => {
        await reports.close();
        if (everyProject !== reports) await everyProject.close();
        await ledger.close();
        await sink.close();
      },
    },
    variant: { database, cluster },
    reportsUser: reportsUser?.name,
    limits,
    metrics,
  });
}

export interface EmbeddedOptions extends Common {
  readonly path: string;
  readonly reportConnections: number;
}

/** The engine in this process. Rejects with STORE_IN_USE when another process has the folder. */
export async function openEmbeddedWarehouse({
  path,
  database,
  reportConnections,
  limits,
  metrics,
}: EmbeddedOptions): Promise<CorrectableWarehouse> {
  mkdirSync(path, { recursive: true });
  const pool = await openEnginePool(path, reportConnections);
  const connect = (connection: Connection) => createClient({ log: { level: ClickHouseLogLevel.OFF }, connection });
  const sink = connect(pool.sink);
  const reports = connect(pool.reports);
  const files = createFileInsert(sink, path);
  return createWarehouse({
    clients: {
      reports,
      sink,
      ledger: connect(pool.ledger),
      everyProject: reports,
      insertLines: files.insertLines,
      selectDatabase: async () => {
        await sink.command({ query: `CREATE DATABASE IF NOT EXISTS ${database}` });
        await pool.use(database);
      },
      close: async () => {
        await files.close();
        await pool.close();
      },
    },
    variant: { database, cluster: undefined },
    reportsUser: undefined,
    limits,
    metrics,
  });
}
