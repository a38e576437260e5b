/**
 * Answers by key. A key names everything that the answer depends on, so an entry is never wrong, only unused: expiry is
 * housekeeping. Implementations: adapters/memory, adapters/couchbase. Contract suite: test/contract/report-cache.ts.
 */

export interface CacheEntry {
  /** At most 240 bytes of ASCII. */
  readonly key: string;
  readonly value: Buffer;
  /** Whole seconds, at least 1. */
  readonly ttlSeconds: number;
}

export type CacheState = 'ready' | 'degraded';

export interface ReportCache {
  /** In the order of keys; undefined is a miss. Never rejects and never takes longer than its time-out: errors are misses. */
  getMany(keys: readonly string[]): Promise<readonly (Buffer | undefined)[]>;
  /** Best effort, bounded in time; never rejects. */
  setMany(entries: readonly CacheEntry[]): Promise<void>;
  /** degraded: the backend is away and is being left alone for a while. */
  state(): CacheState;
  close(): Promise<void>;
}
