import { type Columns, ours, toColumns } from '../breakdown/breakdown.ts';
import { toAggregate } from '../measure.ts';
import { moment, type Row, rowsIn } from '../plan.ts';
import { allOf, join, type Sql, sql, value } from '../sql.ts';
import { type GroupedRow, toBucketColumn, toDeclarations, toGroupBy, toKeys } from './grouped.ts';
import { type Scan, toColumnsOf, toStartKey } from './lanes.ts';

/** A column whose events are less than this share of the window looks at the time of each. */
const narrow = 0.7;

/** A SELECT that is part of a statement. */
export interface Select {
  readonly select: Sql;
  /** Places of those that it is for. */
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

export function toScanSelect({ lanes, from, to }: Scan): Select {
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
  const byStart = new Map(lanes.map(({ buckets }) => [toStartKey(buckets), buckets]));
  const starts = new Map([...byStart].map(([key, buckets], i) => [key, toBucketColumn(buckets, ours(`b${i}`))]));
  const startsOf = lanes.map(({ buckets }) => starts.get(toStartKey(buckets))!);
  // One name for one expression: the engine takes two of an expression for the same.
  const kinds = new Map(
    lanes.flatMap(({ breakdowns, kinds: of }) => breakdowns.map((one, i) => [of[i] as string, one])),
  );
  const shownOf = new Map([...kinds].map(([kind, of], i) => [kind, toColumns([of], `l${i}`)]));
  const shown = lanes.map((lane) => lane.kinds.map((kind) => shownOf.get(kind) as Columns));
  const groupedBy = startsOf.map(({ names }, i) => [...names, ...(shown[i] ?? []).flatMap((of) => of.names)]);
  const declarations = [
    ...[...starts.values()].flatMap((of) => of.declarations),
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
  const distinct = [...starts.values()];
  const bucket =
    distinct.length === 1
      ? distinct[0]!.start
      : sql`[${list(distinct.map(({ start }) => start))}][transform(${lane}, ${value(
          'Array(UInt8)',
          lanes.map((_, i) => i),
        )}, ${value(
          'Array(UInt8)',
          startsOf.map((of) => distinct.indexOf(of) + 1),
        )}, 1)]`;
  const groups =
    lanes.length === 1
      ? toGroupBy(groupedBy[0] as readonly Sql[])
      : sql` GROUP BY GROUPING SETS (${list(groupedBy.map((group) => sql`(${list(group)})`))})`;
  const members = lanes.flatMap((of) => of.members.map(({ place }) => place));
  return {
    select: sql`${toDeclarations(declarations)}SELECT ${lane} AS lane, ${bucket} AS b, ${toKeys(shown.flat().flatMap(({ keys }) => keys))} AS k,
      [${list(numbers.map(({ n }) => n))}] AS n, [${list(numbers.map(({ x }) => x))}] AS x, [${list(numbers.map(({ y }) => y))}] AS y
      FROM events WHERE ${where}${groups}`,
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

/** Conditions that all have. */
function toCommon(all: readonly (readonly Sql[])[]): ReadonlyMap<string, Sql> {
  const [first = [], ...others] = all;
  const sets = others.map((conditions) => new Set(conditions.map((of) => JSON.stringify(of))));
  return new Map(
    first.map((of) => [JSON.stringify(of), of] as const).filter(([key]) => sets.every((set) => set.has(key))),
  );
}
