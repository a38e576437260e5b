import { type Interval, nextStart, type RangeInput, toBuckets, toSpan } from './buckets.ts';
import { type Filter, passes } from './filter.ts';
import type { Fact } from './sent.ts';

interface Selector {
  readonly event?: string;
  readonly filter?: Filter;
}

export interface RetentionQuestion {
  readonly range: RangeInput;
  readonly interval?: Interval;
  readonly cohortEvent: Selector;
  readonly returnEvent: Selector;
  readonly kind?: 'FIRST_TIME' | 'RECURRING';
  readonly mode?: 'ON' | 'ON_OR_AFTER';
  readonly periods?: number;
  readonly filter?: Filter;
}

export interface Cohort {
  readonly start: number;
  readonly size: number;
  readonly counts: readonly number[];
  readonly rates: readonly number[];
}

export function answerRetention(facts: readonly Fact[], question: RetentionQuestion, now: number): Cohort[] {
  const { interval = 'DAY', periods = 7, kind = 'FIRST_TIME', mode = 'ON' } = question;
  const zone = question.range.timezone ?? 'UTC';
  const span = toSpan(question.range, now);
  const starts = toBuckets(span, interval, zone);
  const edges = [...starts];
  for (let i = 0; i < periods; i++) edges.push(nextStart(edges.at(-1) as number, interval, zone));

  const select = ({ event, filter }: Selector) =>
    facts.filter(
      (fact) => (event === undefined || fact.event === event) && passes(fact, filter) && passes(fact, question.filter),
    );
  const isIn = (time: number, index: number) => (edges[index] as number) <= time && time < (edges[index + 1] as number);
  const cohortEvents = Map.groupBy(select(question.cohortEvent), ({ person }) => person);
  const returns = Map.groupBy(select(question.returnEvent), ({ person }) => person);

  return starts.map((start, index) => {
    const members = [...cohortEvents].filter(([, of]) => {
      const times = of.map(({ time }) => time);
      const that = kind === 'FIRST_TIME' ? [Math.min(...times)] : times;
      return that.some((time) => span.from <= time && time < span.to && isIn(time, index));
    });
    const counts = Array.from({ length: periods }, (_, period) => {
      const last = mode === 'ON' ? period : periods - 1;
      return members.filter(([person]) =>
        returns.get(person)?.some(({ time }) => {
          for (let p = period; p <= last; p++) if (isIn(time, index + p)) return true;
          return false;
        }),
      ).length;
    });
    return {
      start,
      size: members.length,
      counts,
      rates: counts.map((n) => (members.length === 0 ? 0 : n / members.length)),
    };
  });
}
