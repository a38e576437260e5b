import type { CacheState, ReportCache } from '../../ports/report-cache.ts';
import type { QueryOptions, QueryResult, Statement } from '../../ports/warehouse.ts';
import { decodeBlock } from '../cells/blocks.ts';
import type { CellMemory } from '../cells/memory.ts';
import type { Bucket } from '../plan.ts';
import { iso, type TimeRange } from '../range.ts';
import {
  type BucketsLook,
  type ExplainedMiss,
  type Miss,
  toBucketMiss,
  toExplainedMisses,
  toWholeMiss,
} from './misses.ts';
import type { SinceAnswer, SinceQuestion } from './touches.ts';

/** A part of a report that is computed and cached as one, or by bucket. */
export interface ExplainedCell {
  readonly id: string;
  /** Name of its statement. */
  readonly label: string;
  /** Equal for equal questions, whatever the data. */
  readonly key: string;
  readonly kind: 'whole' | 'buckets';
  /** Events that it depends on: from <= t < to. */
  readonly from: string;
  readonly to: string;
  /** Buckets; 1 for a whole. What follows adds up to it. */
  readonly asked: number;
  readonly found: number;
  readonly computed: number;
  /** Computed by a statement that another request, or another cell, began. */
  readonly shared: number;
  readonly failed: number;
  /** Why the others had to be computed. */
  readonly misses: readonly ExplainedMiss[];
  readonly statements: readonly string[];
  /** Another cell of this operation that is the same, and was computed once. */
  readonly sameAs: string | null;
  readonly notes: readonly string[];
}

export type CellQuestion =
  | {
      readonly kind: 'whole';
      readonly label: string;
      /** Without its version. */
      readonly shape: string;
      readonly version: string;
      readonly range: TimeRange;
    }
  | {
      readonly kind: 'buckets';
      readonly label: string;
      readonly shape: string;
      readonly buckets: readonly Bucket[];
      readonly versions: readonly string[];
    };

interface Places {
  readonly first: number;
  readonly last: number;
}

/** What is told of one cell while it is looked up and computed. */
export interface CellTrace {
  readonly id: string;
  /** Equal for cells that are explained together. */
  readonly operation: object;
  /** The cache was asked for it, perhaps among others. */
  asked(look: CacheLook, memory: CellMemory): void;
  lookedWhole(look: { readonly fresh: boolean; readonly isFound: boolean; readonly isDamaged: boolean }): void;
  lookedBuckets(look: BucketsLook): void;
  /** A statement that begins for it. */
  run<R>(statement: Statement, options: QueryOptions, query: () => Promise<QueryResult<R>>): Promise<QueryResult<R>>;
  /** Another computation in flight answers these of its buckets; all of it when none are named. */
  shared(places?: Places): void;
  /** Another gateway was computing these at the moment, and its answer was waited for. */
  waited(places?: Places): void;
  failed(places?: Places): void;
  fusion(decision: FusionDecision): void;
  note(text: string): void;
  questions(): readonly SinceQuestion[];
  answer(question: SinceQuestion, since: SinceAnswer): void;
  toExplained(ids: Map<string, string>, statements: readonly string[]): ExplainedCell;
}

/** Of one report of an operation. */
export interface ReportTrace {
  cell(question: CellQuestion): CellTrace;
}

/** Whether cells were computed by one statement, and why. */
export interface FusionDecision {
  /** Ids of cells of this operation. */
  readonly members: readonly string[];
  /** Cells of other operations that it is about as well. */
  readonly others: number;
  readonly decision: 'fused' | 'apart';
  readonly why: string;
}

/** A bulk look into the cache. */
export interface CacheLook {
  readonly keys: number;
  readonly found: number;
  /** Of them, those that came from the shared cache and not from this process' memory; null where there is only one of the two. */
  readonly fromSharedCache: number | null;
  readonly bytes: number;
  /** The worse one of before and after. */
  readonly state: CacheState;
  readonly elapsedMs: number;
}

const elsewhere = 'another gateway was computing it at this moment, and its answer was waited for';

