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
  return {
    async getMany(keys) {
      const values = [...(await near.getMany(keys))];
      const absent = values.flatMap((value, at) => (value === undefined ? [at] : []));
      if (absent.length === 0) return values;
      const found = await far.getMany(absent.map((at) => keys[at]!));
      const copies: CacheEntry[] = [];
      for (const [nth, at] of absent.entries()) {
        const value = found[nth];
        if (value === undefined) continue;
        values[at] = value;
        copies.push({ key: keys[at]!, value, ttlSeconds: nearTtlSeconds });
      }
      if (copies.length > 0) await near.setMany(copies);
      return values;
    },

    async setMany(entries) {
      await Promise.all([near.setMany(entries), far.setMany(entries)]);
    },

    state: () => far.state(),

    async close() {
      await Promise.all([near.close(), far.close()]);
    },
  };
}
