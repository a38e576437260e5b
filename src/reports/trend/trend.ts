import { TallygateError } from '../../errors.ts';
import { type BreakdownInput, parseBreakdowns, type ShownBreakdown } from '../breakdown/breakdown.ts';
import type { Cell } from '../cells/cells.ts';
import { toGroupedRows } from '../cells/grouped.ts';
import { assertEdges, shownOfEntities, splitLines } from '../entities/columns.ts';
import type { Entities } from '../entities/entities.ts';
import { type FilterInput, toCondition } from '../filter/filter.ts';
import {
  type EventSelector,
  type Measure,
  type MeasurePlan,
  toLabel,
  toMeasurePlan,
  toSelections,
} from '../measure.ts';
import type { FreshnessInput } from '../moment/moment.ts';
import { rowsIn } from '../plan.ts';
import { type Interval, parseRange, type Range, type RangeInput, toBuckets } from '../range.ts';
import type { ReportMeta, Session } from '../session.ts';
import { allOf, always, join, type Sql, sql } from '../sql.ts';
import { loadFolded, resolveBins, resolveShown } from './breakdown.ts';
import { type CompareInput, toPreviousRange } from './compare.ts';
import { parseFormula, toLetter } from './formula.ts';
import { alignLines, applyFormula, type TrendSeries, toLineKey, toNumbers, toSeries } from './lines.ts';
import { planTrend, type TrendPlans, toWindowRange } from './plan.ts';

export interface TrendInput {
  readonly range: RangeInput;
  readonly interval?: Interval | null | undefined;
  readonly series: readonly SeriesInput[];
  readonly formulas?: readonly string[] | null | undefined;
  readonly breakdown?: readonly BreakdownInput[] | null | undefined;
  readonly compareTo?: CompareInput | null | undefined;
  readonly cumulative?: boolean | null | undefined;
  readonly filter?: FilterInput | null | undefined;
  readonly freshness?: FreshnessInput | null | undefined;
}

export interface SeriesInput extends EventSelector {
  readonly measure?: Measure | null | undefined;
  readonly property?: string | null | undefined;
}

export interface Trend {
  readonly buckets: readonly Date[];
  readonly series: readonly TrendSeries[];
  readonly meta: ReportMeta;
}

/** What of a trend is looked at. */
export interface TrendAsked {
  /** Those of unique counts and percentiles are no sums of their buckets: they are counted for themselves. */
  readonly totals: boolean;
}

/** The range asked for, or that to compare with. */
interface Span {
  readonly range: Range;
  readonly buckets: readonly number[];
  /** Of buckets, by where they begin. */
  readonly places: ReadonlyMap<string, number>;
}

function toSpan(range: Range, buckets: readonly number[]): Span {
  return { range, buckets, places: new Map(buckets.map((start, i) => [String(start), i])) };
}

const mostSeries = 26;
/** Lines times buckets: tens of megabytes of an answer. */
const mostNumbers = 5_000_000;

export async function runTrend(
  session: Session,
  input: TrendInput,
  asked: TrendAsked = { totals: true },
): Promise<Trend> {
  const [trend] = await runTrends(session, input, null, asked);
  return trend as Trend;
}

