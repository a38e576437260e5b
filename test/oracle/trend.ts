import { bucketOf, type Interval, type RangeInput, toBuckets, toSpan } from './buckets.ts';
import { compareTexts, type Filter, find, passes } from './filter.ts';
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
  | 'UNIQUE_GROUPS';

export interface Series {
  readonly event?: string;
  readonly label?: string;
  readonly measure?: Measure;
  readonly property?: string;
  readonly filter?: Filter;
}

export interface TrendQuestion {
  readonly range: RangeInput;
  readonly interval?: Interval;
  readonly series: readonly Series[];
  readonly breakdown?: readonly {
    readonly property: string;
    readonly limit?: number;
    readonly includeOther?: boolean;
  }[];
  readonly filter?: Filter;
}

/** A number, and the size of what went into it: floating sums are right to a part of that. */
export interface Amount {
  readonly value: number | null;
  readonly scale: number;
}

export interface TrendLine {
  readonly label: string;
  readonly breakdown: readonly string[];
  readonly isOther: boolean;
  readonly values: readonly Amount[];
  readonly total: Amount;
}

export function answerTrend(
  facts: readonly Fact[],
  question: TrendQuestion,
  now: number,
): { buckets: number[]; series: TrendLine[] } {
  const span = toSpan(question.range, now);
  const buckets = toBuckets(span, question.interval ?? 'DAY', question.range.timezone ?? 'UTC');
  const lines = question.series.flatMap((series): TrendLine[] => {
    const chosen = facts.filter(
      (fact) =>
        span.from <= fact.time &&
        fact.time < span.to &&
        (series.event === undefined || fact.event === series.event) &&
        passes(fact, series.filter) &&
        passes(fact, question.filter),
    );
    const toLine = (breakdown: string[], isOther: boolean, of: readonly Fact[]): TrendLine => {
      const byBucket = Map.groupBy(of, ({ time }) => bucketOf(time, buckets));
      return {
        label: series.label ?? series.event ?? '(all events)',
        breakdown,
        isOther,
        values: buckets.map((_, i) => measure(byBucket.get(i) ?? [], series)),
        total: measure(of, series),
      };
    };
    const by = question.breakdown?.[0];
    if (!by) return [toLine([], false, chosen)];
    const groups = [...Map.groupBy(chosen, (fact) => toText(fact, by.property))].sort(
      ([a, x], [b, y]) => y.length - x.length || compareKeys(a, b),
    );
    const top = groups.slice(0, by.limit ?? 10);
    const rest = groups.slice(by.limit ?? 10).flatMap(([, of]) => of);
    const shown = top.map(([text, of]) => toLine([text ?? '(none)'], false, of));
    return rest.length > 0 && by.includeOther !== false ? [...shown, toLine(['(other)'], true, rest)] : shown;
  });
  return { buckets, series: lines };
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
  if (kind === 'COUNT_PER_USER') return persons === 0 ? exactly(null) : { value: facts.length / persons, scale: 1 };
  if (kind === 'UNIQUE_VALUES')
    return exactly(new Set(facts.map((fact) => toText(fact, property as string)).filter((text) => text !== null)).size);
  if (kind === 'UNIQUE_GROUPS')
    return exactly(new Set(facts.map(({ groupId }) => groupId).filter((id) => id !== '')).size);
  const numbers = facts.flatMap((fact) => {
    const found = find(fact, property as string);
    return found.is === 'value' && typeof found.value === 'number' ? [found.value] : [];
  });
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

/** A list looks as the warehouse writes one: texts and objects in single quotes, whole numbers of objects in double ones. */
function valueText(value: unknown, isInList: boolean): string {
  if (value === null) return 'NULL';
  if (Array.isArray(value)) return `[${value.map((item) => valueText(item, true)).join(',')}]`;
  if (typeof value === 'number') return String(value).replace('e+', 'e');
  if (typeof value === 'object') value = JSON.stringify(value, (_, v) => (Number.isInteger(v) ? String(v) : v));
  if (typeof value !== 'string') return String(value);
  return isInList ? `'${value.replaceAll(/['\\]/g, '\\$&')}'` : value;
}
