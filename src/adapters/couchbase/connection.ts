import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, Collection } from 'couchbase';
import type { Logger } from '../../telemetry/logger.ts';

export interface ConnectionOptions {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly bucket: string;
  readonly scope: string;
  readonly collection: string;
  readonly logger: Logger;
}

export type Sdk = typeof import('couchbase');

/** A connection on which a first read has been answered. */
export interface Connection {
  readonly sdk: Sdk;
  readonly collection: Collection;
  /** Rejects unless most of the nodes answer a ping, and then a read, within that time. */
  probe(timeoutMs: number): Promise<void>;
  /** Resolves in a second at most, whatever the cluster does. */
  close(): Promise<void>;
}

const bootstrapMs = 1500;
/** Longer than the bootstrap of the bucket, which goes on in the background: closing in the middle of it is not safe. */
const firstReadMs = 2500;
const closeMs = 1000;
const retryMs = { first: 250, most: 10_000 };
/** What only a person can put right is not asked again at once: servers lock accounts out. */
const refusedRetryMs = 30_000;
/** Never written. */
const probeKey = 'tallygate:probe';

/**
 * Connects, and goes on trying until it has succeeded or the signal says stop; then it resolves with undefined. Says in
 * the log why it fails, once for each reason.
 */
export async function connectPatiently(options: ConnectionOptions, stop: AbortSignal): Promise<Connection | undefined> {
  const { logger } = options;
  // Loaded here, not at the start of the process: a native addon that only this adapter needs.
  const sdk = await import('couchbase');
  let said: string | undefined;
  for (let delay = retryMs.first; !stop.aborted; delay = Math.min(delay * 2, retryMs.most)) {
    try {
      const connection = await connectOnce(sdk, options);
      if (!stop.aborted) return connection;
      await connection.close();
      return undefined;
    } catch (cause) {
      const reason = toReason(sdk, options, cause);
      if (reason !== said && !stop.aborted)
        logger.warn({ reason }, 'the report cache is away; reports go on without it');
      said = reason;
      const pause = isRefusal(sdk, cause) ? refusedRetryMs : delay;
      await sleep(pause * (0.75 + Math.random() / 2), undefined, { signal: stop, ref: false }).catch(() => undefined);
    }
  }
  return undefined;
}

export async function connectOnce(sdk: Sdk, options: ConnectionOptions): Promise<Connection> {
  const raw = new sdk.RawBinaryTranscoder();
  const cluster = await sdk.connect(options.url, {
    username: options.user,
    password: options.password,
    timeouts: { bootstrapTimeout: bootstrapMs, connectTimeout: 1000 },
    // Bytes come back as they are, also foreign ones, which the SDK's own transcoder would throw at: value-frame.ts judges.
    transcoder: { encode: (value) => raw.encode(value), decode: (bytes) => bytes },
    // Not needed, and not free. Never switch off the orphan reporter beside them: with SDK 4.7.1 the first operation that
    // times out then ends the process with a segmentation fault.
    tracingConfig: { enableTracing: false },
    metricsConfig: { enableMetrics: false },
    appTelemetryConfig: { enabled: false },
  });
  const close = () => closeInTime(cluster);
  try {
    const bucket = cluster.bucket(options.bucket);
    const collection = bucket.scope(options.scope).collection(options.collection);
    const read = (timeout: number) => collection.get(probeKey, { timeout }).catch(unlessAbsent);
    const unlessAbsent = (cause: unknown) => {
      if (!(cause instanceof sdk.DocumentNotFoundError)) throw cause;
    };
    await read(firstReadMs);
    return {
      sdk,
      collection,
      close,
      async probe(timeout) {
        // diagnostics() would say that a frozen node is connected.
        const { services } = await bucket.ping({ serviceTypes: [sdk.ServiceType.KeyValue], timeout });
        const nodes = services[sdk.ServiceType.KeyValue] ?? [];
        const answered = nodes.filter(({ state }) => state === sdk.PingState.Ok).length;
        if (answered * 2 <= nodes.length) throw new Error(`${answered} of ${nodes.length} nodes answered a ping`);
        // A node that is warming up answers pings and nothing else.
        await read(timeout);
      },
    };
  } catch (cause) {
    await close();
    throw cause;
  }
}

async function closeInTime(cluster: Cluster): Promise<void> {
  const closed = cluster.close().catch(() => undefined);
  await Promise.race([closed, sleep(closeMs, undefined, { ref: false })]);
}

function isRefusal(sdk: Sdk, cause: unknown): boolean {
  return (
    cause instanceof sdk.AuthenticationFailureError ||
    cause instanceof sdk.BucketNotFoundError ||
    cause instanceof sdk.ScopeNotFoundError ||
    cause instanceof sdk.CollectionNotFoundError ||
    cause instanceof sdk.InvalidArgumentError
  );
}

export function toReason(sdk: Sdk, { user, bucket, scope, collection }: ConnectionOptions, cause: unknown): string {
  if (cause instanceof sdk.AuthenticationFailureError) {
    return `Couchbase refuses user "${user}": expected a COUCHBASE_USER that may read and write bucket "${bucket}", and its COUCHBASE_PASSWORD`;
  }
  if (cause instanceof sdk.BucketNotFoundError) return `expected bucket "${bucket}" (COUCHBASE_BUCKET), there is none`;
  if (cause instanceof sdk.ScopeNotFoundError) {
    return `expected scope "${scope}" (COUCHBASE_SCOPE) in bucket "${bucket}", there is none`;
  }
  if (cause instanceof sdk.CollectionNotFoundError || hasWaitedForCollection(cause)) {
    return `expected collection "${collection}" (COUCHBASE_COLLECTION) in scope "${scope}", there is none`;
  }
  if (cause instanceof sdk.TimeoutError) return `Couchbase does not answer, or has no bucket "${bucket}"`;
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
}

/** The SDK takes a collection that it does not know for one that will be there soon, and runs out of time. */
function hasWaitedForCollection(cause: unknown): boolean {
  const { context } = cause as { readonly context?: { readonly retry_reasons?: readonly string[] } };
  return context?.retry_reasons?.includes('key_value_collection_outdated') === true;
}
