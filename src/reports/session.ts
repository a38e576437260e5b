import DataLoader from 'dataloader';
import { TallygateError } from '../errors.ts';
import { covers, historyLane, joinVectors, type PositionVector, toStream, toStreamParts } from '../events/position.ts';
import { parseConsistencyToken, parseSnapshotToken, type SnapshotFacts, toSnapshotToken } from '../events/tokens.ts';
import type { QueryOptions, QueryResult, Statement, Warehouse } from '../ports/warehouse.ts';
import type { BucketsRequest, Cell, CellRequest, Cells } from './cells.ts';
import type { CohortMembers } from './cohort-members.ts';
import type { Correction } from './corrections.ts';
import { type Identities, nobody, toPerson } from './identity.ts';
import {
  type BucketPlan,
  countsPersons,
  dependsOf,
  dependsOnlyOn,
  type Plan,
  type Row,
  toCellKey,
  toSelect,
  toShapeKey,
} from './plan.ts';
import { toStatement } from './sql.ts';
import type { Versions } from './versions.ts';
import { readEveryMs, type WatermarkReader } from './watermark.ts';

export interface FreshnessInput {
  readonly after?: string | null | undefined;
  readonly maxWaitMs?: number | null | undefined;
  readonly maxAgeMs?: number | null | undefined;
  readonly at?: string | null | undefined;
}

export type Consistency = 'NOT_ASKED' | 'SATISFIED' | 'TIMED_OUT';

/** The one moment that all reports of an operation describe. Times are milliseconds since 1970. */
export interface Moment {
  readonly vector: PositionVector;
  readonly asOf: number;
  /** What relative ranges are resolved with. */
  readonly now: number;
  readonly snapshot: string;
  readonly consistency: Consistency;
  readonly fresh: boolean;
  /** What is odd about it, for `meta.warnings`. */
  readonly warnings: readonly string[];
}

export interface ReportMeta {
  readonly asOf: Date;
  readonly snapshot: string;
  readonly consistency: Consistency;
  readonly source: 'CACHE' | 'PARTIAL_CACHE' | 'WAREHOUSE';
  readonly cachedBuckets: number;
  readonly computedBuckets: number;
  /** Of the whole operation: resolves when all its reports have their rows. */
  statements(): Promise<number>;
  rowsRead(): Promise<number>;
  readonly elapsedMs: number;
  readonly exact: boolean;
  readonly errorBound: number | null;
  readonly warnings: readonly string[];
}

/** What one GraphQL operation knows while it asks for reports. */
export interface Session {
  readonly project: string;
  readonly signal: AbortSignal;
  /** Runs one report: every report of the operation is begun through this, in the tick in which it starts. */
  report<T>(freshness: FreshnessInput | null | undefined, run: (moment: Moment) => Promise<T>): Promise<T>;
  /** Rows of a plan as of the moment; all plans of the operation share one look into the cache. */
  load(moment: Moment, plan: Plan): Promise<Cell>;
  /** The same of a plan that is cached by bucket; only what is missing is computed. Rows in the order of the buckets. */
  loadBuckets(moment: Moment, plan: BucketPlan): Promise<Cell>;
  /** The same, neither looked up nor kept: for what is asked once and is large. */
  read<R extends Row>(moment: Moment, plan: Plan): Promise<readonly R[]>;
  /** A statement that is not cached. */
  query<R extends Row>(
    statement: Statement,
    options: Omit<QueryOptions, 'project' | 'signal'>,
  ): Promise<QueryResult<R>>;
  /** `buckets`: how many buckets each cell stands for. */
  toMeta(
    moment: Moment,
    cells: readonly { readonly cell: Cell; readonly buckets: number }[],
    facts?: { warnings?: readonly string[] },
  ): ReportMeta;
}

interface SessionDeps {
  readonly project: string;
  readonly signal: AbortSignal;
  readonly cells: Cells;
  readonly versions: Versions;
  readonly identities: Identities;
  readonly cohorts: CohortMembers;
  readonly watermark: WatermarkReader;
  readonly warehouse: Warehouse;
  readonly clock: () => number;
}

const longestWaitMs = 30_000;
/** Stands for each bucket of a plan where only its statement's shape matters. */
const anyBucket = { start: 0, from: 0, to: 86_400_000 };

