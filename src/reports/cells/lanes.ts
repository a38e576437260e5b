import { fewValues, type ShownBreakdown, toColumns } from '../breakdown/breakdown.ts';
import type { Bucket } from '../plan.ts';
import { fill, type Hole, holesOf, type Sql, sql, value } from '../sql.ts';
import { type Grouped, toSpan } from './grouped.ts';

/** What is counted by bucket and line, where others' can be counted with it. */
export interface Countable {
  readonly counts: Grouped;
  readonly buckets: readonly Bucket[];
  readonly timezone: string;
}

/** Columns of numbers of one SELECT. */
const mostColumns = 48;
/** Buckets times lines times columns that a lane may come to. */
const mostNumbers = 2_000_000;
/** What it costs to look at the rows once more, beside what is counted of them; as measured over ten million events. */
const scanCost = 8;
/** To count a number that adds up. */
const sumCost = 0.5;
const costs: Readonly<Record<string, number>> = { uniqExact: 10, quantileExactInclusive: 6 };

/** Numbers of the events that the conditions hold for. */
export interface Column {
  readonly conditions: readonly Sql[];
  readonly x: Grouped['x'];
  readonly y: Grouped['y'];
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
}

/** What is counted by the same buckets and lines. */
export interface Lane {
  readonly breakdowns: Grouped['breakdowns'];
  /** Of each breakdown; the same for those whose lines are found by the same expression: how many are asked for is not what it says. */
  readonly kinds: readonly string[];
  /** Ascending. */
  buckets: readonly Bucket[];
  readonly columns: Map<string, Column>;
  readonly members: { readonly place: number; readonly column: string; readonly starts: ReadonlySet<string> }[];
}

/** `alone`: places of those that go with no others. */
export function toLanes(all: readonly (Countable | null)[]): {
  readonly lanes: readonly Lane[];
  readonly alone: readonly number[];
} {
  const lanes: Lane[] = [];
  const alone: number[] = [];
  for (const [place, countable] of all.entries()) {
    const counts = countable && inItsZone(countable);
    if (!countable || !counts) {
      alone.push(place);
      continue;
    }
    const { buckets } = countable;
    const { conditions, x, y } = counts;
    const kinds = counts.breakdowns.map(toLineKind);
    const lines = kinds.join();
    const column = JSON.stringify([conditions, x, y]);
    let lane: Lane | undefined;
    let merged: readonly Bucket[] | null = null;
    for (const candidate of lanes) {
      if (candidate.kinds.join() !== lines || candidate.columns.size >= mostColumns) continue;
      merged = mergeBuckets(candidate.buckets, buckets);
      if (!merged || merged.length * toLineCount(counts) * (candidate.columns.size + 1) > mostNumbers) continue;
      lane = candidate;
      break;
    }
    if (lane && merged) lane.buckets = merged;
    else {
      lane = { breakdowns: counts.breakdowns, kinds, buckets, columns: new Map(), members: [] };
      lanes.push(lane);
    }
    const { from, to } = toSpan(buckets);
    widen(lane.columns, column, { conditions, x, y, from, to });
    lane.members.push({ place, column, starts: new Set(buckets.map(({ start }) => String(start))) });
  }
  return { lanes, alone };
}

function toLineKind(breakdown: ShownBreakdown): string {
  return JSON.stringify(toColumns([breakdown]).indexes);
}

function toLineCount({ breakdowns }: Grouped): number {
  return breakdowns.reduce((count, { bins, shown }) => {
    const values = bins
      ? bins.edges.length + 2
      : shown === 'every'
        ? fewValues
        : 'strings' in shown
          ? Number.POSITIVE_INFINITY
          : shown.length + 1;
    return count * values;
  }, 1);
}

