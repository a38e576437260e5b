import {
  bucketOf,
  firstOfDays,
  type Interval,
  nextStart,
  type RangeInput,
  type Span,
  shiftedSpan,
  spanBefore,
  toBuckets,
  toSpan,
} from './buckets.ts';
import { compareTexts, type Filter, find, type Leaf, passes } from './filter.ts';
import { calculate } from './formula.ts';
import type { Fact } from './sent.ts';

export type Measure =
  | 'COUNT'
  | 'UNIQUE_USERS'
  | 'COUNT_PER_USER'
  | 'SUM'
  | 'AVG'
  | 'MIN'
  | 'MAX'
  | 'P50'
  | 'P75'
  | 'P90'
  | 'P95'
  | 'P99'
  | 'UNIQUE_VALUES'
  | 'UNIQUE_GROUPS'
  | 'WEEKLY_ACTIVE'
  | 'MONTHLY_ACTIVE';

export interface Series {
  readonly event?: string;
  readonly label?: string;
  readonly measure?: Measure;
  readonly property?: string;
  readonly filter?: Filter;
}

export interface Breakdown {
  readonly property: string;
  readonly limit?: number;
  readonly includeOther?: boolean;
  readonly bins?: { readonly count?: number; readonly edges?: readonly number[] };
}

export interface TrendQuestion {
  readonly range: RangeInput;
  readonly interval?: Interval;
  readonly series: readonly Series[];
  readonly formulas?: readonly string[];
  readonly breakdown?: readonly Breakdown[];
  readonly compareTo?: { readonly previousPeriod?: boolean; readonly shift?: string };
  readonly cumulative?: boolean;
  readonly filter?: Filter;
}

/** A number, and the size of what went into it: floating sums are right to a part of that. */
export interface Amount {
  readonly value: number | null;
  readonly scale: number;
}

interface Numbers {
  readonly values: readonly Amount[];
  readonly total: Amount;
}

export interface TrendLine extends Numbers {
  readonly letter: string | null;
  readonly label: string;
  readonly breakdown: readonly string[];
  readonly isOther: boolean;
  readonly previous: (Numbers & { readonly buckets: readonly number[] }) | null;
}

/** What a line stands for in one breakdown. */
interface Place {
  readonly shown: string;
  /** 0 for events without the property, 1 for a value, 2 for all others. */
  readonly rank: number;
  /** Of bins. */
  readonly index: number;
}

interface Line {
  readonly places: readonly Place[];
  /** Of the range, with those that rolling days look back to. */
  readonly facts: Fact[];
}

interface Period {
  readonly span: Span;
  readonly buckets: readonly number[];
}

