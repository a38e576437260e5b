import { eventually } from '../e2e/tallygate.ts';
import { type Message, openSubscriptionRig, type Reading, read, type SubscriptionRig } from './subscriptions-rig.ts';
import { createReader, type TrendData, trend, trendChanges } from './subscriptions-trend.ts';

/** Whoever puts together what it is told of a trend has the answer of `trend` at each message's snapshot, to the digit. */

let rig: SubscriptionRig;
beforeAll(async () => {
  rig = await openSubscriptionRig({ TREND_CHANGES_MS: '250' });
}, 120_000);
afterEach(() => rig.leaveAll());
afterAll(() => rig?.close(), 60_000);

const day = 86_400_000;
let next = 0;
const order = (daysAgo: number, plan: string, userId: string, more: object = {}) => ({
  track: {
    event: 'Order',
    userId,
    messageId: `m${next++}`,
    timestamp: new Date(Date.now() - daysAgo * day),
    properties: { plan, revenue: next % 17 },
    ...more,
  },
});

/** Sent, and in every answer from now on. */
async function store(events: readonly object[]): Promise<void> {
  const after = await rig.track(events);
  await rig.ask('query ($f: FreshnessInput) { catalog(freshness: $f) { meta { asOf } } }', {
    f: { after, maxWaitMs: 30_000 },
  });
}

async function checkAll(reading: Reading<TrendData>, input: object): Promise<void> {
  const apply = createReader();
  for (const { data, errors } of reading.messages) {
    expect(errors).toBeUndefined();
    const change = data!.trendChanges;
    const { trend: asked } = await rig.ask<{ trend: object }>(trend, {
      input: { ...input, freshness: { at: change.meta.snapshot } },
    });
    expect(apply(change)).toEqual(asked);
  }
}

/** As soon as what it is told is what `trend` says now. */
const untilCurrent = (reading: Reading<TrendData>, input: object) =>
  eventually(async () => {
    const apply = createReader();
    let shown: object | null = null;
    for (const { data } of reading.messages) shown = apply(data!.trendChanges);
    expect(shown).toEqual((await rig.ask<{ trend: object }>(trend, { input })).trend);
  }, 60);

const range = { last: '30d' };
const inputs: Record<string, object> = {
  'a sum by day': { range, series: [{ event: 'Order', measure: 'SUM', property: 'revenue' }] },
  'lines that come and go': {
    range,
    series: [{ event: 'Order' }],
    breakdown: [{ property: 'plan', limit: 2 }],
  },
  'persons, formulas, a comparison': {
    range,
    interval: 'WEEK',
    series: [{ event: 'Order', measure: 'UNIQUE_USERS' }, { measure: 'COUNT' }],
    formulas: ['A / B', 'A / B'],
    breakdown: [{ property: 'plan' }],
    compareTo: { previousPeriod: true },
  },
  'what grows': { range, series: [{ event: 'Order', measure: 'UNIQUE_USERS' }], cumulative: true },
  'looking back': {
    range,
    series: [{ measure: 'WEEKLY_ACTIVE' }],
    filter: { property: 'person.plan', op: 'EQ', value: 'a' },
  },
};

test('every message makes the answer of its snapshot: new events, late ones, lines that come and go, merges', async () => {
  await store([
    order(1, 'a', 'u1'),
    order(2, 'b', 'u2'),
    order(3, 'c', 'u3'),
    order(3, 'c', 'u4'),
    order(40, 'a', 'u1'),
  ]);
  const readings = Object.entries(inputs).map(([name, input], i) => ({
    name,
    input,
    reading: read<TrendData>(i % 2 === 0 ? rig.socket() : rig.stream(), trendChanges, { input }),
  }));
  for (const { reading } of readings) {
    const [first] = (await reading.first(1)) as [Message<TrendData>];
    expect(first.data?.trendChanges).toMatchObject({ isWhole: true, gone: [], buckets: expect.anything() });
  }
  const steps: (readonly object[])[] = [
    [order(0, 'a', 'u1')],
    // Late: an old bucket, and one of the time to compare with.
    [order(20, 'b', 'u5'), order(50, 'b', 'u5')],
    // b and d overtake c.
    Array.from({ length: 8 }, (_, i) => order(i, i % 2 ? 'b' : 'd', `u${i}`)),
    [{ identify: { anonymousId: 'anon', userId: 'u1', messageId: `m${next++}`, traits: { plan: 'a' } } }],
    [order(4, 'c', '', { userId: undefined, anonymousId: 'anon' })],
    Array.from({ length: 12 }, (_, i) => order(i, 'c', `v${i}`)),
    // Of no matter to any of them but the count of all events.
    [{ page: { userId: 'u9', messageId: `m${next++}` } }],
  ];
  for (const step of steps) {
    await store(step);
    for (const { input, reading } of readings) await untilCurrent(reading, input);
  }
  for (const { input, reading } of readings) {
    expect(reading.messages.length).toBeGreaterThan(1);
    await checkAll(reading, input);
    for (const { data } of reading.messages.slice(1)) {
      expect(data?.trendChanges.isWhole).toBe(false);
      expect(data?.trendChanges.buckets).toBeNull();
    }
  }
  expect(readings.reduce((sum, { reading }) => sum + reading.messages.length, 0)).toBeGreaterThan(20);
  const { reading } = readings[1] as (typeof readings)[number];
  expect(reading.messages.some(({ data }) => data!.trendChanges.gone.length > 0)).toBe(true);
  for (const one of readings) one.reading.leave();
}, 180_000);

