import { isTallygateError } from '../../errors.ts';
import type { PositionVector } from '../../events/position.ts';
import type { CacheState } from '../../ports/report-cache.ts';
import {
  type CacheLook,
  type CellTrace,
  createCellTrace,
  type ExplainedCell,
  type FusionDecision,
  type ReportTrace,
} from './cells.ts';
import { type ExplainedMoment, type MomentFacts, toExplainedMoment } from './moment.ts';
import { createStatementList, type ExplainedStatement, type RunStatement } from './statements.ts';
import type { SinceReader } from './touches.ts';

/**
 * Why an operation's numbers are as they are: what `extensions.tallygate.explain` of an answer is. Nothing of another project
 * is in it, and no value of a filter. Times are ISO 8601 in UTC.
 */
export interface Explanation {
  readonly project: string;
  /** null when no report of the operation got as far as that. */
  readonly moment: ExplainedMoment | null;
  readonly reports: readonly ExplainedReport[];
  /** Those that this operation ran, in the order in which they began; another one's that were shared are not among them. */
  readonly statements: readonly ExplainedStatement[];
  readonly fusion: readonly FusionDecision[];
  readonly cache: ExplainedCache;
  /** Where the time went beside statements, in milliseconds; parts of it may have passed at the same time. */
  readonly phases: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
  readonly elapsedMs: number;
}

export interface ExplainedReport {
  /** Where it stands in the answer; null for what is computed for no field. */
  readonly field: string | null;
  /** In one sentence. */
  readonly summary: string;
  readonly cells: readonly ExplainedCell[];
}

export interface ExplainedCache {
  /** degraded: the breaker is open, and the shared cache is left alone for a while. */
  readonly state: CacheState;
  /** Bulk looks into the cache, with how many keys were asked and found. */
  readonly looks: readonly CacheLook[];
}

/** What one operation's explanation is made of while it runs. Whoever was not asked to explain has none. */
export interface Recorder {
  /** What begins a report before it first waits is of this field. */
  within<T>(field: string, begin: () => T): T;
  /** Of the field that is beginning now. */
  report(): ReportTrace;
  /** What of the process the explanation needs when it is written down. */
  begin(source: ExplainSource): void;
  moment(facts: MomentFacts): void;
  /** Runs a statement that no cell is made of. */
  run: RunStatement;
  /** Adds to the time of a phase. */
  phase<T>(name: string, run: () => Promise<T>): Promise<T>;
  note(text: string): void;
  /** When everything has been answered. Never rejects. */
  finish(): Promise<Explanation | null>;
}

export interface ExplainSource {
  readonly project: string;
  readonly cacheState: () => CacheState;
  readonly since: SinceReader;
}

export function createRecorder(): Recorder {
  const started = performance.now();
  const reports = new Map<string | null, CellTrace[]>();
  const cells: CellTrace[] = [];
  const list = createStatementList();
  const fusion: FusionDecision[] = [];
  const looks = new Set<CacheLook>();
  const phases = new Map<string, number>();
  const notes: string[] = [];
  let field: string | null = null;
  let source: ExplainSource | null = null;
  let momentFacts: MomentFacts | null = null;

  return {
    within(name, begin) {
      const outer = field;
      field = name;
      try {
        return begin();
      } finally {
        field = outer;
      }
    },
    report() {
      // In the order in which they begin, which is that of the fields.
      const traces = reports.get(field) ?? [];
      reports.set(field, traces);
      return {
        cell(question) {
          const id = `c${cells.length + 1}`;
          const trace = createCellTrace(id, question, {
            run: (statement, options, query) => list.run(statement, options, query, id),
            look: (look) => void looks.add(look),
            fusion: (decision) => void fusion.push(decision),
            of: list,
          });
          cells.push(trace);
          traces.push(trace);
          return trace;
        },
      };
    },
    begin(of) {
      source = of;
    },
    moment(facts) {
      momentFacts = facts;
    },
    run: (statement, options, query) => list.run(statement, options, query, null),
    async phase(name, run) {
      const begun = performance.now();
      try {
        return await run();
      } finally {
        phases.set(name, (phases.get(name) ?? 0) + performance.now() - begun);
      }
    },
    note: (text) => void notes.push(text),
    async finish() {
      if (source === null) return null;
      const { project, cacheState, since } = source;
      await settleSince(cells, since, momentFacts?.vector ?? new Map()).catch((thrown: unknown) => {
        const code = isTallygateError(thrown) ? thrown.code : 'INTERNAL';
        notes.push(`what came since could not be read from the ledger (${code})`);
      });
      const statements = list.toExplained();
      const ids = new Map<string, string>();
      const explained = new Map(
        cells.map((cell) => {
          const own = statements.filter((statement) => statement.cells.includes(cell.id)).map(({ id }) => id);
          return [cell, cell.toExplained(ids, own)];
        }),
      );
      return {
        project,
        moment: momentFacts && toExplainedMoment(momentFacts),
        reports: [...reports].flatMap(([name, traces]) => {
          if (traces.length === 0) return [];
          const own = traces.map((trace) => explained.get(trace) as ExplainedCell);
          return [{ field: name, summary: toSummary(own), cells: own }];
        }),
        statements,
        fusion,
        cache: { state: cacheState(), looks: [...looks] },
        phases: Object.fromEntries([...phases].map(([name, ms]) => [name, round(ms)])),
        notes,
        elapsedMs: round(performance.now() - started),
      };
    },
  };
}

async function settleSince(cells: readonly CellTrace[], since: SinceReader, vector: PositionVector): Promise<void> {
  const asked = cells.flatMap((cell) => cell.questions().map((question) => ({ cell, question })));
  const answers = await since(
    asked.map(({ question }) => question),
    vector,
  );
  for (const { cell, question } of asked) cell.answer(question, answers.get(question) ?? null);
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}

function toSummary(cells: readonly ExplainedCell[]): string {
  const own = cells.filter(({ sameAs }) => sameAs === null);
  const sum = (count: (cell: ExplainedCell) => number) => own.reduce((total, cell) => total + count(cell), 0);
  const asked = sum((cell) => cell.asked);
  if (asked === 0) return own.length === cells.length ? 'nothing was asked for' : 'the same cells as elsewhere';
  const parts = [
    [sum((cell) => cell.found), 'found in the cache'],
    [sum((cell) => cell.computed), 'computed'],
    [sum((cell) => cell.shared), 'shared with a computation in flight'],
    [sum((cell) => cell.failed), 'failed'],
  ] as const;
  return `${asked} ${asked === 1 ? 'piece' : 'pieces'}: ${parts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}`)
    .join(', ')}`;
}
