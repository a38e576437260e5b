import type { CacheEntry, GetOptions, ReportCache } from '../../ports/report-cache.ts';

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
  const getFar = async (keys: readonly string[], onShared: GetOptions['onShared']) => {
    const found = await far.getMany(keys);
    const copies = keys.flatMap((key, i): CacheEntry[] => {
      const value = found[i];
      return value === undefined ? [] : [{ key, value, ttlSeconds: nearTtlSeconds }];
    });
    onShared?.(copies.length);
    if (copies.length > 0) await near.setMany(copies);
    return found;
  };

  return {
    async getMany(keys, { newest = false, onShared } = {}) {
      const getBehind = (some: readonly string[]) => getFar(some, onShared);
      const getNear = (some: readonly string[]) => near.getMany(some);
      const [first, second] = newest ? [getBehind, getNear] : [getNear, getBehind];
      const values = [...(await first(keys))];
      const absent = values.flatMap((value, at) => (value === undefined ? [at] : []));
      if (absent.length === 0) {
        if (!newest) onShared?.(0);
        return values;
      }
      const found = await second(absent.map((at) => keys[at]!));
      for (const [nth, at] of absent.entries()) values[at] = found[nth];
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
