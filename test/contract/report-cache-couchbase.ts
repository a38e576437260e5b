import { Writable } from 'node:stream';
import couchbase from 'couchbase';
import { type CouchbaseCacheOptions, openCouchbaseCache } from '../../src/adapters/couchbase/report-cache.ts';
import type { ReportCache } from '../../src/ports/report-cache.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { type CouchbaseEnv, openBucket } from '../servers/couchbase.ts';
import { untilState } from './report-cache.ts';

type Env = Pick<CouchbaseEnv, 'COUCHBASE_URL' | 'COUCHBASE_USER' | 'COUCHBASE_PASSWORD'>;

const opened: ReportCache[] = [];

/** For afterEach: closes what open and openReady have opened. */
export async function closeOpened(): Promise<void> {
  for (const cache of opened.splice(0)) await cache.close();
}

/** Leaves a cache to somebody else to close. */
export function releaseOpened(cache: ReportCache): void {
  opened.splice(opened.indexOf(cache), 1);
}

export function open(env: Env, changes: Partial<CouchbaseCacheOptions> = {}) {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk, _, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const metrics = createMetrics();
  const cache = openCouchbaseCache({
    url: env.COUCHBASE_URL,
    user: env.COUCHBASE_USER,
    password: env.COUCHBASE_PASSWORD,
    bucket: 'default',
    scope: '_default',
    collection: '_default',
    logger: createLogger('info', destination),
    metrics,
    ...changes,
  });
  opened.push(cache);
  return {
    cache,
    lines,
    operations: async () => {
      const { values } = await metrics.cacheOperations.get();
      return Object.fromEntries(values.map(({ labels, value }) => [`${labels.operation} ${labels.outcome}`, value]));
    },
    breaker: async () => (await metrics.cacheBreaker.get()).values[0]?.value,
  };
}

export async function openReady(env: Env, changes: Partial<CouchbaseCacheOptions> = {}) {
  const subject = open(env, changes);
  await untilState(subject.cache, 'ready', 5000);
  return subject;
}

/** Milliseconds that a call takes, and that it came to nothing but misses. */
export async function timeMiss(cache: ReportCache, keys: readonly string[] = ['absent']): Promise<number> {
  const start = performance.now();
  const found = await cache.getMany(keys);
  const took = performance.now() - start;
  expect(found).toEqual(keys.map(() => undefined));
  return took;
}

export async function connectDirectly(env: Env) {
  const cluster = await couchbase.connect(env.COUCHBASE_URL, {
    username: env.COUCHBASE_USER,
    password: env.COUCHBASE_PASSWORD,
  });
  return { bucket: await openBucket(cluster), close: () => cluster.close() };
}

export const entry = (key: string, value = key, ttlSeconds = 600) => ({ key, value: Buffer.from(value), ttlSeconds });
