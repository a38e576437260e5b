import { TallygateError } from '../../errors.ts';
import { type Property, toNumber } from '../filter/property.ts';
import { type Sql, sql, value } from '../sql.ts';

export interface BinsInput {
  readonly count?: number | null | undefined;
  readonly edges?: readonly number[] | null | undefined;
}

/** Half-open intervals of numbers. */
export interface Bins {
  /** How many of equal width; null where edges were asked for. */
  readonly count: number | null;
  /** Ascending. Of `count` bins also the two ends; empty as long as these are not known, and when there are no numbers. */
  readonly edges: readonly number[];
}

const mostBins = 100;

/** Throws INVALID_INPUT. */
export function parseBins({ count, edges }: BinsInput, property: Property, at: string): Bins {
  const wrong = (message: string) => new TallygateError('INVALID_INPUT', `${at}.bins${message}`);
  if (property.kind === 'text' || property.kind === 'time')
    throw wrong(': expected a property that can be a number, got a field of the event');
  const hasCount = count !== null && count !== undefined;
  const hasEdges = edges !== null && edges !== undefined;
  if (hasCount === hasEdges)
    throw wrong(`: expected exactly one of count and edges, got ${hasCount ? 'both' : 'none'}`);
  if (hasCount) {
    if (count < 1 || count > mostBins) throw wrong(`.count: expected 1 to ${mostBins}, got ${count}`);
    return { count, edges: [] };
  }
  const given = edges ?? [];
  if (given.length < 1 || given.length > mostBins)
    throw wrong(`.edges: expected 1 to ${mostBins} of them, got ${given.length}`);
  given.forEach((edge, i) => {
    const before = given[i - 1];
    if (before !== undefined && !(before < edge))
      throw wrong(`.edges[${i}]: expected a number above ${before}, the one before it, got ${edge}`);
  });
  return { count: null, edges: given };
}

/** The ends of the bins of equal width between the smallest and the largest number. */
export function toEdges(low: number, high: number, count: number): number[] {
  // Halves of it, since the whole width may be beyond what a number can be.
  const inner = Array.from({ length: count - 1 }, (_, i) => {
    const share = (i + 1) / count;
    return low * (1 - share) + high * share;
  });
  return [low, ...new Set(inner.filter((edge) => low < edge && edge < high)), high];
}

/** 0 without a number, 1 in the first bin, and so on. `found`: a name for the number. */
export function toBinIndex({ count, edges }: Bins, property: Property, found: Sql): Sql {
  const number = toNumber(property);
  // Of those of equal width, the first begins with the smallest and the last ends with the largest number that there is.
  const cuts = count === null ? edges : edges.slice(1, -1);
  const [first] = cuts;
  if (first === undefined) return sql`toUInt16(isNotNull(${number}))`;
  const starts = toFloats(cuts);
  return sql`toUInt16(multiIf(isNull(${number} AS ${found}), 0, ${found} < ${starts}[1], 1,
    transform(roundDown(ifNull(${found}, 0), ${starts}), ${starts}, ${value(
      'Array(UInt16)',
      cuts.map((_, i) => i + 2),
    )}, 0)))`;
}

/** Bit by bit: the engine may read the text of a number as its neighbour. */
function toFloats(numbers: readonly number[]): Sql {
  const bits = [...new BigUint64Array(Float64Array.from(numbers).buffer)].map(String);
  return sql`arrayMap(bits -> reinterpretAsFloat64(toUInt64(bits)), ${value('Array(String)', bits)})`;
}

export function toBinText({ count, edges }: Bins, index: number): string {
  if (count !== null) {
    const isLast = index >= edges.length - 2;
    return `[${edges[index]}, ${edges[index + 1] ?? edges[index]}${isLast ? ']' : ')'}`;
  }
  const [from, to] = [edges[index - 1], edges[index]];
  return `${from === undefined ? '(-∞' : `[${from}`}, ${to === undefined ? '∞' : to})`;
}