test('only buckets that changed are told: one late event, one bucket', async () => {
  const input = { range, series: [{ event: 'Late' }] };
  await store([order(1, 'a', 'u1', { event: 'Late' })]);
  const reading = read<TrendData>(rig.socket(), trendChanges, { input });
  await reading.first(1);
  const late = order(17, 'a', 'u1', { event: 'Late' });
  await store([late]);
  const [, change] = await reading.first(2);
  const bucket = `${new Date(Date.now() - 17 * day).toISOString().slice(0, 10)}T00:00:00.000Z`;
  expect(change?.data?.trendChanges).toMatchObject({
    isWhole: false,
    series: [{ letter: 'A', label: 'Late', breakdown: [], buckets: [bucket], values: [1], total: 2, previous: null }],
    gone: [],
  });
  reading.leave();
}, 120_000);

test('many who ask for the same trend are one: a statement for a change, and none for events that do not matter', async () => {
  const input = { range: { last: '7d' }, series: [{ event: 'Shared' }] };
  const trends = () => rig.metric('tallygate_statement_seconds_count', 'label="trend"');
  await store([order(1, 'a', 'u1', { event: 'Shared' })]);
  const clients = [rig.socket(), rig.socket(), rig.stream()];
  const before = await trends();
  const readings = Array.from({ length: 60 }, (_, i) =>
    read<TrendData>(clients[i % 3] as (typeof clients)[number], trendChanges, { input }),
  );
  for (const reading of readings) await reading.first(1);
  expect((await trends()) - before).toBe(1);
  for (let change = 1; change <= 4; change++) {
    await store([order(change, 'a', 'u1', { event: 'Shared' })]);
    for (const reading of readings) await reading.first(1 + change);
    // One that is computed together with another trend is no statement of its own.
    expect((await trends()) - before).toBeLessThanOrEqual(1 + change);
  }
  // Of another time: the buckets are as they were, and nobody is asked.
  await store([order(300, 'a', 'u1', { event: 'Shared' })]);
  const soFar = await trends();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(await trends()).toBe(soFar);
  for (const reading of readings) expect(reading.messages).toHaveLength(5);
  const totals = readings.map(({ messages }) => messages.map(({ data }) => data?.trendChanges.series[0]?.total));
  expect(new Set(totals.map((of) => JSON.stringify(of)))).toEqual(new Set([JSON.stringify([1, 2, 3, 4, 5])]));
  for (const reading of readings) reading.leave();
}, 120_000);

test('what cannot be told is refused with its reason', async () => {
  const client = rig.stream();
  const ask = async (input: object) => {
    const reading = read<TrendData>(client, trendChanges, { input });
    expect(await reading.ended).toBeNull();
    return reading.messages[0]?.errors?.[0];
  };
  const series = [{ event: 'Order' }];
  expect(await ask({ range, series, freshness: { maxAgeMs: 0 } })).toMatchObject({
    message: expect.stringContaining('expected no freshness in trendChanges'),
    extensions: { code: 'INVALID_INPUT' },
  });
  expect(await ask({ range: { last: 'a while' }, series })).toMatchObject({ extensions: { code: 'INVALID_RANGE' } });
  expect(await ask({ range, series: [] })).toMatchObject({ extensions: { code: 'INVALID_INPUT' } });
  const many = Array.from({ length: 26 }, () => ({ event: 'Order' }));
  expect(await ask({ range: { last: '9000m' }, interval: 'MINUTE', series: many })).toMatchObject({
    message: expect.stringContaining('expected at most 200000 numbers'),
    extensions: { code: 'TOO_MANY_BUCKETS' },
  });
}, 120_000);
