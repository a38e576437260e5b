import { type Breakdown, compareLines, isLeftOut, isOther, type LineKey, toShownLine } from '../breakdown/breakdown.ts';
import { toPart } from '../cells/grouped.ts';
import type { MeasurePlan, Part } from '../measure.ts';
import { evaluate, type Formula, seriesOf } from './formula.ts';
import type { TrendRow } from './plan.ts';

export interface TrendSeries {
  readonly letter: string | null;
  readonly label: string;
  readonly breakdown: readonly string[];
  readonly isOther: boolean;
  readonly values: readonly (number | null)[];
  readonly total: number | null;
  readonly previous: TrendSeriesComparison | null;
}

export interface TrendSeriesComparison {
  readonly buckets: readonly Date[];
  readonly values: readonly (number | null)[];
  readonly total: number | null;
}

/** A series' numbers of one range, before they are lines of an answer. */
export interface Numbers {
  readonly events: number;
  readonly values: readonly (number | null)[];
  readonly total: number | null;
}

/** Those of each line, by the JSON of its key, and what a line without rows has. */
export interface NumbersOfLines {
  readonly byKey: ReadonlyMap<string, Numbers>;
  readonly empty: Numbers;
}

/** Rows of one line have the same. */
export function toLineKey({ k }: TrendRow): string {
  return k.length === 0 ? '[]' : JSON.stringify(k);
}

const nothing: Part = { n: 0, x: null, y: null };

export function toNumbers(
  rows: readonly TrendRow[],
  {
    measure,
    breakdowns,
    places,
    running,
    totals,
  }: {
    readonly measure: MeasurePlan;
    readonly breakdowns: readonly Breakdown[];
    /** Of buckets, by where they begin. */
    readonly places: ReadonlyMap<string, number>;
    /** Of the whole range, where that is not what the buckets come to; null: it is. */
    readonly totals: readonly TrendRow[] | null;
    /** A bucket's value is of all parts up to it. */
    readonly running: boolean;
  },
): NumbersOfLines {
  const lines = new Map<string, { parts: Part[]; total: Part | null }>();
  const newLine = () => ({ parts: new Array<Part>(places.size).fill(nothing), total: null });
  const toLine = (row: TrendRow) => {
    const key = toLineKey(row);
    const line = lines.get(key) ?? newLine();
    lines.set(key, line);
    return line;
  };
  for (const row of rows) {
    const place = places.get(row.b);
    if (place !== undefined && !isLeftOut(breakdowns, row.k)) toLine(row).parts[place] = toPart(row);
  }
  for (const row of totals ?? []) if (!isLeftOut(breakdowns, row.k)) toLine(row).total = toPart(row);
  const settle = ({ parts, total }: { parts: readonly Part[]; total: Part | null }): Numbers => {
    let sum = nothing;
    const soFar = parts.map((part) => {
      // What adds nothing is left out, so that the latest of everything so far stays.
      if (part !== nothing) sum = sum === nothing ? part : measure.combine(sum, part);
      return sum;
    });
    const whole = total ?? sum;
    return {
      events: whole.n,
      values: (running ? soFar : parts).map(measure.toValue),
      total: measure.toValue(whole),
    };
  };
  return {
    byKey: new Map([...lines].map(([key, line]) => [key, settle(line)])),
    empty: settle(newLine()),
  };
}

/** A series, or a formula, in the range asked for and in that to compare with. */
export interface Sheet {
  readonly letter: string | null;
  readonly label: string;
  readonly present: NumbersOfLines;
  readonly previous: NumbersOfLines | null;
}

export interface SheetOptions {
  readonly breakdowns: readonly Breakdown[];
  readonly previousBuckets: readonly number[] | null;
}

export function toSeries(
  { letter, label, present, previous }: Sheet,
  { breakdowns, previousBuckets }: SheetOptions,
): TrendSeries[] {
  const keys = new Set([...present.byKey.keys(), ...(previous?.byKey.keys() ?? [])]);
  if (breakdowns.length === 0) keys.add('[]');
  return [...keys]
    .map((json) => ({
      key: JSON.parse(json) as LineKey,
      now: present.byKey.get(json) ?? present.empty,
      before: previous && (previous.byKey.get(json) ?? previous.empty),
    }))
    .sort((a, b) => compareLines(breakdowns, { key: a.key, ...a.now }, { key: b.key, ...b.now }))
    .map(({ key, now, before }) => ({
      letter,
      label,
      breakdown: toShownLine(breakdowns, key),
      isOther: isOther(key),
      values: now.values,
      total: now.total,
      previous: before && {
        buckets: (previousBuckets ?? []).map((start) => new Date(start)),
        values: before.values,
        total: before.total,
      },
    }));
}

/** Line by line; a series that has no such line counts with what nothing measures. */
export function applyFormula(label: string, formula: Formula, sheets: readonly Sheet[]): Sheet {
  const used = [...seriesOf(formula)];
  const apply = (numbersOf: readonly NumbersOfLines[]): NumbersOfLines => {
    const calculate = (numbers: readonly Numbers[]): Numbers => ({
      events: used.reduce((sum, i) => sum + (numbers[i] as Numbers).events, 0),
      values: (numbers[0] as Numbers).values.map((_, bucket) =>
        evaluate(
          formula,
          numbers.map(({ values }) => values[bucket] as number | null),
        ),
      ),
      total: evaluate(
        formula,
        numbers.map(({ total }) => total),
      ),
    });
    const keys = new Set(numbersOf.flatMap(({ byKey }) => [...byKey.keys()]));
    return {
      byKey: new Map(
        [...keys].map((key) => [key, calculate(numbersOf.map(({ byKey, empty }) => byKey.get(key) ?? empty))]),
      ),
      empty: calculate(numbersOf.map(({ empty }) => empty)),
    };
  };
  const previous = sheets.flatMap((sheet) => (sheet.previous ? [sheet.previous] : []));
  return {
    letter: null,
    label,
    present: apply(sheets.map(({ present }) => present)),
    previous: previous.length > 0 ? apply(previous) : null,
  };
}

/** The same lines for all of them: of series over which formulas calculate. */
export function alignLines(sheets: readonly Sheet[]): Sheet[] {
  const keys = new Set(
    sheets.flatMap(({ present, previous }) => [...present.byKey.keys(), ...(previous?.byKey.keys() ?? [])]),
  );
  const fill = ({ byKey, empty }: NumbersOfLines): NumbersOfLines => ({
    empty,
    byKey: new Map([...keys].map((key) => [key, byKey.get(key) ?? empty])),
  });
  return sheets.map((sheet) => ({
    ...sheet,
    present: fill(sheet.present),
    previous: sheet.previous && fill(sheet.previous),
  }));
}
