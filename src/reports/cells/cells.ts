import { hash } from 'node:crypto';
import { isTallygateError } from '../../errors.ts';
import type { ReportCache } from '../../ports/report-cache.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { traceLook } from '../explain/cells.ts';
import { type Bucket, type BucketPlan, type BucketRow, type Plan, type Row, toPlanOf } from '../plan.ts';
import {
  type Block,
  type CachedBucket,
  createBlockWriter,
  decodeBlock,
  toBlockKeys,
  toEntryName,
  toRuns,
} from './blocks.ts';
import { createFlights, type FlightRequest, type Landed, type Place, type Question } from './flights.ts';
import type { GroupedPlan } from './grouped.ts';
import { createCellMemory } from './memory.ts';

/** A plan with everything that its rows depend on named in a key. */
export interface CellRequest extends Question {
  readonly key: string;
  readonly plan: Plan;
}

/** A plan that is cached by bucket. */
export interface BucketsRequest extends Question {
  /** Names everything that the rows depend on beside the events. */
  readonly shape: string;
  readonly buckets: BucketPlan | GroupedPlan;
  /** Of the data that each bucket's rows depend on. */
  readonly versions: readonly string[];
}

export interface Cell {
  readonly rows: readonly Row[];
  readonly source: 'cache' | 'warehouse';
  /** Of a plan that is cached by bucket: buckets that were there. */
  readonly cachedBuckets?: number;
  /** Statements and rows read for this cell by this request: 0 when another request's computation was shared. */
  readonly statements: number;
  readonly rowsRead: number;
}

export interface Cells {
  /** In the order of the requests; a failure stands in its place. Never rejects. */
  load(requests: readonly (CellRequest | BucketsRequest)[], signal: AbortSignal): Promise<(Cell | Error)[]>;
}

interface CellsDeps {
  readonly cache: ReportCache;
  readonly warehouse: Warehouse;
  readonly metrics: Metrics;
  /** Whether one statement may compute what several are missing. */
  readonly fusion: boolean;
}

/** Larger answers are cheaper to compute again than to carry. */
const largestCached = 2 * 1024 * 1024;
/** Housekeeping only: a cell is never wrong, it just stops being asked for. */
const ttlSeconds = 7 * 24 * 3600;
/** Statements of one plan for buckets that lie apart. */
const mostRuns = 3;

/** What of a request is missing, and what it comes to with that. */
interface Looked {
  readonly missing: readonly FlightRequest[];
  finish(landed: readonly (Landed | Error)[]): Cell | Error;
}

