import { toEdges } from './bins.ts';
import { type Breakdown, type ShownBreakdown, selectShown, withShown } from './breakdown.ts';
import type { Cell } from './cells.ts';
import type { Moment } from './moment.ts';
import { rowsIn } from './plan.ts';
import { toNumber } from './property.ts';
import type { Range } from './range.ts';
import type { Session } from './session.ts';
import { join, type Sql, sql } from './sql.ts';

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

/** The values that have lines are those most frequent among the events of the condition. */
export async function resolveShown(
  session: Session,
  moment: Moment,
  breakdowns: readonly Breakdown[],
  chosenBy: Sql,
): Promise<{ readonly cells: readonly Cell[]; readonly breakdowns: readonly ShownBreakdown[] }> {
  const cells: Cell[] = [];
  const shown = await Promise.all(
    breakdowns.map(async (breakdown): Promise<ShownBreakdown> => {
      if (breakdown.bins) return { ...breakdown, shown: [] };
      const cell = await session.load(moment, { label: 'top', select: selectShown(breakdown, chosenBy) });
      cells.push(cell);
      return withShown(
        breakdown,
        chosenBy,
        cell.rows.map(({ key }) => String(key)),
      );
    }),
  );
  return { cells, breakdowns: shown };
}
