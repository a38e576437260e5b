import { TallygateError } from '../../errors.ts';
import { person, rowsIn, timeMs } from '../plan.ts';
import type { TimeRange } from '../range.ts';
import { allOf, docPath, join, type Sql, sql, value } from '../sql.ts';

/** Sessions: runs of one person's events without a pause. What `sessions`, `paths` and filters by properties of sessions have in common. */

const minute = 60_000;
const longestGapMinutes = 1440;
/** What comes later after its beginning is not counted in a session: so a finite range has all that an answer depends on. */
export const longestMs = 24 * 60 * minute;

export interface SessionRule {
  /** The shortest pause that ends a session, in milliseconds. */
  readonly gapMs: number;
  /** Sessions are made of these events only. */
  readonly which: Sql;
}

export function parseGap(gapMinutes: number | null | undefined): number {
  const asked = gapMinutes ?? 30;
  if (asked < 1 || asked > longestGapMinutes)
    throw new TallygateError('INVALID_INPUT', `gapMinutes: expected 1 to ${longestGapMinutes}, got ${asked}`);
  return asked * minute;
}

/**
 * One row for each session that begins in the range: `who`, and `run`, its events as tuples of their time in milliseconds and
 * the fields, in the order of these tuples, so that no order of arrival shows.
 */
export function selectRuns(
  { from, to, timezone }: TimeRange & { readonly timezone: string | null },
  { gapMs, which }: SessionRule,
  fields: readonly Sql[],
): Sql {
  // An event begins a session when none came in the gap before it; a session that begins in the range lies in what comes after it.
  const whole = { from: from - gapMs, to: to + longestMs, timezone };
  const longest = value('Int64', longestMs);
  return sql`SELECT who, if(tupleElement(long[-1], 1) - tupleElement(long[1], 1) < ${longest}, long,
        arrayFilter(e -> tupleElement(e, 1) < tupleElement(long[1], 1) + ${longest}, long)) AS run
    FROM (
      SELECT who, arrayJoin(arraySplit((e, pause) -> pause >= ${value('Int64', gapMs)}, seen, arrayDifference(tupleElement(seen, 1)))) AS long
      FROM (
        SELECT ${person} AS who, arraySort(groupArray(tuple(${timeMs}, ${join(fields, ', ')}))) AS seen
        FROM events WHERE ${allOf([rowsIn(whole), which])} GROUP BY who))
    WHERE tupleElement(long[1], 1) >= ${value('Int64', from)} AND tupleElement(long[1], 1) < ${value('Int64', to)}`;
}

const textAt = (path: readonly string[]) => sql`nullIf(CAST(${docPath(path)}, 'Nullable(String)'), '')`;
/** Of a page, or of the page that an event was on; NULL without one. */
export const pagePath = sql`coalesce(${textAt(['properties', 'path'])}, ${textAt(['context', 'page', 'path'])})`;

/** What no text of an event is, since it is not UTF-8: a field that says nothing. A prefix of all others would cost a tenth of a report. */
export const nothing: Sql = sql`'\\xFF'`;

/** The page that a `$page` event saw, '' when it does not say; `nothing` for all other events. */
export const page: Sql = sql`if(kind = 'page', ifNull(${pagePath}, ''), ${nothing})`;

/** As a row has it: '=path', or '-' for a page that does not say; '' for none. */
export function toPageKey(of: Sql): Sql {
  return sql`multiIf(${of} = ${nothing}, '', ${of} = '', '-', concat('=', ${of}))`;
}

/** As clients see it. */
export function toShownPage(key: string): string {
  return key === '-' ? '(none)' : key.slice(1);
}

/** What somebody did, where identify, group and alias only say who somebody is. */
export const isDeed: Sql = sql`kind IN ('track', 'page', 'screen')`;