export function answerTrend(
  facts: readonly Fact[],
  question: TrendQuestion,
  now: number,
): { buckets: readonly number[]; series: TrendLine[] } {
  const { range, interval = 'DAY', compareTo, formulas = [], cumulative = false } = question;
  const { timezone = 'UTC', weekStart } = range;
  const toPeriod = (span: Span): Period => ({ span, buckets: toBuckets(span, interval, timezone, weekStart) });
  const present = toPeriod(toSpan(range, now));
  const previous = compareTo?.shift
    ? toPeriod(shiftedSpan(present.span, compareTo.shift, timezone))
    : compareTo?.previousPeriod
      ? toPeriod(spanBefore(present.span, interval, timezone, weekStart))
      : null;

  const belongs = (fact: Fact, series: Series) =>
    (series.event === undefined || fact.event === series.event) &&
    passes(fact, series.filter) &&
    passes(fact, question.filter);
  const isWithin = ({ time }: Fact, { from, to }: Span) => from <= time && time < to;

  /** Of each bucket, the rolling days that end with it; the last of them is that of its last millisecond. */
  const toWindows = remembered(({ span, buckets }: Period, days: number): Span[] => {
    const dayStarts = toBuckets({ from: buckets[0] as number, to: span.to }, 'DAY', timezone);
    const firsts = dayStarts.map((start) => firstOfDays(start + 1, days, timezone));
    return buckets.map((start) => {
      const to = Math.min(nextStart(start, interval, timezone, weekStart), span.to);
      return { from: firsts[bucketOf(to - 1, dayStarts)] as number, to };
    });
  });
  const daysOf = ({ measure }: Series) => (measure === 'WEEKLY_ACTIVE' ? 7 : measure === 'MONTHLY_ACTIVE' ? 30 : 0);
  const toSeen = (series: Series, period: Period): Span =>
    daysOf(series) > 0 ? { ...period.span, from: toWindows(period, daysOf(series))[0]!.from } : period.span;

  const count = (of: readonly Fact[], series: Series, period: Period): Numbers => {
    const days = daysOf(series);
    if (days > 0) {
      const values = toWindows(period, days).map((window) =>
        measure(
          of.filter((fact) => isWithin(fact, window)),
          { measure: 'UNIQUE_USERS' },
        ),
      );
      return { values, total: values.at(-1) as Amount };
    }
    const byBucket = Map.groupBy(of, ({ time }) => bucketOf(time, period.buckets));
    const values: Amount[] = [];
    const soFar: Fact[] = [];
    for (const i of period.buckets.keys()) {
      const within = byBucket.get(i) ?? [];
      soFar.push(...within);
      const same = cumulative && within.length === 0 ? values.at(-1) : undefined;
      values.push(same ?? measure(cumulative ? soFar : within, series));
    }
    return { values, total: measure(of, series) };
  };

  const breakdowns = question.breakdown ?? [];
  const anySeries = facts.filter((fact) => question.series.some((series) => belongs(fact, series)));
  const edgesOf = breakdowns.map(({ property, bins }) => {
    if (bins?.count === undefined) return [];
    const seen = question.series.flatMap((series) =>
      [present, ...(previous ? [previous] : [])].map((p) => toSeen(series, p)),
    );
    return toEdges(
      anySeries
        .filter((fact) => seen.some((span) => isWithin(fact, span)))
        .flatMap((fact) => toNumbers(fact, property)),
      bins.count,
    );
  });

  const split = (series: Series): { now: Line[]; before: Line[] } => {
    const choosing = (formulas.length > 0 ? anySeries : facts.filter((fact) => belongs(fact, series))).filter((fact) =>
      isWithin(fact, present.span),
    );
    const tops = breakdowns.map(({ property, limit = 10 }) =>
      [...Map.groupBy(choosing, (fact) => toText(fact, property))]
        .sort(([a, x], [b, y]) => y.length - x.length || compareKeys(a, b))
        .slice(0, limit)
        .map(([text]) => text),
    );
    const toPlace = (fact: Fact, i: number): Place | null => {
      const { property, bins, includeOther = true } = breakdowns[i] as Breakdown;
      if (bins) return toBin(toNumbers(fact, property)[0], bins, edgesOf[i] as number[]);
      const text = toText(fact, property);
      if (tops[i]!.includes(text)) return { shown: text ?? '(none)', rank: text === null ? 0 : 1, index: 0 };
      return includeOther ? { shown: '(other)', rank: 2, index: 0 } : null;
    };
    const toLines = (period: Period): Line[] => {
      const lines = new Map<string, Line>();
      const seen = toSeen(series, period);
      for (const fact of facts) {
        if (!belongs(fact, series) || !isWithin(fact, seen)) continue;
        const places = breakdowns.map((_, i) => toPlace(fact, i));
        if (places.includes(null)) continue;
        const line = lines.get(JSON.stringify(places)) ?? { places: places as Place[], facts: [] };
        line.facts.push(fact);
        lines.set(JSON.stringify(places), line);
      }
      return [...lines.values()];
    };
    return { now: toLines(present), before: previous ? toLines(previous) : [] };
  };

  const splits = question.series.map(split);
  const isSame = (a: readonly Place[]) => (line: Line) => JSON.stringify(line.places) === JSON.stringify(a);
  const placesOf = (lines: readonly Line[]) => [
    ...new Map(lines.map(({ places }) => [JSON.stringify(places), places])).values(),
    ...(breakdowns.length === 0 && lines.length === 0 ? [[]] : []),
  ];
  const everywhere = placesOf(splits.flatMap(({ now, before }) => [...now, ...before]));
  const answers = question.series.map((series, s) => {
    const { now, before } = splits[s]!;
    return (formulas.length > 0 ? everywhere : placesOf([...now, ...before])).map((places) => {
      const of = now.find(isSame(places))?.facts ?? [];
      return {
        places,
        events: of.filter((fact) => isWithin(fact, present.span)).length,
        now: count(of, series, present),
        before: previous && count(before.find(isSame(places))?.facts ?? [], series, previous),
      };
    });
  });
  type Answer = (typeof answers)[number][number];
  const toTrendLines = (letter: string | null, label: string, lines: readonly Answer[]) =>
    lines
      .toSorted((a, b) => compareLines(breakdowns, a, b))
      .map(
        ({ places, now: numbers, before }): TrendLine => ({
          letter,
          label,
          breakdown: places.map(({ shown }) => shown),
          isOther: places.some(({ rank }) => rank === 2),
          ...numbers,
          previous: before && { buckets: (previous as Period).buckets, ...before },
        }),
      );
  const combine = (formula: string, of: readonly Numbers[]): Numbers => {
    const apply = (amounts: readonly Amount[]): Amount => {
      const letters = Object.fromEntries(amounts.map(({ value }, i) => ['ABCDEFGHIJKLMNOPQRSTUVWXYZ'[i], value]));
      return { value: calculate(formula, letters), scale: 0 };
    };
    return {
      values: of[0]!.values.map((_, i) => apply(of.map(({ values }) => values[i] as Amount))),
      total: apply(of.map(({ total }) => total)),
    };
  };
  const calculated = formulas.map((formula) =>
    toTrendLines(
      null,
      formula.trim(),
      everywhere.map((_, line): Answer => {
        const of = answers.map((lines) => lines[line] as Answer);
        const named = of.filter((__, i) => formula.includes('ABCDEFGHIJKLMNOPQRSTUVWXYZ'[i] as string));
        return {
          places: of[0]!.places,
          events: named.reduce((sum, { events }) => sum + events, 0),
          now: combine(
            formula,
            of.map(({ now: numbers }) => numbers),
          ),
          before:
            previous &&
            combine(
              formula,
              of.map(({ before }) => before as Numbers),
            ),
        };
      }),
    ),
  );
  const shown = question.series.map(({ label, event }, s) =>
    toTrendLines('ABCDEFGHIJKLMNOPQRSTUVWXYZ'[s] as string, label ?? event ?? '(all events)', answers[s] as Answer[]),
  );
  return { buckets: present.buckets, series: [...shown, ...calculated].flat() };
}

