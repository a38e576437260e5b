import type { CacheState } from '../../ports/report-cache.ts';
import { type Block, type CachedBucket, toEntryName } from '../cells/blocks.ts';
import type { CellMemory, Seen } from '../cells/memory.ts';
import type { Bucket } from '../plan.ts';
import { iso, type TimeRange } from '../range.ts';
import type { SinceAnswer, StoredBatch } from './touches.ts';

/** Why an answer was not in the cache. docs/caching.md has them all. */
export type MissReason =
  | 'FRESH_ASKED'
  | 'CACHE_AWAY'
  | 'DAMAGED'
  | 'OLDER_DATA'
  | 'IDENTITY_CHANGED'
  | 'CORRECTED'
  | 'CORRECTION_OPEN'
  | 'TOO_LARGE'
  | 'GONE'
  | 'NEVER_COMPUTED'
  | 'COMES_ALONG';

const mostRanges = 50;
const mostBatches = 20;

export interface Miss {
  readonly why: MissReason;
  readonly text: string;
  /** Version of the data of the answer that is there instead. */
  readonly had?: string;
}

export interface ExplainedMiss {
  readonly why: MissReason;
  /** In one sentence. */
  readonly text: string;
  readonly buckets: number;
  /** Runs of neighbours, in order; at most 50. */
  readonly ranges: readonly { readonly from: string; readonly to: string; readonly buckets: number }[];
  /** What was stored there since the answer that the cache has, the newest first, at most 20; null where that cannot be told. */
  readonly since: readonly StoredBatch[] | null;
}

/** What a look into the cache found of a plan that is cached by bucket. */
export interface BucketsLook {
  readonly fresh: boolean;
  /** Key of each bucket's block. */
  readonly keys: readonly string[];
  /** As the cache gave them. */
  readonly values: ReadonlyMap<string, Buffer>;
  /** Of each bucket; null is a miss. */
  readonly cached: readonly (CachedBucket | null)[];
  /** What is computed. */
  readonly runs: readonly { readonly first: number; readonly last: number }[];
}

/** What else a reason is made of. */
export interface MissContext {
  readonly state: CacheState;
  readonly memory: CellMemory | null;
  /** That is asked for. */
  readonly version: string;
}

interface VersionParts {
  readonly data: string;
  readonly correction: string;
  readonly identity: string;
}

/** As the session names them: the data, corrections where there were any, and who is who. */
export function toVersionParts(version: string): VersionParts {
  const parts = version.split('.');
  return { data: parts[0] ?? '', correction: parts.slice(1, -1).join('.'), identity: parts[parts.length - 1] ?? '' };
}

const freshAsked: Miss = { why: 'FRESH_ASKED', text: 'asked with maxAgeMs 0: computed whatever the cache has' };
const away: Miss = {
  why: 'CACHE_AWAY',
  text: 'the shared cache is away (its breaker is open), and the memory of this gateway has no entry',
};
const comesAlong: Miss = {
  why: 'COMES_ALONG',
  text: 'was in the cache; computed again since it lies between missing ones, and a statement more costs more',
};

export function toWholeMiss(
  { fresh, isDamaged, shape }: { readonly fresh: boolean; readonly isDamaged: boolean; readonly shape: string },
  { state, memory, version }: MissContext,
): Miss {
  if (fresh) return freshAsked;
  if (isDamaged) return { why: 'DAMAGED', text: 'the entry is damaged: what is stored are not rows' };
  const open = toOpenCorrection(version);
  if (open) return open;
  const seen = memory?.recall(shape) ?? null;
  if (seen !== null && seen.version !== version)
    return toOther(version, [seen.version], `what this gateway last saw of it, at ${iso(seen.at)}, is`);
  return toAbsent(seen, state, memory);
}

export function toBucketMiss(
  { fresh, keys, values, cached }: BucketsLook,
  place: number,
  bucket: Bucket,
  block: Block | undefined,
  { state, memory, version }: MissContext,
): Miss {
  if (fresh) return freshAsked;
  if (cached[place]) return comesAlong;
  const key = keys[place] as string;
  const open = toOpenCorrection(version);
  if (open) return open;
  if (!block) {
    if (values.has(key)) return { why: 'DAMAGED', text: 'the entry is damaged: what is stored is no block of buckets' };
    return toAbsent(memory?.recall(key) ?? null, state, memory);
  }
  const there = block[toEntryName(bucket)]?.map(([of]) => of) ?? [];
  if (there.length > 0) return toOther(version, there, 'the entry is');
  const others = Object.keys(block).length;
  return {
    why: 'NEVER_COMPUTED',
    text: `never computed, or long ago: the entry has ${others} ${others === 1 ? 'bucket' : 'buckets'}, and not this one`,
  };
}

