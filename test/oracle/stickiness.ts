import { bucketOf, type Interval, type RangeInput, toBuckets, toSpan } from './buckets.ts';
import { type Filter, passes } from './filter.ts';
import type { Fact } from './sent.ts';

export interface StickinessQuestion {
  readonly range: RangeInput;
  readonly interval?: Interval;
  readonly event?: string;
  readonly filter?: Filter;
}

export function answerStickiness(
  facts: readonly Fact[],
  { range, interval = 'DAY', event, filter }: StickinessQuestion,
  now: number,
): number[] {
  const span = toSpan(range, now);
  const buckets = toBuckets(span, interval, range.timezone ?? 'UTC', range.weekStart);
  const active = new Map<string, Set<number>>();
  for (const fact of facts) {
    if (fact.time < span.from || fact.time >= span.to) continue;
    if ((event !== undefined && fact.event !== event) || !passes(fact, filter)) continue;
    const intervals = active.get(fact.person) ?? new Set();
    active.set(fact.person, intervals.add(bucketOf(fact.time, buckets)));
  }
  return buckets.map((_, i) => [...active.values()].filter(({ size }) => size === i + 1).length);
}
