import { compareKeys, otherKey, toShownKey } from '../breakdown/key.ts';
import { type EventSelector, toLabel } from '../measure.ts';
import type { Moment } from '../moment/moment.ts';
import type { Connection } from '../page.ts';
import { type Interval, parseRange, toBuckets } from '../range.ts';
import type { ReportMeta, Session } from '../session.ts';
import { allOf, always, type Sql, sql, value } from '../sql.ts';
import { type FunnelInput, parseFunnel, type Question } from './input.ts';
import { type FunnelPerson, loadPeople, type PageArgs } from './people.ts';
import {
  type BucketRow,
  canPlanLevels,
  type LevelRow,
  type LineRow,
  planLevels,
  planLines,
  planTrend,
} from './plans.ts';

// ---- parameters

export type { FunnelInput } from './input.ts';

/** What costs more than counting is computed when it is asked for. */
export interface Funnel {
  readonly steps: readonly FunnelStep[];
  readonly breakdown: readonly FunnelBreakdown[] | null;
  trend(args: { readonly interval?: Interval | null | undefined }): Promise<readonly FunnelTrendPoint[]>;
  readonly meta: ReportMeta;
}

export interface FunnelStep {
  readonly event: string;
  readonly count: number;
  readonly conversionFromStart: number;
  readonly conversionFromPrevious: number;
  /** In seconds. */
  times(): Promise<StepTimes>;
  people(page: PageArgs): Promise<Connection<FunnelPerson>>;
  droppedOff(page: PageArgs): Promise<Connection<FunnelPerson>>;
}

interface StepTimes {
  readonly medianSecondsFromPrevious: number | null;
  readonly p90SecondsFromPrevious: number | null;
  readonly medianSecondsFromStart: number | null;
  readonly p90SecondsFromStart: number | null;
}

export interface FunnelBreakdown {
  readonly value: string;
  readonly isOther: boolean;
  readonly steps: readonly FunnelStep[];
}

export interface FunnelTrendPoint {
  readonly start: Date;
  readonly counts: readonly number[];
  readonly conversion: number | null;
}

export function runFunnel(session: Session, input: FunnelInput): Promise<Funnel> {
  return session.report(input.freshness, (moment) =>
    loadFunnel(session, moment, input, parseFunnel(input, parseRange(input.range, moment.now))),
  );
}

export async function loadFunnel(
  session: Session,
  moment: Moment,
  input: FunnelInput,
  question: Question,
): Promise<Funnel> {
  const later: Later = (run) => session.report(null, () => run(session, moment, question));
  const whole = { ...question, breakdown: null };
  const isPlain = canPlanLevels(whole);
  const [cell, lines] = await Promise.all([
    session.load(moment, isPlain ? planLevels(whole) : planLines(whole)),
    question.breakdown ? session.load(moment, planLines(question)) : null,
  ]);
  const counts = isPlain
    ? toCounts(input.steps.length, cell.rows as unknown as readonly LevelRow[])
    : toLineCounts(input.steps.length, cell.rows[0] as unknown as LineRow | undefined);
  const loadTimes = () =>
    later(async () => (await session.load(moment, planLines(whole))).rows[0] as unknown as LineRow | undefined);
  const steps = toSteps(input.steps, counts, loadTimes, later, always, false);
  const cells = lines ? [cell, lines] : [cell];
  return {
    steps,
    breakdown: lines && toBreakdown(input.steps, lines.rows as unknown as readonly LineRow[], later),
    trend: ({ interval }) => later(() => loadTrend(session, moment, whole, interval ?? 'DAY')),
    meta: session.toMeta(
      moment,
      cells.map((one) => ({ cell: one, buckets: 1 })),
    ),
  };
}

/** Runs what is asked for afterwards, in the same operation and of the same moment. */
export type Later = <T>(run: (session: Session, moment: Moment, question: Question) => Promise<T>) => Promise<T>;