/** Cached rows where there are some, otherwise computed ones. */
export function createCells({ cache, warehouse, metrics, fusion }: CellsDeps): Cells {
  const flights = createFlights({ cache, warehouse, metrics, fusion });
  const memory = createCellMemory();
  const writer = createBlockWriter(cache, { largest: largestCached, ttlSeconds, memory });

  const placeOf = (key: string): Place => ({
    keys: [key],
    read: ([value]) => value && parseRows(value),
    async keep(rows) {
      const value = Buffer.from(JSON.stringify(rows));
      memory.sawWhole(key, value.length > largestCached ? value.length : undefined);
      if (value.length <= largestCached) await cache.setMany([{ key, value, ttlSeconds }]);
    },
  });

  /** Of neighbouring buckets; `keys` are those of their blocks, in the order of the buckets. */
  const placeOfRun = (buckets: readonly Bucket[], keys: readonly string[], versions: readonly string[]): Place => {
    const blocks = [...new Set(keys)];
    return {
      keys: blocks,
      read(values) {
        const entries = findBuckets(new Map(blocks.map((key, i) => [key, values[i]])), buckets, keys, versions);
        return entries.includes(null) ? undefined : entries.flatMap((entry) => entry?.[1] ?? []);
      },
      async keep(rows) {
        const ofBucket = groupRows(rows as readonly BucketRow[]);
        const added = buckets.map((bucket, i) => {
          const { start } = bucket;
          return writer.add(keys[i]!, toEntryName(bucket), [versions[i]!, ofBucket.get(String(start)) ?? []]);
        });
        await Promise.all(added);
      },
    };
  };

  const lookWhole = (request: CellRequest, found: ReadonlyMap<string, Buffer>): Looked => {
    const { key, plan } = request;
    const value = found.get(key);
    const rows = value && parseRows(value);
    const isDamaged = value !== undefined && !rows;
    request.trace?.lookedWhole({ fresh: request.fresh, isFound: rows !== undefined, isDamaged });
    if (rows) {
      memory.sawWhole(key);
      metrics.cells.inc({ source: 'cache' });
      return { missing: [], finish: () => ({ rows, source: 'cache', statements: 0, rowsRead: 0 }) };
    }
    const shape = key.slice(0, key.lastIndexOf(':'));
    return {
      missing: [{ key, shape, plan, grouped: null, question: request, place: placeOf(key) }],
      finish: ([landed]) => landed as Landed | Error,
    };
  };

  const lookBuckets = (request: BucketsRequest, found: ReadonlyMap<string, Buffer>): Looked => {
    const { shape, buckets: plan, versions } = request;
    const { buckets, timezone } = plan;
    const keys = toBlockKeys(shape, plan);
    const cached = findBuckets(found, buckets, keys, versions);
    const missing = cached.flatMap((entry, i) => (entry === null ? [i] : []));
    metrics.cells.inc({ source: 'cache' }, buckets.length - missing.length);
    const runs = toRuns(missing, mostRuns);
    request.trace?.lookedBuckets({ fresh: request.fresh, keys, values: found, cached, runs });
    return {
      missing: runs.map(({ first, last }) => {
        const some = buckets.slice(first, last + 1);
        const names = versions.slice(first, last + 1);
        const version = hash('sha256', names.join(), 'base64url').slice(0, 22);
        return {
          key: `${shape}:${toEntryName(some[0]!)}-${toEntryName(some[some.length - 1]!)}:${version}`,
          shape,
          run: { first, last },
          plan: toPlanOf(plan, some),
          grouped: 'grouped' in plan ? { counts: plan.grouped, buckets: some, timezone } : null,
          question: request,
          place: placeOfRun(some, keys.slice(first, last + 1), names),
        };
      }),
      finish(landed) {
        const rows = cached.map((entry): readonly BucketRow[] => entry?.[1] ?? []);
        let statements = 0;
        let rowsRead = 0;
        let computed = 0;
        for (const [run, part] of landed.entries()) {
          if (part instanceof Error) return part;
          statements += part.statements;
          rowsRead += part.rowsRead;
          const ofBucket = groupRows(part.rows as readonly BucketRow[]);
          const { first, last } = runs[run]!;
          if (part.source === 'warehouse') computed += last - first + 1;
          for (let i = first; i <= last; i++) rows[i] = ofBucket.get(String(buckets[i]!.start)) ?? [];
        }
        return {
          rows: rows.flat(),
          source: computed === 0 ? 'cache' : 'warehouse',
          cachedBuckets: buckets.length - computed,
          statements,
          rowsRead,
        };
      },
    };
  };

  return {
    async load(requests, signal) {
      const asked = requests
        .filter(({ fresh }) => !fresh)
        .flatMap((request) =>
          'key' in request ? [request.key] : [...new Set(toBlockKeys(request.shape, request.buckets))],
        );
      const found = new Map<string, Buffer>();
      if (asked.length > 0) {
        const values = await traceLook(requests, { cache, memory, keys: asked }, (onShared) =>
          cache.getMany(asked, onShared && { onShared }),
        );
        asked.forEach((key, i) => {
          const value = values[i];
          if (value) found.set(key, value);
        });
      }
      const looked = requests.map((request) =>
        'key' in request ? lookWhole(request, found) : lookBuckets(request, found),
      );
      const cells = looked.map(async ({ missing, finish }) =>
        finish(missing.length === 0 ? [] : await flights.fly(missing, signal)),
      );
      return Promise.all(cells);
    },
  };
}

/** Of each bucket the rows of its version; null where there are none. `found`: what is under the keys of the blocks. */
function findBuckets(
  found: ReadonlyMap<string, Buffer | undefined>,
  buckets: readonly Bucket[],
  keys: readonly string[],
  versions: readonly string[],
): (CachedBucket | null)[] {
  const blocks = new Map<string, Block | undefined>();
  for (const key of new Set(keys)) {
    const value = found.get(key);
    blocks.set(key, value && decodeBlock(value));
  }
  return buckets.map((bucket, i) => {
    const known = blocks.get(keys[i] as string)?.[toEntryName(bucket)];
    return known?.find(([version]) => version === versions[i]) ?? null;
  });
}

function groupRows(rows: readonly BucketRow[]): Map<string, BucketRow[]> {
  const groups = new Map<string, BucketRow[]>();
  for (const row of rows) {
    const group = groups.get(row.b);
    if (group) group.push(row);
    else groups.set(row.b, [row]);
  }
  return groups;
}

/** undefined when the bytes are not rows: a damaged entry is a miss. */
function parseRows(value: Buffer): Row[] | undefined {
  try {
    const rows: unknown = JSON.parse(value.toString());
    return Array.isArray(rows) ? rows : undefined;
  } catch (thrown) {
    if (isTallygateError(thrown)) throw thrown;
    return undefined;
  }
}
