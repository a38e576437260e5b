import type { EventsInput } from '../../src/reports/events/events.ts';
import type { FunnelInput } from '../../src/reports/funnel/funnel.ts';
import type { RetentionInput } from '../../src/reports/retention/retention.ts';
import type { TrendInput } from '../../src/reports/trend/trend.ts';
import { openService, type Project, type Service } from '../oracle/harness.ts';
import type { SentBatch } from '../oracle/sent.ts';

/** What reports answer to bad input, and to input that would like to be SQL. */

const receivedAt = Date.UTC(2026, 0, 1, 12);
const range = { from: new Date(receivedAt - 1000), to: new Date(receivedAt + 1000) };

const evil = [
  "'; DROP TABLE events; --",
  "' OR 1=1 --",
  '" OR ""="',
  '`; SELECT 1; `',
  '\\',
  "\\'; --",
  "'||(SELECT 1)||'",
  '{p0:String}',
  "{p0:String}'",
  'a\nb',
  'a\r\n-- b',
  'a\tb',
  'a\0b',
  '/* a */',
  '*/',
  ') FORMAT JSON; SELECT (1',
  'SETTINGS max_execution_time = 0',
  '$$a$$',
  '%s%n',
  '😀\u2028\u2029',
  'null',
  'NaN',
];

let service: Service;
let project: Project;
let token: string;
beforeAll(async () => {
  service = await openService();
  project = service.openProject();
  const batch: SentBatch = {
    receivedAt,
    events: evil.map((text, i) => ({
      kind: 'track',
      input: {
        event: text,
        userId: text,
        anonymousId: `a${i}`,
        messageId: text,
        properties: { t: text, [`p ${text}`]: i },
        context: { groupId: text },
      },
    })),
  };
  ({ token } = await project.send(batch));
  // Somebody else's events: nothing that is asked here may ever count them.
  await service
    .openProject()
    .send({ receivedAt, events: [{ kind: 'track', input: { event: 'Other', userId: 'x', messageId: 'x' } }] });
  await project.ask().catalog({ after: token, maxWaitMs: 30_000 });
});
afterAll(() => service.close());

describe('a text that looks like SQL is a text', () => {
  test.each(evil.map((text, i) => [JSON.stringify(text), text, i] as const))('%s', async (_, text, i) => {
    const ask = project.ask();
    const filters = [
      { property: 't', value: text },
      { property: 't', op: 'IN' as const, value: [text] },
      { property: '$userId', value: text },
      { property: '$messageId', value: text },
      { property: '$groupId', value: text },
      { property: '$event', value: text },
      {
        and: [
          { property: 't', op: 'STARTS_WITH' as const, value: text },
          { property: 't', op: 'ENDS_WITH' as const, value: text },
        ],
      },
      // The name of the property: its parts are separated by dots, and none of these has one.
      { property: `p ${text}`, value: i },
    ];
    const [byName, ...byFilter] = await Promise.all([
      ask.trend({ range, series: [{ event: text, label: text }] }),
      ...filters.map((filter) => ask.events({ range, filter })),
    ]);
    expect(byName.series).toEqual([
      { letter: 'A', label: text, breakdown: [], isOther: false, values: [1], total: 1, previous: null },
    ]);
    expect(byName.meta.warnings).toEqual([]);
    expect(byFilter.map(({ nodes }) => nodes.map(({ messageId }) => messageId))).toEqual(filters.map(() => [text]));

    const again = project.ask();
    const selector = { event: text, label: text };
    const [broken, funnel, retention, statuses] = await Promise.all([
      again.trend({
        range,
        series: [{ measure: 'SUM', property: `p ${text}` }],
        breakdown: [{ property: 't', limit: 1000 }],
      }),
      again.funnel({ range, steps: [selector, selector] }),
      again.retention({ range, cohortEvent: selector, returnEvent: selector, periods: 1 }),
      again.eventStatus([text]),
    ]);
    expect(broken.series).toHaveLength(evil.length);
    expect(broken.series.find(({ breakdown }) => breakdown[0] === text)?.total).toBe(i);
    expect(funnel.steps.map(({ event, count }) => [event, count])).toEqual([
      [text, 1],
      [text, 0],
    ]);
    expect(retention.cohorts.map(({ size, counts }) => [size, counts])).toEqual([[1, [1]]]);
    expect(statuses.map(({ messageId, state }) => [messageId, state])).toEqual([[text, 'STORED']]);
  });

  test.each(evil.map((text) => [JSON.stringify(text), text] as const))(
    'as a cursor or a token it is refused: %s',
    async (_, text) => {
      const refusal = (code: string) => expect.objectContaining({ code });
      await expect(project.ask().events({ range, after: text })).rejects.toEqual(refusal('INVALID_CURSOR'));
      await expect(project.ask().deadLetters({ after: text })).rejects.toEqual(refusal('INVALID_CURSOR'));
      await expect(project.ask().trend({ range, series: [{}], freshness: { at: text } })).rejects.toEqual(
        refusal('INVALID_TOKEN'),
      );
      await expect(project.ask().trend({ range, series: [{}], freshness: { after: text } })).rejects.toEqual(
        refusal('INVALID_TOKEN'),
      );
    },
  );
});

