import { type RangeInput, toSpan } from './buckets.ts';
import { type Filter, passes } from './filter.ts';
import type { Fact } from './sent.ts';

export interface Step {
  readonly event?: string;
  readonly label?: string;
  readonly filter?: Filter;
}

export interface FunnelQuestion {
  readonly range: RangeInput;
  readonly steps: readonly Step[];
  readonly windowSeconds?: number;
  readonly filter?: Filter;
}

export interface FunnelAnswer {
  readonly event: string;
  readonly count: number;
  readonly conversionFromStart: number;
  readonly conversionFromPrevious: number;
}

export function answerFunnel(facts: readonly Fact[], question: FunnelQuestion, now: number): FunnelAnswer[] {
  const span = toSpan(question.range, now);
  const windowMs = (question.windowSeconds ?? 14 * 24 * 3600) * 1000;
  const chosen = facts.filter((fact) => span.from <= fact.time && fact.time < span.to && passes(fact, question.filter));
  const depths = [...Map.groupBy(chosen, ({ person }) => person).values()].map((of) =>
    depthOf(of, question.steps, windowMs),
  );
  const counts = question.steps.map((_, i) => depths.filter((depth) => depth > i).length);
  return question.steps.map(({ event, label }, i) => ({
    event: label ?? event ?? '(all events)',
    count: counts[i] as number,
    conversionFromStart: ratio(counts[i] as number, counts[0] as number),
    conversionFromPrevious: ratio(counts[i] as number, counts[Math.max(0, i - 1)] as number),
  }));
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/**
 * How many steps one person did: the longest chain of different events, none earlier than the one before it, the last at
 * most a window after the first. Events of one instant may stand in any order, thus also in that of the steps. Every chain is tried.
 */
function depthOf(facts: readonly Fact[], steps: readonly Step[], windowMs: number): number {
  const events = facts.toSorted((a, b) => a.time - b.time);
  const isStep = steps.map((step) =>
    events.map((fact) => (step.event === undefined || fact.event === step.event) && passes(fact, step.filter)),
  );
  let deepest = 0;
  for (const [first, { time: began }] of events.entries()) {
    if (!isStep[0]![first]) continue;
    const tried = new Set<string>();
    const extend = (chain: readonly number[]): void => {
      deepest = Math.max(deepest, chain.length);
      if (deepest === steps.length) return;
      const latest = events[chain.at(-1) as number]!.time;
      // What can follow depends on how far it came, when, and which events of this instant are used up.
      const used = chain.filter((i) => events[i]!.time === latest);
      const state = `${chain.length} ${latest} ${used.toSorted((a, b) => a - b)}`;
      if (tried.has(state)) return;
      tried.add(state);
      for (const [next, { time }] of events.entries())
        if (time >= latest && time - began <= windowMs && !chain.includes(next) && isStep[chain.length]![next])
          extend([...chain, next]);
    };
    extend([first]);
  }
  return deepest;
}
