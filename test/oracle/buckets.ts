import { DateTime, type DateTimeUnit } from 'luxon';

/** Ranges and buckets by the SDL's words, on luxon. Times are milliseconds since 1970. */

export type Interval = 'MINUTE' | 'HOUR' | 'DAY' | 'WEEK' | 'MONTH' | 'QUARTER' | 'YEAR';

export interface RangeInput {
  readonly from?: Date;
  readonly to?: Date;
  readonly last?: string;
  readonly timezone?: string;
  readonly weekStart?: WeekStart;
}

export type WeekStart = 'MONDAY' | 'TUESDAY' | 'WEDNESDAY' | 'THURSDAY' | 'FRIDAY' | 'SATURDAY' | 'SUNDAY';

/** from <= t < to */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** Where clocks go back over midnight, the day begins when it is midnight for the first time. */
export function startOf(time: number, interval: Interval, zone: string, weekStart: WeekStart = 'MONDAY'): number {
  const wall = DateTime.fromMillis(time, { zone });
  if (interval === 'WEEK') {
    // Back from date to date, of which a zone may have left one out, until it is the first of a week.
    let days = 0;
    const date = DateTime.utc(wall.year, wall.month, wall.day, { locale: 'en' });
    while (date.minus({ days }).weekdayLong!.toUpperCase() !== weekStart) days++;
    return firstOf(wall.startOf('day').minus({ days }).startOf('day'));
  }
  return firstOf(wall.startOf(interval.toLowerCase() as DateTimeUnit));
}

/** Of a time of the clock that comes twice, the first. */
function firstOf(wall: DateTime): number {
  return Math.min(...wall.getPossibleOffsets().map((possible) => possible.toMillis()));
}

/** The first beginning of an interval after `start`, itself one; found by walking. */
export function nextStart(start: number, interval: Interval, zone: string, weekStart?: WeekStart): number {
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
  while (startOf(probe, interval, zone, weekStart) <= start) probe += hour;
  return startOf(probe, interval, zone, weekStart);
}

/** Beginnings of the buckets that have something of the span. Hours and minutes are elapsed time from the first one's beginning. */
export function toBuckets({ from, to }: Span, interval: Interval, zone: string, weekStart?: WeekStart): number[] {
  const starts: number[] = [];
  const first = firstStart(from, interval, zone, weekStart);
  for (let start = first; start < to; start = nextStart(start, interval, zone, weekStart)) starts.push(start);
  return starts;
}

function firstStart(from: number, interval: Interval, zone: string, weekStart?: WeekStart): number {
  if (interval !== 'MINUTE' && interval !== 'HOUR') return startOf(from, interval, zone, weekStart);
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

export function toSpan({ from, to, last, timezone = 'UTC', weekStart }: RangeInput, now: number): Span {
  if (last === undefined) return { from: (from as Date).getTime(), to: to?.getTime() ?? now };
  const count = Number(last.slice(0, -1));
  const interval = unitNames[last.slice(-1) as keyof typeof unitNames];
  const present = firstStart(now, interval, timezone, weekStart);
  const end = nextStart(present, interval, timezone, weekStart);
  if (interval === 'MINUTE' || interval === 'HOUR') return { from: end - count * (end - present), to: end };
  const unit = `${interval.toLowerCase()}s`;
  const first = DateTime.fromMillis(present, { zone: timezone }).minus({ [unit]: count - 1 });
  return { from: startOf(first.toMillis(), interval, timezone, weekStart), to: end };
}

/** The range to compare with: `30d` earlier on the clock on the wall. */
export function shiftedSpan({ from, to }: Span, shift: string, zone: string): Span {
  const count = Number(shift.slice(0, -1));
  const interval = unitNames[shift.slice(-1) as keyof typeof unitNames];
  const back = (time: number) => {
    if (interval === 'MINUTE' || interval === 'HOUR') return time - count * (interval === 'HOUR' ? hour : minute);
    return firstOf(DateTime.fromMillis(time, { zone }).minus({ [`${interval.toLowerCase()}s`]: count }));
  };
  return { from: back(from), to: back(to) };
}

/** As many intervals, or days, or milliseconds before. */
export function spanBefore(span: Span, interval: Interval, zone: string, weekStart?: WeekStart): Span {
  const { from, to } = span;
  for (const unit of interval === 'HOUR' || interval === 'MINUTE' ? (['DAY'] as const) : ([interval, 'DAY'] as const)) {
    if (startOf(from, unit, zone, weekStart) !== from || startOf(to, unit, zone, weekStart) !== to) continue;
    const count = toBuckets(span, unit, zone, weekStart).length;
    const first = firstOf(
      DateTime.fromMillis(from, { zone })
        .minus({ [`${unit.toLowerCase()}s`]: count })
        .startOf('day'),
    );
    if (first < from) return { from: first, to: from };
  }
  return { from: from - (to - from), to: from };
}

/** Where the `days` calendar days begin that end with the day of the last millisecond before `end`. */
export function firstOfDays(end: number, days: number, zone: string): number {
  return firstOf(
    DateTime.fromMillis(end - 1, { zone })
      .startOf('day')
      .minus({ days: days - 1 })
      .startOf('day'),
  );
}
