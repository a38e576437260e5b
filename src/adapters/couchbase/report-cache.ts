import { setTimeout as sleep } from 'node:timers/promises';
import type { CacheEntry, Lease, ReportCache } from '../../ports/report-cache.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { withSpan } from '../../telemetry/tracing.ts';
import { createLanes, type Outcome, runBatch } from './batch.ts';
import { type Connection, type ConnectionOptions, connectPatiently } from './connection.ts';
import { toExpiry } from './expiry.ts';
import { createGuard, type Guard } from './guard.ts';
import { claimLeases, releaseLeases } from './leases.ts';
import { parseFrame, toFrame } from './value-frame.ts';

export interface CouchbaseCacheOptions extends ConnectionOptions {
  /** Milliseconds for one operation, 25 to 50; a getMany takes as long for each 256 keys, and four times that at most. */
  readonly timeoutMs?: number;
  /** After so long without an answer the cluster may have moved: the connection is made anew, from the address. */
  readonly reconnectAfterMs?: number;
  readonly metrics: Pick<Metrics, 'cacheOperations' | 'cacheBreaker'>;
}

interface Link {
  readonly connection: Connection;
  readonly guard: Guard;
}

const readsInFlight = 256;
/** Fewer, so that reads find their way: nobody waits for a write. */
const writesInFlight = 64;
/** A larger answer takes longer to fetch than the time that a read has. */
const mostValueBytes = 2 * 1024 * 1024;
const mostPendingBytes = 32 * 1024 * 1024;
const mostKeyBytes = 240;
/** Milliseconds that close() waits; a connection that is being made then ends by itself. */
const closeMs = 2000;

/**
 * Answers in Couchbase, shared by all processes. Returns at once and connects in the background; while the cluster is
 * away everything is a miss. A dead or frozen node costs a few time-outs, then nothing; it comes back by itself.
 */
