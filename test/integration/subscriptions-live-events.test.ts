import { eventually } from '../e2e/tallygate.ts';
import {
  idsOf,
  keys,
  type LiveData,
  liveEvents,
  openSubscriptionRig,
  type Reading,
  read,
  type SubscriptionRig,
  track,
} from './subscriptions-rig.ts';

/** Events come once each, in order, to those who asked for them, over both transports. */

let rig: SubscriptionRig;
beforeAll(async () => {
  rig = await openSubscriptionRig();
}, 120_000);
afterEach(() => rig.leaveAll());
afterAll(() => rig?.close(), 60_000);

const subscribe = {
  websocket: (as: string = keys.read) => rig.socket({ as }),
  sse: (as: string = keys.read) => rig.stream(as),
} as const;
let next = 0;
const newIds = (count: number) => Array.from({ length: count }, () => `m${next++}`);

const untilAll = (reading: Reading<LiveData>, count: number) =>
  eventually(async () => {
    if (idsOf(reading).length < count) throw new Error(`got ${idsOf(reading).length} of ${count} events`);
  }, 60);

test.each(['websocket', 'sse'] as const)(
  'over %s they come once each and in order, and never those of others',
  async (way) => {
    const ours = read<LiveData>(subscribe[way](), liveEvents);
    const theirs = read<LiveData>(subscribe[way](keys.otherRead), liveEvents);
    const [first] = await ours.first(1);
    await theirs.first(1);
    expect(first).toEqual({
      data: { liveEvents: { events: [], lost: 0, asOf: expect.any(String), snapshot: expect.any(String) } },
    });
    const sent: string[] = [];
    const strange = newIds(3);
    for (let i = 0; i < 20; i++) {
      const batch = newIds(1 + (i % 7));
      sent.push(...batch);
      // One person: one partition, in which they keep their order. Late ones, too.
      await rig.track(batch.map((id, j) => track(id, { timestamp: new Date(Date.now() - j * 86_400_000 * 40) })));
      if (i === 10)
        await rig.track(
          strange.map((id) => track(id)),
          keys.otherWrite,
        );
    }
    // A second try of one of them is none of them.
    await rig.track([track(sent[0] as string)]);
    const [last] = newIds(1) as [string];
    await rig.track([track(last)]);
    await untilAll(ours, sent.length + 1);
    await untilAll(theirs, strange.length);
    expect(idsOf(ours)).toEqual([...sent, last]);
    expect(idsOf(theirs)).toEqual(strange);
    expect(ours.messages.every(({ data }) => data?.liveEvents.lost === 0)).toBe(true);
    ours.leave();
    theirs.leave();
    await eventually(async () => expect(await rig.metric('tallygate_subscriptions_active')).toBe(0));
  },
  120_000,
);

test('many persons: each one has its own in order, and all of them are there', async () => {
  const reading = read<LiveData>(subscribe.websocket(), liveEvents);
  await reading.first(1);
  const sent = newIds(300).map((id, i) => ({ id, user: `p${i % 17}` }));
  for (let i = 0; i < sent.length; i += 50)
    await rig.track(sent.slice(i, i + 50).map(({ id, user }) => track(id, { userId: user })));
  await untilAll(reading, sent.length);
  const events = reading.messages.flatMap(({ data }) => data?.liveEvents.events ?? []);
  expect(events).toHaveLength(sent.length);
  for (let p = 0; p < 17; p++) {
    const user = `p${p}`;
    expect(events.filter(({ userId }) => userId === user).map(({ messageId }) => messageId)).toEqual(
      sent.filter((one) => one.user === user).map(({ id }) => id),
    );
  }
  reading.leave();
}, 120_000);

