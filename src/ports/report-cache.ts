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

/** Says that somebody is computing something, for as long as it lasts. */
export interface Lease {
  /** At most 240 bytes of ASCII; names what is computed. Of no entry. */
  readonly key: string;
  /** Of nobody else. */
  readonly holder: string;
}

export type CacheState = 'ready' | 'degraded';

export interface GetOptions {
  readonly newest?: boolean;
  readonly onShared?: (found: number) => void;
}

export interface ReportCache {
  /**
   * In the order of keys; undefined is a miss. Never rejects and never takes longer than its time-out: errors are misses.
   * `newest`: what another process has written since is seen, too, as long as the shared cache answers. `onShared` is told,
   * where this process has a memory in front of a shared cache, how many of them came from the shared one.
   */
  getMany(keys: readonly string[], options?: GetOptions): Promise<readonly (Buffer | undefined)[]>;
  /** Best effort, bounded in time; never rejects. */
  setMany(entries: readonly CacheEntry[]): Promise<void>;
  /**
   * In the order of leases: false where somebody else has it. Who has it already keeps it for longer. It ends by itself after
   * ttlSeconds (whole, at least 1; up to a second less). Never rejects, bounded in time; what cannot be asked is true.
   */
  claim(leases: readonly Lease[], ttlSeconds: number): Promise<readonly boolean[]>;
  /** Ends those that the holder still has. Best effort, bounded in time; never rejects. */
  release(leases: readonly Lease[]): Promise<void>;
  /** degraded: the backend is away and is being left alone for a while. */
  state(): CacheState;
  close(): Promise<void>;
}