export function createSession({
  project,
  signal,
  cells,
  versions,
  identities,
  cohorts,
  watermark,
  warehouse,
  clock,
}: SessionDeps): Session {
  const started = performance.now();
  const inputs: FreshnessInput[] = [];
  let moment: Promise<Moment> | null = null;
  const running = new Set<Promise<unknown>>();
  let statements = 0;
  let rowsRead = 0;

  const loader = new DataLoader<CellRequest | BucketsRequest, Cell, string>(
    async (requests) => {
      const loaded = await cells.load(requests, signal);
      for (const cell of loaded) {
        if (cell instanceof Error) continue;
        statements += cell.statements;
        rowsRead += cell.rowsRead;
      }
      return loaded;
    },
    { cacheKeyFn: toLoaderKey, maxBatchSize: 500 },
  );

  const load = async (at: Moment, asked: Plan): Promise<Cell> => {
    const plan = await cohorts.expand(project, asked, at.now, signal);
    const [version] = await versions.versionsOf(project, [dependsOf(plan)], at.vector, signal);
    const identity = countsPersons(plan) ? await identities.asOf(project, at.vector, signal) : nobody;
    const key = toCellKey(project, plan, `${version}.${identity.version}`);
    return loader.load({ key, plan, project, vector: at.vector, identity, fresh: at.fresh });
  };

  /** Until nothing runs any more; what is computed when it is asked for begins a turn after what it belongs to was answered. */
  const settle = async () => {
    do {
      await new Promise<void>((resolve) => setImmediate(resolve));
      await Promise.allSettled(running);
    } while (running.size > 0);
  };

  async function query<R extends Row>(statement: Statement, options: Omit<QueryOptions, 'project' | 'signal'>) {
    const result = await warehouse.query<R>(statement, { ...options, project, signal });
    statements++;
    rowsRead += result.rowsRead;
    return result;
  }

  return {
    project,
    signal,
    query,
    report(freshness, run) {
      if (freshness) inputs.push(freshness);
      // All reports of the operation begin in this tick: their wishes are known when it is over.
      moment ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() =>
        resolveMoment(inputs, project, watermark, signal, clock),
      );
      const answer = moment.then(run);
      running.add(answer);
      answer.catch(() => {}).finally(() => running.delete(answer));
      return answer;
    },
    load,
    async loadBuckets(at, plan) {
      const asked = { label: plan.label, select: plan.select([anyBucket]) };
      const one = await cohorts.expand(project, asked, at.now, signal);
      // A condition that looks at other events as well, of a person's whole life perhaps, makes one cell of them all.
      if (one !== asked || !dependsOnlyOn(one, anyBucket)) {
        const { label, limits, buckets } = plan;
        const whole = await load(at, { label, select: plan.select(buckets), ...(limits ? { limits } : {}) });
        return { ...whole, cachedBuckets: whole.source === 'cache' ? buckets.length : 0 };
      }
      const identity = countsPersons(one) ? await identities.asOf(project, at.vector, signal) : nobody;
      const ofData = await versions.versionsOf(project, plan.buckets, at.vector, signal);
      return loader.load({
        shape: toShapeKey(project, one),
        buckets: plan,
        versions: ofData.map((version) => `${version}.${identity.version}`),
        project,
        vector: at.vector,
        identity,
        fresh: at.fresh,
      });
    },
    async read<R extends Row>({ vector, now }: Moment, asked: Plan) {
      const plan = await cohorts.expand(project, asked, now, signal);
      const identity = countsPersons(plan) ? await identities.asOf(project, vector, signal) : nobody;
      const select = toSelect(plan, project, vector, (id) => toPerson(id, identity, project, vector));
      const { label, limits } = plan;
      return (await query<R>(toStatement(select), { label, ...(limits ? { limits } : {}) })).rows;
    },
    toMeta(at, parts, { warnings = [] } = {}) {
      const all = parts.reduce((sum, { buckets }) => sum + buckets, 0);
      const cached = parts.reduce(
        (sum, { cell, buckets }) => sum + (cell.cachedBuckets ?? (cell.source === 'cache' ? buckets : 0)),
        0,
      );
      return {
        asOf: new Date(at.asOf),
        snapshot: at.snapshot,
        consistency: at.consistency,
        source: cached === 0 ? 'WAREHOUSE' : cached === all ? 'CACHE' : 'PARTIAL_CACHE',
        cachedBuckets: cached,
        computedBuckets: all - cached,
        statements: () => settle().then(() => statements),
        rowsRead: () => settle().then(() => rowsRead),
        elapsedMs: performance.now() - started,
        exact: true,
        errorBound: null,
        warnings: [...at.warnings, ...warnings],
      };
    },
  };
}

