import { bucketOf, type Interval, nextStart, type RangeInput, startOf, toBuckets, toSpan } from './buckets.ts';
import { type Filter, passes } from './filter.ts';
import type { Fact } from './sent.ts';

export interface LifecycleQuestion {
  readonly range: RangeInput;
  readonly interval?: Interval;
  readonly event?: string;
  readonly filter?: Filter;
}

export interface LifecycleAnswer {
  readonly buckets: readonly number[];
  readonly new: readonly number[];
  readonly returning: readonly number[];
  readonly resurrecting: readonly number[];
  readonly dormant: readonly number[];
  readonly complete: readonly boolean[];
}

export function answerLifecycle(
  facts: readonly Fact[],
  { range, interval = 'DAY', event, filter }: LifecycleQuestion,
  asOf: number,
): LifecycleAnswer {
  const { timezone: zone = 'UTC', weekStart } = range;
  const buckets = toBuckets(toSpan(range, asOf), interval, zone, weekStart);
  const end = nextStart(buckets.at(-1) as number, interval, zone, weekStart);
  const first = buckets[0] as number;
  const elapsed = { MINUTE: 60_000, HOUR: 3_600_000 }[interval as string];
  const before = elapsed ? first - elapsed : startOf(first - 1, interval, zone, weekStart);
  const starts = [before, ...buckets];

  const active = facts.filter((f) => (event === undefined || f.event === event) && passes(f, filter) && f.time < end);
  const persons = [...Map.groupBy(active, ({ person }) => person).values()];
  /** Of a person in an interval of `starts`: whether there is an event in it, and before it. */
  const seen = persons.map((of) => ({
    within: starts.map((_, i) => of.some(({ time }) => time >= before && bucketOf(time, starts) === i)),
    earlier: starts.map((start) => of.some(({ time }) => time < start)),
  }));
  const count = (isMeant: (of: (typeof seen)[number], i: number) => boolean | undefined) =>
    buckets.map((_, i) => seen.filter((of) => isMeant(of, i + 1)).length);
  return {
    buckets,
    new: count(({ within, earlier }, i) => within[i] && !earlier[i]),
    returning: count(({ within }, i) => within[i] && within[i - 1]),
    resurrecting: count(({ within, earlier }, i) => within[i] && earlier[i] && !within[i - 1]),
    dormant: count(({ within }, i) => !within[i] && within[i - 1]),
    complete: buckets.map((start) => nextStart(start, interval, zone, weekStart) <= asOf),
  };
}
