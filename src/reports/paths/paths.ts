import { TallygateError } from '../../errors.ts';
import { parseLimit } from '../breakdown/key.ts';
import { type FilterInput, toCondition } from '../filter/filter.ts';
import type { FreshnessInput, Moment } from '../moment/moment.ts';
import { toMeant } from '../near.ts';
import { type Plan, rowsIn } from '../plan.ts';
import { parseRange, type Range, type RangeInput } from '../range.ts';
import type { ReportMeta, Session } from '../session.ts';
import { isDeed, nothing, parseGap, type SessionRule, selectRuns } from '../sessions/runs.ts';
import { allOf, sql, value } from '../sql.ts';
import { type PathRule, toStepName } from './steps.ts';

// ---- parameters

export interface PathsInput {
  readonly range: RangeInput;
  readonly from?: string | null | undefined;
  readonly to?: string | null | undefined;
  readonly depth?: number | null | undefined;
  readonly rules?: readonly PathRule[] | null | undefined;
  readonly keepRepeats?: boolean | null | undefined;
  readonly minSessions?: number | null | undefined;
  readonly limit?: number | null | undefined;
  readonly gapMinutes?: number | null | undefined;
  readonly filter?: FilterInput | null | undefined;
  readonly freshness?: FreshnessInput | null | undefined;
}

export interface Paths {
  readonly sessions: number;
  readonly persons: number;
  readonly nodes: readonly PathNode[];
  readonly links: readonly PathLink[];
  readonly meta: ReportMeta;
}

export interface PathNode {
  readonly step: number;
  readonly name: string;
  readonly sessions: number;
  readonly persons: number;
  readonly began: number;
  readonly ended: number;
}

export interface PathLink {
  readonly step: number;
  readonly from: string;
  readonly to: string;
  readonly sessions: number;
  readonly persons: number;
}

const deepest = 20;
const mostSteps = 1000;

export function runPaths(session: Session, input: PathsInput): Promise<Paths> {
  return session.report(input.freshness, async (moment) => {
    const range = parseRange(input.range, moment.now);
    if (input.from && input.to)
      throw new TallygateError('INVALID_INPUT', 'expected from or to or neither of them, got both');
    const depth = input.depth ?? 5;
    if (depth < 2 || depth > deepest)
      throw new TallygateError('INVALID_INPUT', `depth: expected 2 to ${deepest}, got ${depth}`);
    const minSessions = input.minSessions ?? 1;
    if (minSessions < 1)
      throw new TallygateError('INVALID_INPUT', `minSessions: expected at least 1, got ${minSessions}`);
    const limit = parseLimit(input.limit ?? 50, 'limit');
    const rule = { gapMs: parseGap(input.gapMinutes), which: toCondition(input.filter) };
    const cell = await session.load(moment, planPaths(input, range, rule, { depth, minSessions, limit }));
    const rows = cell.rows as unknown as readonly PathsRow[];
    const whole = rows.find(({ part }) => part === 'all');
    const asked = whole ? null : input.from || input.to;
    const unmet = asked ? await warnNoSuchStep(session, moment, input, range, asked) : [];
    return {
      sessions: Number(whole?.n ?? 0),
      persons: Number(whole?.persons ?? 0),
      nodes: rows.filter(({ part }) => part === 'node').map(toNode),
      links: rows.filter(({ part }) => part === 'link').map(toLink),
      meta: session.toMeta(moment, [{ cell, buckets: 1 }], { warnings: [...toWarnings(rows, limit), ...unmet] }),
    };
  });
}

// ---- row

interface PathsRow {
  readonly part: 'all' | 'node' | 'link';
  readonly step: number;
  readonly name: string;
  /** What came after it, of a link. */
  readonly next: string;
  readonly n: string;
  readonly persons: string;
  readonly began: string;
  readonly ended: string;
  /** Nodes that have the weight, shown or not. */
  readonly nodes: string;
}

// ---- SQL

interface Bounds {
  readonly depth: number;
  readonly minSessions: number;
  readonly limit: number;
}