export function createCellTrace(
  id: string,
  question: CellQuestion,
  operation: {
    readonly run: CellTrace['run'];
    readonly look: (look: CacheLook) => void;
    readonly fusion: (decision: FusionDecision) => void;
  } & { readonly of: object },
): CellTrace {
  const places: readonly TimeRange[] = question.kind === 'whole' ? [question.range] : question.buckets;
  const misses = new Map<number, Miss>();
  const shared = new Set<number>();
  const failed = new Set<number>();
  const notes: string[] = [];
  const answers = new Map<SinceQuestion, SinceAnswer>();
  const questions = new Map<number, SinceQuestion>();
  let isLooked = false;
  let state: CacheState = 'ready';
  let memory: CellMemory | null = null;

  const miss = (place: number, found: Miss) => {
    misses.set(place, found);
    if (found.had === undefined || found.why !== 'OLDER_DATA') return;
    const { from, to } = places[place] as TimeRange;
    questions.set(place, { from, to, had: found.had });
  };
  const mark = (marked: Set<number>, { first, last }: Places = { first: 0, last: places.length - 1 }) => {
    for (let place = first; place <= last; place++) marked.add(place);
  };
  const without = (of: ReadonlySet<number>) => [...of].filter((place) => misses.has(place)).length;

  return {
    id,
    operation: operation.of,
    run: operation.run,
    fusion: operation.fusion,
    asked(look, remembered) {
      state = look.state;
      memory = remembered;
      operation.look(look);
    },
    lookedWhole({ fresh, isFound, isDamaged }) {
      isLooked = true;
      if (isFound || question.kind !== 'whole') return;
      const { shape, version } = question;
      miss(0, toWholeMiss({ fresh, isDamaged, shape }, { state, memory, version }));
    },
    lookedBuckets(look) {
      isLooked = true;
      if (question.kind !== 'buckets') return;
      const { buckets, versions } = question;
      const toBlock = (value: Buffer | undefined) => value && decodeBlock(value);
      const blocks = new Map([...new Set(look.keys)].map((key) => [key, toBlock(look.values.get(key))]));
      for (const { first, last } of look.runs)
        for (let i = first; i <= last; i++) {
          const context = { state, memory, version: versions[i] as string };
          miss(i, toBucketMiss(look, i, buckets[i] as Bucket, blocks.get(look.keys[i] as string), context));
        }
    },
    shared: (some) => mark(shared, some),
    waited(some) {
      mark(shared, some);
      if (!notes.includes(elsewhere)) notes.push(elsewhere);
    },
    failed: (some) => mark(failed, some),
    note: (text) => void notes.push(text),
    questions: () => [...questions.values()],
    answer: (of, since) => void answers.set(of, since),
    toExplained(ids, statements) {
      const { shape, label, kind } = question;
      const versions = kind === 'whole' ? question.version : question.versions.join();
      const identity = `${shape}|${places.map(({ from, to }) => `${from}-${to}`).join()}|${versions}`;
      const first = ids.get(identity);
      if (first === undefined) ids.set(identity, id);
      const gone = without(failed);
      const flown = without(new Set([...shared].filter((place) => !failed.has(place))));
      return {
        id,
        label,
        key: shape.slice(shape.lastIndexOf(':') + 1).slice(0, 12),
        kind,
        from: iso((places[0] as TimeRange).from),
        to: iso((places[places.length - 1] as TimeRange).to),
        asked: places.length,
        found: isLooked ? places.length - misses.size : 0,
        computed: misses.size - flown - gone,
        shared: flown,
        failed: gone,
        misses: toExplainedMisses(
          misses,
          places,
          (place) => answers.get(questions.get(place) as SinceQuestion) ?? null,
        ),
        statements,
        sameAs: isLooked ? null : (first ?? null),
        notes,
      };
    },
  };
}

/** Runs a statement, and tells those cells that are explained what it was; of several operations, if it answers them all. */
export function runTraced<R>(
  traces: readonly (CellTrace | undefined)[],
  statement: Statement,
  options: QueryOptions,
  query: () => Promise<QueryResult<R>>,
): Promise<QueryResult<R>> {
  let run = query;
  for (const trace of traces.toReversed()) {
    if (!trace) continue;
    const inner = run;
    run = () => trace.run(statement, options, inner);
  }
  return run();
}

/** Tells those cells that are explained why they are computed by one statement, or why each by its own. */
export function traceFusion(
  traces: readonly (CellTrace | undefined)[],
  decision: FusionDecision['decision'],
  why: string,
): void {
  const explained = traces.filter((trace) => trace !== undefined);
  for (const operation of new Set(explained.map((trace) => trace.operation))) {
    const own = explained.filter((trace) => trace.operation === operation);
    const members = [...new Set(own.map(({ id }) => id))];
    const others = traces.length - own.length;
    // Of one cell alone, buckets that lie apart are computed together as a matter of course.
    if (decision === 'apart' || members.length + others > 1) own[0]?.fusion({ members, others, decision, why });
  }
}

/** Looks into the cache, and tells those cells that are explained how that went. */
export function traceLook(
  requests: readonly { readonly trace?: CellTrace | undefined }[],
  {
    cache,
    memory,
    keys,
  }: { readonly cache: ReportCache; readonly memory: CellMemory; readonly keys: readonly string[] },
  get: (onShared?: (found: number) => void) => Promise<readonly (Buffer | undefined)[]>,
): Promise<readonly (Buffer | undefined)[]> {
  const traces = requests.flatMap(({ trace }) => (trace ? [trace] : []));
  if (traces.length === 0) return get();
  const before = cache.state();
  const started = performance.now();
  let fromSharedCache: number | null = null;
  const onShared = (found: number) => {
    fromSharedCache = found;
  };
  return get(onShared).then((values) => {
    const look: CacheLook = {
      keys: keys.length,
      found: values.filter((value) => value !== undefined).length,
      fromSharedCache,
      bytes: values.reduce((sum, value) => sum + (value?.length ?? 0), 0),
      state: before === 'ready' ? cache.state() : before,
      elapsedMs: Math.round((performance.now() - started) * 100) / 100,
    };
    for (const trace of traces) trace.asked(look, memory);
    return values;
  });
}
