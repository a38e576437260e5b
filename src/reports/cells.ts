import { hash } from 'node:crypto';
import { isTallygateError } from '../errors.ts';
import type { PositionVector } from '../events/position.ts';
import type { ReportCache } from '../ports/report-cache.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import {
  type Block,
  type CachedBucket,
  createBlockWriter,
  decodeBlock,
  toBlockKeys,
  toEntryName,
  toRuns,
} from './blocks.ts';
import { type Identity, toPlanStatement } from './identity.ts';
import { type BucketPlan, type BucketRow, type Plan, type Row, toPlanOf, toQueryOptions } from './plan.ts';

interface Question {
  readonly project: string;
  readonly vector: PositionVector;
  readonly identity: Identity;
  /** Compute even when a cached answer is there. */
  readonly fresh: boolean;
}

/** A plan with everything that its rows depend on named in a key. */
export interface CellRequest extends Question {
  readonly key: string;
  readonly plan: Plan;
}

/** A plan that is cached by bucket. */
export interface BucketsRequest extends Question {
  /** Names everything that the rows depend on beside the events. */
  readonly shape: string;
  readonly buckets: BucketPlan;
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
}

interface Flight {
  readonly answer: Promise<Cell>;
  readonly controller: AbortController;
  waiting: number;
}

/** Larger answers are cheaper to compute again than to carry. */
const largestCached = 2 * 1024 * 1024;
/** Housekeeping only: a cell is never wrong, it just stops being asked for. */
const ttlSeconds = 7 * 24 * 3600;
const afterglowMs = 1000;
/** Statements of one plan for buckets that lie apart. */
const mostRuns = 3;

/** Cached rows where there are some, otherwise one statement for each cell; equal cells in flight share one. */
export function createCells({ cache, warehouse, metrics }: CellsDeps): Cells {
  const flights = new Map<string, Flight>();
  const writer = createBlockWriter(cache, { largest: largestCached, ttlSeconds });

  const compute = async (request: CellRequest, signal: AbortSignal): Promise<Cell> => {
    const { plan, project } = request;
    const options = { ...toQueryOptions(plan), project, signal };
    const { rows, rowsRead } = await warehouse.query<Row>(toPlanStatement(plan, request), options);
    return { rows, source: 'warehouse', statements: 1, rowsRead };
  };

  const store = (key: string, value: Buffer): void => {
    if (value.length <= largestCached) void cache.setMany([{ key, value, ttlSeconds }]);
  };

  const join = async (flight: Flight, signal: AbortSignal): Promise<Cell> => {
    flight.waiting++;
    const leave = () => {
      // The last one to leave ends the statement.
      if (--flight.waiting === 0) flight.controller.abort(signal.reason);
    };
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    try {
      return await flight.answer;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  };

  const loadMissing = async (request: CellRequest, signal: AbortSignal): Promise<Cell | Error> => {
    try {
      const shared = request.fresh ? undefined : flights.get(request.key);
      if (shared && !shared.controller.signal.aborted) {
        metrics.cells.inc({ source: 'shared' });
        return { ...(await join(shared, signal)), statements: 0, rowsRead: 0 };
      }
      const controller = new AbortController();
      const flight: Flight = { controller, waiting: 0, answer: compute(request, controller.signal) };
      flights.set(request.key, flight);
      const forget = () => void (flights.get(request.key) === flight && flights.delete(request.key));
      // A little longer than it flies: who asked the cache just before the answer was written there shares it, too.
      flight.answer.then(() => setTimeout(forget, afterglowMs).unref(), forget);
      metrics.cells.inc({ source: 'warehouse' });
      return await join(flight, signal);
    } catch (thrown) {
      return thrown instanceof Error ? thrown : new Error(String(thrown));
    }
  };

  const loadWhole = async (request: CellRequest, found: ReadonlyMap<string, Buffer>, signal: AbortSignal) => {
    const value = found.get(request.key);
    const rows = value && parseRows(value);
    if (rows) {
      metrics.cells.inc({ source: 'cache' });
      return { rows, source: 'cache', statements: 0, rowsRead: 0 } as const;
    }
    const cell = await loadMissing(request, signal);
    if (!(cell instanceof Error) && cell.statements > 0) store(request.key, Buffer.from(JSON.stringify(cell.rows)));
    return cell;
  };

  const loadBuckets = async (request: BucketsRequest, found: ReadonlyMap<string, Buffer>, signal: AbortSignal) => {
    const { shape, buckets: plan, versions } = request;
    const { buckets } = plan;
    const keys = toBlockKeys(shape, plan);
    const blocks = new Map<string, Block>();
    for (const key of new Set(keys)) {
      const value = found.get(key);
      const block = value && decodeBlock(value);
      if (block) blocks.set(key, block);
    }
    const cached = buckets.map((bucket, i): CachedBucket | null => {
      const known = blocks.get(keys[i] as string)?.[toEntryName(bucket)];
      return known?.find(([version]) => version === versions[i]) ?? null;
    });
    const missing = cached.flatMap((entry, i) => (entry === null ? [i] : []));
    metrics.cells.inc({ source: 'cache' }, buckets.length - missing.length);
    const runs = await Promise.all(
      toRuns(missing, mostRuns).map(async ({ first, last }) => {
        const some = buckets.slice(first, last + 1);
        const version = hash('sha256', versions.slice(first, last + 1).join(), 'base64url').slice(0, 22);
        const key = `${shape}:${toEntryName(some[0]!)}-${toEntryName(some[some.length - 1]!)}:${version}`;
        return { first, last, cell: await loadMissing({ ...request, key, plan: toPlanOf(plan, some) }, signal) };
      }),
    );
    const rows = cached.map((entry): readonly BucketRow[] => entry?.[1] ?? []);
    let statements = 0;
    let rowsRead = 0;
    for (const { first, last, cell } of runs) {
      if (cell instanceof Error) return cell;
      statements += cell.statements;
      rowsRead += cell.rowsRead;
      const ofBucket = groupRows(cell.rows as readonly BucketRow[]);
      for (let i = first; i <= last; i++) {
        const bucket = buckets[i]!;
        rows[i] = ofBucket.get(String(bucket.start)) ?? [];
        // Whoever computed them writes them down; who shared that does not.
        if (cell.statements > 0) writer.add(keys[i] as string, toEntryName(bucket), [versions[i]!, rows[i]!]);
      }
    }
    return {
      rows: rows.flat(),
      source: missing.length === 0 ? 'cache' : 'warehouse',
      cachedBuckets: runs.reduce((left, { first, last }) => left - (last - first + 1), buckets.length),
      statements,
      rowsRead,
    } as const;
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
        const values = await cache.getMany(asked);
        asked.forEach((key, i) => {
          const value = values[i];
          if (value) found.set(key, value);
        });
      }
      return Promise.all(
        requests.map(
          (request): Promise<Cell | Error> =>
            'key' in request ? loadWhole(request, found, signal) : loadBuckets(request, found, signal),
        ),
      );
    },
  };
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