export function openCouchbaseCache(options: CouchbaseCacheOptions): ReportCache {
  const { timeoutMs = 50, reconnectAfterMs = 30_000, logger, metrics } = options;
  const stop = new AbortController();
  const reads = createLanes(readsInFlight);
  const writes = createLanes(writesInFlight);
  let link: Link | undefined;
  let pendingBytes = 0;
  let writeFailureSaid = false;

  setAlone(true);
  const ended = keepConnected().catch((cause: unknown) => {
    logger.error({ err: cause }, 'the report cache cannot be used; reports go on without it');
  });

  async function keepConnected(): Promise<void> {
    for (;;) {
      const connection = await connectPatiently(options, stop.signal);
      if (connection === undefined) return;
      const guard = createGuard({
        signal: stop.signal,
        lostAfterMs: reconnectAfterMs,
        probe: () => connection.probe(Math.max(200, timeoutMs * 4)),
        onOpen(cause) {
          setAlone(true);
          logger.warn({ reason: toName(cause) }, 'the report cache does not answer; reports go on without it');
        },
        onClosed() {
          setAlone(false);
          logger.info('the report cache answers again');
        },
      });
      link = { connection, guard };
      setAlone(false);
      logger.info({ bucket: options.bucket, scope: options.scope }, 'the report cache is connected');
      await Promise.race([guard.lost, whenAborted(stop.signal)]);
      link = undefined;
      await connection.close();
      if (stop.signal.aborted) return;
      logger.warn('the report cache has been away for long; connecting anew');
    }
  }

  function usable(): Link | undefined {
    return link?.guard.isClosed() ? link : undefined;
  }

  async function getMany(keys: readonly string[]): Promise<readonly (Buffer | undefined)[]> {
    const values = new Array<Buffer | undefined>(keys.length).fill(undefined);
    const current = usable();
    if (current === undefined) {
      count('couchbase_get', 'skipped', keys.length);
      return values;
    }
    const asked = [...keys.keys()].filter((at) => isKey(keys[at]!));
    count('couchbase_get', 'bad_key', keys.length - asked.length);
    if (asked.length === 0) return values;
    await withSpan('cache.get', { keys: asked.length }, async (span) => {
      // A failing batch has told the guard; what it did get is used all the same.
      const hits = await current.guard.run(() => readInto(values, keys, asked, current.connection)).catch(() => 0);
      span.setAttribute('hits', hits);
    });
    return [...values];
  }

  /** Resolves with the hits; rejects when this says something about the cluster. */
  async function readInto(
    values: (Buffer | undefined)[],
    keys: readonly string[],
    asked: readonly number[],
    { sdk, collection }: Connection,
  ): Promise<number> {
    let failure: unknown;
    const tally = await runBatch<'hit' | 'miss' | 'invalid'>({
      size: asked.length,
      lanes: reads,
      operationMs: timeoutMs,
      wholeMs: timeoutMs * Math.min(4, Math.ceil(asked.length / readsInFlight)),
      async operate(nth, timeout) {
        const at = asked[nth]!;
        try {
          const { content } = await collection.get(keys[at]!, { timeout });
          values[at] = parseFrame(keys[at]!, content, mostValueBytes);
          return values[at] === undefined ? 'invalid' : 'hit';
        } catch (cause) {
          if (cause instanceof sdk.DocumentNotFoundError) return 'miss';
          failure = cause;
          throw cause;
        }
      },
    });
    countAll('couchbase_get', tally);
    const failed = tally.get('failed') ?? 0;
    const answered = asked.length - failed - (tally.get('late') ?? 0);
    // With one node of three away, the answers of the other two are still worth their time.
    if (failed > 0 && failed >= answered) throw failure ?? new Error('no answer in time');
    return tally.get('hit') ?? 0;
  }

  async function setMany(entries: readonly CacheEntry[]): Promise<void> {
    const current = usable();
    if (current === undefined) return count('couchbase_set', 'skipped', entries.length);
    const accepted = entries.filter((entry) => accept(entry));
    if (accepted.length === 0) return;
    await withSpan('cache.set', { keys: accepted.length }, () => writeAll(accepted, current.connection));
  }

  function accept({ key, value }: CacheEntry): boolean {
    const refusal = !isKey(key)
      ? 'bad_key'
      : value.byteLength > mostValueBytes
        ? 'too_large'
        : pendingBytes + value.byteLength > mostPendingBytes
          ? 'dropped'
          : undefined;
    if (refusal === undefined) pendingBytes += value.byteLength;
    else count('couchbase_set', refusal, 1);
    return refusal === undefined;
  }

  async function writeAll(entries: readonly CacheEntry[], { sdk, collection }: Connection): Promise<void> {
    const tally = await runBatch<'stored' | 'too_large'>({
      size: entries.length,
      lanes: writes,
      operationMs: timeoutMs * 2,
      wholeMs: timeoutMs * 4,
      async operate(nth, timeout) {
        const { key, value, ttlSeconds } = entries[nth]!;
        try {
          await collection.upsert(key, toFrame(key, value), { timeout, expiry: toExpiry(ttlSeconds) });
          return 'stored';
        } catch (cause) {
          if (cause instanceof sdk.ValueTooLargeError) return 'too_large';
          if (!writeFailureSaid && !(cause instanceof sdk.TimeoutError)) {
            writeFailureSaid = true;
            logger.warn({ reason: toName(cause) }, 'the report cache refuses to store; said once');
          }
          throw cause;
        }
      },
    });
    for (const { value } of entries) pendingBytes -= value.byteLength;
    countAll('couchbase_set', tally);
  }

  async function claim(leases: readonly Lease[], ttlSeconds: number): Promise<readonly boolean[]> {
    const granted = leases.map(() => true);
    const current = usable();
    if (current === undefined) {
      count('couchbase_claim', 'skipped', leases.length);
      return granted;
    }
    const asked = [...leases.keys()].filter((at) => isKey(leases[at]!.key));
    count('couchbase_claim', 'bad_key', leases.length - asked.length);
    if (asked.length === 0) return granted;
    await withSpan('cache.claim', { keys: asked.length }, () => current.guard.run(claimInto)).catch(() => undefined);
    return [...granted];

    async function claimInto(): Promise<void> {
      const some = asked.map((at) => leases[at]!);
      const call = { leases: some, connection: current!.connection, lanes: reads, timeoutMs };
      const claimed = await claimLeases(call, ttlSeconds);
      countAll('couchbase_claim', claimed.tally);
      for (const [nth, at] of asked.entries()) granted[at] = claimed.granted[nth]!;
      const failed = claimed.tally.get('failed') ?? 0;
      const answered = asked.length - failed - (claimed.tally.get('late') ?? 0);
      if (failed > 0 && failed >= answered) throw claimed.failure ?? new Error('no answer in time');
    }
  }

  async function release(leases: readonly Lease[]): Promise<void> {
    const current = usable();
    const asked = leases.filter(({ key }) => isKey(key));
    if (current === undefined) return count('couchbase_release', 'skipped', asked.length);
    if (asked.length === 0) return;
    const call = { leases: asked, connection: current.connection, lanes: writes, timeoutMs: timeoutMs * 2 };
    countAll('couchbase_release', await releaseLeases(call));
  }

  function countAll(operation: string, tally: ReadonlyMap<Outcome<string>, number>): void {
    for (const [outcome, n] of tally) count(operation, outcome, n);
  }

  function count(operation: string, outcome: string, by: number): void {
    if (by > 0) metrics.cacheOperations.inc({ operation, outcome }, by);
  }

  function setAlone(alone: boolean): void {
    metrics.cacheBreaker.set(alone ? 1 : 0);
  }

  return {
    getMany,
    setMany,
    claim,
    release,
    state: () => (usable() ? 'ready' : 'degraded'),
    async close() {
      stop.abort();
      link = undefined;
      setAlone(true);
      await Promise.race([ended, sleep(closeMs, undefined, { ref: false })]);
    },
  };
}

function isKey(key: string): boolean {
  return key.length > 0 && Buffer.byteLength(key) <= mostKeyBytes;
}

function toName(cause: unknown): string {
  return cause instanceof Error ? cause.name : String(cause);
}

function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
