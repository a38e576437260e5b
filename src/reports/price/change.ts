import type { Interval, RangeInput } from '../range.ts';

/** A cheaper question: every report of the operation by this interval or a coarser one, or over so much of its range, up to its end. */
export type Change = { readonly interval: Interval } | { readonly share: number };

/** What became of one report's question. */
export interface Changed {
  readonly interval?: Interval;
  readonly last?: string;
  readonly from?: Date;
}

interface Ranged {
  readonly range?: RangeInput | null | undefined;
  readonly interval?: Interval | null | undefined;
}

export const intervals: readonly Interval[] = ['MINUTE', 'HOUR', 'DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR'];

const smaller: Readonly<Record<string, readonly [string, number]>> = {
  y: ['M', 12],
  q: ['M', 3],
  M: ['d', 30],
  w: ['d', 7],
  d: ['h', 24],
  h: ['m', 60],
};
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** null: it stays as it is. */
export function toChanged(input: object, change: Change, now: number): Changed | null {
  const { range, interval } = input as Ranged;
  if ('interval' in change) {
    const isFiner = interval && intervals.indexOf(interval) < intervals.indexOf(change.interval);
    return isFiner ? { interval: change.interval } : null;
  }
  if (!range) return null;
  if (range.last) {
    const last = shorten(range.last, change.share);
    return last === range.last ? null : { last };
  }
  if (!range.from) return null;
  const to = range.to?.getTime() ?? now;
  const length = (to - range.from.getTime()) * change.share;
  const unit = length >= 2 * dayMs ? dayMs : length >= 2 * hourMs ? hourMs : 1;
  return { from: new Date(to - Math.max(1, Math.floor(length / unit) * unit)) };
}

export function withChanged<Input extends object>(input: Input, { interval, last, from }: Changed): Input {
  const { range } = input as Ranged;
  return {
    ...input,
    ...(interval ? { interval } : {}),
    ...(last || from ? { range: { ...range, ...(last ? { last } : {}), ...(from ? { from } : {}) } } : {}),
  };
}

/** As many whole units as fit; of the next smaller unit where none does. What is no length is left to who parses it. */
function shorten(last: string, share: number): string {
  const found = /^(\d{1,5})([mhdwMqy])$/.exec(last);
  if (!found) return last;
  let [count, unit] = [Number(found[1]) * share, found[2] as string];
  for (let finer = smaller[unit]; count < 1 && finer; finer = smaller[unit]) {
    count *= finer[1];
    unit = finer[0];
  }
  return `${Math.max(1, Math.floor(count))}${unit}`;
}