describe('a made-up cursor', () => {
  const encode = (parts: unknown) => Buffer.from(JSON.stringify(parts)).toString('base64url');
  const forged = async () => {
    const page = await project.ask().events({ range, first: 1 });
    return page.meta.snapshot;
  };

  test.each<[string, (snapshot: string) => unknown]>([
    ['nothing', () => null],
    ['too short', (snapshot) => [receivedAt, 0, snapshot]],
    ['texts for numbers', (snapshot) => [String(receivedAt), '0', '1', snapshot]],
    ['a fraction', (snapshot) => [receivedAt, 0.5, 1, snapshot]],
    ['below zero', (snapshot) => [receivedAt, -1, 1, snapshot]],
    ['too large', (snapshot) => [2 ** 53, 0, 1, snapshot]],
    ['no snapshot, as cursors of dead letters have none', () => [receivedAt, 0, 1, '']],
  ])('with %s is refused', async (_, toParts) => {
    await expect(project.ask().events({ range, after: encode(toParts(await forged())) })).rejects.toEqual(
      expect.objectContaining({
        code: 'INVALID_CURSOR',
        message: 'after: expected a cursor that this connection handed out, got something else',
      }),
    );
  });

  test.each<[string, (snapshot: string) => unknown]>([
    ['far away', (snapshot) => [9e15, 2 ** 40, 2 ** 52, snapshot]],
    ['long ago', (snapshot) => [-9e15, 0, 0, snapshot]],
  ])('of a place %s shows events of the project, or none', async (_, toParts) => {
    const page = await project.ask().events({ range, first: 1000, after: encode(toParts(await forged())) });
    for (const { messageId } of page.nodes) expect(evil).toContain(messageId);
  });
});