function toLoaderKey(request: CellRequest | BucketsRequest): string {
  if ('key' in request) return request.key;
  const { shape, buckets, versions } = request;
  return [shape, ...buckets.buckets.map(({ start, from, to }, i) => `${start}:${from}:${to}:${versions[i]}`)].join();
}

async function resolveMoment(
  inputs: readonly FreshnessInput[],
  project: string,
  watermark: WatermarkReader,
  signal: AbortSignal,
  clock: () => number,
): Promise<Moment> {
  const ats = new Set(inputs.flatMap(({ at }) => (at ? [at] : [])));
  if (ats.size > 1)
    throw new TallygateError(
      'INVALID_INPUT',
      `expected one freshness.at for all reports of an operation, got ${ats.size} different ones`,
    );
  const ages = inputs.flatMap(({ maxAgeMs }) => (typeof maxAgeMs === 'number' ? [maxAgeMs] : []));
  if (ages.some((age) => age < 0))
    throw new TallygateError('INVALID_INPUT', `expected freshness.maxAgeMs of at least 0, got ${Math.min(...ages)}`);
  const waits = inputs.map(({ maxWaitMs }) => maxWaitMs ?? 2000);
  if (waits.some((wait) => wait < 0 || wait > longestWaitMs)) {
    throw new TallygateError(
      'INVALID_INPUT',
      `expected freshness.maxWaitMs of 0 to ${longestWaitMs}, got ${waits.find((w) => w < 0 || w > longestWaitMs)}`,
    );
  }
  const deadline = clock() + Math.max(0, ...waits);
  const after = inputs.flatMap(({ after }) => (after ? [parseConsistencyToken(after)] : []));
  const [at] = ats;
  const snapshot: SnapshotFacts | null = at ? parseSnapshotToken(at) : null;
  const oldest = ages.length > 0 ? Math.min(...ages) : readEveryMs;
  let present = await watermark.read(oldest);

  const wanted = joinVectors([
    ...after.map((vector) => inEpoch(vector, present.epoch)),
    ...(snapshot ? [snapshot.vector] : []),
  ]);
  let consistency: Consistency = after.length > 0 ? 'SATISFIED' : 'NOT_ASKED';
  if (!covers(present.vector, wanted)) {
    const reached = await watermark.waitFor(wanted, deadline, signal);
    present = await watermark.read(readEveryMs);
    if (!reached && !covers(present.vector, wanted)) {
      if (snapshot && !covers(present.vector, snapshot.vector)) {
        throw new TallygateError(
          'INVALID_TOKEN',
          'expected freshness.at of a snapshot that the warehouse has, got one that it has not reached',
        );
      }
      consistency = 'TIMED_OUT';
    }
  }
  if (snapshot) {
    if (after.length > 0)
      consistency = covers(snapshot.vector, joinVectors(after.map((v) => inEpoch(v, present.epoch))))
        ? 'SATISFIED'
        : 'TIMED_OUT';
    return {
      ...snapshot,
      snapshot: at as string,
      consistency,
      fresh: oldest === 0,
      warnings: toSnapshotWarnings(watermark.correction(project), snapshot.asOf),
    };
  }
  const now = clock();
  const { vector, asOf } = present;
  const token = toSnapshotToken({ vector, asOf, now });
  return { vector, asOf, now, snapshot: token, consistency, fresh: oldest === 0, warnings: toWarnings(watermark) };
}

/** asOf speaks of live events; history is on its way for as long as it takes. */
function toWarnings(watermark: WatermarkReader): string[] {
  const imported = watermark.lag().reduce((sum, { lane, lag }) => (lane === historyLane ? sum + lag : sum), 0);
  return imported === 0
    ? []
    : [`${imported} imported records (of all projects) are on their way and not in this answer`];
}

/** What was taken out since is missing from an older moment, too. */
function toSnapshotWarnings({ removedAt, deletedAt }: Correction, asOf: number): string[] {
  return [
    ...(removedAt > asOf
      ? ['events that were sent twice were removed since this snapshot: its numbers are without them']
      : []),
    ...(deletedAt > asOf ? ['persons were deleted since this snapshot: its numbers are without them'] : []),
  ];
}

/** Consistency tokens are made without knowing the epoch. */
function inEpoch(vector: PositionVector, epoch: number): PositionVector {
  return new Map([...vector].map(([stream, offset]) => [toStream({ ...toStreamParts(stream), epoch }), offset]));
}