/** The calendar is slow: computed once for a period and so many days. */
function remembered(compute: (period: Period, days: number) => Span[]): typeof compute {
  const known = new Map<Period, Map<number, Span[]>>();
  return (period, days) => {
    const ofPeriod = known.get(period) ?? new Map<number, Span[]>();
    known.set(period, ofPeriod);
    const spans = ofPeriod.get(days) ?? compute(period, days);
    ofPeriod.set(days, spans);
    return spans;
  };
}

/** Bins in order, others last, most events first, then by text. */
function compareLines(
  breakdowns: readonly Breakdown[],
  a: { places: readonly Place[]; events: number },
  b: { places: readonly Place[]; events: number },
): number {
  for (const [i, { bins }] of breakdowns.entries()) {
    const [left, right] = [a.places[i] as Place, b.places[i] as Place];
    if (bins && left.index !== right.index) return left.index - right.index;
  }
  const isOther = ({ places }: { places: readonly Place[] }) => Number(places.some(({ rank }) => rank === 2));
  if (isOther(a) !== isOther(b)) return isOther(a) - isOther(b);
  if (a.events !== b.events) return b.events - a.events;
  for (const [i, left] of a.places.entries()) {
    const right = b.places[i] as Place;
    if (left.rank !== right.rank) return left.rank - right.rank;
    if (left.shown !== right.shown) return compareTexts(left.shown, right.shown);
  }
  return 0;
}

function toEdges(numbers: readonly number[], count: number): number[] {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  if (numbers.length === 0) return [];
  const edges = [low];
  for (let i = 1; i < count; i++) {
    const edge = low * (1 - i / count) + high * (i / count);
    if (edge > (edges.at(-1) as number) && edge < high) edges.push(edge);
  }
  return [...edges, high];
}