describe('bad input', () => {
  const ok = { range, series: [{}] };
  const trend = (input: Partial<TrendInput>) => project.ask().trend({ ...ok, ...input });
  const funnel = (input: Partial<FunnelInput>) => project.ask().funnel({ range, steps: [{}, {}], ...input });
  const retention = (input: Partial<RetentionInput>) =>
    project.ask().retention({ range, cohortEvent: {}, returnEvent: {}, ...input });
  const events = (input: Partial<EventsInput>) => project.ask().events({ range, ...input });
  const many = <T>(count: number, of: T): T[] => Array.from({ length: count }, () => of);
  const years = { from: new Date('2000-01-01T00:00:00Z'), to: new Date('2004-01-01T00:00:00Z') };

  test.each<[() => Promise<unknown>, string, string]>([
    [() => trend({ series: [] }), 'INVALID_INPUT', 'series: expected 1 to 26 of them, got 0'],
    [() => trend({ series: many(27, {}) }), 'INVALID_INPUT', 'series: expected 1 to 26 of them, got 27'],
    [
      () => trend({ series: [{}, { measure: 'SUM' }] }),
      'INVALID_INPUT',
      'series[1].property: expected a property for SUM, got none',
    ],
    [
      () => trend({ breakdown: many(4, { property: 'a' }) }),
      'INVALID_INPUT',
      'breakdown: expected at most 3 of them, got 4',
    ],
    [
      () => trend({ breakdown: [{ property: 'a', bins: { edges: [1, 1] } }] }),
      'INVALID_INPUT',
      'breakdown[0].bins.edges[1]: expected a number above 1, the one before it, got 1',
    ],
    [
      () => trend({ breakdown: [{ property: 'a', bins: { count: 101 } }] }),
      'INVALID_INPUT',
      'breakdown[0].bins.count: expected 1 to 100, got 101',
    ],
    [
      () => trend({ breakdown: [{ property: '$event', bins: { count: 2 } }] }),
      'INVALID_INPUT',
      'breakdown[0].bins: expected a property that can be a number, got a field of the event',
    ],
    [
      () => retention({ breakdown: { property: 'a', bins: { count: 2 } } }),
      'INVALID_INPUT',
      'breakdown.bins: expected none, since only a trend has them, got bins',
    ],
    [() => trend({ formulas: many(27, 'A') }), 'INVALID_INPUT', 'formulas: expected 0 to 26 of them, got 27'],
    [
      () => trend({ formulas: ['A', 'A + B'] }),
      'INVALID_INPUT',
      'formulas[1]: expected the letter A of the only series at position 5, got "B"',
    ],
    [
      () => trend({ compareTo: { previousPeriod: true, shift: '1d' } }),
      'INVALID_INPUT',
      'compareTo: expected exactly one of previousPeriod and shift, got both',
    ],
    [
      () => trend({ compareTo: { shift: 'a week' } }),
      'INVALID_RANGE',
      'expected compareTo.shift to be a number and a unit of m, h, d, w, M, q, y, as in "7d", got "a week"',
    ],
    [
      () => trend({ cumulative: true, series: [{ measure: 'WEEKLY_ACTIVE' }] }),
      'INVALID_INPUT',
      'series[0].measure: expected one that can grow over the range with cumulative, got WEEKLY_ACTIVE: ask for UNIQUE_USERS',
    ],
    [
      () =>
        trend({
          range: { from: range.from, to: new Date(range.from.getTime() + 9000 * 60_000) },
          interval: 'MINUTE',
          series: many(26, {}),
          breakdown: [{ property: 't', limit: 1000 }],
        }),
      'TOO_MANY_BUCKETS',
      `expected at most 5000000 numbers (lines times buckets), got ${26 * evil.length * 9001}: ask for a shorter range, a coarser interval or a smaller breakdown.limit`,
    ],
    [
      () => trend({ breakdown: [{ property: 'a', limit: 0 }] }),
      'INVALID_INPUT',
      'breakdown[0].limit: expected 1 to 1000, got 0',
    ],
    [
      () => trend({ breakdown: [{ property: 'a', limit: 1001 }] }),
      'INVALID_INPUT',
      'breakdown[0].limit: expected 1 to 1000, got 1001',
    ],
    [
      () => trend({ breakdown: [{ property: '' }] }),
      'INVALID_INPUT',
      "expected a property's name of 1 to 2000 characters, got 0",
    ],
    [() => trend({ range: {} }), 'INVALID_RANGE', 'expected from (and to) or last, got neither'],
    [
      () => trend({ range: years, interval: 'HOUR' }),
      'TOO_MANY_BUCKETS',
      'expected at most 10000 buckets, got about 35064 of one HOUR each: ask for a shorter range or a coarser interval',
    ],
    [
      () => trend({ filter: {} }),
      'INVALID_FILTER',
      'filter: expected exactly one of and, or, not, cohort, property; got none',
    ],
    [
      () => trend({ filter: { property: '$userId', op: 'MATCHES', value: '(' } }),
      'INVALID_FILTER',
      'expected an RE2 regular expression for MATCHES: ',
    ],
    [
      () => trend({ filter: { or: many(200, { property: 'x'.repeat(2000), value: 1 }) } }),
      'QUERY_TOO_EXPENSIVE',
      'expected filters that make a statement of at most 250000 bytes, got ',
    ],
    [() => funnel({ steps: [{}] }), 'INVALID_INPUT', 'steps: expected 2 to 12 of them, got 1'],
    [() => funnel({ steps: many(13, {}) }), 'INVALID_INPUT', 'steps: expected 2 to 12 of them, got 13'],
    [() => funnel({ windowSeconds: 0 }), 'INVALID_INPUT', 'windowSeconds: expected 1 to 31622400, got 0'],
    [
      () => funnel({ windowSeconds: 31_622_401 }),
      'INVALID_INPUT',
      'windowSeconds: expected 1 to 31622400, got 31622401',
    ],
    [() => funnel({ exclusions: many(8, {}) }), 'INVALID_INPUT', 'exclusions: expected at most 7, got 8'],
    [
      () => funnel({ exclusions: [{}, { fromStep: 2 }] }),
      'INVALID_INPUT',
      'exclusions[1].fromStep: expected 1 to 1, got 2',
    ],
    [() => funnel({ exclusions: [{ toStep: 1 }] }), 'INVALID_INPUT', 'exclusions[0].toStep: expected 2 to 2, got 1'],
    [
      () => funnel({ steps: many(3, {}), order: 'UNORDERED', exclusions: [{ fromStep: 2 }] }),
      'INVALID_INPUT',
      'exclusions[0]: expected one from the first step to the last for UNORDERED, got one from 2 to 3',
    ],
    [
      () => funnel({ breakdown: { property: 't', limit: 0 } }),
      'INVALID_INPUT',
      'breakdown.limit: expected 1 to 1000, got 0',
    ],
    [
      () => retention({ interval: 'MINUTE' }),
      'INVALID_INPUT',
      'interval: expected HOUR, DAY, WEEK, MONTH, QUARTER or YEAR, got MINUTE',
    ],
    [() => retention({ periods: 0 }), 'INVALID_INPUT', 'periods: expected 1 to 100, got 0'],
    [() => retention({ periods: 101 }), 'INVALID_INPUT', 'periods: expected 1 to 100, got 101'],
    [
      () => retention({ range: years }),
      'TOO_MANY_BUCKETS',
      'expected at most 1000 cohorts, got 1461: ask for a shorter range or a coarser interval',
    ],
    [() => events({ first: 0 }), 'INVALID_INPUT', 'first: expected 1 to 1000, got 0'],
    [() => events({ first: 1001 }), 'INVALID_INPUT', 'first: expected 1 to 1000, got 1001'],
    [() => project.ask().deadLetters({ first: -1 }), 'INVALID_INPUT', 'first: expected 1 to 1000, got -1'],
    [() => project.ask().eventStatus(many(1001, 'm')), 'INVALID_INPUT', 'messageIds: expected at most 1000, got 1001'],
  ])('%#: a stable code, what was expected and what came', async (ask, code, message) => {
    await expect(ask()).rejects.toEqual(expect.objectContaining({ code, message: expect.stringContaining(message) }));
  });

  test('one bad report of an operation leaves its neighbours alone', async () => {
    const ask = project.ask();
    const answers = await Promise.allSettled([
      ask.trend({ range, series: [] }),
      ask.trend({ range, series: [{ event: evil[0] }] }),
      ask.trend({ range, series: [{ filter: { property: '$userId', op: 'MATCHES', value: '(' } }] }),
      ask.funnel({ range, steps: [{ event: evil[0] }, { event: evil[1] }] }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled']);
    expect(await project.ask().trend({ range, series: [{ event: evil[0] }] })).toMatchObject({
      series: [{ total: 1 }],
    });
  });

  test('the largest that is allowed is answered', async () => {
    const ask = project.ask();
    const wide = {
      from: new Date('1900-01-01T00:00:00Z'),
      to: new Date('2300-01-01T00:00:00Z'),
      timezone: 'Pacific/Apia',
    };
    const [trends, funnels, cohorts] = await Promise.all([
      ask.trend({ range: wide, interval: 'MONTH', series: many(26, {}), breakdown: [{ property: 't', limit: 1000 }] }),
      ask.funnel({ range: wide, windowSeconds: 31_622_400, steps: many(12, {}) }),
      ask.retention({
        range: wide,
        interval: 'YEAR',
        periods: 100,
        cohortEvent: {},
        returnEvent: {},
        mode: 'ON_OR_AFTER',
      }),
    ]);
    expect(trends.series).toHaveLength(26 * evil.length);
    expect(funnels.steps.map(({ count }) => count)).toEqual([evil.length, ...many(11, 0)]);
    expect(cohorts.cohorts.reduce((sum, { size }) => sum + size, 0)).toBe(evil.length);
  });
});

test('a name that nobody sent is warned about, with what it may have been meant to be', async () => {
  const other = service.openProject();
  const { token: theirs } = await other.send({
    receivedAt,
    events: [{ kind: 'track', input: { event: 'Order Completed', userId: 'u', messageId: 'm' } }],
  });
  const ask = other.ask();
  const freshness = { after: theirs, maxWaitMs: 30_000 };
  const [trend, funnel, retention] = await Promise.all([
    ask.trend({
      range,
      series: [{ event: 'Order Complete' }, { event: 'Order Completed' }, { event: 'Zzz' }],
      freshness,
    }),
    ask.funnel({ range, steps: [{ event: 'order completed' }, {}] }),
    ask.retention({ range, cohortEvent: { event: 'Order Completed' }, returnEvent: { event: 'Oder Completed' } }),
  ]);
  expect(trend.meta.warnings).toEqual([
    'series[0].event: no event is named "Order Complete": did you mean "Order Completed"?',
    'series[2].event: no event is named "Zzz"',
  ]);
  expect(funnel.meta.warnings).toEqual([
    'steps[0].event: no event is named "order completed": did you mean "Order Completed"?',
  ]);
  expect(retention.meta.warnings).toEqual([
    'returnEvent.event: no event is named "Oder Completed": did you mean "Order Completed"?',
  ]);
});
