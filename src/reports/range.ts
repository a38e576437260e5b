import { LRUCache } from 'lru-cache';
import { Temporal } from 'temporal-polyfill';
import { TallygateError } from '../errors.ts';
import { countUpTo } from './ascending.ts';

export interface RangeInput {
  readonly from?: Date | null | undefined;
  readonly to?: Date | null | undefined;
  readonly last?: string | null | undefined;
  readonly timezone?: string | null | undefined;
  readonly weekStart?: WeekStart | null | undefined;
}

export type WeekStart = (typeof weekdays)[number];

/** from <= t < to, in milliseconds since 1970. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

interface Zone {
  readonly timezone: string;
  /** Monday when left out. */
  readonly weekStart?: WeekStart | undefined;
}

export interface Range extends TimeRange, Zone {}

export type Interval = 'MINUTE' | 'HOUR' | 'DAY' | 'WEEK' | 'MONTH' | 'QUARTER' | 'YEAR';

export const mostBuckets = 10_000;

const weekdays = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'] as const;

const units: Readonly<Record<string, Interval>> = {
  m: 'MINUTE',
  h: 'HOUR',
  d: 'DAY',
  w: 'WEEK',
  M: 'MONTH',
  q: 'QUARTER',
  y: 'YEAR',
};

/** What the warehouse can store lies well inside. */
const earliest = Date.UTC(1900, 0, 1);
const latest = Date.UTC(2300, 0, 1);

/** Throws INVALID_RANGE or UNKNOWN_TIMEZONE. `now` is that of the operation, or of the snapshot that it asks for. */
export function parseRange(input: RangeInput, now: number): Range {
  if (input.last !== null && input.last !== undefined) return parseLast(input, input.last, now).range;
  const timezone = parseTimezone(input.timezone ?? 'UTC');
  const weekStart = input.weekStart ?? undefined;
  if (!input.from) throw invalid('expected from (and to) or last, got neither');
  const from = input.from.getTime();
  const to = input.to ? input.to.getTime() : now;
  if (to <= from) throw invalid(`expected from before to, got from ${iso(from)} and to ${iso(to)}`);
  return bounded({ from, to, timezone, weekStart });
}

/** Since when a range of the last so many intervals has been the one that it is now; it is until it ends. */
export function toCurrent(input: RangeInput, last: string, now: number): number {
  return parseLast(input, last, now).since;
}

interface LastRange {
  readonly range: Range;
  readonly since: number;
}

/** The calendar takes its time, and what it said holds until the interval is over. */
const lastRanges = new LRUCache<string, LastRange>({ max: 1000 });

function parseLast({ from, to, ...zone }: RangeInput, last: string, now: number): LastRange {
  if (from || to) throw invalid('expected either last or from and to, got both');
  const key = `${last}|${zone.timezone}|${zone.weekStart}`;
  const known = lastRanges.get(key);
  if (known && known.since <= now && now < known.range.to) return known;
  const timezone = parseTimezone(zone.timezone ?? 'UTC');
  const weekStart = zone.weekStart ?? undefined;
  const { count, interval } = parseUnits(last, 'last', '30d');
  const current = startOfInterval(toZoned(now, timezone), interval, weekStart);
  const end = addIntervals(current, interval, 1);
  const start = addIntervals(end, interval, -count);
  const range = bounded({ from: start.epochMilliseconds, to: end.epochMilliseconds, timezone, weekStart });
  const found = { range, since: current.epochMilliseconds };
  lastRanges.set(key, found);
  return found;
}

/** "30d": so many of them. Throws INVALID_RANGE. */
function parseUnits(text: string, at: string, example: string): { count: number; interval: Interval } {
  const found = /^([1-9]\d{0,4})([mhdwMqy])$/.exec(text);
  if (!found)
    throw invalid(
      `expected ${at} to be a number and a unit of m, h, d, w, M, q, y, as in "${example}", got ${JSON.stringify(text.slice(0, 40))}`,
    );
  return { count: Number(found[1]), interval: units[found[2] as string] as Interval };
}

