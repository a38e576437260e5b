import { TallygateError } from '../errors.ts';
import { type FilterInput, toCondition } from './filter.ts';
import { type EventSelector, toLabel, toSelection } from './measure.ts';
import { warnUnknownEvents } from './names.ts';
import { type Plan, person, rowsIn } from './plan.ts';
import { parseRange, type Range, type RangeInput } from './range.ts';
import type { FreshnessInput, ReportMeta, Session } from './session.ts';
import { allOf, join, type Sql, sql } from './sql.ts';

// ---- parameters

export interface FunnelInput {
  readonly range: RangeInput;
  readonly steps: readonly EventSelector[];
  readonly windowSeconds?: number | null | undefined;
  readonly filter?: FilterInput | null | undefined;
  readonly freshness?: FreshnessInput | null | undefined;
}

export interface Funnel {
  readonly steps: readonly FunnelStep[];
  readonly meta: ReportMeta;
}

export interface FunnelStep {
  readonly event: string;
  readonly count: number;
  readonly conversionFromStart: number;
  readonly conversionFromPrevious: number;
}

const longestWindow = 366 * 24 * 3600;

export function runFunnel(session: Session, input: FunnelInput): Promise<Funnel> {
  return session.report(input.freshness, async (moment) => {
    const range = parseRange(input.range, moment.now);
    const windowSeconds = input.windowSeconds ?? 1_209_600;
    if (input.steps.length < 2 || input.steps.length > 12)
      throw new TallygateError('INVALID_INPUT', `steps: expected 2 to 12 of them, got ${input.steps.length}`);
    if (windowSeconds < 1 || windowSeconds > longestWindow)
      throw new TallygateError('INVALID_INPUT', `windowSeconds: expected 1 to ${longestWindow}, got ${windowSeconds}`);
    const cell = await session.load(moment, planFunnel(input, range, windowSeconds));
    const steps = toSteps(input.steps, cell.rows as unknown as readonly FunnelRow[]);
    const silent = steps[0]!.count === 0 ? input.steps : input.steps.filter((_, i) => steps[i]!.count === 0);
    return {
      steps,
      meta: session.toMeta(moment, [{ cell, buckets: 1 }], {
        warnings: await warnUnknownEvents(session, moment, silent),
      }),
    };
  });
}

// ---- row

/** How many persons got exactly this far: 1 for the first step alone. */
interface FunnelRow {
  readonly level: number;
  readonly persons: string;
}

// ---- SQL

function planFunnel(input: FunnelInput, range: Range, windowSeconds: number): Plan {
  const steps = input.steps.map(toSelection);
  const filter = toCondition(input.filter);
  return {
    label: 'funnel',
    // Milliseconds since 1900, since the function takes no time before its zero.
    select: sql`SELECT level, count() AS persons FROM (
          SELECT windowFunnel(${literal(windowSeconds * 1000)}, 'strict_once')(toUInt64(toUnixTimestamp64Milli(time) + 2208988800000), ${join(
            steps.map((s) => sql`(${s})`),
            ', ',
          )}) AS level
          FROM events WHERE ${allOf([rowsIn(range), filter])} AND (${join(
            steps.map((s) => sql`(${s})`),
            ' OR ',
          )}) GROUP BY ${person})
        WHERE level > 0 GROUP BY level`,
  };
}

/** A parameter of an aggregate has to be a literal; it is a number that was checked. */
function literal(of: number): Sql {
  return { strings: [String(of)], values: [] };
}

// ---- mapping

function toSteps(selectors: readonly EventSelector[], rows: readonly FunnelRow[]): FunnelStep[] {
  const counts = selectors.map((_, i) =>
    rows.reduce((sum, { level, persons }) => (level > i ? sum + Number(persons) : sum), 0),
  );
  const first = counts[0] as number;
  return selectors.map((selector, i) => {
    const count = counts[i] as number;
    const previous = i === 0 ? first : (counts[i - 1] as number);
    return {
      event: toLabel(selector),
      count,
      conversionFromStart: share(count, first),
      conversionFromPrevious: share(count, previous),
    };
  });
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
