import fc from 'fast-check';
import { DateTime } from 'luxon';
import {
  type Interval,
  mostBuckets,
  nextBucket,
  parseRange,
  parseTimezone,
  toBuckets,
} from '../../src/reports/range.ts';
import * as oracle from '../oracle/buckets.ts';

const day = 24 * 3_600_000;
const zones = Intl.supportedValuesOf('timeZone');
const intervals: Interval[] = ['MINUTE', 'HOUR', 'DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR'];
/** How long a range of many buckets is, in milliseconds. */
const long: Record<Interval, number> = {
  MINUTE: day / 4,
  HOUR: 10 * day,
  DAY: 60 * day,
  WEEK: 200 * day,
  MONTH: 900 * day,
  QUARTER: 1500 * day,
  YEAR: 5000 * day,
};
const anywhere = fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(2100, 0, 1) });
const zone = fc.oneof(
  fc.constantFrom(...zones),
  fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Apia'),
);
const effort = Number(process.env.ORACLE_RUNS ?? 1);
const runs = 200 * effort;
const limit = 30_000 * Math.max(1, effort);

/** The next moment after `time` at which clocks of the zone change, or `time` where they do not for a year. */
function nextChange(time: number, name: string): number {
  const offset = (t: number) => DateTime.fromMillis(t, { zone: name }).offset;
  for (let t = time; t < time + 400 * day; t += day) {
    if (offset(t) === offset(t + day)) continue;
    let [before, after] = [t, t + day];
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (offset(middle) === offset(t)) before = middle;
      else after = middle;
    }
    return after;
  }
  return time;
}

/** A zone and a moment in it, more often than not near one at which its clocks change. */
const place = fc
  .tuple(zone, anywhere, fc.constantFrom(null, 0, -1, 1, -1_800_000, 1_800_000, 5_400_000, -day, day))
  .map(([name, time, beside]) => ({ zone: name, time: beside === null ? time : nextChange(time, name) + beside }));

describe('toBuckets', () => {
  test(
    'gives the beginnings that another library gives, in any zone, at any time',
    () => {
      fc.assert(
        fc.property(
          place,
          fc.constantFrom(...intervals),
          fc.nat(1000),
          ({ zone: timezone, time: from }, interval, share) => {
            const range = { from, to: from + 1 + Math.floor((long[interval] * share) / 1000), timezone };
            expect(toBuckets(range, interval)).toEqual(oracle.toBuckets(range, interval, timezone));
          },
        ),
        { numRuns: runs },
      );
    },
    limit,
  );

  test('gives buckets of 23 and 25 hours, and one for each of the two hours from two to three', () => {
    const berlin = (from: string, to: string) => ({
      from: Date.parse(from),
      to: Date.parse(to),
      timezone: 'Europe/Berlin',
    });
    const hours = (starts: readonly number[]) =>
      starts.map((start, i) => (start - (starts[i - 1] ?? start)) / 3_600_000);
    expect(hours(toBuckets(berlin('2026-03-27T23:00Z', '2026-03-30T22:00Z'), 'DAY'))).toEqual([0, 24, 23]);
    expect(hours(toBuckets(berlin('2026-10-23T22:00Z', '2026-10-26T23:00Z'), 'DAY'))).toEqual([0, 24, 25]);
    expect(toBuckets(berlin('2026-10-25T00:00Z', '2026-10-25T02:00Z'), 'HOUR')).toHaveLength(2);
  });

  test('leaves out the day that Samoa left out', () => {
    const range = {
      from: Date.parse('2011-12-29T10:00Z'),
      to: Date.parse('2012-01-01T10:00Z'),
      timezone: 'Pacific/Apia',
    };
    expect(toBuckets(range, 'DAY').map((start) => new Date(start).toISOString())).toEqual([
      '2011-12-29T10:00:00.000Z',
      '2011-12-30T10:00:00.000Z',
      '2011-12-31T10:00:00.000Z',
    ]);
  });

  test.each([
    ['MINUTE', 'about 10001 of one MINUTE each'],
    ['HOUR', 'about 10001 of one HOUR each'],
    ['DAY', 'about 10001 of one DAY each'],
  ] as const)('refuses more than 10,000 buckets of a %s', (interval, shown) => {
    const length = { MINUTE: 60_000, HOUR: 3_600_000, DAY: day }[interval];
    const from = Date.UTC(1990, 0, 1);
    const range = (count: number) => ({ from, to: from + count * length, timezone: 'UTC' });
    expect(toBuckets(range(mostBuckets), interval)).toHaveLength(mostBuckets);
    expect(() => toBuckets(range(mostBuckets + 1), interval)).toThrow(
      expect.objectContaining({
        code: 'TOO_MANY_BUCKETS',
        message: `expected at most 10000 buckets, got ${shown}: ask for a shorter range or a coarser interval`,
      }),
    );
  });
});

