import type { EventSelector } from './measure.ts';
import { toHint } from './near.ts';
import { allTime, type Plan, rowsIn } from './plan.ts';
import type { Moment, Session } from './session.ts';
import { sql } from './sql.ts';

/** Names of the events that the project has; the most frequent 10,000. */
const names: Plan = {
  label: 'names',
  select: sql`SELECT toString(event) AS event FROM events WHERE ${rowsIn(allTime)} GROUP BY event ORDER BY count() DESC LIMIT 10000`,
};

/** A mistyped name answers 0 like one that nobody did: say so, and what it may have been meant to be. */
export async function warnUnknownEvents(
  session: Session,
  moment: Moment,
  selectors: readonly EventSelector[],
): Promise<string[]> {
  const asked = [...new Set(selectors.flatMap(({ event }) => (event ? [event] : [])))];
  if (asked.length === 0) return [];
  const { rows } = await session.load(moment, names);
  const known = rows.map(({ event }) => event as string);
  return asked
    .filter((event) => !known.includes(event))
    .map((event) => `no event is named ${JSON.stringify(event)}${toHint(event, known)}`);
}