/** One for each of the entities, in their order; without any, one of all events. */
export function runTrends(
  session: Session,
  input: TrendInput,
  entities: Entities | null,
  asked: TrendAsked = { totals: true },
): Promise<Trend[]> {
  return session.report(input.freshness, async (moment) => {
    const range = parseRange(input.range, moment.now);
    const interval = input.interval ?? 'DAY';
    const cumulative = input.cumulative ?? false;
    const { series } = input;
    const atMost26 = (count: number, least: number, at: string) => {
      if (count < least || count > mostSeries)
        throw new TallygateError('INVALID_INPUT', `${at}: expected ${least} to ${mostSeries} of them, got ${count}`);
    };
    atMost26(series.length, 1, 'series');
    const texts = input.formulas ?? [];
    atMost26(texts.length, 0, 'formulas');
    const formulas = texts.map((text, i) => parseFormula(text, series.length, `formulas[${i}]`));
    const measures = series.map((one, i) => parseMeasure(one, cumulative, `series[${i}]`));
    const spans = [range, toPreviousRange(input.compareTo, range, interval)]
      .filter((span) => span !== null)
      .map((span): Span => toSpan(span, toBuckets(span, interval)));
    const [present, previous] = spans as [Span, Span | undefined];

    const filter = toCondition(input.filter);
    const conditions = series.map((one) =>
      [...toSelections(one), filter, entities?.condition ?? always].filter((condition) => condition !== always),
    );
    const anySeries = sql`(${join(
      conditions.map((of) => sql`(${allOf(of)})`),
      ' OR ',
    )})`;
    const windows = spans.flatMap((span) => measures.map((measure) => toDepended(measure, span, interval)));
    const parsed = parseBreakdowns(input.breakdown);
    if (entities) assertEdges(parsed, entities);
    const byValues = parsed.length === 1 && !parsed[0]?.bins && formulas.length === 0 && !entities ? parsed[0] : null;
    const prepare = async (of: readonly Sql[], i: number): Promise<Prepared> => {
      const choices = spans.map((span) => ({ ...span, conditions: of }));
      const folded = byValues && (await loadFolded(session, moment, byValues, measures[i] as MeasurePlan, choices));
      if (folded) return { folded, cells: [], breakdowns: [] };
      // With formulas all series have the same lines.
      const choice = { ...present, conditions: formulas.length > 0 ? [anySeries] : of };
      if (!entities) return resolveShown(session, moment, parsed, choice);
      const chosenBy = allOf([rowsIn(range), ...choice.conditions]);
      return { cells: [], breakdowns: shownOfEntities(entities, parsed, chosenBy) };
    };
    const [bins, prepared] = await Promise.all([
      resolveBins(session, moment, parsed, windows, anySeries),
      Promise.all(conditions.map(prepare)),
    ]);
    const toBreakdowns = (i: number): ShownBreakdown[] => [
      ...(entities ? [entities.breakdown] : []),
      ...bins.breakdowns.map((breakdown, place) => ({
        ...(prepared[i]!.breakdowns[place] as ShownBreakdown),
        bins: breakdown.bins,
      })),
    ];

    const load = async ({ range: within, buckets }: Span, place: number): Promise<Counted[]> =>
      Promise.all(
        measures.map(async (measure, i) => {
          const folded = prepared[i]?.folded?.[place];
          if (folded) return { values: folded.cell, total: null };
          const question = {
            measure,
            conditions: conditions[i] as Sql[],
            range: within,
            interval,
            buckets,
            cumulative,
          };
          const { values, total } = planTrend({ ...question, breakdowns: toBreakdowns(i) });
          const loadOne = (plan: TrendPlans['values']) =>
            'buckets' in plan ? session.loadBuckets(moment, plan) : session.load(moment, plan);
          const [ofBuckets, ofAll] = await Promise.all([
            loadOne(values),
            asked.totals && total ? session.loadBuckets(moment, total) : null,
          ]);
          return { values: ofBuckets, total: ofAll };
        }),
      );
    const [now, before] = await Promise.all([load(present, 0), previous ? load(previous, 1) : null]);
    checkSize(
      series.map((_, i) => [now[i] as Counted, ...(before ? [before[i] as Counted] : [])].map(({ values }) => values)),
      {
        formulas: formulas.length,
        buckets: present.buckets.length + (previous?.buckets.length ?? 0),
        least: entities && parsed.length === 0 ? entities.ids.length : 0,
      },
    );

    const split = ({ values, total }: Counted) => ({
      values: splitLines(entities, toGroupedRows(values.rows)),
      totals: total && splitLines(entities, toGroupedRows(total.rows)),
    });
    const [splitNow, splitBefore] = [now.map(split), before?.map(split)];
    const count = (of: ReturnType<typeof split>, which: number, i: number, { places }: Span) => {
      const measure = measures[i] as MeasurePlan;
      const running = cumulative || measure.counting.kind === 'rolling';
      const totals = of.totals && (of.totals[which] ?? []);
      return toNumbers(of.values[which] ?? [], { measure, breakdowns: parsed, places, running, totals });
    };
    const options = { breakdowns: bins.breakdowns, previousBuckets: previous?.buckets ?? null };
    const toLines = (which: number) => {
      const sheets = splitNow.map((of, i) => ({
        letter: toLetter(i),
        label: toLabel(series[i] as SeriesInput),
        present: count(of, which, i, present),
        previous: splitBefore && previous ? count(splitBefore[i] as typeof of, which, i, previous) : null,
      }));
      const aligned = formulas.length > 0 ? alignLines(sheets) : sheets;
      const calculated = formulas.map((formula, i) => applyFormula((texts[i] as string).trim(), formula, aligned));
      return [...aligned, ...calculated].flatMap((sheet) => toSeries(sheet, options));
    };
    const buckets = present.buckets.map((start) => new Date(start));
    const meta = session.toMeta(moment, [
      ...bins.cells.map((cell) => ({ cell, buckets: 1 })),
      ...prepared.flatMap(({ cells }) => cells),
      ...toParts(now, present),
      ...(before && previous ? toParts(before, previous) : []),
    ]);
    return (entities?.ids ?? ['']).map((_, which) => ({ buckets, series: toLines(which), meta }));
  });
}

