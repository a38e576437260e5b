import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { reservePorts } from './ports.ts';
import { findCommand, ServerUnavailable } from './prepared.ts';
import { startProcess } from './process.ts';
import { runTool } from './run-tool.ts';
import type { Server, StartOptions } from './server.ts';

export interface PostgresEnv {
  /** With user and password, for the database "postgres". */
  readonly POSTGRES_URL: string;
}

export interface PostgresOptions extends StartOptions {
  /** Follows this server, and can only be read. */
  readonly standbyOf?: PostgresServer;
}

export type PostgresServer = Server<PostgresEnv>;

const user = 'postgres';
const password = 'postgres-password';
const advice = 'install PostgreSQL (Debian: apt-get install postgresql)';
const versions = '/usr/lib/postgresql';
/** Folders in the system's temporary folder begin with it, then the number of the process that made them. */
const awayName = 'tallygate-postgres-';

/** Nothing is fetched; resolves with the folder of Debian's newest binaries. */
export async function prepare(): Promise<string> {
  const found = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a)) : [];
  const bin = found
    .map((version) => join(versions, version, 'bin'))
    .find((folder) => existsSync(join(folder, 'initdb')));
  if (!bin || !existsSync(join(bin, 'postgres'))) {
    throw new ServerUnavailable(`no PostgreSQL below ${versions}: ${advice}`);
  }
  return bin;
}

/** Starts PostgreSQL, as a user of its own when this one is root; resolves when it answers. */
export async function start(options: PostgresOptions): Promise<PostgresServer> {
  const bin = await prepare();
  const [port] = await reservePorts(options.port, 1);
  await mkdir(options.dir, { recursive: true });
  const owner = await findOwner();
  const data = await toDataFolder(options.dir, owner);
  if (!existsSync(join(data, 'PG_VERSION'))) {
    if (options.standbyOf) await copyOf(options.standbyOf, bin, data, owner);
    else await initialise(bin, data, owner);
  }
  const env = { POSTGRES_URL: `postgres://${user}:${password}@127.0.0.1:${port}/postgres` };
  // Its data has to survive a kill of the process, never one of the machine: no fsync.
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off'];
  const [command, args] = asOwner(owner, join(bin, 'postgres'), [
    '-D',
    data,
    ...settings.flatMap((each) => ['-c', each]),
  ]);
  const server = await startProcess({
    name: 'postgres',
    command,
    args,
    logFile: join(options.dir, 'server.log'),
    answers: () => answers(env.POSTGRES_URL),
    startMs: 60_000,
    stopMs: 10_000,
    ...(options.onUnexpectedEnd && { onUnexpectedEnd: (how) => options.onUnexpectedEnd?.(`postgres: ${how}`) }),
  });
  const { stop, restart } = server;
  const signalAll = (signal: 'SIGSTOP' | 'SIGCONT') => {
    for (const pid of [server.pid, ...childrenOf(server.pid)]) process.kill(pid, signal);
  };
  // Its process is asked through getters, which a copy would freeze.
  return Object.assign(server, {
    env,
    async stop() {
      // SIGTERM alone waits for every client to leave.
      if (server.running) process.kill(server.pid, 'SIGINT');
      await stop();
    },
    async restart() {
      // Processes of the killed one may hold its memory for a moment longer.
      for (const deadline = Date.now() + 20_000; ; await sleep(200)) {
        try {
          return await restart();
        } catch (cause) {
          if (Date.now() > deadline) throw cause;
        }
      }
    },
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
  });
}

async function initialise(bin: string, data: string, owner: Owner | undefined): Promise<void> {
  const secret = join(data, '..', `${basename(data)}-password`);
  await writeFile(secret, password);
  if (owner) await chown(secret, owner.uid, owner.gid);
  const access = ['-U', user, '-A', 'scram-sha-256', `--pwfile=${secret}`];
  const args = ['-D', data, ...access, '-E', 'UTF8', '--locale=C', '-N'];
  await runTool(...asOwner(owner, join(bin, 'initdb'), args)).finally(() => rm(secret, { force: true }));
}

async function copyOf({ env }: PostgresServer, bin: string, data: string, owner: Owner | undefined): Promise<void> {
  const args = ['-d', env.POSTGRES_URL, '-D', data, '-R', '-X', 'stream', '-c', 'fast', '--no-sync'];
  await runTool(...asOwner(owner, join(bin, 'pg_basebackup'), args));
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } finally {
    await client.end().catch(() => undefined);
  }
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to be run by root: then Debian's own user for it. */
async function findOwner(): Promise<Owner | undefined> {
  if (userInfo().uid !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  const entry = users.find((line) => line.startsWith('postgres:')) ?? users.find((line) => line.startsWith('nobody:'));
  const [, , uid, gid] = entry?.split(':') ?? [];
  if (!uid || !gid)
    throw new ServerUnavailable(`PostgreSQL cannot be run by root, and there is no other user: ${advice}`);
  return { uid: Number(uid), gid: Number(gid) };
}

function asOwner(owner: Owner | undefined, command: string, args: readonly string[]): [string, string[]] {
  if (!owner) return [command, [...args]];
  const setpriv = findCommand('setpriv', 'root needs it to run PostgreSQL (Debian: apt-get install util-linux)');
  const as = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups', '--pdeathsig', 'KILL'];
  return [setpriv, [...as, '--', command, ...args]];
}

/** Below `dir`; in the system's temporary folder when the owner cannot get there, as below /root. */
async function toDataFolder(dir: string, owner: Owner | undefined): Promise<string> {
  const data = join(dir, 'data');
  await mkdir(data, { recursive: true, mode: 0o700 });
  if (!owner) return data;
  // Folders of a test run are its maker's alone.
  for (const folder of [dir, dirname(dir)]) await chmod(folder, 0o711);
  await chown(data, owner.uid, owner.gid);
  const reaches = await runTool(...asOwner(owner, 'test', ['-w', data])).then(
    () => true,
    () => false,
  );
  if (reaches) return data;
  await removeLeftOvers();
  const away = join(tmpdir(), `${awayName}${process.pid}-${basename(dirname(dir))}-${basename(dir)}`);
  await mkdir(away, { recursive: true, mode: 0o700 });
  await chown(away, owner.uid, owner.gid);
  return away;
}

async function removeLeftOvers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(awayName) || existsSync(`/proc/${name.slice(awayName.length).split('-')[0]}`)) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number) : [];
}