/** While events are being taken out or put back, an answer has a name of its own that nobody asks for again. */
function toOpenCorrection(version: string): Miss | null {
  if (!toVersionParts(version).correction.includes('-')) return null;
  return {
    why: 'CORRECTION_OPEN',
    text: 'events of the project are being removed or put back just now: nothing is kept until that is over',
  };
}

/** The same question is there of other data. The one that shares most with what is asked for tells what has changed. */
function toOther(version: string, there: readonly string[], told: string): Miss {
  const wanted = toVersionParts(version);
  const known = there.map(toVersionParts);
  if (known.some(({ data, correction }) => data === wanted.data && correction === wanted.correction))
    return {
      why: 'IDENTITY_CHANGED',
      text: `identity changed: ${told} of the same events, and of another version of who is who`,
    };
  if (known.some(({ data }) => data === wanted.data))
    return {
      why: 'CORRECTED',
      text: 'events of the project were removed or put back since (a deletion of a person, or dedupe)',
    };
  const [latest] = known as [VersionParts];
  return { why: 'OLDER_DATA', text: `other data: ${told} of another version of the data`, had: latest.data };
}

function toAbsent(seen: Seen | null, state: CacheState, memory: CellMemory | null): Miss {
  if (seen !== null && seen.tooLarge !== null)
    return { why: 'TOO_LARGE', text: `too large to be cached: ${seen.tooLarge} bytes when it was last computed` };
  if (state === 'degraded') return away;
  if (seen !== null)
    return {
      why: 'GONE',
      text: `no entry, though this gateway knew one at ${iso(seen.at)}: it was evicted, has expired, could not be written, or the cache did not answer in time`,
    };
  const since = memory === null ? '' : ` since it started at ${iso(memory.since)}`;
  return { why: 'NEVER_COMPUTED', text: `never computed: no entry, and this gateway has known none${since}` };
}

/** Of equal reasons one, with the runs of neighbours that have it. */
export function toExplainedMisses(
  misses: ReadonlyMap<number, Miss>,
  places: readonly TimeRange[],
  toSince: (place: number) => SinceAnswer | null,
): ExplainedMiss[] {
  const groups = new Map<string, { miss: Miss; at: number[] }>();
  for (const place of [...misses.keys()].sort((a, b) => a - b)) {
    const miss = misses.get(place) as Miss;
    // The same reason of two entries may name two times.
    const reason = miss.text.replaceAll(/ 20\d\d-\S+Z/g, '');
    const group = groups.get(reason) ?? { miss, at: [] };
    groups.set(reason, group);
    group.at.push(place);
  }
  return [...groups.values()].map(({ miss: { why, text }, at }) => {
    const ranges: { from: string; to: string; buckets: number }[] = [];
    let end = -2;
    for (const place of at) {
      const { from, to } = places[place] as TimeRange;
      const last = ranges[ranges.length - 1];
      if (last && place === end + 1)
        ranges[ranges.length - 1] = { from: last.from, to: iso(to), buckets: last.buckets + 1 };
      else ranges.push({ from: iso(from), to: iso(to), buckets: 1 });
      end = place;
    }
    return { why, text, buckets: at.length, ranges: ranges.slice(0, mostRanges), since: joinSince(at.map(toSince)) };
  });
}

function joinSince(answers: readonly (SinceAnswer | null)[]): StoredBatch[] | null {
  const known = answers.filter((answer) => answer !== null);
  if (known.length === 0) return null;
  const batches = new Map<string, StoredBatch>();
  for (const batch of known.flat()) {
    const key = `${batch.epoch} ${batch.lane} ${batch.partition} ${batch.last}`;
    const before = batches.get(key);
    batches.set(
      key,
      before ? { ...batch, touched: [...new Set([...before.touched, ...batch.touched])].sort() } : batch,
    );
  }
  return [...batches.values()].sort((a, b) => (a.storedAt < b.storedAt ? 1 : -1)).slice(0, mostBatches);
}
