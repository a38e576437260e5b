import { mkdirSync } from 'node:fs';
import { type ClickHouseClient, ClickHouseError, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { TallygateError, toMessage } from '../../errors.ts';
import { openEnginePool } from './engine-pool.ts';
import { readMigrations, type Variant } from './migrate.ts';

export interface WarehouseFacts {
  /** As in 26.7.2.1 */
  readonly version: string;
  /** How far its clock is ahead of ours, in milliseconds; right to half the time that the question took. */
  readonly clockAheadMs: number;
  /** False when there is no such database, or none that this user may see. */
  readonly hasDatabase: boolean;
  readonly missingTables: readonly string[];
  /** Migrations that are not recorded as applied. */
  readonly pending: readonly string[];
  /** What a table refuses, in the server's words: "events: not enough privileges ..." */
  readonly refusals: readonly string[];
  /** Of a cluster: what of its set-up is missing. */
  readonly clusterProblems: readonly string[];
  /** Bytes that are free on its fullest disk; null when this user may not know. */
  readonly freeBytes: number | null;
}

export interface ServerQuestion extends Variant {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** Longest time of one statement, in milliseconds. */
  readonly timeoutMs: number;
}

const clientOptions = { application: 'tallygate-doctor', log: { level: ClickHouseLogLevel.OFF } } as const;

/** Looks at a server and changes nothing. Rejects with a sentence that says what is in the way. */
export async function probeServer({
  url,
  user,
  password,
  timeoutMs,
  ...variant
}: ServerQuestion): Promise<WarehouseFacts> {
  const client = createClient({
    ...clientOptions,
    url,
    username: user,
    password,
    request_timeout: timeoutMs,
    max_open_connections: 4,
  });
  try {
    return await readFacts(client, variant);
  } catch (thrown) {
    throw new TallygateError('WAREHOUSE_UNAVAILABLE', toReason(user, thrown), { cause: thrown });
  } finally {
    await client.close();
  }
}

/** Loads the engine on a folder and asks it the same. Rejects with STORE_IN_USE when another process has the folder. */
export async function probeEngine(path: string, database: string): Promise<WarehouseFacts> {
  mkdirSync(path, { recursive: true });
  const pool = await openEnginePool(path, 1);
  try {
    return await readFacts(createClient({ ...clientOptions, connection: pool.reports }), {
      database,
      cluster: undefined,
    });
  } finally {
    await pool.close();
  }
}

async function readFacts(client: ClickHouseClient, variant: Variant): Promise<WarehouseFacts> {
  const { database, cluster } = variant;
  const ask = async <Row>(query: string, query_params: Record<string, unknown> = {}) =>
    (await client.query({ query, query_params, format: 'JSONEachRow' })).json<Row>();

  const askedAt = Date.now();
  const [about] = await ask<{ version: string; now: string | number }>(
    'SELECT version() AS version, toUnixTimestamp64Milli(now64(3)) AS now',
  );
  const answeredAt = Date.now();
  const found = await ask<{ name: string }>('SELECT name FROM system.databases WHERE name = {database:String}', {
    database,
  });
  const present = new Set(
    (
      await ask<{ name: string }>('SELECT name FROM system.tables WHERE database = {database:String}', { database })
    ).map(({ name }) => name),
  );
  const migrations = readMigrations(variant);
  const tables = migrations.flatMap(({ statements }) => statements.flatMap(toTable));
  const applied = present.has('migrations')
    ? new Set((await ask<{ name: string }>(`SELECT name FROM ${database}.migrations`)).map(({ name }) => name))
    : new Set<string>();

  const refusals: string[] = [];
  for (const table of tables.filter((name) => present.has(name))) {
    // No row is read or written, but the rights to do so are checked, and whether the table takes writes at all.
    const statements = [
      `SELECT count() FROM ${database}.${table} WHERE 0`,
      `INSERT INTO ${database}.${table} SELECT * FROM ${database}.${table} WHERE 0`,
    ];
    for (const query of statements) {
      await client.command({ query }).catch((thrown: unknown) => {
        if (!(thrown instanceof ClickHouseError)) throw thrown;
        refusals.push(`${table}: ${toFirstLine(thrown.message)}`);
      });
    }
  }
  return {
    version: about?.version ?? 'unknown',
    clockAheadMs: Number(about?.now) - (askedAt + answeredAt) / 2,
    hasDatabase: found.length > 0,
    missingTables: tables.filter((name) => !present.has(name)),
    pending: migrations.map(({ name }) => name).filter((name) => !applied.has(name)),
    refusals: [...new Set(refusals)],
    clusterProblems: cluster === undefined ? [] : await findClusterProblems(ask, database, cluster),
    freeBytes: await readFreeBytes(ask),
  };
}

type Ask = <Row>(query: string, params?: Record<string, unknown>) => Promise<Row[]>;

async function findClusterProblems(ask: Ask, database: string, cluster: string): Promise<string[]> {
  const problems: string[] = [];
  const nodes = await ask('SELECT host_name FROM system.clusters WHERE cluster = {cluster:String} LIMIT 1', {
    cluster,
  });
  if (nodes.length === 0)
    problems.push(`the server knows no cluster "${cluster}": correct CLICKHOUSE_CLUSTER or its remote_servers`);
  const macros = (await ask<{ macro: string }>('SELECT macro FROM system.macros')).map(({ macro }) => macro);
  for (const macro of ['shard', 'replica'])
    if (!macros.includes(macro)) problems.push(`the server has no macro {${macro}}, which the paths of tables need`);
  const frozen = await ask<{ table: string }>(
    'SELECT table FROM system.replicas WHERE database = {database:String} AND is_readonly',
    { database },
  );
  if (frozen.length > 0)
    problems.push(`read-only for now: ${frozen.map(({ table }) => table).join(', ')} (look after its Keeper)`);
  return problems;
}

async function readFreeBytes(ask: Ask): Promise<number | null> {
  try {
    const [disk] = await ask<{ free: string | number | null }>('SELECT min(free_space) AS free FROM system.disks');
    const free = Number(disk?.free);
    // Object storage says that it has no end.
    return free > 0 && free < 2 ** 60 ? free : null;
  } catch {
    return null;
  }
}

function toTable(statement: string): string[] {
  const found = /^CREATE TABLE IF NOT EXISTS (\w+)/.exec(statement);
  return found ? [found[1] as string] : [];
}

const refusedUsers = new Set(['192', '193', '194', '516']);

function toReason(user: string, thrown: unknown): string {
  if (thrown instanceof ClickHouseError) {
    if (refusedUsers.has(String(thrown.code)))
      return `ClickHouse refuses user "${user}": correct CLICKHOUSE_USER or CLICKHOUSE_PASSWORD`;
    return `ClickHouse answers: ${toFirstLine(thrown.message)}`;
  }
  const { code } = thrown as { code?: unknown };
  if (code === 'ECONNREFUSED') return 'nothing listens there: start ClickHouse, or correct CLICKHOUSE_URL';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'the name is not known here: correct CLICKHOUSE_URL';
  return toFirstLine(toMessage(thrown) || String(code));
}

function toFirstLine(message: string): string {
  const line = message.split('\n', 1)[0] as string;
  return line.length > 200 ? `${line.slice(0, 200)}...` : line;
}
