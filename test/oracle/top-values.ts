import { type RangeInput, toSpan } from './buckets.ts';
import { type Filter, passes } from './filter.ts';
import type { Fact } from './sent.ts';
import { compareNames, pageOf } from './sessions.ts';
import { toText } from './trend.ts';

export interface TopValuesQuestion {
  readonly range: RangeInput;
  readonly property: string;
  readonly event?: string;
  readonly filter?: Filter;
  readonly limit?: number;
}

const personsOf = (facts: readonly Fact[]) => new Set(facts.map(({ person }) => person)).size;

function rank(facts: readonly Fact[], nameOf: (fact: Fact) => string | null): [name: string | null, of: Fact[]][] {
  return [...Map.groupBy(facts, nameOf)].sort(([a, x], [b, y]) => y.length - x.length || compareNames(a, b));
}

export function answerTopValues(facts: readonly Fact[], question: TopValuesQuestion, now: number) {
  const span = toSpan(question.range, now);
  const chosen = facts.filter(
    (fact) =>
      span.from <= fact.time &&
      fact.time < span.to &&
      (question.event === undefined || fact.event === question.event) &&
      passes(fact, question.filter),
  );
  const limit = question.limit ?? 10;
  const groups = rank(chosen, (fact) => toText(fact, question.property));
  const toEntry = (value: string, isNone: boolean, isOther: boolean, of: readonly Fact[]) => ({
    value,
    isNone,
    isOther,
    events: of.length,
    persons: personsOf(of),
    share: of.length / chosen.length,
  });
  const rest = groups.slice(limit).flatMap(([, of]) => of);
  return {
    values: [
      ...groups.slice(0, limit).map(([text, of]) => toEntry(text ?? '(none)', text === null, false, of)),
      ...(rest.length > 0 ? [toEntry('(other)', false, true, rest)] : []),
    ],
    distinct: groups.filter(([text]) => text !== null).length,
    events: chosen.length,
    persons: personsOf(chosen),
  };
}

export interface LiveQuestion {
  readonly filter?: Filter;
  readonly limit?: number;
}

const minute = 60_000;

export function answerLive(facts: readonly Fact[], { filter, limit = 10 }: LiveQuestion, now: number) {
  const end = Math.floor(now / minute) * minute + minute;
  const within = (from: number, to: number) =>
    facts.filter((fact) => from <= fact.time && fact.time < to && passes(fact, filter));
  const count = (of: readonly Fact[]) => ({ events: of.length, persons: personsOf(of) });
  const all = within(end - 30 * minute, end);
  const top = (of: readonly Fact[], nameOf: (fact: Fact) => string | null) =>
    rank(of, nameOf)
      .slice(0, limit)
      .map(([name, named]) => ({ name: name ?? '(none)', ...count(named) }));
  return {
    now,
    last5Minutes: count(within(end - 5 * minute, end)),
    last30Minutes: count(all),
    minutes: Array.from({ length: 30 }, (_, i) => {
      const start = end - (30 - i) * minute;
      return { start, ...count(within(start, start + minute)) };
    }),
    topEvents: top(all, ({ event }) => event),
    topPages: top(
      all.filter(({ kind }) => kind === 'page'),
      pageOf,
    ),
  };
}