function planPaths(
  { from, to, rules, keepRepeats }: PathsInput,
  range: Range,
  rule: SessionRule,
  { depth, minSessions, limit }: Bounds,
): Plan {
  const most = value('Int64', depth);
  const runs = selectRuns(range, rule, [sql`if(${isDeed}, ${toStepName(rules ?? [])}, ${nothing})`]);
  const steps = sql`arrayFilter(name -> name != ${nothing}, tupleElement(run, 2))`;
  const named = (name: string) => sql`toInt64(indexOf(whole, ${value('String', name)}))`;
  // Where in the session the path begins, from 1; 0 where the session has none.
  const first = from
    ? named(from)
    : to
      ? sql`if(last = 0, 0, greatest(1, last - ${most} + 1))`
      : sql`toInt64(notEmpty(whole))`;
  const path = sql`SELECT who, toInt64(length(whole)) AS size, ${to ? sql`${named(to)} AS last, ` : sql``}${first} AS first,
      arraySlice(whole, first, ${to ? sql`last - first + 1` : most}) AS names
    FROM (SELECT who, ${keepRepeats ? steps : sql`arrayCompact(${steps})`} AS whole FROM (${runs})) WHERE first > 0`;
  // Each step takes along only what is its own: the whole path beside it would be copied as often as it has steps.
  // What is the same for all is a constant to the engine, and not copied at all.
  const skipped = from || to ? sql`first - 1` : sql`toInt64(0)`;
  const shift = to ? sql`${most} - last` : sql`-skipped`;
  const stepped = sql`SELECT who, toInt64(item.1) + skipped + shift AS step, item.2 AS name, item.3 AS next, item.1 = 1 AS leads,
      toInt64(item.1) + skipped = 1 AS is_begin, toInt64(item.1) + skipped = size AS is_end
    FROM (SELECT who, ${skipped} AS skipped, ${shift} AS shift, size, arrayJoin(arrayZip(arrayEnumerate(names), names, arrayPushBack(arrayPopFront(names), ${nothing}))) AS item FROM (${path}))`;
  const counted = sql`SELECT multiIf(grouping(step) = 1, 'all', grouping(next) = 1, 'node', 'link') AS part, step, name, next,
      if(part = 'all', countIf(leads), count()) AS n, uniqExact(who) AS persons, countIf(is_begin) AS began, countIf(is_end) AS ended
    FROM (${stepped}) GROUP BY GROUPING SETS ((step, name, next), (step, name), ())
    HAVING n >= ${value('UInt64', minSessions)} AND (part != 'link' OR next != ${nothing}) OR part = 'all' AND n > 0`;
  const ranked = sql`SELECT *, if(part = 'node', row_number() OVER (PARTITION BY part ORDER BY n DESC, step, name), ${value('UInt64', 2 ** 32)}) AS place,
      countIf(part = 'node') OVER () AS nodes FROM (${counted})`;
  const ends = sql`SELECT *, min(place) OVER (PARTITION BY step, name) AS of_name,
      min(place) OVER (PARTITION BY if(part = 'link', step + 1, step), if(part = 'link', next, name)) AS of_next FROM (${ranked})`;
  return {
    label: 'paths',
    select: sql`SELECT part, step, name, next, n, persons, began, ended, nodes FROM (${ends})
      WHERE part = 'all' OR greatest(of_name, of_next) <= ${value('UInt32', limit)}
      ORDER BY part, n DESC, step, name, next`,
    limits: { resultRows: 1_000_000 },
  };
}

/** Steps as the rules call them, the most frequent first. */
function planSteps({ rules, filter }: PathsInput, range: Range): Plan {
  return {
    label: 'paths',
    select: sql`SELECT ${toStepName(rules ?? [])} AS name, count() AS n FROM events
      WHERE ${allOf([rowsIn(range), isDeed, toCondition(filter)])} GROUP BY name ORDER BY n DESC, name LIMIT ${value('UInt32', mostSteps)}`,
  };
}

/** No session has the step that was asked for: whether it is a step at all, and what it may have been meant to be. */
async function warnNoSuchStep(session: Session, moment: Moment, input: PathsInput, range: Range, step: string) {
  const { rows } = await session.load(moment, planSteps(input, range));
  const names = rows.map(({ name }) => name as string);
  if (names.length === mostSteps || names.includes(step)) return [];
  return [`${input.from ? 'from' : 'to'}: no step in the range is called ${toMeant(step, names)}`];
}

// ---- mapping

function toNode({ step, name, n, persons, began, ended }: PathsRow): PathNode {
  return {
    step: Number(step),
    name,
    sessions: Number(n),
    persons: Number(persons),
    began: Number(began),
    ended: Number(ended),
  };
}

function toLink({ step, name, next, n, persons }: PathsRow): PathLink {
  return {
    step: Number(step),
    from: name,
    to: next,
    sessions: Number(n),
    persons: Number(persons),
  };
}

function toWarnings(rows: readonly PathsRow[], limit: number): string[] {
  const nodes = Number(rows[0]?.nodes ?? 0);
  return nodes > limit
    ? [`${nodes} nodes have at least minSessions; the ${limit} with the most sessions are shown`]
    : [];
}
