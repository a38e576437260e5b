import { type Columns, ours, toColumns } from './breakdown.ts';
import { type Grouped, type GroupedRow, toDeclarations, toKeys, toSpan, toStart } from './grouped.ts';
import { toAggregate } from './measure.ts';
import { type Bucket, moment, type Plan, type Row, rowsIn, toSettled } from './plan.ts';
import { allOf, fill, holesOf, join, type Sql, sql, value } from './sql.ts';

/** Rows that have to be computed. */
export interface Missing {
  /** The statement that computes them alone. */
  readonly plan: Plan;
  /** What it counts, where others' can be counted with it. */
  readonly grouped: {
    readonly counts: Grouped;
    readonly buckets: readonly Bucket[];
    readonly timezone: string;
  } | null;
  /** Took long when it was computed before: nobody else waits for it. */
  readonly isLong: boolean;
}

/** One statement for some of what is missing. */
export interface Fused {
  readonly plan: Plan;
  /** Places in the list of what is missing. */
  readonly members: readonly number[];
  /** Why these are together, or why one is alone. */
  readonly why: string;
  /** Rows of each member, as its own plan would give them. */
  take(rows: readonly Row[]): readonly (readonly Row[])[];
}

/** Columns of numbers of one SELECT. */
const mostColumns = 48;
/** SELECTs of one statement. */
const mostSelects = 16;
/** Bytes of text, about: planning a long statement costs the engine more than a few short ones. */
const mostText = 40_000;
/** Of a SELECT that others are put beside. */
const longText = 12_000;
/** Buckets times lines times columns that one of its lanes may come to. */
const mostNumbers = 2_000_000;
/** What it costs to look at a row once more, beside what is counted of it. */
const scanCost = 6;
/** A column whose events are less than this share of the window looks at the time of each. */
const narrow = 0.7;
const mostResultRows = 2_000_000;

/**
 * As few statements as pay off. What is counted by the same buckets and lines is counted in one pass with -If; where the
 * same is counted by other buckets or lines of the same events, in one pass with GROUPING SETS; and what does not take
 * long is asked for at once, with UNION ALL.
 */
export function fuse(missing: readonly Missing[]): Fused[] {
  const { lanes, alone } = toLanes(missing);
  const selects = [
    ...toScans(lanes).map((scan): Select => toScanSelect(scan)),
    ...alone.map(
      (place): Select => ({
        select: (missing[place] as Missing).plan.select,
        members: [place],
        take: (rows) => [rows],
      }),
    ),
  ];
  return pack(selects, missing);
}

// ---- lanes: what is counted by the same buckets and lines

interface Column {
  readonly conditions: readonly Sql[];
  readonly x: Grouped['x'];
  readonly y: Grouped['y'];
  /** Milliseconds since 1970. */
  from: number;
  to: number;
}

interface Lane {
  readonly breakdowns: Grouped['breakdowns'];
  /** Names the lines. */
  readonly lines: string;
  /** Ascending. */
  buckets: readonly Bucket[];
  readonly columns: Map<string, Column>;
  readonly members: { readonly place: number; readonly column: string; readonly starts: ReadonlySet<string> }[];
}

function toLanes(missing: readonly Missing[]): { readonly lanes: readonly Lane[]; readonly alone: readonly number[] } {
  const lanes: Lane[] = [];
  const alone: number[] = [];
  for (const [place, { grouped, isLong }] of missing.entries()) {
    const conditions = grouped && toOwnConditions(grouped.counts.conditions, grouped.timezone);
    if (!grouped || !conditions || isLong) {
      alone.push(place);
      continue;
    }
    const { counts, buckets } = grouped;
    const lines = JSON.stringify(counts.breakdowns);
    const column = JSON.stringify([conditions, counts.x, counts.y]);
    let lane: Lane | undefined;
    let merged: readonly Bucket[] | null = null;
    for (const candidate of lanes) {
      if (candidate.lines !== lines || candidate.columns.size >= mostColumns) continue;
      merged = mergeBuckets(candidate.buckets, buckets);
      if (!merged || merged.length * toLineCount(counts) * (candidate.columns.size + 1) > mostNumbers) continue;
      lane = candidate;
      break;
    }
    if (lane && merged) lane.buckets = merged;
    else {
      lane = { breakdowns: counts.breakdowns, lines, buckets, columns: new Map(), members: [] };
      lanes.push(lane);
    }
    const { from, to } = toSpan(buckets);
    const known = lane.columns.get(column);
    if (known) {
      known.from = Math.min(known.from, from);
      known.to = Math.max(known.to, to);
    } else lane.columns.set(column, { conditions, x: counts.x, y: counts.y, from, to });
    lane.members.push({ place, column, starts: new Set(buckets.map(({ start }) => String(start))) });
  }
  return { lanes, alone };
}

function toLineCount({ breakdowns }: Grouped): number {
  return breakdowns.reduce((count, { bins, shown }) => {
    const values = bins ? bins.edges.length + 2 : 'strings' in shown ? Number.POSITIVE_INFINITY : shown.length + 1;
    return count * values;
  }, 1);
}

