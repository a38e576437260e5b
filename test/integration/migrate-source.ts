import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { Client } from 'pg';
import { createMigrateFromCommand } from '../../src/commands/migrate-from.ts';
import { uniqueName } from '../servers/require.ts';
import { type Stub, startStub } from './import-stub.ts';

/** A database of its own on a server, and a connection to it. */
export async function makeDatabase(serverUrl: string) {
  const name = uniqueName('shop');
  await ask(serverUrl, `CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const client = await connect(url.href);
  return {
    name,
    url: url.href,
    client,
    /** The same database for another user. */
    as(user: string, password: string): string {
      const other = new URL(url);
      other.username = user;
      other.password = password;
      return other.href;
    },
    async drop() {
      await client.end();
      await ask(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

export type Database = Awaited<ReturnType<typeof makeDatabase>>;

export async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function ask(url: string, sql: string): Promise<void> {
  const client = await connect(url);
  await client.query(sql).finally(() => client.end());
}

class Text extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Runs the command in this process. */
export async function migrateFrom(args: readonly string[], signal?: AbortSignal) {
  const [stdout, stderr] = [new Text(), new Text()];
  let code = -1;
  await createMigrateFromCommand({
    stdout,
    stderr,
    ...(signal ? { signal } : {}),
    onExitCode: (given) => {
      code = given;
    },
    openEmbeddedStore: () => Promise.reject(new Error('no embedded store here')),
  }).parseAsync(args, { from: 'user' });
  return { code, out: stdout.text, err: stderr.text };
}

/** A folder for keys and states, and gateways that record what they are sent. */
export async function makeBench() {
  const folder = await mkdtemp(join(tmpdir(), 'tallygate-migrate-'));
  const keyFile = join(folder, 'key');
  await writeFile(keyFile, 'wk_stub\n');
  const stubs: Stub[] = [];
  let states = 0;
  const newState = () => join(folder, `state-${++states}.json`);
  return {
    folder,
    newState,
    async startGateway(judge?: Parameters<typeof startStub>[0]): Promise<Stub> {
      const stub = await startStub(judge);
      stubs.push(stub);
      return stub;
    },
    /** Arguments that lead there, with the file of a state at the end. */
    through: ({ url }: Stub, state = newState()) => ['--url', url, '--write-key-file', keyFile, '--state', state],
    closeGateways: () => Promise.all(stubs.splice(0).map((stub) => stub.close())),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export type Bench = Awaited<ReturnType<typeof makeBench>>;
