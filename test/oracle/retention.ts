import { type Interval, nextStart, type RangeInput, toBuckets, toSpan } from './buckets.ts';
import { compareTexts, type Filter, passes } from './filter.ts';
import type { Fact } from './sent.ts';
import { toText } from './trend.ts';

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
  readonly brackets?: readonly number[];
  readonly breakdown?: { readonly property: string; readonly limit?: number; readonly includeOther?: boolean };
  readonly filter?: Filter;
}

export interface Cohort {
  readonly start: number;
  readonly breakdown: readonly string[];
  readonly isOther: boolean;
  readonly size: number;
  readonly counts: readonly number[];
  readonly complete: readonly boolean[];
  readonly rates: readonly (number | null)[];
}

/** Who is in a cell; `cells[0]` are all members, `cells[1 + period]` those of a period. */
export interface Line {
  readonly cohort: Cohort;
  readonly cells: readonly (readonly Someone[])[];
}

export interface Someone {
  readonly userId: string | null;
  readonly anonymousId: string | null;
}

export function answerRetention(facts: readonly Fact[], question: RetentionQuestion, asOf: number): Line[] {
  const { interval = 'DAY', kind = 'FIRST_TIME', mode = 'ON', breakdown } = question;
  const brackets = question.brackets ?? new Array<number>(question.periods ?? 7).fill(1);
  const { timezone: zone = 'UTC', weekStart } = question.range;
  const span = toSpan(question.range, asOf);
  const starts = toBuckets(span, interval, zone, weekStart);

  /** Beginnings of a cohort's periods, and the end of the last. */
  const toPeriods = (start: number) => {
    const edges = [start];
    for (const length of brackets) {
      let edge = edges.at(-1) as number;
      for (let i = 0; i < length; i++) edge = nextStart(edge, interval, zone, weekStart);
      edges.push(edge);
    }
    return edges;
  };
  const select = ({ event, filter }: Selector) =>
    facts.filter(
      (fact) => (event === undefined || fact.event === event) && passes(fact, filter) && passes(fact, question.filter),
    );
  const end = toPeriods(starts.at(-1) as number).at(-1) as number;
  const isInRange = ({ time }: Fact) => span.from <= time && time < span.to;
  const cohortEvents = select(question.cohortEvent).filter(({ time }) => time < span.to);
  const returns = select(question.returnEvent).filter(({ time }) => time >= (starts[0] as number) && time < end);
  /** Whose ids name a person: the cohort events (of all time, if the first counts) and the returns. */
  const lookedAt = [...cohortEvents.filter((fact) => kind === 'FIRST_TIME' || isInRange(fact)), ...returns];
  const seen = Map.groupBy(lookedAt, ({ person }) => person);

  /** What makes each person a member; nobody without it. */
  const joined = new Map<string, readonly Fact[]>();
  for (const [person, of] of Map.groupBy(cohortEvents, ({ person }) => person)) {
    const earliest = Math.min(...of.map(({ time }) => time));
    const that = (kind === 'FIRST_TIME' ? of.filter(({ time }) => time === earliest) : of).filter(isInRange);
    if (that.length > 0) joined.set(person, that);
  }
  const returnsOf = Map.groupBy(returns, ({ person }) => person);

  const toLine = (start: number, index: number, persons: readonly string[], text: string | null, isOther: boolean) => {
    const next = starts[index + 1] ?? Number.POSITIVE_INFINITY;
    const members = persons.filter((person) => joined.get(person)?.some(({ time }) => start <= time && time < next));
    const periods = toPeriods(start);
    const cameBack = brackets.map((_, p) => {
      const from = periods[p] as number;
      const to = (mode === 'ON' ? periods[p + 1] : periods.at(-1)) as number;
      return {
        isOver: to <= asOf,
        persons: members.filter((person) => returnsOf.get(person)?.some(({ time }) => from <= time && time < to)),
      };
    });
    const counts = cameBack.map(({ persons }) => persons.length);
    const complete = cameBack.map(({ isOver }) => isOver);
    const rates = counts.map((n, p) => (!complete[p] ? null : members.length === 0 ? 0 : n / members.length));
    const toSomeone = (person: string): Someone => {
      const of = seen.get(person) as Fact[];
      return { userId: smallest(of.map((f) => f.userId)), anonymousId: smallest(of.map((f) => f.anonymousId)) };
    };
    return {
      cohort: {
        start,
        breakdown: breakdown ? [isOther ? '(other)' : (text ?? '(none)')] : [],
        isOther,
        size: members.length,
        counts,
        complete,
        rates,
      },
      cells: [members, ...cameBack.map(({ persons }) => persons)].map((of) => of.map(toSomeone)),
    };
  };
  const toLines = (persons: readonly string[], text: string | null, isOther: boolean) =>
    starts.map((start, index) => toLine(start, index, persons, text, isOther));

  if (!breakdown) return toLines([...joined.keys()], null, false);
  const textOf = (person: string): string | null => {
    const of = joined.get(person) as readonly Fact[];
    const earliest = Math.min(...of.map(({ time }) => time));
    const texts = of.filter(({ time }) => time === earliest).map((fact) => toText(fact, breakdown.property));
    return texts.includes(null) ? null : (texts as string[]).toSorted(compareTexts)[0]!;
  };
  const memberships = (persons: readonly string[]) =>
    toLines(persons, null, false).reduce((sum, { cohort }) => sum + cohort.size, 0);
  const groups = [...Map.groupBy(joined.keys(), textOf)].toSorted(
    ([a, x], [b, y]) => memberships(y) - memberships(x) || compareTexts(a ?? '', b ?? '') || (a === null ? -1 : 1),
  );
  const limit = breakdown.limit ?? 10;
  const rest = groups.slice(limit).flatMap(([, persons]) => persons);
  return [
    ...groups.slice(0, limit).flatMap(([text, persons]) => toLines(persons, text, false)),
    ...(rest.length > 0 && breakdown.includeOther !== false ? toLines(rest, null, true) : []),
  ];
}

function smallest(ids: readonly string[]): string | null {
  return ids.filter((id) => id !== '').toSorted(compareTexts)[0] ?? null;
}