test('a filter has the whole language, and equal filters share one statement', async () => {
  const filter = {
    and: [
      { property: '$event', op: 'IN', value: ['Paid', 'Refunded'] },
      {
        or: [
          { property: 'amount', op: 'GT', value: 10 },
          { property: 'person.plan', op: 'EQ', value: 'pro' },
        ],
      },
    ],
  };
  const identified = { identify: { userId: 'pro', messageId: newIds(1)[0], traits: { plan: 'pro' } } };
  const token = await rig.track([identified]);
  await rig.ask(
    'query ($after: ConsistencyToken) { catalog(freshness: { after: $after, maxWaitMs: 30000 }) { meta { asOf } } }',
    {
      after: token,
    },
  );
  const same = Array.from({ length: 5 }, () => read<LiveData>(subscribe.websocket(), liveEvents, { filter }));
  const other = read<LiveData>(subscribe.sse(), liveEvents, {
    filter: { property: '$event', op: 'EQ', value: 'Refunded' },
  });
  for (const reading of [...same, other]) await reading.first(1);
  const ids = newIds(5) as [string, string, string, string, string];
  const before = await rig.metric('tallygate_statement_seconds_count', 'label="liveEvents"');
  await rig.track([
    track(ids[0], { event: 'Paid', properties: { amount: 5 } }),
    track(ids[1], { event: 'Paid', properties: { amount: 50 } }),
    track(ids[2], { event: 'Seen', properties: { amount: 50 } }),
    track(ids[3], { event: 'Refunded', userId: 'pro' }),
    track(ids[4], { event: 'Refunded', properties: { amount: 11 } }),
  ]);
  for (const reading of same) await untilAll(reading, 3);
  await untilAll(other, 2);
  for (const reading of same) expect(idsOf(reading).sort()).toEqual([ids[1], ids[3], ids[4]].sort());
  expect(idsOf(other).sort()).toEqual([ids[3], ids[4]].sort());
  // Two persons, so at most two partitions that are stored one after the other: a look for each of the two filters, not for six readers.
  expect((await rig.metric('tallygate_statement_seconds_count', 'label="liveEvents"')) - before).toBeLessThanOrEqual(5);
  for (const reading of [...same, other]) reading.leave();
}, 120_000);

test('a message says where it stands: the events up to the first snapshot and all that is told make the whole', async () => {
  const count = async (at: string) =>
    (
      await rig.ask<{ trend: { series: { total: number }[] } }>(
        'query ($at: SnapshotToken) { trend(input: { range: { last: "2y" }, interval: YEAR, series: [{}], freshness: { at: $at } }) { series { total } } }',
        { at },
      )
    ).trend.series[0]?.total;
  const reading = read<LiveData>(subscribe.websocket(), liveEvents);
  const [first] = await reading.first(1);
  const start = (await count(first?.data?.liveEvents.snapshot as string)) as number;
  await rig.track(newIds(40).map((id, i) => track(id, { userId: `q${i}` })));
  await untilAll(reading, 40);
  let told = 0;
  for (const { data } of reading.messages) {
    told += data?.liveEvents.events.length ?? 0;
    expect(await count(data?.liveEvents.snapshot as string)).toBe(start + told);
  }
  reading.leave();
}, 120_000);

test('who did it is told as of the message, to those who ask', async () => {
  const reading = read<{ liveEvents: { events: { messageId: string; person: string; properties: object }[] } }>(
    subscribe.websocket(),
    'subscription { liveEvents { ...E } } fragment E on LiveEvents { events { messageId person properties } }',
  );
  await reading.first(1);
  const ids = newIds(3) as [string, string, string];
  await rig.track([{ track: { event: 'Seen', anonymousId: 'anon', messageId: ids[0], properties: { a: [1, 'é'] } } }]);
  await rig.track([{ identify: { anonymousId: 'anon', userId: 'known', messageId: ids[1] } }]);
  await rig.track([track(ids[2], { userId: 'known' })]);
  const events = await eventually(async () => {
    const found = reading.messages.flatMap(({ data }) => data?.liveEvents.events ?? []);
    if (found.length < 3) throw new Error(`got ${found.length}`);
    return new Map(found.map((one) => [one.messageId, one]));
  }, 60);
  expect(events.get(ids[0])?.properties).toEqual({ a: [1, 'é'] });
  expect(events.get(ids[1])?.person).toBe(events.get(ids[2])?.person);
  expect(events.get(ids[2])?.person).toMatch(/^\d+$/);
  reading.leave();
}, 120_000);

test('what is wrong with a filter is said with its place, and ends the subscription alone', async () => {
  const client = subscribe.websocket();
  const good = read<LiveData>(client, liveEvents);
  const wrong = read<LiveData>(client, liveEvents, { filter: { and: [] } });
  const nobody = read<LiveData>(client, liveEvents, { filter: { cohort: 'nobody' } });
  expect(await wrong.ended).toBeNull();
  expect(wrong.messages).toEqual([
    expect.objectContaining({
      errors: [
        expect.objectContaining({
          message: expect.stringContaining('filter.and: expected at least one filter'),
          extensions: { code: 'INVALID_FILTER' },
          path: ['liveEvents'],
        }),
      ],
    }),
  ]);
  expect(await nobody.ended).toBeNull();
  expect(nobody.messages[0]?.errors?.[0]?.extensions).toEqual({ code: 'INVALID_FILTER' });
  await good.first(1);
  const [id] = newIds(1) as [string];
  await rig.track([track(id)]);
  await untilAll(good, 1);
  good.leave();
}, 120_000);
