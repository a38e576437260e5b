import { isTallygateError } from '../../errors.ts';
import { type Interval, parseRange, type RangeInput, toBuckets } from '../range.ts';
import type { EventCounts } from './facts.ts';
import type { Noted } from './session.ts';

/** What a part of an operation costs when nothing of it is cached. */
export interface Cost {
  /** Rows, as often as they are gone through, each times what is done with it; and the numbers of the answer. */
  readonly price: number;
  /** Events that are gone through, as often as they are. */
  readonly rows: number;
  /** What it is made of, for people. */
  readonly why: readonly string[];
}

/** What a number of an answer costs, in rows: it is grouped, kept, cached and sent. */
const ofNumber = 10;
const shownWorks = 12;

export function toCost({ works, inputs }: Noted, counts: EventCounts, now: number): Cost {
  const priced = works.map(({ label, scans, factor, because }) => {
    const rows = scans.reduce((sum, { names, from, to }) => sum + counts.count(names, from, to), 0);
    return { label, rows, factor, because };
  });
  const rows = priced.reduce((sum, work) => sum + work.rows, 0);
  // Where there is nothing to group, no groups come out.
  const numbers = Math.min(
    rows,
    inputs.reduce((sum: number, input) => sum + countNumbers(input, now), 0),
  );
  const price = priced.reduce((sum, work) => sum + work.rows * work.factor, ofNumber * numbers);
  const shown = priced.map(
    ({ label, rows, factor, because }) =>
      `${label}: ${show(rows)} rows x ${factor}${because.length > 0 ? ` (${because.join(', ')})` : ''}`,
  );
  return {
    price: Math.ceil(price),
    rows: Math.round(rows),
    why: [
      ...shown.slice(0, shownWorks),
      ...(shown.length > shownWorks ? [`${shown.length - shownWorks} more statements`] : []),
      ...(numbers > 0 ? [`answer: about ${show(numbers)} numbers x ${ofNumber}`] : []),
    ],
  };
}

export function show(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

interface Shape {
  readonly range?: RangeInput | null;
  readonly interval?: Interval | null;
  readonly series?: readonly unknown[] | null;
  readonly periods?: number | null;
  readonly brackets?: readonly unknown[] | null;
  readonly compareTo?: unknown;
  readonly breakdown?: BreakdownShape | readonly BreakdownShape[] | null;
}

interface BreakdownShape {
  readonly limit?: number | null;
  readonly bins?: { readonly count?: number | null; readonly edges?: readonly unknown[] | null } | null;
}

/** Buckets times lines. What has no interval has one bucket. */
function countNumbers(input: object, now: number): number {
  const { range, interval, series, periods, brackets, compareTo, breakdown } = input as Shape;
  const buckets = range && interval ? countBuckets(range, interval, now) : 1;
  const breakdowns = breakdown ? (Array.isArray(breakdown) ? breakdown : [breakdown]) : [];
  const lines = (breakdowns as readonly BreakdownShape[]).reduce((product, of) => product * countLines(of), 1);
  const wide = brackets?.length ?? periods ?? 1;
  return buckets * lines * wide * (series?.length ?? 1) * (compareTo ? 2 : 1);
}

function countBuckets(range: RangeInput, interval: Interval, now: number): number {
  try {
    return toBuckets(parseRange(range, now), interval).length;
  } catch (thrown) {
    // The report says what is wrong with it.
    if (isTallygateError(thrown)) return 0;
    throw thrown;
  }
}

function countLines({ limit, bins }: BreakdownShape): number {
  if (bins) return (bins.count ?? (bins.edges?.length ?? 0) + 1) + 1;
  return (limit ?? 10) + 1;
}
