import { LRUCache } from 'lru-cache';

/** What an entry costs beside key and text, in bytes: as our own cache counts it. */
const entryOverhead = 360;

interface Entry {
  readonly text: string;
  readonly until: number;
}

/** Whole reports by their input, each for so long, whatever comes meanwhile; the least recently asked go first. */
export function createTtlCache({
  maxBytes,
  ttlMs,
  clock,
}: {
  readonly maxBytes: number;
  readonly ttlMs: number;
  readonly clock: () => number;
}) {
  const entries = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    sizeCalculation: ({ text }, key) => Buffer.byteLength(text) + key.length + entryOverhead,
  });
  return {
    get(key: string): string | null {
      const entry = entries.get(key);
      return entry && entry.until > clock() ? entry.text : null;
    },
    set: (key: string, text: string) => void entries.set(key, { text, until: clock() + ttlMs }),
  };
}
