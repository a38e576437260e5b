import { parseLimit } from '../breakdown/key.ts';
import { type FilterInput, toCondition } from '../filter/filter.ts';
import type { FreshnessInput } from '../moment/moment.ts';
import { type Plan, person, rowsIn, timeMs, toBucketExpression } from '../plan.ts';
import { parseRange, type Range, toBuckets } from '../range.ts';
import type { ReportMeta, Session } from '../session.ts';
import { page, toPageKey, toShownPage } from '../sessions/runs.ts';
import { allOf, sql, value } from '../sql.ts';

// ---- parameters

export interface LiveInput {
  readonly filter?: FilterInput | null | undefined;
  readonly limit?: number | null | undefined;
  readonly freshness?: FreshnessInput | null | undefined;
}

export interface Live {
  readonly now: Date;
  readonly last5Minutes: Activity;
  readonly last30Minutes: Activity;
  readonly minutes: readonly (Activity & { readonly start: Date })[];
  readonly topEvents: readonly (Activity & { readonly name: string })[];
  readonly topPages: readonly (Activity & { readonly name: string })[];
  readonly meta: ReportMeta;
}

interface Activity {
  readonly events: number;
  readonly persons: number;
}

export function runLive(session: Session, { filter, limit, freshness }: LiveInput): Promise<Live> {
  return session.report(freshness, async (moment) => {
    // Whole minutes: within one of them the question is the same, and so is the answer until something new is stored.
    const range = parseRange({ last: '30m' }, moment.now);
    const minutes = toBuckets(range, 'MINUTE');
    const recent = parseRange({ last: '5m' }, moment.now).from;
    const cell = await session.load(moment, planLive(range, minutes, recent, filter, parseLimit(limit ?? 10, 'limit')));
    const rows = cell.rows as unknown as readonly LiveRow[];
    const of = (part: LiveRow['part']) => rows.filter((row) => row.part === part);
    const byMinute = new Map(of('minute').map((row) => [row.name, row]));
    return {
      now: new Date(moment.now),
      last5Minutes: toActivity(of('recent')[0]),
      last30Minutes: toActivity(of('all')[0]),
      minutes: minutes.map((start) => ({ start: new Date(start), ...toActivity(byMinute.get(String(start))) })),
      topEvents: of('event').map((row) => ({ name: row.name, ...toActivity(row) })),
      topPages: of('page').map((row) => ({ name: toShownPage(row.name), ...toActivity(row) })),
      meta: session.toMeta(moment, [{ cell, buckets: minutes.length }]),
    };
  });
}

// ---- row

interface LiveRow {
  readonly part: 'minute' | 'recent' | 'all' | 'event' | 'page';
  /** Beginning of the minute in milliseconds since 1970, name of the event, or page. */
  readonly name: string;
  readonly n: string;
  readonly persons: string;
}

// ---- SQL

function planLive(
  range: Range,
  minutes: readonly number[],
  recent: number,
  filter: FilterInput | null | undefined,
  limit: number,
): Plan {
  const condition = allOf([rowsIn(range), toCondition(filter)]);
  return {
    label: 'live',
    select: sql`SELECT part, name, n, persons FROM (
        SELECT multiIf(grouping(b) = 0, 'minute', grouping(is_recent) = 0, 'recent', grouping(done) = 0, 'event', grouping(page) = 0, 'page', 'all') AS part,
          multiIf(part = 'minute', b, part = 'event', done, part = 'page', ${toPageKey(sql`page`)}, '') AS name,
          is_recent, count() AS n, uniqExact(who) AS persons
        FROM (
          SELECT ${person} AS who, toString(${toBucketExpression(minutes)}) AS b, ${timeMs} >= ${value('Int64', recent)} AS is_recent, toString(event) AS done, ${page} AS page
          FROM events WHERE ${condition})
        GROUP BY GROUPING SETS ((b), (is_recent), (), (done), (page)) HAVING n > 0)
      WHERE (part != 'recent' OR is_recent) AND (part != 'page' OR name != '')
      ORDER BY n DESC, name LIMIT ${value('UInt32', limit)} BY part, if(part = 'minute', name, '')`,
  };
}

// ---- mapping

function toActivity(row: LiveRow | undefined): Activity {
  return { events: Number(row?.n ?? 0), persons: Number(row?.persons ?? 0) };
}
