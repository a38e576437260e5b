import { LRUCache } from 'lru-cache';

/** What this gateway last knew of a place in the cache; tells an explanation what an absent entry cannot. */
export interface CellMemory {
  /** When it began to remember: milliseconds since 1970. */
  readonly since: number;
  /** An answer under a key that ends with its version; `tooLarge`: bytes, when it cannot be kept. */
  sawWhole(key: string, tooLarge?: number): void;
  /** Buckets that lie together under one key. */
  sawBlock(key: string, tooLarge?: number): void;
  /** `place`: a key, without the version if it ends with one. */
  recall(place: string): Seen | null;
}

export interface Seen {
  /** '' where answers of several versions lie together. */
  readonly version: string;
  readonly tooLarge: number | null;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** About 300 bytes each. */
const mostPlaces = 10_000;

export function createCellMemory(clock: () => number = Date.now): CellMemory {
  const places = new LRUCache<string, Seen>({ max: mostPlaces });
  return {
    since: clock(),
    sawWhole(key, tooLarge) {
      const end = key.lastIndexOf(':');
      places.set(key.slice(0, end), { version: key.slice(end + 1), tooLarge: tooLarge ?? null, at: clock() });
    },
    sawBlock: (key, tooLarge) => void places.set(key, { version: '', tooLarge: tooLarge ?? null, at: clock() }),
    recall: (place) => places.get(place) ?? null,
  };
}
