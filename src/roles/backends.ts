import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEmbeddedWarehouse, openServerWarehouse } from '../adapters/clickhouse/open.ts';
import { openCouchbaseCache } from '../adapters/couchbase/report-cache.ts';
import type { KafkaAddress } from '../adapters/kafka/client.ts';
import { createMemoryCache } from '../adapters/memory/report-cache.ts';
import { createTieredCache } from '../adapters/memory/tiered-cache.ts';
import type { Config } from '../config.ts';
import { isTallygateError, TallygateError } from '../errors.ts';
import type { EventLog } from '../ports/event-log.ts';
import type { ReportCache } from '../ports/report-cache.ts';
import type { CorrectableWarehouse } from '../ports/warehouse.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export interface Telemetry {
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const mebibyte = 1024 * 1024;
const hour = 3_600_000;
/** Bytes that may wait for the log before appends are refused. */
const maxQueuedBytes = 64 * mebibyte;
/** The rest of libuv's 16 threads is for the sink's connection, the one that kills statements, and the log's fsyncs. */
const reportConnections = 6;

export function isEmbedded(config: Config): { readonly log: boolean; readonly warehouse: boolean } {
  return { log: config.KAFKA_BROKERS === undefined, warehouse: config.CLICKHOUSE_URL === undefined };
}

/** A process of one role needs backends that several processes can share. */
export function assertShared(config: Config, role: string): void {
  const embedded = isEmbedded(config);
  const missing = [...(embedded.log ? ['KAFKA_BROKERS'] : []), ...(embedded.warehouse ? ['CLICKHOUSE_URL'] : [])];
  if (missing.length === 0) return;
  throw new TallygateError(
    'CONFIG_INVALID',
    `"tallygate ${role}" needs a log and a warehouse that other processes can reach: set ${missing.join(' and ')}, or run "tallygate serve", which does everything in one process`,
  );
}

export async function openLog(config: Config, { logger, metrics }: Telemetry): Promise<EventLog> {
  // Each is loaded on demand: an image for shared backends has no lmdb, and the embedded log does without kafkajs.
  if (config.KAFKA_BROKERS === undefined) {
    const { openLmdbLog } = await import('../adapters/lmdb/open-lmdb-log.ts');
    return openLmdbLog({
      path: join(config.DATA_DIR, 'log'),
      retentionMs: config.LOG_RETENTION_HOURS * hour,
      maxQueuedBytes,
      logger,
      metrics,
    });
  }
  const { openKafkaLog } = await import('../adapters/kafka/open-kafka-log.ts');
  return openKafkaLog({
    ...toKafkaAddress(config, config.KAFKA_BROKERS),
    topic: config.KAFKA_TOPIC,
    // As many again for history: see src/events/position.ts.
    partitionsWhenCreated: 2 * config.KAFKA_PARTITIONS,
    replication: config.KAFKA_REPLICATION,
    createTopic: config.MIGRATE_AT_START,
    sessionTimeoutMs: config.KAFKA_SESSION_SECONDS * 1000,
    retentionMs: config.LOG_RETENTION_HOURS * hour,
    maxQueuedBytes,
    logger,
    metrics,
  });
}

export function toKafkaAddress(config: Config, brokers: string): KafkaAddress {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_USERNAME: username, KAFKA_PASSWORD: password } = config;
  return {
    brokers: brokers.split(','),
    tls: config.KAFKA_TLS,
    sasl: mechanism && username && password ? { mechanism, username, password } : undefined,
  };
}

export function openWarehouse(
  config: Config,
  { metrics }: Telemetry,
): Promise<CorrectableWarehouse> | CorrectableWarehouse {
  const limits = { seconds: config.QUERY_SECONDS, memoryBytes: config.QUERY_MEMORY_MB * mebibyte, resultRows: 100_000 };
  const common = { database: config.CLICKHOUSE_DATABASE, limits, metrics };
  if (config.CLICKHOUSE_URL === undefined)
    return openEmbeddedWarehouse({ ...common, path: join(config.DATA_DIR, 'warehouse'), reportConnections });
  return openServerWarehouse({
    ...common,
    url: config.CLICKHOUSE_URL,
    user: config.CLICKHOUSE_USER,
    password: config.CLICKHOUSE_PASSWORD,
    cluster: config.CLICKHOUSE_CLUSTER,
    reportsUser:
      config.CLICKHOUSE_REPORTS_USER === undefined
        ? undefined
        : { name: config.CLICKHOUSE_REPORTS_USER, password: config.CLICKHOUSE_REPORTS_PASSWORD },
  });
}

export function openCache(config: Config, { logger, metrics }: Telemetry): ReportCache {
  const near = createMemoryCache({ maxBytes: config.CACHE_MEMORY_MB * mebibyte, metrics });
  if (config.COUCHBASE_URL === undefined) return near;
  const far = openCouchbaseCache({
    url: config.COUCHBASE_URL,
    user: config.COUCHBASE_USER,
    password: config.COUCHBASE_PASSWORD,
    bucket: config.COUCHBASE_BUCKET,
    scope: config.COUCHBASE_SCOPE,
    collection: config.COUCHBASE_COLLECTION,
    logger,
    metrics,
  });
  return createTieredCache({ near, far });
}

/** Waits until the log knows its partitions; the reason when it still does not after so many milliseconds, or nobody waits any more. */
export async function untilKnown(
  log: EventLog,
  ms: number,
  isWaiting: () => boolean = () => true,
): Promise<TallygateError | null> {
  for (const deadline = Date.now() + ms; ; await sleep(25)) {
    try {
      log.partitions();
      return null;
    } catch (thrown) {
      if (!isTallygateError(thrown)) throw thrown;
      if (!isWaiting() || Date.now() >= deadline) return thrown;
    }
  }
}
