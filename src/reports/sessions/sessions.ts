import { type BreakdownInput, parseValueBreakdown, type ValueBreakdown } from '../breakdown/breakdown.ts';
import { compareKeys, otherKey, parseLimit, toShownKey } from '../breakdown/key.ts';
import { type FilterInput, toCondition } from '../filter/filter.ts';
import type { FreshnessInput } from '../moment/moment.ts';
import { type Plan, toBucketExpression } from '../plan.ts';
import { type Interval, parseRange, type Range, type RangeInput, toBuckets } from '../range.ts';
import type { ReportMeta, Session } from '../session.ts';
import { sql, value } from '../sql.ts';
import { isDeed, nothing, page, parseGap, type SessionRule, selectRuns, toPageKey, toShownPage } from './runs.ts';

// ---- parameters

export interface SessionsInput {
  readonly range: RangeInput;
  readonly interval?: Interval | null | undefined;
  readonly gapMinutes?: number | null | undefined;
  readonly breakdown?: BreakdownInput | null | undefined;
  readonly pages?: number | null | undefined;
  readonly filter?: FilterInput | null | undefined;
  readonly freshness?: FreshnessInput | null | undefined;
}

export interface Sessions {
  readonly buckets: readonly Date[];
  readonly series: readonly SessionSeries[];
  readonly entryPages: readonly PageSessions[];
  readonly exitPages: readonly PageSessions[];
  readonly meta: ReportMeta;
}

export interface SessionSeries {
  readonly breakdown: readonly string[];
  readonly isOther: boolean;
  readonly values: readonly SessionFigures[];
  readonly total: SessionFigures;
  readonly entryPages: readonly PageSessions[];
  readonly exitPages: readonly PageSessions[];
}

export interface SessionFigures {
  readonly sessions: number;
  readonly persons: number;
  readonly averageSeconds: number | null;
  readonly medianSeconds: number | null;
  readonly bounceRate: number | null;
  readonly eventsPerSession: number | null;
}

export interface PageSessions {
  readonly page: string;
  readonly isOther: boolean;
  readonly sessions: number;
}

export function runSessions(session: Session, input: SessionsInput): Promise<Sessions> {
  return session.report(input.freshness, async (moment) => {
    const range = parseRange(input.range, moment.now);
    const buckets = toBuckets(range, input.interval ?? 'DAY');
    const rule = { gapMs: parseGap(input.gapMinutes), which: toCondition(input.filter) };
    const pages = parseLimit(input.pages ?? 10, 'pages', 0);
    const breakdown = input.breakdown ? parseValueBreakdown(input.breakdown) : null;
    const cell = await session.load(moment, planSessions(range, rule, buckets, breakdown, pages));
    const rows = cell.rows as unknown as readonly SessionsRow[];
    const series = toSeries(rows, buckets, breakdown !== null);
    return {
      buckets: buckets.map((start) => new Date(start)),
      series: breakdown?.includeOther === false ? series.filter(({ isOther }) => !isOther) : series,
      entryPages: toPages(rows.filter(({ part }) => part === 'entry')),
      exitPages: toPages(rows.filter(({ part }) => part === 'exit')),
      meta: session.toMeta(moment, [{ cell, buckets: buckets.length }]),
    };
  });
}

// ---- row

interface SessionsRow {
  /** A bucket of a line, the whole of a line, or a page: of all sessions, or of those of a line. */
  readonly part: 'bucket' | 'total' | 'entry' | 'exit' | 'line_entry' | 'line_exit';
  /** The line; '' without a breakdown. */
  readonly k: string;
  /** Milliseconds since 1970, as text. */
  readonly b: string;
  readonly page: string;
  readonly n: string;
  readonly persons: string;
  /** Sum of their durations and the median of these, in milliseconds. */
  readonly ms: string;
  readonly median: number;
  readonly bounced: string;
  readonly events: string;
  /** Sessions of all pages, of this part and line. */
  readonly whole: string;
}

// ---- SQL