describe('nextBucket', () => {
  test(
    'is the beginning that follows in the buckets',
    () => {
      const longer = intervals.filter((interval) => interval !== 'MINUTE' && interval !== 'HOUR');
      fc.assert(
        fc.property(place, fc.constantFrom(...longer), ({ zone: timezone, time }, interval) => {
          const start = oracle.startOf(time, interval, timezone);
          expect(nextBucket(start, timezone, interval)).toBe(oracle.nextStart(start, interval, timezone));
        }),
        { numRuns: runs },
      );
    },
    limit,
  );
});

describe('parseRange', () => {
  test(
    'resolves "last" to whole units up to now, as another library does',
    () => {
      fc.assert(
        fc.property(
          place,
          fc.integer({ min: 1, max: 60 }),
          fc.constantFrom(...'mhdwMqy'),
          ({ zone: timezone, time }, count, unit) => {
            const last = `${count}${unit}`;
            expect(parseRange({ last, timezone }, time)).toEqual({
              ...oracle.toSpan({ last, timezone }, time),
              timezone: parseTimezone(timezone),
            });
          },
        ),
        { numRuns: runs },
      );
    },
    limit,
  );

  const now = Date.parse('2026-03-01T12:34:56.789Z');

  test('takes now for a missing end and UTC for a missing zone', () => {
    const from = new Date('2026-02-01T00:00:00Z');
    expect(parseRange({ from }, now)).toEqual({ from: from.getTime(), to: now, timezone: 'UTC' });
    expect(parseRange({ from, to: null, last: null, timezone: null }, now)).toEqual({
      from: from.getTime(),
      to: now,
      timezone: 'UTC',
    });
  });

  const at = (iso: string) => new Date(iso);
  test.each([
    [{}, 'expected from (and to) or last, got neither'],
    [{ to: at('2026-01-01T00:00:00Z') }, 'expected from (and to) or last, got neither'],
    [
      { from: at('2026-01-02T00:00:00Z'), to: at('2026-01-01T00:00:00Z') },
      'expected from before to, got from 2026-01-02T00:00:00.000Z and to 2026-01-01T00:00:00.000Z',
    ],
    [
      { from: at('2026-01-01T00:00:00Z'), to: at('2026-01-01T00:00:00Z') },
      'expected from before to, got from 2026-01-01T00:00:00.000Z and to 2026-01-01T00:00:00.000Z',
    ],
    [
      { from: at('2027-01-01T00:00:00Z') },
      'expected from before to, got from 2027-01-01T00:00:00.000Z and to 2026-03-01T12:34:56.789Z',
    ],
    [
      { from: at('1899-12-31T23:59:59Z') },
      'expected a range within 1900 to 2299, got 1899-12-31T23:59:59.000Z to 2026-03-01T12:34:56.789Z',
    ],
    [
      { from: at('2026-01-01T00:00:00Z'), to: at('2300-01-01T00:00:00.001Z') },
      'expected a range within 1900 to 2299, got 2026-01-01T00:00:00.000Z to 2300-01-01T00:00:00.001Z',
    ],
    [{ last: '30d', from: at('2026-01-01T00:00:00Z') }, 'expected either last or from and to, got both'],
    [{ last: '30d', to: at('2026-01-01T00:00:00Z') }, 'expected either last or from and to, got both'],
    [
      { last: '200y' },
      'expected a range within 1900 to 2299, got 1827-01-01T00:00:00.000Z to 2027-01-01T00:00:00.000Z',
    ],
    ...['', '30', 'd', '0d', '-1d', '1.5d', '30 d', '30D', '30s', '030d', '1e3d', '999999d', '30d ', '30d\n'].map(
      (last) =>
        [
          { last },
          `expected last to be a number and a unit of m, h, d, w, M, q, y, as in "30d", got ${JSON.stringify(last)}`,
        ] as [object, string],
    ),
  ] as [object, string][])('refuses %j', (input, message) => {
    expect(() => parseRange(input, now)).toThrow(expect.objectContaining({ code: 'INVALID_RANGE', message }));
  });

  test.each([
    'Mars/Olympus',
    'europe berlin',
    '',
    ' UTC',
    "UTC'; DROP TABLE events",
    'Europe/Berlin\0',
    'x'.repeat(1000),
  ])('refuses the zone %j', (timezone) => {
    expect(() => parseRange({ last: '1d', timezone }, now)).toThrow(
      expect.objectContaining({
        code: 'UNKNOWN_TIMEZONE',
        message: `expected a name of the IANA time zone database, as Europe/Berlin, got ${JSON.stringify(timezone.slice(0, 60))}`,
      }),
    );
  });
});