/** The range so much earlier on the clock of its timezone: "7d". Throws INVALID_RANGE. */
export function shiftBack(range: Range, text: string, at: string): Range {
  const { count, interval } = parseUnits(text, at, '7d');
  const back = (time: number) => addTo(toZoned(time, range.timezone), interval, -count).epochMilliseconds;
  const shifted = { ...range, from: back(range.from), to: back(range.to) };
  // The 30th and the 31st of March are the same day a month before.
  if (shifted.to <= shifted.from) throw invalid(`expected ${at} to leave something of the range, got ${text}`);
  return bounded(shifted);
}

/**
 * The range that ends where this one begins and is as long: as many intervals where it is made of whole ones, as many days where it is
 * made of whole days, otherwise as many milliseconds.
 */
export function periodBefore(range: Range, interval: Interval): Range {
  const { from, to, timezone, weekStart } = range;
  for (const unit of isClock(interval) ? (['DAY'] as const) : ([interval, 'DAY'] as const)) {
    const isStart = (time: number) =>
      startOfInterval(toZoned(time, timezone), unit, weekStart).epochMilliseconds === time;
    if (!isStart(from) || !isStart(to)) continue;
    const start = addIntervals(toZoned(from, timezone), unit, -toBuckets(range, unit).length).epochMilliseconds;
    // A day that its zone left out is none to go back by.
    if (start < from) return bounded({ ...range, from: start, to: from });
  }
  return bounded({ ...range, from: from - (to - from), to: from });
}

/** Where the so many calendar days begin of which the last one has the moment before `end`. */
export function firstOfDays(end: number, timezone: string, days: number): number {
  return addIntervals(toZoned(end - 1, timezone).startOfDay(), 'DAY', 1 - days).epochMilliseconds;
}

/** Elapsed time: in the hour that comes twice, or never, the clock on the wall is no guide. */
function isClock(interval: Interval): boolean {
  return interval === 'MINUTE' || interval === 'HOUR';
}

function bounded(range: Range): Range {
  if (range.from < earliest || range.to > latest) {
    throw invalid(`expected a range within 1900 to 2299, got ${iso(range.from)} to ${iso(range.to)}`);
  }
  return range;
}

const timezones = new LRUCache<string, string>({ max: 1000 });

export function parseTimezone(name: string): string {
  try {
    const known = timezones.get(name);
    if (known !== undefined) return known;
    const found = Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name).timeZoneId;
    timezones.set(name, found);
    return found;
  } catch {
    throw new TallygateError(
      'UNKNOWN_TIMEZONE',
      `expected a name of the IANA time zone database, as Europe/Berlin, got ${JSON.stringify(name.slice(0, 60))}`,
    );
  }
}

/**
 * Beginnings of the buckets that cover the range, in order: the first begins at the range's beginning or before it, at
 * the start of its interval in the timezone. Days have 23 to 25 hours where clocks change. Throws TOO_MANY_BUCKETS.
 */
export function toBuckets(range: Range, interval: Interval): readonly number[] {
  const { from, to, timezone, weekStart } = range;
  const estimate = Math.ceil((to - from) / usual[interval]);
  // Those that are surely too many are not even counted.
  if (estimate > 2 * mostBuckets) throw tooMany(estimate, interval);
  const first = startOfInterval(toZoned(from, timezone), interval, weekStart);
  const starts = isClock(interval)
    ? toElapsed(first.epochMilliseconds, usual[interval], to)
    : toCalendar(first, timezone, interval, to);
  const buckets = starts.slice(0, countUpTo(starts, to - 1));
  if (buckets.length > mostBuckets) throw tooMany(buckets.length, interval);
  return buckets;
}

/** Beginnings of elapsed time from `first` on. */
function toElapsed(first: number, length: number, to: number): readonly number[] {
  return Array.from({ length: Math.ceil((to - first) / length) }, (_, i) => first + i * length);
}

/** Beginnings from `first` on, to one that is at `to` or later. */
function toCalendar(first: Zoned, timezone: string, interval: Interval, to: number): readonly number[] {
  const key = `${first.epochMilliseconds}|${timezone}|${interval}`;
  const known = calendars.get(key);
  if (known && (known[known.length - 1] as number) >= to) return known;
  const starts = [first.epochMilliseconds];
  for (let i = 1; (starts[starts.length - 1] as number) < to; i++) {
    const start = addIntervals(first, interval, i).epochMilliseconds;
    // A day that its zone left out would begin where the next one does.
    if (start !== starts[starts.length - 1]) starts.push(start);
  }
  calendars.set(key, starts);
  return starts;
}

