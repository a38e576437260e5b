import type { ReportMeta } from '../session.ts';
import type { TrendSeries } from './lines.ts';
import type { Trend } from './trend.ts';

/** What a reader of a trend has to be told, so that what it has becomes the trend as it is. */
export interface TrendChange {
  /** Nothing that was told before counts. */
  readonly isWhole: boolean;
  /** null when they are as before. */
  readonly buckets: readonly Date[] | null;
  readonly previousBuckets: readonly Date[] | null;
  readonly series: readonly TrendLineChange[];
  readonly gone: readonly TrendLineName[];
  readonly meta: ReportMeta;
}

interface TrendLineName {
  readonly key: string;
  readonly letter: string | null;
  readonly label: string;
  readonly breakdown: readonly string[];
  readonly isOther: boolean;
}

interface TrendLineChange extends TrendLineName, BucketChanges {
  readonly place: number;
  readonly previous: BucketChanges | null;
}

interface BucketChanges {
  readonly buckets: readonly Date[];
  readonly values: readonly (number | null)[];
  readonly total: number | null;
}

/** The latest answer, with the version in which each number came to be as it is: one copy, whatever its readers have been told. */
export interface TrendGrid {
  /** Takes a newer answer; false when it is the same. */
  apply(trend: Trend): boolean;
  /** 0: nothing yet. */
  version(): number;
  /** What has changed after a version; all of it after version 0. */
  since(version: number): TrendChange;
}

interface Axis {
  readonly starts: readonly number[];
  readonly version: number;
}

interface Row {
  readonly values: readonly (number | null)[];
  /** Of each value. */
  readonly versions: readonly number[];
  readonly total: number | null;
  readonly totalVersion: number;
}

interface Line {
  readonly name: TrendLineName;
  readonly place: number;
  readonly placeVersion: number;
  readonly present: Row;
  readonly previous: Row | null;
}

/** Lines that are no longer there: whoever was told last before the oldest of these is told everything. */
const mostGone = 1000;

export function createTrendGrid(): TrendGrid {
  let version = 0;
  let axis: Axis = { starts: [], version: 0 };
  let previousAxis: Axis | null = null;
  let lines: ReadonlyMap<string, Line> = new Map();
  let gone: { readonly name: TrendLineName; readonly version: number }[] = [];
  /** Of what went before this version nothing is known. */
  let goneSince = 0;
  let meta: ReportMeta | null = null;

  return {
    version: () => version,
    apply(trend) {
      const next = version + 1;
      const newAxis = toAxis(axis, trend.buckets, next);
      const compared = trend.series.find(({ previous }) => previous)?.previous;
      const newPrevious = compared ? toAxis(previousAxis, compared.buckets, next) : null;
      const placeOf = toPlaces(axis, newAxis);
      const previousPlaceOf = newPrevious && toPlaces(previousAxis, newPrevious);
      const newLines = new Map<string, Line>();
      let isSame = version > 0 && newAxis === axis && newPrevious === previousAxis;
      for (const [place, [key, series]] of withKeys(trend.series).entries()) {
        const known = lines.get(key);
        const line: Line = {
          name: toName(key, series),
          place,
          placeVersion: known?.place === place ? known.placeVersion : next,
          present: toRow(known?.present, series, placeOf, next),
          previous: series.previous && toRow(known?.previous, series.previous, previousPlaceOf as never, next),
        };
        isSame &&= isLineBefore(line, next);
        newLines.set(key, line);
      }
      const left = [...lines].filter(([key]) => !newLines.has(key));
      if (isSame && left.length === 0) return false;
      version = next;
      axis = newAxis;
      previousAxis = newPrevious;
      // A line that is there again is told with all that it has.
      gone = gone.filter(({ name }) => !newLines.has(name.key));
      gone.push(...left.map(([, { name }]) => ({ name, version })));
      for (const { version: cut } of gone.splice(0, gone.length - mostGone)) goneSince = cut;
      lines = newLines;
      meta = trend.meta;
      return true;
    },
    since(told) {
      const isWhole = told === 0 || told < goneSince;
      const after = isWhole ? 0 : told;
      const toDates = (of: Axis | null) =>
        of !== null && of.version > after ? of.starts.map((start) => new Date(start)) : null;
      return {
        isWhole,
        buckets: toDates(axis),
        previousBuckets: toDates(previousAxis),
        series: [...lines.values()].flatMap(({ name, place, placeVersion, present, previous }) => {
          const changes = toChanges(present, axis, after);
          const before = previous && toChanges(previous, previousAxis as Axis, after);
          if (placeVersion <= after && changes === null && before === null) return [];
          const { total } = present;
          return [{ ...name, place, previous: before, ...(changes ?? { buckets: [], values: [], total }) }];
        }),
        gone: isWhole ? [] : gone.filter((line) => line.version > after).map(({ name }) => name),
        meta: meta as ReportMeta,
      };
    },
  };
}

/** Of two formulas that are the same text, the second one is another line. */
function withKeys(series: readonly TrendSeries[]): [key: string, series: TrendSeries][] {
  const seen = new Map<string, number>();
  return series.map((one) => {
    const { letter, label, breakdown, isOther } = one;
    const name = JSON.stringify([letter, label, isOther, ...breakdown]);
    const nth = seen.get(name) ?? 0;
    seen.set(name, nth + 1);
    return [nth === 0 ? name : `${name}${nth}`, one];
  });
}

function toName(key: string, { letter, label, breakdown, isOther }: TrendSeries): TrendLineName {
  return { key, letter, label, breakdown, isOther };
}

function toAxis(known: Axis | null, dates: readonly Date[], version: number): Axis {
  const starts = dates.map((date) => date.getTime());
  const isKnown = known?.starts.length === starts.length && starts.every((start, i) => start === known.starts[i]);
  return isKnown ? known : { starts, version };
}

/** Where each bucket was before; undefined where it was not. */
function toPlaces(known: Axis | null, now: Axis): (place: number) => number | undefined {
  if (known === now) return (place) => place;
  const places = new Map(known?.starts.map((start, i) => [start, i]));
  return (place) => places.get(now.starts[place] as number);
}

function toRow(
  known: Row | null | undefined,
  { values, total }: Pick<TrendSeries, 'values' | 'total'>,
  placeOf: (place: number) => number | undefined,
  version: number,
): Row {
  return {
    values,
    versions: values.map((value, i) => {
      const place = known ? placeOf(i) : undefined;
      return known && place !== undefined && known.values[place] === value
        ? (known.versions[place] as number)
        : version;
    }),
    total,
    totalVersion: known && known.total === total ? known.totalVersion : version,
  };
}

function isLineBefore({ placeVersion, present, previous }: Line, version: number): boolean {
  const isRowBefore = (row: Row | null) =>
    row === null || (row.totalVersion < version && row.versions.every((of) => of < version));
  return placeVersion < version && isRowBefore(present) && isRowBefore(previous);
}

function toChanges(
  { values, versions, total, totalVersion }: Row,
  { starts }: Axis,
  after: number,
): BucketChanges | null {
  const places = versions.flatMap((version, i) => (version > after ? [i] : []));
  if (places.length === 0 && totalVersion <= after) return null;
  return {
    buckets: places.map((i) => new Date(starts[i] as number)),
    values: places.map((i) => values[i] as number | null),
    total,
  };
}
