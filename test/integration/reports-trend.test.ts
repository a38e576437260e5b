import fc from 'fast-check';
import type { Interval } from '../oracle/buckets.ts';
import { everyHalfHour } from '../oracle/calendar.ts';
import { holdsForRandomStreams } from '../oracle/check.ts';
import { openService, type Service } from '../oracle/harness.ts';
import { type SentBatch, toFacts } from '../oracle/sent.ts';
import { number, scalar, scenes } from '../oracle/streams.ts';
import type { TrendQuestion } from '../oracle/trend.ts';
import { measures, trends } from '../oracle/trend-subject.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

test('trends of random streams are what plain counting gives', async () => {
  await holdsForRandomStreams(service, trends, { streams: 16, questions: [4, 8] });
}, 600_000);

const hour = 3_600_000;
const intervals: Interval[] = ['MINUTE', 'HOUR', 'DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR'];

test.each(scenes)('every interval where the calendar of $zone does something ($center)', async (scene) => {
  const batch = everyHalfHour(scene);
  const project = service.openProject();
  const { token } = await project.send(batch);
  const about = { project, facts: toFacts([batch]), freshness: { after: token, maxWaitMs: 30_000 } };
  const spans = [
    [-60, 60],
    [-24, 24],
    [-1, 0],
    [-13.5, 36.25],
    // Into the last hour of a day that has 25, or half an hour more than 24.
    [-20, 21.75],
    [-20, 22.25],
  ] as const;
  const questions = spans.flatMap(([from, to]) =>
    intervals.map((interval): TrendQuestion => {
      const range = {
        from: new Date(scene.center + from * hour),
        to: new Date(scene.center + to * hour),
        timezone: scene.zone,
      };
      const isFine = interval === 'DAY' || interval === 'HOUR';
      const breakdown = isFine ? [{ property: 'plan', limit: 2 }] : [];
      const sum = { event: 'Return', measure: 'SUM' as const, property: 'n' };
      const rolling = isFine || interval === 'MONTH' ? [{ measure: 'WEEKLY_ACTIVE' as const }] : [];
      const series = [{ measure: 'UNIQUE_USERS' as const }, sum, ...rolling];
      // Some days before, the clock shows another time of the day where it changes, and of an hour that comes twice nothing is left.
      const compared = isFine && to - from > 1 ? { compareTo: { shift: '3d' } } : {};
      return { range, interval, series, breakdown, ...compared };
    }),
  );
  for (const question of questions) {
    const { actual, expected } = await trends.compare(question, about);
    expect({ question, answer: actual }).toEqual({ question, answer: expected });
  }
});

test('every measure of numbers among other things, in all and broken down', async () => {
  const start = Date.UTC(2026, 0, 1);
  const shop: fc.Arbitrary<SentBatch> = fc
    .array(
      fc.record({
        user: fc.nat(4),
        at: fc.nat(71),
        n: fc.oneof(
          { weight: 5, arbitrary: number },
          { weight: 2, arbitrary: scalar },
          { weight: 1, arbitrary: fc.constant(null) },
        ),
        plan: fc.constantFrom('free', 'pro', 'team', 'biz'),
      }),
      { minLength: 20, maxLength: 120, size: 'max' },
    )
    .map((events) => ({
      receivedAt: start + 80 * hour,
      events: events.map(({ user, at, n, plan }, i) => ({
        kind: 'track',
        input: {
          event: 'Sold',
          userId: `u${user}`,
          messageId: `m${i}`,
          timestamp: new Date(start + at * hour),
          properties: { n, plan },
        },
      })),
    }));
  await fc.assert(
    fc.asyncProperty(shop, async (batch) => {
      const project = service.openProject();
      const { token } = await project.send(batch);
      const about = { project, facts: toFacts([batch]), freshness: { after: token, maxWaitMs: 30_000 } };
      const range = { from: new Date(start), to: new Date(start + 72 * hour) };
      const series = measures.map((measure) => ({ measure, property: 'n', label: measure }));
      for (const breakdown of [
        [],
        [{ property: 'plan', limit: 2 }],
        [{ property: 'n', limit: 3, includeOther: false }],
        [{ property: 'n', bins: { count: 3 } }],
      ]) {
        for (const cumulative of [false, true]) {
          const { actual, expected } = await trends.compare({ range, series, breakdown, cumulative }, about);
          expect({ breakdown, cumulative, actual }).toEqual({ breakdown, cumulative, actual: expected });
        }
      }
    }),
    { numRuns: Math.ceil(4 * Number(process.env.ORACLE_RUNS ?? 1)), endOnFailure: true },
  );
}, 600_000);

test('months to compare with, numbers on the edges of bins, and lines that formulas share', async () => {
  const sale = (event: string, date: string, n: number, plan: string) => ({ event, date, n, plan });
  const sales = [
    ...['01-30', '02-01', '02-10', '03-02', '03-31'].map((date) => sale('Sold', date, 10, 'free')),
    ...['02-28', '03-01'].map((date) => sale('Sold', date, 20, 'pro')),
    ...['03-04', '03-05', '03-06', '03-07', '03-08'].map((date, i) => sale('Returned', date, 5 * i, 'team')),
  ];
  const batch: SentBatch = {
    receivedAt: Date.UTC(2026, 3, 2),
    events: sales.map(({ event, date, n, plan }, i) => ({
      kind: 'track',
      input: {
        event,
        userId: `u${i % 3}`,
        messageId: `m${i}`,
        timestamp: new Date(`2026-${date}T12:00:00Z`),
        properties: { n, plan },
      },
    })),
  };
  const project = service.openProject();
  const { token } = await project.send(batch);
  const about = { project, facts: toFacts([batch]), freshness: { after: token, maxWaitMs: 30_000 } };
  const march = { from: new Date('2026-03-01T00:00:00Z'), to: new Date('2026-04-01T00:00:00Z') };
  const [sold, returned] = [{ event: 'Sold' }, { event: 'Returned' }];
  const questions: TrendQuestion[] = [
    { range: march, interval: 'MONTH', series: [sold], compareTo: { previousPeriod: true } },
    { range: march, series: [{}], breakdown: [{ property: 'n', bins: { edges: [10, 20] } }] },
    { range: march, series: [sold, returned], formulas: ['A - B - 1'], breakdown: [{ property: 'plan', limit: 1 }] },
  ];
  for (const question of questions) {
    const { actual, expected } = await trends.compare(question, about);
    expect({ question, answer: actual }).toEqual({ question, answer: expected });
  }
});

test('"last" is resolved with the now of the snapshot, however old it is', async () => {
  const project = service.openProject();
  const { token } = await project.send({
    receivedAt: Date.now(),
    events: [{ kind: 'track', input: { event: 'e', userId: 'u', messageId: 'm' } }],
  });
  const ask = (freshness: object) =>
    project.ask().trend({ range: { last: '3h' }, interval: 'HOUR', series: [{}], freshness });
  const present = await ask({ after: token, maxWaitMs: 30_000 });
  expect(present.series[0]).toMatchObject({ values: [0, 0, 1], total: 1 });

  const [asOf, now, vector] = JSON.parse(Buffer.from(present.meta.snapshot, 'base64url').toString());
  const earlier = now - 30 * hour;
  const at = Buffer.from(JSON.stringify([asOf, earlier, vector])).toString('base64url');
  const past = await ask({ at });
  const thisHour = earlier - (earlier % hour);
  expect(past.buckets.map((start) => start.getTime())).toEqual([thisHour - 2 * hour, thisHour - hour, thisHour]);
  expect(past.series[0]).toMatchObject({ values: [0, 0, 0], total: 0 });
});