/** What is known of a series' lines before it is counted. */
interface Prepared {
  readonly cells: readonly { readonly cell: Cell; readonly buckets: number }[];
  readonly breakdowns: readonly ShownBreakdown[];
  /** In each span, where it was counted at the same time. */
  readonly folded?: readonly { readonly cell: Cell }[];
}

/** The numbers of a series in a span. */
interface Counted {
  readonly values: Cell;
  /** null: the buckets tell it, or nobody looks at it. */
  readonly total: Cell | null;
}

function toParts(counted: readonly Counted[], { buckets }: Span) {
  return counted.flatMap(({ values, total }) => [
    { cell: values, buckets: buckets.length },
    ...(total ? [{ cell: total, buckets: 1 }] : []),
  ]);
}

/** Before any line is made. `cells`: those of each series; `least`: lines that each has in any case. Throws TOO_MANY_BUCKETS. */
function checkSize(
  cells: readonly (readonly Cell[])[],
  { formulas, buckets, least }: { readonly formulas: number; readonly buckets: number; readonly least: number },
) {
  const toLines = (sizes: readonly number[], sizeOfAll: number) =>
    formulas > 0
      ? Math.max(least, sizeOfAll) * (sizes.length + formulas)
      : sizes.reduce((sum, size) => sum + Math.max(least, size), 0);
  const rows = cells.map((ofSeries) => ofSeries.reduce((sum, cell) => sum + cell.rows.length, 0));
  const rowsOfAll = rows.reduce((sum, n) => sum + n, 0);
  // No more lines than rows: mostly that says enough.
  if (toLines(rows, rowsOfAll) * buckets <= mostNumbers) return;
  const keys = cells.map((ofSeries) => new Set(ofSeries.flatMap((cell) => toGroupedRows(cell.rows).map(toLineKey))));
  const lines = toLines(
    keys.map(({ size }) => size),
    new Set(keys.flatMap((ofSeries) => [...ofSeries])).size,
  );
  if (lines * buckets > mostNumbers)
    throw new TallygateError(
      'TOO_MANY_BUCKETS',
      `expected at most ${mostNumbers} numbers (lines times buckets), got ${lines * buckets}: ask for a shorter range, a coarser interval or a smaller breakdown.limit`,
    );
}

function parseMeasure({ measure, property }: SeriesInput, cumulative: boolean, at: string): MeasurePlan {
  const plan = toMeasurePlan(measure ?? 'COUNT', property, at);
  if (cumulative && plan.counting.kind === 'rolling')
    throw new TallygateError(
      'INVALID_INPUT',
      `${at}.measure: expected one that can grow over the range with cumulative, got ${measure}: ask for UNIQUE_USERS`,
    );
  return plan;
}

/** The events that a series' numbers of a span are made of. */
function toDepended({ counting }: MeasurePlan, { range, buckets }: Span, interval: Interval): Range {
  return counting.kind === 'rolling' ? toWindowRange({ range, interval, buckets }, counting.days) : range;
}
