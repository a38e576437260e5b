import { LRUCache } from 'lru-cache';
import type { ReportCache } from '../../ports/report-cache.ts';
import type { Metrics } from '../../telemetry/metrics.ts';

/** Each is gone within seconds; beyond so many somebody computes twice. */
const mostLeases = 10_000;
/** Bytes of an entry beside key and value: the Buffer, its store and the slots of the list. Measured: 340 to 360. */
const entryOverhead = 360;

export interface MemoryCacheOptions {
  /** Keys, values and what an entry costs beside them; the least recently asked go first. */
  readonly maxBytes: number;
  readonly metrics: Pick<Metrics, 'cacheOperations'>;
}

/**
 * Answers in this process. What getMany returns is the cache's own memory: to be read, never written to.
 * Emptied by a restart; nothing in it is shared with another process.
 */
export function createMemoryCache({ maxBytes, metrics }: MemoryCacheOptions): ReportCache {
  const entries = new LRUCache<string, Buffer>({
    maxSize: maxBytes,
    sizeCalculation: (value, key) => key.length + value.byteLength + entryOverhead,
  });

  const holders = new LRUCache<string, string>({ max: mostLeases });

  return {
    async getMany(keys) {
      let hits = 0;
      const values = keys.map((key) => {
        const value = entries.get(key);
        if (value !== undefined) hits++;
        return value;
      });
      count('memory_get', 'hit', hits);
      count('memory_get', 'miss', keys.length - hits);
      return values;
    },

    async setMany(added) {
      let stored = 0;
      for (const { key, value, ttlSeconds } of added) {
        entries.set(key, toOwnMemory(value), { ttl: Math.max(1, Math.ceil(ttlSeconds)) * 1000 });
        if (entries.has(key)) stored++;
      }
      count('memory_set', 'stored', stored);
      count('memory_set', 'too_large', added.length - stored);
    },

    async claim(leases, ttlSeconds) {
      return leases.map(({ key, holder }) => {
        const isFree = (holders.get(key) ?? holder) === holder;
        if (isFree) holders.set(key, holder, { ttl: Math.max(1, Math.ceil(ttlSeconds)) * 1000 });
        return isFree;
      });
    },

    async release(leases) {
      for (const { key, holder } of leases) if (holders.get(key) === holder) holders.delete(key);
    },

    state: () => 'ready',

    async close() {
      entries.clear();
      holders.clear();
    },
  };

  function count(operation: string, outcome: string, by: number): void {
    if (by > 0) metrics.cacheOperations.inc({ operation, outcome }, by);
  }
}

/** A small Buffer is a window on a pool of 8 KiB or on a whole response: kept as it is, it would hold all of that. */
function toOwnMemory(value: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(value.byteLength);
  value.copy(own);
  return own;
}
