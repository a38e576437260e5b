import type { ReportCache } from '../../ports/report-cache.ts';
import type { Bucket, BucketPlan, BucketRow } from '../plan.ts';
import type { CellMemory } from './memory.ts';

/**
 * Cached rows of neighbouring buckets, under one key: a report of 90 days takes two or three looks into the cache, not 90.
 * Each bucket's rows stand beside the version of the data that they were made of, the latest first; other versions are misses.
 */
export type Block = Readonly<Record<string, readonly CachedBucket[]>>;
export type CachedBucket = readonly [version: string, rows: readonly BucketRow[]];

/** Up to twice as many, since lengths are rounded up. */
const bucketsOfBlock = 32;
/** Beside them come buckets at the edges of what was asked for. */
const mostEntries = 96;
/** Of a bucket: gateways whose snapshots lie a moment apart, or a question about an older one, do not take turns in computing it. */
const mostVersions = 2;

/** The block of each bucket. Buckets of one timezone and about the same length are together, whoever asks for them. */
export function toBlockKeys(shape: string, { buckets, timezone }: Pick<BucketPlan, 'buckets' | 'timezone'>): string[] {
  const [first, second] = buckets as [Bucket, Bucket | undefined];
  // Days are 23 to 25 hours long and months 28 to 31 days: what is close shares a power of two.
  const length = 2 ** Math.ceil(Math.log2((second?.start ?? first.to) - first.start));
  return buckets.map(({ start }) => `${shape}:${timezone}:${Math.floor(start / (length * bucketsOfBlock))}x${length}`);
}

export function toEntryName({ start, from, to }: Bucket): string {
  return `${start}:${from}:${to}`;
}

export function encodeBlock(block: Block): Buffer {
  return Buffer.from(JSON.stringify(block));
}

/** undefined when the bytes are no block: a damaged entry is a miss. */
export function decodeBlock(bytes: Buffer): Block | undefined {
  try {
    const block: unknown = JSON.parse(bytes.toString());
    const isBlock =
      typeof block === 'object' &&
      block !== null &&
      Object.values(block).every((bucket) => Array.isArray(bucket) && bucket.every(isCachedBucket));
    return isBlock ? (block as Block) : undefined;
  } catch {
    return undefined;
  }
}

function isCachedBucket(value: unknown): boolean {
  return Array.isArray(value) && typeof value[0] === 'string' && Array.isArray(value[1]);
}

/** The block with these buckets as their latest, the oldest of the others left out when there are too many. */
export function withBuckets(block: Block | undefined, added: ReadonlyMap<string, CachedBucket>): Block {
  const kept = Object.entries(block ?? {}).filter(([name]) => !added.has(name));
  const renewed = [...added].map(([name, latest]): [string, readonly CachedBucket[]] => {
    const others = block?.[name]?.filter(([version]) => version !== latest[0]) ?? [];
    return [name, [latest, ...others].slice(0, mostVersions)];
  });
  return Object.fromEntries([...kept.slice(Math.max(0, kept.length + renewed.length - mostEntries)), ...renewed]);
}

/**
 * Pieces of consecutive places that have all of `missing`, at most `most` of them: the shortest gaps are computed again,
 * since a statement more costs more than a bucket more.
 */
export function toRuns(missing: readonly number[], most: number): { readonly first: number; readonly last: number }[] {
  const gaps = missing.slice(1).map((place, i) => ({ before: i + 1, width: place - (missing[i] as number) }));
  const wide = gaps.filter(({ width }) => width > 1).sort((a, b) => b.width - a.width);
  const cuts = new Set(wide.slice(0, most - 1).map(({ before }) => before));
  const runs: { first: number; last: number }[] = [];
  for (const [i, place] of missing.entries()) {
    const run = runs[runs.length - 1];
    if (run && !cuts.has(i)) run.last = place;
    else runs.push({ first: place, last: place });
  }
  return runs;
}

/** Puts buckets into the cache beside those that others have put there meanwhile. */
export function createBlockWriter(
  cache: ReportCache,
  {
    largest,
    ttlSeconds,
    memory,
  }: { readonly largest: number; readonly ttlSeconds: number; readonly memory: CellMemory },
): { add(key: string, name: string, bucket: CachedBucket): Promise<void> } {
  let pending = new Map<string, Map<string, CachedBucket>>();
  let written: PromiseWithResolvers<void> | null = null;

  const write = async (added: readonly (readonly [string, ReadonlyMap<string, CachedBucket>])[]) => {
    const values = await cache.getMany(
      added.map(([key]) => key),
      { newest: true },
    );
    const blocks = added.map(([key, entries], i) => {
      const value = values[i];
      return { key, value: encodeBlock(withBuckets(value && decodeBlock(value), entries)), ttlSeconds };
    });
    for (const { key, value } of blocks) memory.sawBlock(key, value.length > largest ? value.length : undefined);
    await cache.setMany(blocks.filter(({ value }) => value.length <= largest));
  };

  /** One after the other: of two writers of a block, the second would take back what the first one added. */
  let turn = Promise.resolve();
  const writeNext = async () => {
    const added = [...pending];
    const { resolve } = written!;
    pending = new Map();
    written = null;
    await write(added);
    resolve();
  };

  return {
    /** Resolves when it has been written, or will not be. */
    add(key, name, bucket) {
      const entries = pending.get(key) ?? new Map<string, CachedBucket>();
      pending.set(key, entries.set(name, bucket));
      // In a moment: what is added together is written at once.
      if (!written) {
        written = Promise.withResolvers();
        turn = turn.then(writeNext);
      }
      return written.promise;
    },
  };
}
