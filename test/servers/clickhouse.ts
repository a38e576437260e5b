import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { reservePorts } from './ports.ts';
import { ServerUnavailable } from './prepared.ts';
import { startProcess } from './process.ts';
import type { Server, StartOptions } from './server.ts';

export interface ClickHouseEnv {
  readonly CLICKHOUSE_URL: string;
  readonly CLICKHOUSE_USER: string;
  readonly CLICKHOUSE_PASSWORD: string;
}

export interface ClickHouseOptions extends StartOptions {
  /** The only user that is let in; by default "default" without a password. */
  readonly user?: string;
  readonly password?: string;
  /** Where it keeps its data; by default in `dir`. */
  readonly dataDir?: string;
  /** Row policies of everybody who asks: a condition by "database.table". They apply to reading, from the start. */
  readonly rowPolicies?: Readonly<Record<string, string>>;
}

export type ClickHouseServer = Server<ClickHouseEnv>;

/** Nothing is fetched: the engine is a package of this project, but an optional one. */
export async function prepare(): Promise<void> {
  const require = createRequire(import.meta.url);
  try {
    const packages = require.resolve.paths('@chdb/lib') ?? [];
    const library = `lib-${process.platform}-${process.arch}${process.platform === 'linux' ? '-gnu' : ''}`;
    require.resolve('chdb/package.json');
    if (packages.some((folder) => existsSync(join(folder, '@chdb', library)))) return;
    throw new Error(`there is no @chdb/${library}`);
  } catch (cause) {
    const advice = 'install it with "npm ci", without --omit=optional; it runs on Linux (glibc) and macOS';
    throw new ServerUnavailable(`the ClickHouse engine (package chdb) is not installed: ${advice}`, { cause });
  }
}

/** Starts the ClickHouse engine behind ClickHouse's HTTP interface; resolves when it answers. */
export async function start(options: ClickHouseOptions): Promise<ClickHouseServer> {
  await prepare();
  const [port] = await reservePorts(options.port, 1);
  const { user = 'default', password = '' } = options;
  const url = `http://127.0.0.1:${port}`;
  const data = options.dataDir ?? join(options.dir, 'data');
  await mkdir(data, { recursive: true });
  const more = options.rowPolicies ? [await writeUsers(options.dir, options.rowPolicies)] : [];
  const server = await startProcess({
    name: 'clickhouse',
    command: process.execPath,
    args: [
      '--no-warnings',
      join(import.meta.dirname, 'clickhouse-http.ts'),
      data,
      String(port),
      user,
      password,
      ...more,
    ],
    env: { UV_THREADPOOL_SIZE: '24' },
    logFile: join(options.dir, 'server.log'),
    answers: async () => (await fetch(`${url}/ping`, { signal: AbortSignal.timeout(2000) })).ok,
    startMs: 60_000,
    stopMs: 10_000,
    ...(options.onUnexpectedEnd && { onUnexpectedEnd: (how) => options.onUnexpectedEnd?.(`clickhouse: ${how}`) }),
  });
  // Its process is asked through getters, which a copy would freeze.
  return Object.assign(server, { env: { CLICKHOUSE_URL: url, CLICKHOUSE_USER: user, CLICKHOUSE_PASSWORD: password } });
}

/** A configuration with one user, who may do everything and reads what the policies let through; answers its path. */
async function writeUsers(dir: string, policies: Readonly<Record<string, string>>): Promise<string> {
  const filters = Object.entries(policies).map(([name, condition]) => {
    const [database, table] = name.split('.') as [string, string];
    const text = condition.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    return `<${database}><${table}><filter>${text}</filter></${table}></${database}>`;
  });
  const users = join(dir, 'users.xml');
  const config = join(dir, 'config.xml');
  const open = '<password></password><networks><ip>::/0</ip></networks><access_management>1</access_management>';
  await writeFile(
    users,
    `<clickhouse><profiles><default></default></profiles><quotas><default></default></quotas><users><default>${open}
<profile>default</profile><quota>default</quota><databases>${filters.join('\n')}</databases></default></users></clickhouse>`,
  );
  await writeFile(config, `<clickhouse><users_config>${users}</users_config></clickhouse>`);
  return config;
}
