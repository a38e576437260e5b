import type { CacheEntry, ReportCache } from '../../ports/report-cache.ts';

export interface TieredCacheOptions {
  /** Asked first, and given a copy of everything. */
  readonly near: ReportCache;
  /** Asked only for what near lacks. */
  readonly far: ReportCache;
  /** Life of a copy that came from far, whose own remaining life nobody tells. Entries are never wrong, so it may outlive it. */
  readonly nearTtlSeconds?: number;
}

/** A small cache in front of a shared one. Its state is far's: near alone is still an answer. */
export function createTieredCache({ near, far, nearTtlSeconds = 60 }: TieredCacheOptions): ReportCache {
  const getFar = async (keys: readonly string[]) => {
    const found = await far.getMany(keys);
    const copies = keys.flatMap((key, i): CacheEntry[] => {
      const value = found[i];
      return value === undefined ? [] : [{ key, value, ttlSeconds: nearTtlSeconds }];
    });
    if (copies.length > 0) await near.setMany(copies);
    return found;
  };

  return {
    async getMany(keys, { newest = false, onShared } = {}) {
      let shared = 0;
      const getNear = (some: readonly string[]) => near.getMany(some);
      const getShared = async (some: readonly string[]) => {
        const found = await getFar(some);
        shared = found.filter((value) => value !== undefined).length;
        return found;
      };
      const [first, second] = newest ? [getShared, getNear] : [getNear, getShared];
      const values = [...(await first(keys))];
      const absent = values.flatMap((value, at) => (value === undefined ? [at] : []));
      if (absent.length > 0) {
        const found = await second(absent.map((at) => keys[at]!));
        for (const [nth, at] of absent.entries()) values[at] = found[nth];
      }
      onShared?.(shared);
      return values;
    },

    async setMany(entries) {
      await Promise.all([near.setMany(entries), far.setMany(entries)]);
    },

    // Far alone: near is asked by this process only.
    claim: (leases, ttlSeconds) => far.claim(leases, ttlSeconds),
    release: (leases) => far.release(leases),

    state: () => far.state(),

    async close() {
      await Promise.all([near.close(), far.close()]);
    },
  };
}
