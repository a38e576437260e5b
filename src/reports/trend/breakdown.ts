import { toEdges } from '../breakdown/bins.ts';
import { type Breakdown, fewValues, type ShownBreakdown, selectShown, withShown } from '../breakdown/breakdown.ts';
import { compareKeys, otherKey } from '../breakdown/key.ts';
import type { Cell } from '../cells/cells.ts';
import { bucketsOf, type Grouped, type GroupedRow, toGroupedPlan, toGroupedRows, toPart } from '../cells/grouped.ts';
import { toNumber } from '../filter/property.ts';
import type { MeasurePlan, Part } from '../measure.ts';
import type { Moment } from '../moment/moment.ts';
import { rowsIn } from '../plan.ts';
import type { Range } from '../range.ts';
import type { Session } from '../session.ts';
import { allOf, join, type Sql, sql } from '../sql.ts';

/** What a trend has to know of its breakdowns before it can be planned: the edges of bins, and the values that have lines. */

/** Bins of equal width get their edges, between the smallest and the largest number of the events in the windows. */
export async function resolveBins(
  session: Session,
  moment: Moment,
  breakdowns: readonly Breakdown[],
  windows: readonly Range[],
  condition: Sql,
): Promise<{ readonly cells: readonly Cell[]; readonly breakdowns: readonly Breakdown[] }> {
  const ranges = [...new Map(windows.map((window) => [`${window.from} ${window.to}`, window])).values()];
  const within = join(
    ranges.map((range) => sql`(${rowsIn(range)})`),
    ' OR ',
  );
  const cells: Cell[] = [];
  const resolved = await Promise.all(
    breakdowns.map(async (breakdown) => {
      const { bins, property } = breakdown;
      if (!bins || bins.count === null) return breakdown;
      const number = toNumber(property);
      const cell = await session.load(moment, {
        label: 'bins',
        select: sql`SELECT minOrNull(${number}) AS low, maxOrNull(${number}) AS high FROM events WHERE (${within}) AND ${condition}`,
      });
      cells.push(cell);
      const { low, high } = (cell.rows[0] ?? { low: null, high: null }) as { low: number | null; high: number | null };
      return {
        ...breakdown,
        bins: { ...bins, edges: low === null || high === null ? [] : toEdges(low, high, bins.count) },
      };
    }),
  );
  return { cells, breakdowns: resolved };
}

/** What a series counts, of which events. */
export interface Choice {
  readonly conditions: readonly Sql[];
  readonly range: Range;
  /** Milliseconds since 1970. */
  readonly buckets: readonly number[];
}

/** The values that have lines are those most frequent among the events of the choice. */
export async function resolveShown(
  session: Session,
  moment: Moment,
  breakdowns: readonly Breakdown[],
  choice: Choice,
): Promise<{ readonly cells: readonly Counted[]; readonly breakdowns: readonly ShownBreakdown[] }> {
  const cells: Counted[] = [];
  const chosenBy = allOf([rowsIn(choice.range), ...choice.conditions]);
  const shown = await Promise.all(
    breakdowns.map(async (breakdown): Promise<ShownBreakdown> => {
      if (breakdown.bins) return { ...breakdown, shown: [] };
      // By bucket, so that what comes later renews the buckets that it is in and no others.
      const counted = await loadEvery(session, moment, breakdown, { x: null, y: null }, choice);
      if (counted) {
        cells.push(counted);
        return withShown(breakdown, chosenBy, toMostFrequent(toGroupedRows(counted.cell.rows), breakdown.limit));
      }
      const cell = await session.load(moment, { label: 'top', select: selectShown(breakdown, chosenBy) });
      cells.push({ cell, buckets: 1 });
      const found = cell.rows.map(({ key }) => String(key));
      return withShown(breakdown, chosenBy, found);
    }),
  );
  return { cells, breakdowns: shown };
}

/** A cell, and how many buckets it stands for. */
export interface Counted {
  readonly cell: Cell;
  readonly buckets: number;
}

/**
 * Sums of every value, where there are few of them: those most frequent are chosen afterwards and the others added up, in
 * one pass over the events. One for each choice, the first of which says which values have lines; null where there are many values.
 */
export async function loadFolded(
  session: Session,
  moment: Moment,
  breakdown: Breakdown,
  measure: MeasurePlan,
  choices: readonly Choice[],
): Promise<readonly Counted[] | null> {
  if (measure.counting.kind !== 'sums') return null;
  const { x, y } = measure.counting;
  const loaded = await Promise.all(choices.map((choice) => loadEvery(session, moment, breakdown, { x, y }, choice)));
  const all = loaded.filter((counted) => counted !== null);
  if (all.length < loaded.length) return null;
  const shown = new Set(toMostFrequent(toGroupedRows(all[0]!.cell.rows), breakdown.limit));
  return all.map(({ cell, buckets }) => ({
    cell: { ...cell, rows: fold(toGroupedRows(cell.rows), shown, measure) },
    buckets,
  }));
}

const mostRows = 50_000;

async function loadEvery(
  session: Session,
  moment: Moment,
  breakdown: Breakdown,
  { x, y }: Pick<Grouped, 'x' | 'y'>,
  { conditions, range, buckets }: Choice,
): Promise<Counted | null> {
  const grouped = { conditions, breakdowns: [{ ...breakdown, ...anyLimit, shown: 'every' } as const], x, y };
  const plan = toGroupedPlan(grouped, { label: 'trend', timezone: range.timezone, buckets: bucketsOf(range, buckets) });
  const cell = await session.loadFew(moment, plan, Math.min(mostRows, buckets.length * fewValues));
  return cell && { cell, buckets: buckets.length };
}

/** What is counted of every value does not depend on how many are shown. */
const anyLimit = { limit: 0, includeOther: true } as const;

/** As the warehouse orders them: most events first, then by code point. */
function toMostFrequent(rows: readonly GroupedRow[], limit: number): string[] {
  const events = new Map<string, number>();
  for (const { k, n } of rows) events.set(k[0] as string, (events.get(k[0] as string) ?? 0) + Number(n));
  return [...events]
    .sort(([a, x], [b, y]) => y - x || compareKeys(a, b))
    .slice(0, limit)
    .map(([key]) => key);
}

function fold(rows: readonly GroupedRow[], shown: ReadonlySet<string>, { combine }: MeasurePlan): GroupedRow[] {
  const kept: GroupedRow[] = [];
  const others = new Map<string, Part>();
  for (const row of rows) {
    if (shown.has(row.k[0] as string)) kept.push(row);
    else {
      const part = toPart(row);
      const known = others.get(row.b);
      others.set(row.b, known ? combine(known, part) : part);
    }
  }
  return [...kept, ...[...others].map(([b, { n, x, y }]) => ({ b, k: [otherKey], n: String(n), x, y }))];
}