async function loadTrend(session: Session, moment: Moment, question: Question, interval: Interval) {
  const buckets = toBuckets(question.range, interval);
  const { rows } = await session.load(moment, planTrend(question, buckets));
  return toTrendPoints(question.steps.length, buckets, rows as unknown as readonly BucketRow[]);
}

export function toTrendPoints(
  steps: number,
  buckets: readonly number[],
  rows: readonly BucketRow[],
): readonly FunnelTrendPoint[] {
  const found = new Map(rows.map(({ bucket, counts }) => [bucket, counts]));
  return buckets.map((start): FunnelTrendPoint => {
    const counts = Array.from({ length: steps }, (_, i) => Number(found.get(String(start))?.[i] ?? 0));
    const [began, done] = [counts[0] as number, counts[counts.length - 1] as number];
    return { start: new Date(start), counts, conversion: began === 0 ? null : done / began };
  });
}

// ---- mapping

function toCounts(steps: number, rows: readonly LevelRow[]): number[] {
  return Array.from({ length: steps }, (_, i) =>
    rows.reduce((sum, { level, persons }) => (level > i ? sum + Number(persons) : sum), 0),
  );
}

export function toLineCounts(steps: number, row: LineRow | undefined): number[] {
  return Array.from({ length: steps }, (_, i) => Number(row?.counts[i] ?? 0));
}

export function toSteps(
  selectors: readonly EventSelector[],
  counts: readonly number[],
  loadLine: () => Promise<LineRow | undefined>,
  later: Later,
  isInLine: Sql,
  isBrokenDown: boolean,
): FunnelStep[] {
  const first = counts[0] as number;
  const people = (isMeant: Sql, page: PageArgs) =>
    later((session, moment, question) =>
      loadPeople(
        session,
        moment,
        isBrokenDown ? question : { ...question, breakdown: null },
        allOf([isMeant, isInLine]),
        page,
      ),
    );
  return selectors.map((selector, i) => {
    const count = counts[i] as number;
    return {
      event: toLabel(selector),
      count,
      conversionFromStart: share(count, first),
      conversionFromPrevious: share(count, i === 0 ? first : (counts[i - 1] as number)),
      times: async () => toStepTimes(await loadLine(), i),
      people: (page) => people(sql`length(times) > ${value('UInt8', i)}`, page),
      droppedOff: (page) => people(i === 0 ? sql`0` : sql`length(times) = ${value('UInt8', i)}`, page),
    };
  });
}

function toStepTimes(line: LineRow | undefined, i: number): StepTimes {
  const seconds = (of: readonly (readonly [number, number])[] | undefined, which: 0 | 1) => {
    const ms = i === 0 ? undefined : of?.[i]?.[which];
    return ms === undefined ? null : ms / 1000;
  };
  return {
    medianSecondsFromPrevious: seconds(line?.fromPrevious, 0),
    p90SecondsFromPrevious: seconds(line?.fromPrevious, 1),
    medianSecondsFromStart: seconds(line?.fromStart, 0),
    p90SecondsFromStart: seconds(line?.fromStart, 1),
  };
}

export function toBreakdown(
  selectors: readonly EventSelector[],
  rows: readonly LineRow[],
  later: Later,
): FunnelBreakdown[] {
  const own = rows.flatMap(({ line }) => (line === otherKey ? [] : [line]));
  return rows
    .map((row) => ({ row, counts: toLineCounts(selectors.length, row) }))
    .sort(
      (a, b) =>
        Number(a.row.line === otherKey) - Number(b.row.line === otherKey) ||
        (b.counts[0] as number) - (a.counts[0] as number) ||
        compareKeys(a.row.line, b.row.line),
    )
    .map(({ row, counts }) => {
      const isOther = row.line === otherKey;
      const isInLine = isOther
        ? sql`line NOT IN ${value('Array(String)', own)}`
        : sql`line = ${value('String', row.line)}`;
      return {
        value: toShownKey(row.line),
        isOther,
        steps: toSteps(selectors, counts, async () => row, later, isInLine, true),
      };
    });
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