function toBin(
  number: number | undefined,
  { count, edges: asked }: NonNullable<Breakdown['bins']>,
  measured: readonly number[],
): Place {
  if (number === undefined) return { shown: '(none)', rank: 0, index: 1000 };
  if (count !== undefined) {
    let bin = 0;
    while (bin < measured.length - 2 && number >= (measured[bin + 1] as number)) bin++;
    const end = bin === measured.length - 2 ? ']' : ')';
    return { shown: `[${measured[bin]}, ${measured[bin + 1]}${end}`, rank: 1, index: bin };
  }
  const edges = asked as readonly number[];
  const above = edges.filter((edge) => edge <= number).length;
  const from = above === 0 ? '(-∞' : `[${edges[above - 1]}`;
  const to = above === edges.length ? '∞' : edges[above];
  return { shown: `${from}, ${to})`, rank: 1, index: above };
}

/** The number that an event has there, if it has one. */
function toNumbers(fact: Fact, property: string): number[] {
  const found = find(fact, property);
  return found.is === 'value' && typeof found.value === 'number' ? [found.value] : [];
}

/** Events without the property come before every text. */
function compareKeys(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return compareTexts(a, b);
}

function measure(facts: readonly Fact[], { measure: kind = 'COUNT', property }: Series): Amount {
  const exactly = (value: number | null): Amount => ({ value, scale: 0 });
  const persons = new Set(facts.map(({ person }) => person)).size;
  if (kind === 'COUNT') return exactly(facts.length);
  if (kind === 'UNIQUE_USERS') return exactly(persons);
  if (kind === 'UNIQUE_GROUPS')
    return exactly(new Set(facts.map(({ groupId }) => groupId).filter((id) => id !== '')).size);
  if (kind === 'COUNT_PER_USER') return persons === 0 ? exactly(null) : { value: facts.length / persons, scale: 1 };
  if (kind === 'UNIQUE_VALUES')
    return exactly(new Set(facts.map((fact) => toText(fact, property as string)).filter((text) => text !== null)).size);
  const numbers = facts.flatMap((fact) => toNumbers(fact, property as string));
  const scale = numbers.reduce((sum, n) => sum + Math.abs(n), 0);
  const sum = numbers.reduce((total, n) => total + n, 0);
  if (kind === 'SUM') return { value: sum, scale };
  if (numbers.length === 0) return exactly(null);
  if (kind === 'AVG') return { value: sum / numbers.length, scale: scale / numbers.length };
  const sorted = numbers.toSorted((a, b) => a - b);
  if (kind === 'MIN') return exactly(sorted[0] as number);
  if (kind === 'MAX') return exactly(sorted.at(-1) as number);
  const rank = (Number(kind.slice(1)) / 100) * (sorted.length - 1);
  const below = sorted[Math.floor(rank)] as number;
  const above = sorted[Math.ceil(rank)] as number;
  return { value: below + (above - below) * (rank - Math.floor(rank)), scale: Math.abs(below) + Math.abs(above) };
}

/** The value as text, null without one: what breakdowns show and unique values tell apart. */
export function toText(fact: Fact, name: string): string | null {
  const found = find(fact, name);
  if (found.is === 'moment') return new Date(found.time).toISOString();
  return found.is === 'value' ? valueText(found.value, false) : null;
}

/** A list looks as the warehouse writes one: texts in single quotes. */
function valueText(value: Leaf | null, isInList: boolean): string {
  if (value === null) return 'NULL';
  if (typeof value === 'object') return `[${value.map((item) => valueText(item, true)).join(',')}]`;
  if (typeof value === 'number') return String(value).replace('e+', 'e');
  if (typeof value !== 'string') return String(value);
  return isInList ? `'${value.replaceAll(/['\\\b\f\n\r\t\0]/g, escaped)}'` : value;
}

/** Within a list, as the warehouse writes texts. */
function escaped(character: string): string {
  const names: Record<string, string> = { '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't', '\0': '0' };
  return `\\${names[character] ?? character}`;
}