function planSessions(
  range: Range,
  rule: SessionRule,
  buckets: readonly number[],
  breakdown: ValueBreakdown | null,
  pages: number,
): Plan {
  // The breakdown's key is the last field of an event.
  const fields = [isDeed, ...(pages > 0 ? [page] : []), ...(breakdown ? [breakdown.key] : [])];
  const runs = selectRuns(range, rule, fields);
  const ends = sql`arrayFilter(p -> p != ${nothing}, tupleElement(run, 3)) AS viewed,
      if(empty(viewed), ${nothing}, viewed[1]) AS entry, if(empty(viewed), ${nothing}, viewed[-1]) AS exit`;
  const first = sql`arrayMin(arrayMap(e -> tupleElement(e, -1), arrayFilter(e -> tupleElement(e, 1) = start, run))) AS first`;
  const sessions = sql`SELECT who, tupleElement(run[1], 1) AS start, tupleElement(run[-1], 1) - start AS ms, length(run) AS events,
      arrayCount(e -> tupleElement(e, 2), run) <= 1 AS bounced
      ${pages > 0 ? sql`, ${ends}` : sql``} ${breakdown ? sql`, ${first}` : sql``} FROM (${runs})`;
  const source = breakdown
    ? sql`SELECT *, if(dense_rank() OVER (ORDER BY held DESC, first) <= ${value('UInt32', breakdown.limit)}, first, ${value('String', otherKey)}) AS k
        FROM (SELECT *, count() OVER (PARTITION BY first) AS held FROM (${sessions}))`
    : sessions;
  const figures = sql`count() AS n, uniqExact(who) AS persons, sum(ms) AS sum_ms, quantileExactInclusive(0.5)(ms) AS median, sum(bounced) AS sum_bounced, sum(events) AS sum_events`;
  const bucket = sql`toString(${toBucketExpression(buckets, sql`start`)}) AS b`;
  const sets = sql`${breakdown ? sql`(k, b), (k)` : sql`(b), ()`}${pages > 0 ? sql`, (entry), (exit)` : sql``}${pages > 0 && breakdown ? sql`, (k, entry), (k, exit)` : sql``}`;
  const ofLine = breakdown ? sql`if(grouping(k) = 0, 'line_', '')` : sql`''`;
  const part =
    pages > 0
      ? sql`multiIf(grouping(b) = 0, 'bucket', grouping(entry) = 0, concat(${ofLine}, 'entry'), grouping(exit) = 0, concat(${ofLine}, 'exit'), 'total') AS part,
          multiIf(endsWith(part, 'entry'), ${toPageKey(sql`entry`)}, endsWith(part, 'exit'), ${toPageKey(sql`exit`)}, '') AS page`
      : sql`if(grouping(b) = 0, 'bucket', 'total') AS part, '' AS page`;
  const counted = sql`SELECT ${part}, ${breakdown ? sql`k` : sql`'' AS k`}, ${bucket}, ${figures} FROM (${source}) GROUP BY GROUPING SETS (${sets}) HAVING n > 0`;
  return {
    label: 'sessions',
    select: sql`SELECT part, k, b, page, n, persons, sum_ms AS ms, median, sum_bounced AS bounced, sum_events AS events, sum(n) OVER (PARTITION BY part, k) AS whole
      FROM (${counted}) WHERE part IN ('bucket', 'total') OR page != ''
      ORDER BY n DESC, page LIMIT ${value('UInt32', Math.max(pages, 1))} BY part, k, b`,
    limits: { resultRows: 1_000_000 },
  };
}

// ---- mapping

const nobody: SessionFigures = {
  sessions: 0,
  persons: 0,
  averageSeconds: null,
  medianSeconds: null,
  bounceRate: null,
  eventsPerSession: null,
};

function toFigures({ n, persons, ms, median, bounced, events }: SessionsRow): SessionFigures {
  const sessions = Number(n);
  return {
    sessions,
    persons: Number(persons),
    averageSeconds: Number(ms) / sessions / 1000,
    medianSeconds: median / 1000,
    bounceRate: Number(bounced) / sessions,
    eventsPerSession: Number(events) / sessions,
  };
}

function toSeries(rows: readonly SessionsRow[], buckets: readonly number[], isBrokenDown: boolean): SessionSeries[] {
  const index = new Map(buckets.map((start, i) => [String(start), i]));
  const lines = new Map<string, { values: SessionFigures[]; total: SessionFigures }>();
  const pagesOf = (part: 'entry' | 'exit', line: string) =>
    toPages(rows.filter((row) => row.part === (isBrokenDown ? `line_${part}` : part) && row.k === line));
  const lineOf = (k: string) => {
    let line = lines.get(k);
    if (!line) {
      line = { values: new Array(buckets.length).fill(nobody), total: nobody };
      lines.set(k, line);
    }
    return line;
  };
  if (!isBrokenDown) lineOf('');
  for (const row of rows) {
    if (row.part === 'total') lineOf(row.k).total = toFigures(row);
    if (row.part === 'bucket') lineOf(row.k).values[index.get(row.b) as number] = toFigures(row);
  }
  return [...lines]
    .sort(
      ([a, x], [b, y]) =>
        Number(a === otherKey) - Number(b === otherKey) || y.total.sessions - x.total.sessions || compareKeys(a, b),
    )
    .map(([k, line]) => ({
      breakdown: isBrokenDown ? [toShownKey(k)] : [],
      isOther: k === otherKey,
      ...line,
      entryPages: pagesOf('entry', k),
      exitPages: pagesOf('exit', k),
    }));
}

function toPages(rows: readonly SessionsRow[]): PageSessions[] {
  const pages = rows.map(({ page, n }) => ({ page: toShownPage(page), isOther: false, sessions: Number(n) }));
  const rest = Number(rows[0]?.whole ?? 0) - pages.reduce((sum, { sessions }) => sum + sessions, 0);
  return rest > 0 ? [...pages, { page: toShownKey(otherKey), isOther: true, sessions: rest }] : pages;
}
