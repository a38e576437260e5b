import { bucketOf, type Interval, type RangeInput, type Span, toBuckets, toSpan } from './buckets.ts';
import { compareTexts, type Filter, passes } from './filter.ts';
import type { Fact } from './sent.ts';
import { toText } from './trend.ts';

export interface SessionsQuestion {
  readonly range: RangeInput;
  readonly interval?: Interval;
  readonly gapMinutes?: number;
  readonly breakdown?: { readonly property: string; readonly limit?: number; readonly includeOther?: boolean };
  readonly pages?: number;
  readonly filter?: Filter;
}

const minute = 60_000;
const day = 24 * 60 * minute;

/** Sessions that start in the span: each with its events in order of time. */
export function toRuns(facts: readonly Fact[], span: Span, gapMinutes: number, filter: Filter | undefined): Fact[][] {
  const runs: Fact[][] = [];
  const chosen = facts.filter((fact) => passes(fact, filter));
  for (const of of Map.groupBy(chosen, ({ person }) => person).values()) {
    let run: Fact[] = [];
    let before = Number.NEGATIVE_INFINITY;
    for (const fact of of.toSorted((a, b) => a.time - b.time)) {
      if (fact.time - before >= gapMinutes * minute) {
        run = [];
        runs.push(run);
      }
      before = fact.time;
      if (run.length === 0 || fact.time - run[0]!.time < day) run.push(fact);
    }
  }
  return runs.filter(([first]) => span.from <= first!.time && first!.time < span.to);
}

/** The page of a page event; null when it does not say. */
export function pageOf(fact: Fact): string | null {
  return toText(fact, 'properties.path') || toText(fact, 'context.page.path') || null;
}

/** Null comes before every text. */
export function compareNames(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return compareTexts(a, b);
}

export function answerSessions(facts: readonly Fact[], question: SessionsQuestion, now: number) {
  const span = toSpan(question.range, now);
  const buckets = toBuckets(
    span,
    question.interval ?? 'DAY',
    question.range.timezone ?? 'UTC',
    question.range.weekStart,
  );
  const runs = toRuns(facts, span, question.gapMinutes ?? 30, question.filter);
  const pages = question.pages ?? 10;
  const toLine = (breakdown: string[], isOther: boolean, of: Fact[][]) => ({
    breakdown,
    isOther,
    values: buckets.map((_, i) => toFigures(of.filter(([first]) => bucketOf(first!.time, buckets) === i))),
    total: toFigures(of),
    entryPages: toPages(of, pages, (seen) => seen[0] as Seen),
    exitPages: toPages(of, pages, (seen) => seen.at(-1) as Seen),
  });
  let series = [toLine([], false, runs)];
  const by = question.breakdown;
  if (by) {
    const groups = [...Map.groupBy(runs, (run) => firstValue(run, by.property))].sort(
      ([a, x], [b, y]) => y.length - x.length || compareNames(a, b),
    );
    const top = groups.slice(0, by.limit ?? 10);
    const rest = groups.slice(by.limit ?? 10).flatMap(([, of]) => of);
    series = top.map(([text, of]) => toLine([text ?? '(none)'], false, of));
    if (rest.length > 0 && by.includeOther !== false) series.push(toLine(['(other)'], true, rest));
  }
  return {
    buckets,
    series,
    entryPages: toPages(runs, pages, (seen) => seen[0] as Seen),
    exitPages: toPages(runs, pages, (seen) => seen.at(-1) as Seen),
  };
}

/** Of the first moment, the smallest value. */
function firstValue(run: readonly Fact[], property: string): string | null {
  const first = run.filter(({ time }) => time === run[0]!.time);
  return first.map((fact) => toText(fact, property)).sort(compareNames)[0] as string | null;
}

function toFigures(runs: readonly Fact[][]) {
  const seconds = runs.map((run) => (run.at(-1)!.time - run[0]!.time) / 1000).sort((a, b) => a - b);
  const mean = (numbers: readonly number[]) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
  const middle = (seconds.length - 1) / 2;
  const isEmpty = runs.length === 0;
  return {
    sessions: runs.length,
    persons: new Set(runs.map((run) => run[0]!.person)).size,
    averageSeconds: isEmpty ? null : mean(seconds),
    medianSeconds: isEmpty ? null : mean([seconds[Math.floor(middle)] as number, seconds[Math.ceil(middle)] as number]),
    bounceRate: isEmpty
      ? null
      : mean(
          runs.map((run) => Number(run.filter(({ kind }) => ['track', 'page', 'screen'].includes(kind)).length <= 1)),
        ),
    eventsPerSession: isEmpty ? null : mean(runs.map(({ length }) => length)),
  };
}

interface Seen {
  readonly time: number;
  readonly page: string | null;
}

function toPages(runs: readonly Fact[][], limit: number, choose: (seen: readonly Seen[]) => Seen) {
  if (limit === 0) return [];
  const counts = new Map<string | null, number>();
  for (const run of runs) {
    const seen = run
      .filter(({ kind }) => kind === 'page')
      .map((fact) => ({ time: fact.time, page: pageOf(fact) }))
      .sort((a, b) => a.time - b.time || compareNames(a.page, b.page));
    if (seen.length === 0) continue;
    const { page } = choose(seen);
    counts.set(page, (counts.get(page) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([a, x], [b, y]) => y - x || compareNames(a, b));
  const shown = sorted
    .slice(0, limit)
    .map(([page, sessions]) => ({ page: page ?? '(none)', isOther: false, sessions }));
  const rest = sorted.slice(limit).reduce((sum, [, sessions]) => sum + sessions, 0);
  return rest > 0 ? [...shown, { page: '(other)', isOther: true, sessions: rest }] : shown;
}
