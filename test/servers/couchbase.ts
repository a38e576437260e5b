import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Bucket, Cluster } from 'couchbase';
import { reservePorts } from './ports.ts';
import { findCommand, prepareOnce, ServerUnavailable } from './prepared.ts';
import { startProcess } from './process.ts';
import { runTool } from './run-tool.ts';
import type { Server, StartOptions } from './server.ts';

export interface CouchbaseEnv {
  readonly COUCHBASE_URL: string;
  readonly COUCHBASE_USER: string;
  readonly COUCHBASE_PASSWORD: string;
  /** Takes orders for faults; see couchbase-faults.ts. */
  readonly COUCHBASE_FAULTS_URL: string;
}

export interface CouchbaseOptions extends StartOptions {
  /** 1 by default. The ports are those of the nodes, then the one for faults. */
  readonly nodes?: number;
  readonly replicas?: number;
  readonly password?: string;
}

/** Its documents are in memory: a restart begins without any. */
export type CouchbaseServer = Server<CouchbaseEnv>;

/** Builds the server, a Go program, unless it is there; resolves with its path. */
export async function prepare(): Promise<string> {
  const sources = join(import.meta.dirname, 'couchbase');
  const folder = await prepareOnce({
    name: 'couchbase',
    inputs: [sources],
    async build(into) {
      const go = findCommand(
        'go',
        'the Couchbase test server is built with Go 1.19 or newer (Debian: apt-get install golang-go)',
      );
      const args = ['build', '-buildvcs=false', '-o', join(into, 'couchbase'), '.'];
      await runTool(go, args, { cwd: sources, env: { GOFLAGS: '-mod=readonly' } }).catch((cause: Error) => {
        throw new ServerUnavailable(`the Couchbase test server could not be built: ${cause.message}`, { cause });
      });
    },
  });
  return join(folder, 'couchbase');
}

/** Starts the Couchbase test server; resolves when all its nodes take connections. */
export async function start(options: CouchbaseOptions): Promise<CouchbaseServer> {
  const command = await prepare();
  const { nodes = 1, replicas = 0, password = 'password' } = options;
  const ports = await reservePorts(options.port, nodes + 1);
  const control = ports[nodes] as number;
  await mkdir(options.dir, { recursive: true });
  const flags = { port: ports[0], control, nodes, replicas, user: 'Administrator', password };
  const server = await startProcess({
    name: 'couchbase',
    command,
    args: Object.entries(flags).map(([flag, value]) => `-${flag}=${value}`),
    logFile: join(options.dir, 'server.log'),
    answers: async () => (await Promise.all(ports.map(takesConnections))).every(Boolean),
    startMs: 20_000,
    stopMs: 5_000,
    ...(options.onUnexpectedEnd && { onUnexpectedEnd: (how) => options.onUnexpectedEnd?.(`couchbase: ${how}`) }),
  });
  const addresses = ports.slice(0, nodes).map((port) => `127.0.0.1:${port}`);
  const env = {
    COUCHBASE_URL: `couchbase://${addresses.join(',')}`,
    COUCHBASE_USER: 'Administrator',
    COUCHBASE_PASSWORD: password,
    COUCHBASE_FAULTS_URL: `http://127.0.0.1:${control}`,
  };
  return Object.assign(server, { env });
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/**
 * The server's bucket, on which a first request has been spent. What is asked while a bucket opens may end in a queue that the
 * SDK does not look into again (CXXCBC-1023; seen with 4.7.1 in one of 1,700 connections). The adapter connects anew then.
 */
export async function openBucket(cluster: Cluster): Promise<Bucket> {
  const bucket = cluster.bucket('default');
  await bucket
    .defaultCollection()
    .exists('absent')
    .catch(() => undefined);
  return bucket;
}
