import { DateTime, type DateTimeUnit } from 'luxon';

/** Ranges and buckets by the SDL's words, on luxon. Times are milliseconds since 1970. */

export type Interval = 'MINUTE' | 'HOUR' | 'DAY' | 'WEEK' | 'MONTH' | 'QUARTER' | 'YEAR';

export interface RangeInput {
  readonly from?: Date;
  readonly to?: Date;
  readonly last?: string;
  readonly timezone?: string;
}

/** from <= t < to */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** Where clocks go back over midnight, the day begins when it is midnight for the first time. */
export function startOf(time: number, interval: Interval, zone: string): number {
  const start = DateTime.fromMillis(time, { zone }).startOf(interval.toLowerCase() as DateTimeUnit);
  return Math.min(...start.getPossibleOffsets().map((possible) => possible.toMillis()));
}

/** The first beginning of an interval after `start`, itself one; found by walking. */
export function nextStart(start: number, interval: Interval, zone: string): number {
  const pace = {
    MINUTE: minute,
    HOUR: hour,
    DAY: 20 * hour,
    WEEK: 6 * day,
    MONTH: 27 * day,
    QUARTER: 88 * day,
    YEAR: 360 * day,
  };
  if (interval === 'MINUTE' || interval === 'HOUR') return start + pace[interval];
  let probe = start + pace[interval];
  while (startOf(probe, interval, zone) <= start) probe += hour;
  return startOf(probe, interval, zone);
}

/** Beginnings of the buckets that have something of the span. Hours and minutes are elapsed time from the first one's beginning. */
export function toBuckets({ from, to }: Span, interval: Interval, zone: string): number[] {
  const starts: number[] = [];
  for (let start = firstStart(from, interval, zone); start < to; start = nextStart(start, interval, zone))
    starts.push(start);
  return starts;
}

function firstStart(from: number, interval: Interval, zone: string): number {
  if (interval !== 'MINUTE' && interval !== 'HOUR') return startOf(from, interval, zone);
  const wall = DateTime.fromMillis(from, { zone });
  const intoMinute = wall.second * 1000 + wall.millisecond;
  return from - intoMinute - (interval === 'HOUR' ? wall.minute * minute : 0);
}

/** Index of the bucket in which a time lies: the last that does not begin after it. */
export function bucketOf(time: number, starts: readonly number[]): number {
  let index = 0;
  while (index + 1 < starts.length && (starts[index + 1] as number) <= time) index++;
  return index;
}

const unitNames = { m: 'MINUTE', h: 'HOUR', d: 'DAY', w: 'WEEK', M: 'MONTH', q: 'QUARTER', y: 'YEAR' } as const;

export function toSpan({ from, to, last, timezone = 'UTC' }: RangeInput, now: number): Span {
  if (last === undefined) return { from: (from as Date).getTime(), to: to?.getTime() ?? now };
  const count = Number(last.slice(0, -1));
  const interval = unitNames[last.slice(-1) as keyof typeof unitNames];
  const present = firstStart(now, interval, timezone);
  const end = nextStart(present, interval, timezone);
  if (interval === 'MINUTE' || interval === 'HOUR') return { from: end - count * (end - present), to: end };
  const unit = `${interval.toLowerCase()}s`;
  const first = DateTime.fromMillis(present, { zone: timezone }).minus({ [unit]: count - 1 });
  return { from: startOf(first.toMillis(), interval, timezone), to: end };
}