/** With the timezone filled in; null when something looks at more than the event and who did it, and for lines by the clock. */
function inItsZone({ counts, timezone }: Countable): Grouped | null {
  const { conditions, breakdowns, x, y } = counts;
  const looksAt = (pieces: readonly Sql[], ...allowed: readonly Hole['hole'][]) =>
    pieces.every((of) => holesOf(of).every(({ hole }) => allowed.includes(hole)));
  const { indexes, keys, declarations } = toColumns(breakdowns);
  const counted = [...conditions, ...[x, y].flatMap((aggregate) => aggregate?.of ?? [])];
  if (!looksAt(counted, 'zone', 'person') || !looksAt([...indexes, ...keys, ...declarations], 'person')) return null;
  const filled = (of: Sql) =>
    fill(of, (hole) => (hole.hole === 'zone' ? sql`${value('String', timezone)}` : sql`${hole}`));
  const filledOf = (aggregate: Grouped['x']) => aggregate && { ...aggregate, of: filled(aggregate.of) };
  return { breakdowns, conditions: conditions.map(filled), x: filledOf(x), y: filledOf(y) };
}

/** The buckets of both, where they are of one calendar and their windows overlap or touch; otherwise null. */
function mergeBuckets(a: readonly Bucket[], b: readonly Bucket[]): readonly Bucket[] | null {
  const [of, other] = [toSpan(a), toSpan(b)];
  if (of.from > other.to || other.from > of.to) return null;
  const byStart = new Map(a.map((bucket) => [bucket.start, bucket]));
  for (const bucket of b) {
    const same = byStart.get(bucket.start);
    if (same && (same.from !== bucket.from || same.to !== bucket.to)) return null;
    byStart.set(bucket.start, bucket);
  }
  const merged = [...byStart.values()].sort((x, y) => x.start - y.start);
  for (let i = 1; i < merged.length; i++) if (merged[i - 1]!.to > merged[i]!.start) return null;
  return merged;
}

/** One pass over the events. */
export interface Scan {
  readonly lanes: Lane[];
  readonly from: number;
  readonly to: number;
}

/** Lanes of the same events go together where that pays off. */
export function toScans(lanes: readonly Lane[]): Scan[] {
  const scans: Scan[] = [];
  for (const lane of lanes) {
    const { from, to } = toSpan(lane.buckets);
    const scan = scans.find((one) => one.from === from && one.to === to && paysOff(one.lanes, lane));
    if (scan) scan.lanes.push(lane);
    else scans.push({ lanes: [lane], from, to });
  }
  return scans;
}

/** In one pass everything is counted for every lane. */
function paysOff(lanes: readonly Lane[], lane: Lane): boolean {
  if (lanes.some((other) => toGroupKey(other) === toGroupKey(lane))) return false;
  const apart = toCost(toColumnsOf(lanes)) * lanes.length + scanCost + toCost(lane.columns);
  const together = toColumnsOf([...lanes, lane]);
  return together.size <= mostColumns && toCost(together) * (lanes.length + 1) <= apart;
}

/** What a lane is told from others by in one pass: nothing is grouped by a single bucket. */
function toGroupKey({ kinds, buckets }: Lane): string {
  return `${[...new Set(kinds)].sort().join()} ${buckets.length > 1 ? toStartKey(buckets) : ''}`;
}

/** The same column of two lanes is counted once, over the windows of both. */
export function toColumnsOf(lanes: readonly Lane[]): Map<string, Column> {
  const columns = new Map<string, Column>();
  for (const lane of lanes) for (const [name, column] of lane.columns) widen(columns, name, column);
  return columns;
}

function widen(columns: Map<string, Column>, name: string, column: Column): void {
  const { from, to } = columns.get(name) ?? column;
  columns.set(name, { ...column, from: Math.min(from, column.from), to: Math.max(to, column.to) });
}

function toCost(columns: ReadonlyMap<string, Column>): number {
  let cost = 0;
  for (const { x } of columns.values()) cost += (x && costs[x.name]) ?? sumCost;
  return cost;
}

export function toStartKey(buckets: readonly Bucket[]): string {
  return buckets.map(({ start }) => start).join();
}
