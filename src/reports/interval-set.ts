import { timeMs } from './plan.ts';
import { type Sql, sql, value } from './sql.ts';

/** In which of a report's intervals somebody was active: a state of a few bytes for each person, however many events. */
export interface IntervalSet {
  /** The aggregate that collects the indexes for which `when` is 1. */
  collect(index: Sql, when: Sql): Sql;
  /** A collected set as an array of its indexes, in order. */
  toArray(set: Sql): Sql;
  /** How many indexes it has. */
  toSize(set: Sql): Sql;
}

const widths = [64, 128, 256] as const;

/** Of intervals 0 to `count` - 1: bits where there are few enough of them, which is twice as fast as a list. */
export function createIntervalSet(count: number): IntervalSet {
  const width = widths.find((bits) => count <= bits);
  if (width === undefined)
    return {
      collect: (index, when) => sql`groupUniqArrayIf(toUInt16(${index}), ${when})`,
      toArray: (set) => sql`arraySort(${set})`,
      toSize: (set) => sql`length(${set})`,
    };
  const one: Sql = { strings: [`toUInt${width}(1)`], values: [] };
  return {
    collect: (index, when) => sql`groupBitOrIf(bitShiftLeft(${one}, toUInt8(${index})), ${when})`,
    toArray: (set) => sql`arrayMap(b -> toUInt16(b), bitPositionsToArray(${set}))`,
    toSize: (set) => sql`bitCount(${set})`,
  };
}

/**
 * Index of the interval in which an event lies, or another time in milliseconds; `edges` are the beginnings of the intervals.
 * A time before them counts as in the first, one after them as in the last.
 */
export function toIndexExpression(edges: readonly number[], ms: Sql = timeMs): Sql {
  const first = edges[0] as number;
  const last = edges.length - 1;
  const step = (edges[1] ?? first + 1) - first;
  if (edges.every((start, i) => start === first + i * step))
    return sql`least(intDiv(greatest(${ms} - ${value('Int64', first)}, 0), ${value('Int64', step)}), ${value('Int64', last)})`;
  const starts = value('Array(Int64)', edges);
  return sql`transform(roundDown(${ms}, ${starts}), ${starts}, ${value(
    'Array(UInt16)',
    edges.map((_, i) => i),
  )}, toUInt16(0))`;
}
