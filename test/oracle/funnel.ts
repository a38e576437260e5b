import { bucketOf, type Interval, type RangeInput, toBuckets, toSpan } from './buckets.ts';
import { compareTexts, type Filter, passes } from './filter.ts';
import { attemptsInAnyOrder, attemptsInOrder, type Exclusion } from './funnel-attempts.ts';
import type { Fact } from './sent.ts';
import { toText } from './trend.ts';

export interface Step {
  readonly event?: string;
  readonly label?: string;
  readonly filter?: Filter;
}

export interface FunnelQuestion {
  readonly range: RangeInput;
  readonly steps: readonly Step[];
  readonly windowSeconds?: number;
  readonly order?: 'ORDERED' | 'STRICT' | 'UNORDERED';
  readonly exclusions?: readonly (Step & { readonly fromStep?: number; readonly toStep?: number })[];
  readonly by?: string;
  readonly breakdown?: {
    readonly property: string;
    readonly limit?: number;
    readonly includeOther?: boolean;
    readonly attribution?: 'FIRST_TOUCH' | 'LAST_TOUCH' | 'STEP_1';
  };
  readonly filter?: Filter;
}

export interface StepAnswer {
  readonly event: string;
  readonly count: number;
  readonly conversionFromStart: number;
  readonly conversionFromPrevious: number;
  readonly medianSecondsFromPrevious: number | null;
  readonly p90SecondsFromPrevious: number | null;
  readonly medianSecondsFromStart: number | null;
  readonly p90SecondsFromStart: number | null;
  /** Their ids, sorted. */
  readonly people: readonly string[];
  readonly droppedOff: readonly string[];
}

export interface FunnelAnswer {
  readonly steps: readonly StepAnswer[];
  readonly breakdown: readonly { value: string; isOther: boolean; steps: readonly StepAnswer[] }[] | null;
  readonly trend: readonly { start: number; counts: readonly number[]; conversion: number | null }[];
}

/** What was counted, with the attempt that counts: the times of its steps. */
interface Outcome {
  readonly id: string;
  readonly times: readonly number[];
  /** null without the property. */
  readonly value: string | null;
}

export function answerFunnel(
  facts: readonly Fact[],
  question: FunnelQuestion,
  interval: Interval,
  now: number,
): FunnelAnswer {
  const span = toSpan(question.range, now);
  const inRange = facts.filter((fact) => span.from <= fact.time && fact.time < span.to);
  const outcomes = toUnits(inRange, question).flatMap(({ id, of }): Outcome[] => {
    const passing = of.filter((fact) => passes(fact, question.filter));
    const times = bestAttempt(passing, question);
    return times.length === 0 ? [] : [{ id, times, value: toValue(passing, times, question) }];
  });
  const buckets = toBuckets(span, interval, question.range.timezone ?? 'UTC', question.range.weekStart);
  return {
    steps: toSteps(outcomes, question),
    breakdown: question.breakdown ? toLines(outcomes, question, question.breakdown) : null,
    trend: buckets.map((start, i) => {
      const began = outcomes.filter(({ times }) => bucketOf(times[0] as number, buckets) === i);
      const counts = question.steps.map((_, step) => began.filter(({ times }) => times.length > step).length);
      return { start, counts, conversion: began.length === 0 ? null : (counts.at(-1) as number) / began.length };
    }),
  };
}

/** Persons, their sessions, or values. */
function toUnits(
  facts: readonly Fact[],
  { by = 'person', steps, filter }: FunnelQuestion,
): { id: string; of: Fact[] }[] {
  if (by !== 'person' && by !== 'session') {
    return [...Map.groupBy(facts, (fact) => toText(fact, by))].flatMap(([id, of]) => (id === null ? [] : [{ id, of }]));
  }
  const persons = [...Map.groupBy(facts, ({ person }) => person).values()];
  /** The smallest of the ids that their steps have, user ids first. */
  const idOf = (all: readonly Fact[]) => {
    const did = all.filter((fact) => passes(fact, filter) && steps.some((step) => isStep(fact, step)));
    const smallest = (ids: readonly string[]) => ids.filter((id) => id !== '').toSorted(compareTexts)[0];
    return smallest(did.map(({ userId }) => userId)) ?? smallest(did.map(({ anonymousId }) => anonymousId)) ?? '';
  };
  if (by === 'person') return persons.map((of) => ({ id: idOf(of), of }));
  return persons.flatMap((all) => {
    const sessions: Fact[][] = [];
    let last = Number.NEGATIVE_INFINITY;
    for (const fact of all.toSorted((a, b) => a.time - b.time)) {
      if (fact.time - last >= 30 * 60_000) sessions.push([]);
      sessions.at(-1)?.push(fact);
      last = fact.time;
    }
    return sessions.map((of) => ({
      id: `${idOf(all)} ${new Date((of[0] as Fact).time).toISOString()}`,
      of,
    }));
  });
}