/** A day takes the calendar 10 microseconds, and who asks up to now asks for the same days again; a million of them take 8 MB. */
const calendars = new LRUCache<string, readonly number[]>({
  maxSize: 1_000_000,
  sizeCalculation: (starts) => starts.length + 20,
});

/** Where the bucket before the one that begins at `start` begins. */
export function previousBucket(start: number, { timezone, weekStart }: Zone, interval: Interval): number {
  if (isClock(interval)) return start - usual[interval];
  return startOfInterval(toZoned(start - 1, timezone), interval, weekStart).epochMilliseconds;
}

/** Where the bucket after the one that begins at `start` begins. */
export function nextBucket(start: number, timezone: string, interval: Interval): number {
  const zoned = toZoned(start, timezone);
  const next = addIntervals(zoned, interval, 1).epochMilliseconds;
  return next > start ? next : addIntervals(zoned, interval, 2).epochMilliseconds;
}

const minute = 60_000;
const day = 24 * 60 * minute;
/** Lengths in milliseconds; of a day and what is longer only about. */
const usual: Readonly<Record<Interval, number>> = {
  MINUTE: minute,
  HOUR: 60 * minute,
  DAY: day,
  WEEK: 7 * day,
  MONTH: 30 * day,
  QUARTER: 91 * day,
  YEAR: 365 * day,
};

type Zoned = Temporal.ZonedDateTime;

function toZoned(milliseconds: number, timezone: string): Zoned {
  return Temporal.Instant.fromEpochMilliseconds(milliseconds).toZonedDateTimeISO(timezone);
}

function startOfInterval(time: Zoned, interval: Interval, weekStart: WeekStart = 'MONDAY'): Zoned {
  switch (interval) {
    case 'MINUTE':
      return time.round({ smallestUnit: 'minute', roundingMode: 'floor' });
    case 'HOUR': {
      // Not round(): 01:30 of the repeated hour belongs to its own 01:00.
      const into = time.minute * minute + time.second * 1000 + time.millisecond;
      return time.subtract({ milliseconds: into });
    }
    case 'DAY':
      return time.startOfDay();
    case 'WEEK':
      return time.subtract({ days: (time.dayOfWeek + 6 - weekdays.indexOf(weekStart)) % 7 }).startOfDay();
    case 'MONTH':
      return time.with({ day: 1 }).startOfDay();
    case 'QUARTER':
      return time.with({ day: 1, month: time.month - ((time.month - 1) % 3) }).startOfDay();
    case 'YEAR':
      return time.with({ day: 1, month: 1 }).startOfDay();
  }
}

/** From the beginning of an interval to that of another one. */
function addIntervals(start: Zoned, interval: Interval, count: number): Zoned {
  const moved = addTo(start, interval, count);
  return isClock(interval) ? moved : moved.startOfDay();
}

function addTo(time: Zoned, interval: Interval, count: number): Zoned {
  switch (interval) {
    case 'MINUTE':
      return time.add({ minutes: count });
    case 'HOUR':
      return time.add({ hours: count });
    case 'DAY':
      return time.add({ days: count });
    case 'WEEK':
      return time.add({ weeks: count });
    case 'MONTH':
      return time.add({ months: count });
    case 'QUARTER':
      return time.add({ months: 3 * count });
    case 'YEAR':
      return time.add({ years: count });
  }
}

export function iso(time: number): string {
  return Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : `${time} ms since 1970`;
}

function invalid(message: string): TallygateError {
  return new TallygateError('INVALID_RANGE', message);
}

function tooMany(count: number, interval: Interval): TallygateError {
  return new TallygateError(
    'TOO_MANY_BUCKETS',
    `expected at most ${mostBuckets} buckets, got about ${count} of one ${interval} each: ask for a shorter range or a coarser interval`,
  );
}
