import DataLoader from 'dataloader';
import { LRUCache } from 'lru-cache';
import { isTallygateError } from '../errors.ts';
import type { QueryOptions, QueryResult, Statement, Warehouse } from '../ports/warehouse.ts';
import type { BucketsRequest, Cell, CellRequest, Cells } from './cells/cells.ts';
import type { CohortMembers } from './definitions/cohort-members.ts';
import type { Recorder } from './explain/explain.ts';
import { type Identities, type Identity, nobody, toPlanStatement } from './identity/identity.ts';
import type { Merges } from './identity/merges.ts';
import { type Consistency, type FreshnessInput, type Moment, resolveMoment } from './moment/moment.ts';
import type { Versions } from './moment/versions.ts';
import type { WatermarkReader } from './moment/watermark.ts';
import {
  allTime,
  type BucketPlan,
  countsPersons,
  dependsOf,
  dependsOnlyOn,
  type Plan,
  type Row,
  toCellKey,
  toPlanOf,
  toQueryOptions,
  toShapeKey,
} from './plan.ts';
import type { TimeRange } from './range.ts';

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
  /** The same, or null when it comes to more rows than that, or costs more than a statement may; then it is not tried again for a while. */
  loadFew(moment: Moment, plan: BucketPlan, mostRows: number): Promise<Cell | null>;
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
  readonly merges: Merges;
  readonly cohorts: CohortMembers;
  readonly watermark: WatermarkReader;
  readonly warehouse: Warehouse;
  readonly clock: () => number;
  /** Names of what came to more rows than it may. */
  readonly large: LargeShapes;
  /** Of whoever asked why. */
  readonly recorder?: Recorder | undefined;
}

export interface LargeShapes {
  has(shape: string): boolean;
  add(shape: string): void;
}

const mostLarge = 1000;
const forgottenAfterMs = 10 * 60_000;

export function createLargeShapes(): LargeShapes {
  const shapes = new LRUCache<string, true>({ max: mostLarge, ttl: forgottenAfterMs });
  return { has: (shape) => shapes.has(shape), add: (shape) => void shapes.set(shape, true) };
}

/** Stands for each bucket of a plan where only its statement's shape matters: before everything that can be asked for. */
const anyBucket = { start: allTime.from - 2, from: allTime.from - 2, to: allTime.from - 1 };

export function createSession({
  project,
  signal,
  cells,
  versions,
  identities,
  merges,
  cohorts,
  watermark,
  warehouse,
  clock,
  large,
  recorder,
}: SessionDeps): Session {
  const started = performance.now();
  const inputs: FreshnessInput[] = [];
  let moment: Promise<Moment> | null = null;
  const running = new Set<Promise<unknown>>();
  let statements = 0;
  let rowsRead = 0;

  const timed = <T>(phase: string, run: () => Promise<T>) => (recorder ? recorder.phase(phase, run) : run());

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

  const toIdentity = (plan: Plan, { vector }: Moment): Promise<Identity> | Identity =>
    countsPersons(plan) ? identities.asOf(project, vector, signal) : nobody;

  /** Names what the plan's rows depend on in each of the ranges, and who is who, as of the moment. */
  const toVersions = async (at: Moment, plan: Plan, ranges: readonly TimeRange[]) => {
    const ofData = await timed('versions', () => versions.versionsOf(project, ranges, at.vector, signal));
    const identity = await timed('identity', async () => toIdentity(plan, at));
    const question = { project, plan, snapshot: at.vector, identity };
    const ofMerges = await timed('merges', () => merges.versionsOf(question, ranges));
    return { identity, names: ofData.map((version, i) => `${version}.${ofMerges[i]}`) };
  };

  const load = async (at: Moment, asked: Plan): Promise<Cell> => {
    const plan = await timed('cohorts', () => cohorts.expand(project, asked, at.now, signal));
    const { identity, names } = await toVersions(at, plan, [dependsOf(plan)]);
    const version = names[0] as string;
    const key = toCellKey(project, plan, version);
    const trace = at.trace?.cell({
      kind: 'whole',
      label: plan.label,
      shape: key.slice(0, -version.length - 1),
      version,
      range: dependsOf(plan),
    });
    return loader.load({ key, plan, project, vector: at.vector, identity, fresh: at.fresh, trace });
  };

  const loadBuckets = async (at: Moment, plan: BucketPlan): Promise<Cell> => {
    const asked = toPlanOf(plan, [anyBucket]);
    const one = await timed('cohorts', () => cohorts.expand(project, asked, at.now, signal));
    // A condition that looks at other events as well, of a person's whole life perhaps, makes one cell of them all.
    if (one !== asked || !dependsOnlyOn(one, anyBucket)) {
      const whole = await load(at, toPlanOf(plan, plan.buckets));
      return { ...whole, cachedBuckets: whole.source === 'cache' ? plan.buckets.length : 0 };
    }
    const { identity, names } = await toVersions(at, one, plan.buckets);
    const shape = toShapeKey(project, one);
    const { label, buckets } = plan;
    return loader.load({
      trace: at.trace?.cell({ kind: 'buckets', label, shape, buckets, versions: names }),
      shape,
      buckets: plan,
      versions: names,
      project,
      vector: at.vector,
      identity,
      fresh: at.fresh,
    });
  };

  /** Until nothing runs any more; what is computed when it is asked for begins a turn after what it belongs to was answered. */
  const settle = async () => {
    do {
      await new Promise<void>((resolve) => setImmediate(resolve));
      await Promise.allSettled(running);
    } while (running.size > 0);
  };

  async function query<R extends Row>(statement: Statement, options: Omit<QueryOptions, 'project' | 'signal'>) {
    const run = () => warehouse.query<R>(statement, { ...options, project, signal });
    const result = await (recorder ? recorder.run(statement, options, run) : run());
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
        timed('moment', () => resolveMoment(inputs, project, watermark, signal, clock, recorder?.moment)),
      );
      const trace = recorder?.report();
      const answer = moment.then((resolved) => run(trace ? { ...resolved, trace } : resolved));
      running.add(answer);
      answer.catch(() => {}).finally(() => running.delete(answer));
      return answer;
    },
    load,
    loadBuckets,
    async loadFew(at, plan, mostRows) {
      const shape = toShapeKey(project, toPlanOf(plan, [anyBucket]));
      if (large.has(shape)) return null;
      try {
        const cell = await loadBuckets(at, { ...plan, limits: { ...plan.limits, resultRows: mostRows } });
        if (cell.rows.length <= mostRows) return cell;
      } catch (thrown) {
        if (!isTallygateError(thrown) || thrown.code !== 'QUERY_TOO_EXPENSIVE') throw thrown;
      }
      large.add(shape);
      return null;
    },
    async read<R extends Row>(at: Moment, asked: Plan) {
      const plan = await timed('cohorts', () => cohorts.expand(project, asked, at.now, signal));
      const question = { project, vector: at.vector, identity: await toIdentity(plan, at) };
      return (await query<R>(toPlanStatement(plan, question), toQueryOptions(plan))).rows;
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