function isStep(fact: Fact, { event, filter }: Step): boolean {
  return (event === undefined || fact.event === event) && passes(fact, filter);
}

/** Of all attempts that get furthest the one of which each step is as early as in any; empty when there is none. */
function bestAttempt(facts: readonly Fact[], question: FunnelQuestion): readonly number[] {
  const events = facts.toSorted((a, b) => a.time - b.time);
  const exclusions = (question.exclusions ?? []).map(
    (exclusion): Exclusion => ({
      times: events.filter((fact) => isStep(fact, exclusion)).map(({ time }) => time),
      from: exclusion.fromStep ?? 1,
      to: exclusion.toStep ?? question.steps.length,
    }),
  );
  const table = {
    times: events.map(({ time }) => time),
    isStep: question.steps.map((step) => events.map((fact) => isStep(fact, step))),
    windowMs: (question.windowSeconds ?? 14 * 24 * 3600) * 1000,
    exclusions,
  };
  const attempts =
    question.order === 'UNORDERED'
      ? attemptsInAnyOrder(table)
      : attemptsInOrder({ ...table, isStrict: question.order === 'STRICT' });
  const furthest = Math.max(0, ...attempts.map(({ length }) => length));
  const best = attempts.filter(({ length }) => length === furthest);
  if (furthest === 0) return [];
  const earliest = best.find((one) => best.every((other) => one.every((time, i) => time <= (other[i] as number))));
  if (!earliest) throw new Error(`expected one attempt to be the earliest in all steps, got ${JSON.stringify(best)}`);
  return earliest;
}

function toValue(
  passing: readonly Fact[],
  times: readonly number[],
  { breakdown, steps, order }: FunnelQuestion,
): string | null {
  if (!breakdown) return null;
  const first = order === 'UNORDERED' ? steps : steps.slice(0, 1);
  const having = passing.flatMap((fact) => {
    const value = toText(fact, breakdown.property);
    return value === null ? [] : [{ fact, value }];
  });
  const touching =
    breakdown.attribution === 'STEP_1'
      ? having.filter(({ fact }) => fact.time === times[0] && first.some((step) => isStep(fact, step)))
      : having;
  const moments = touching.map(({ fact }) => fact.time);
  const moment = breakdown.attribution === 'LAST_TOUCH' ? Math.max(...moments) : Math.min(...moments);
  const values = touching.filter(({ fact }) => fact.time === moment).map(({ value }) => value);
  return values.sort(compareTexts)[0] ?? null;
}

function toLines(outcomes: readonly Outcome[], question: FunnelQuestion, by: NonNullable<FunnelQuestion['breakdown']>) {
  const lines = [...Map.groupBy(outcomes, ({ value }) => value)].sort(
    ([a, x], [b, y]) =>
      y.length - x.length || (a === null || b === null ? Number(a !== null) - Number(b !== null) : compareTexts(a, b)),
  );
  const limit = by.limit ?? 10;
  const shown = lines
    .slice(0, limit)
    .map(([value, of]) => ({ value: value ?? '(none)', isOther: false, steps: toSteps(of, question) }));
  const rest = lines.slice(limit).flatMap(([, of]) => of);
  if (rest.length === 0 || by.includeOther === false) return shown;
  return [...shown, { value: '(other)', isOther: true, steps: toSteps(rest, question) }];
}

function toSteps(outcomes: readonly Outcome[], { steps }: FunnelQuestion): StepAnswer[] {
  return steps.map(({ event, label }, i) => {
    const got = outcomes.filter(({ times }) => times.length > i);
    const before = outcomes.filter(({ times }) => times.length > Math.max(0, i - 1));
    const seconds = (from: number, part: number) =>
      i === 0
        ? null
        : percentile(
            got.map(({ times }) => ((times[i] as number) - (times[from] as number)) / 1000),
            part,
          );
    return {
      event: label ?? event ?? '(all events)',
      count: got.length,
      conversionFromStart: ratio(got.length, outcomes.length),
      conversionFromPrevious: ratio(got.length, before.length),
      medianSecondsFromPrevious: seconds(i - 1, 0.5),
      p90SecondsFromPrevious: seconds(i - 1, 0.9),
      medianSecondsFromStart: seconds(0, 0.5),
      p90SecondsFromStart: seconds(0, 0.9),
      people: got.map(({ id }) => id).sort(),
      droppedOff: outcomes
        .filter(({ times }) => i > 0 && times.length === i)
        .map(({ id }) => id)
        .sort(),
    };
  });
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function percentile(numbers: readonly number[], part: number): number | null {
  if (numbers.length === 0) return null;
  const sorted = numbers.toSorted((a, b) => a - b);
  const rank = part * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(rank)] as number, sorted[Math.ceil(rank)] as number];
  return below + (above - below) * (rank - Math.floor(rank));
}