/** With the timezone filled in; null when a condition looks at more than the event and who did it. */
function toOwnConditions(conditions: readonly Sql[], timezone: string): readonly Sql[] | null {
  if (conditions.some((of) => holesOf(of).some(({ hole }) => hole !== 'zone' && hole !== 'person'))) return null;
  return conditions.map((of) =>
    fill(of, (hole) => (hole.hole === 'zone' ? sql`${value('String', timezone)}` : sql`${hole}`)),
  );
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

// ---- scans: lanes of one pass over the events

interface Scan {
  readonly lanes: Lane[];
  readonly from: number;
  readonly to: number;
}

function toScans(lanes: readonly Lane[]): Scan[] {
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

/** What a lane is told from others by in one pass. */
function toGroupKey({ breakdowns, buckets }: Lane): string {
  const kinds = new Set(breakdowns.map((of) => JSON.stringify(of)));
  return `${[...kinds].sort().join()} ${toStartKey(buckets)}`;
}

function toColumnsOf(lanes: readonly Lane[]): Map<string, Column> {
  return new Map(lanes.flatMap(({ columns }) => [...columns]));
}

function toCost(columns: ReadonlyMap<string, Column>): number {
  let cost = 0;
  for (const { x } of columns.values())
    cost += x && (x.name === 'uniqExact' || x.name === 'quantileExactInclusiveOrNull') ? 8 : 1;
  return cost;
}

interface Select {
  readonly select: Sql;
  readonly members: readonly number[];
  take(rows: readonly Row[]): readonly (readonly Row[])[];
}

interface ScanRow extends Row {
  readonly lane: number;
  readonly b: string;
  /** Of all lanes, one after the other. */
  readonly k: readonly string[];
  readonly n: readonly string[];
  readonly x: readonly (number | null)[];
  readonly y: readonly (number | null)[];
}

function toScanSelect({ lanes, from, to }: Scan): Select {
  const columns = toColumnsOf(lanes);
  const all = [...columns.values()];
  const common = toCommon(all.map(({ conditions }) => conditions));
  const rests = all.map(({ conditions, ...window }) => [
    ...conditions.filter((condition) => !common.has(JSON.stringify(condition))),
    ...((window.to - window.from) / (to - from) < narrow
      ? [sql`time >= ${moment(window.from)}`, sql`time < ${moment(window.to)}`]
      : []),
  ]);
  const isAll = rests.some((rest) => rest.length === 0);
  const ways = [...new Map(rests.map((rest) => [JSON.stringify(rest), rest])).values()];
  const where = allOf([
    rowsIn({ from, to, timezone: null }),
    ...common.values(),
    ...(isAll
      ? []
      : [
          sql`(${join(
            ways.map((rest) => sql`(${allOf(rest)})`),
            ' OR ',
          )})`,
        ]),
  ]);
  const numbers = all.map(({ x, y }, i) => {
    const rest = rests[i] as readonly Sql[];
    // One that holds for every row of the statement is none.
    const condition = rest.length === 0 || ways.length === 1 ? null : allOf(rest);
    return {
      n: condition ? sql`countIf(${condition})` : sql`count()`,
      x: x ? toAggregate(x, condition) : nothing,
      y: y ? toAggregate(y, condition) : nothing,
    };
  });
  const starts = [...new Map(lanes.map(({ buckets }) => [toStartKey(buckets), buckets])).entries()];
  const startNames = new Map(starts.map(([key], i) => [key, ours(`b${i}`)]));
  // One name for one expression: the engine takes two of an expression for the same.
  const kinds = new Map(lanes.flatMap(({ breakdowns }) => breakdowns.map((of) => [JSON.stringify(of), of] as const)));
  const shownOf = new Map([...kinds].map(([kind, of], i) => [kind, toColumns([of], `l${i}`)]));
  const shown = lanes.map(({ breakdowns }) => breakdowns.map((of) => shownOf.get(JSON.stringify(of)) as Columns));
  const groupedBy = lanes.map(({ buckets }, i) => [
    startNames.get(toStartKey(buckets)) as Sql,
    ...(shown[i] ?? []).flatMap(({ names }) => names),
  ]);
  const declarations = [
    ...starts.map(([key, buckets]) => sql`${toStart(buckets)} AS ${startNames.get(key) as Sql}`),
    ...[...shownOf.values()].flatMap(({ indexes }) => indexes),
  ];
  const names = [...new Map(groupedBy.flat().map((name) => [name.strings[0], name])).values()];
  const list = (pieces: readonly Sql[]) => join(pieces, ', ');
  const masks = groupedBy.map((group) =>
    names.reduce((mask, name) => mask * 2 + (group.some((of) => of.strings[0] === name.strings[0]) ? 0 : 1), 0),
  );
  const lane =
    lanes.length === 1
      ? sql`0`
      : sql`transform(grouping(${list(names)}), ${value('Array(UInt64)', masks)}, ${value(
          'Array(UInt8)',
          masks.map((_, i) => i),
        )}, 255)`;
  const bucket =
    startNames.size === 1
      ? sql`b0`
      : sql`[${list([...startNames.values()])}][transform(${lane}, ${value(
          'Array(UInt8)',
          lanes.map((_, i) => i),
        )}, ${value(
          'Array(UInt8)',
          lanes.map(({ buckets }) => starts.findIndex(([key]) => key === toStartKey(buckets)) + 1),
        )}, 1)]`;
  const groups =
    lanes.length === 1
      ? list(groupedBy[0] as readonly Sql[])
      : sql`GROUPING SETS (${list(groupedBy.map((group) => sql`(${list(group)})`))})`;
  const members = lanes.flatMap((of) => of.members.map(({ place }) => place));
  return {
    select: sql`${toDeclarations(declarations)}SELECT ${lane} AS lane, ${bucket} AS b, ${toKeys(shown.flat().flatMap(({ keys }) => keys))} AS k,
      [${list(numbers.map(({ n }) => n))}] AS n, [${list(numbers.map(({ x }) => x))}] AS x, [${list(numbers.map(({ y }) => y))}] AS y
      FROM events WHERE ${where} GROUP BY ${groups}`,
    members,
    take(rows) {
      const places = [...columns.keys()];
      let firstKey = 0;
      return lanes.flatMap(({ breakdowns, members: ofLane }, i) => {
        const keys = [firstKey, firstKey + breakdowns.length] as const;
        firstKey = keys[1];
        const ofThis = (rows as readonly ScanRow[]).filter((row) => Number(row.lane) === i);
        return ofLane.map(({ column, starts }) => {
          const at = places.indexOf(column);
          return ofThis
            .filter(({ b, n }) => starts.has(String(b)) && n[at] !== '0')
            .map(
              ({ b, k, n, x, y }): GroupedRow => ({
                b: String(b),
                k: k.slice(...keys),
                n: n[at] as string,
                x: x[at] as number | null,
                y: y[at] as number | null,
              }),
            );
        });
      });
    },
  };
}

const nothing = sql`CAST(NULL, 'Nullable(Float64)')`;

function toStartKey(buckets: readonly Bucket[]): string {
  return buckets.map(({ start }) => start).join();
}

/** Conditions that all have. */
function toCommon(all: readonly (readonly Sql[])[]): ReadonlyMap<string, Sql> {
  const [first = [], ...others] = all;
  const sets = others.map((conditions) => new Set(conditions.map((of) => JSON.stringify(of))));
  return new Map(
    first.map((of) => [JSON.stringify(of), of] as const).filter(([key]) => sets.every((set) => set.has(key))),
  );
}

// ---- statements

function pack(selects: readonly Select[], missing: readonly Missing[]): Fused[] {
  const fused: Fused[] = [];
  let some: Select[] = [];
  let text = 0;
  const close = () => {
    const count = some.reduce((sum, { members }) => sum + members.length, 0);
    const why =
      count === 1 ? 'nothing that goes with it was missing' : 'missing at the same time, as of the same moment';
    if (some.length > 0) fused.push(toFused(some, missing, why));
    some = [];
    text = 0;
  };
  for (const select of selects) {
    const length = toLength(select.select);
    if (select.members.some((place) => missing[place]?.isLong))
      fused.push(toFused([select], missing, 'took long before'));
    else if (length > longText) fused.push(toFused([select], missing, 'a long statement'));
    else {
      if (some.length === mostSelects || text + length > mostText) close();
      some.push(select);
      text += length;
    }
  }
  close();
  return fused;
}

function toLength(select: Sql): number {
  return toSettled(select).strings.reduce((sum, { length }) => sum + length, 0);
}

function toFused(selects: readonly Select[], missing: readonly Missing[], why: string): Fused {
  const members = selects.flatMap((select) => select.members);
  const [only] = selects;
  // Alone it is the statement that it is without all this.
  if (members.length === 1)
    return { plan: (missing[members[0]!] as Missing).plan, members, why, take: (rows) => [rows] };
  const plans = members.map((place) => (missing[place] as Missing).plan);
  const labels = new Set(plans.map(({ label }) => label));
  const resultRows = plans.reduce((sum, { limits }) => sum + (limits?.resultRows ?? 0), 0);
  const plan = (select: Sql): Plan => ({
    label: labels.size === 1 ? (plans[0] as Plan).label : 'fused',
    select,
    limits: { resultRows: Math.min(mostResultRows, Math.max(resultRows, 1_000_000)) },
  });
  if (selects.length === 1) return { plan: plan((only as Select).select), members, why, take: (only as Select).take };
  // Rows travel as text, so that statements of any columns can be one.
  const union = join(
    selects.map(
      ({ select }, i) =>
        sql`SELECT ${value('UInt8', i)} AS g, formatRow('JSONEachRow', *) AS row FROM (${toSettled(select)})`,
    ),
    ' UNION ALL ',
  );
  return {
    plan: plan(union),
    members,
    why,
    take(rows) {
      const ofSelect = selects.map((): Row[] => []);
      for (const { g, row } of rows) ofSelect[Number(g)]?.push(JSON.parse(String(row)) as Row);
      return selects.flatMap(({ take }, i) => take(ofSelect[i] as Row[]));
    },
  };
}
