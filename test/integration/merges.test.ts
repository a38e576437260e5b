import type { SentEvent } from '../oracle/sent.ts';
import { openWorld, type Stage, type World } from '../oracle/truth-world.ts';

/** A merge renews the answers that it can change, and no others. */

const day = 86_400_000;
const signal = new AbortController().signal;

let world: World;
let stage: Stage;
let ids = 0;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());
beforeEach(() => {
  stage = world.open('one cache');
});
afterEach(() => stage.stop());

const toWho = (id: string) => (id.startsWith('u') ? { userId: id } : { anonymousId: id });
const noon = () => Math.floor(stage.now() / day) * day + day / 2;
/** `ago`: whole days before today. */
const seen = (who: string, ago: number): SentEvent => ({
  kind: 'track',
  input: { event: 'A', ...toWho(who), messageId: `m${++ids}`, timestamp: new Date(noon() - ago * day) },
});
const identify = (from: string, to: string): SentEvent => ({
  kind: 'identify',
  input: { ...toWho(to), ...toWho(from), messageId: `m${++ids}`, timestamp: new Date(noon() - 3000 * day) },
});
const alias = (from: string, to: string): SentEvent => ({
  kind: 'alias',
  input: { ...toWho(to), previousId: from, messageId: `m${++ids}`, timestamp: new Date(noon() - 3000 * day) },
});
async function send(...events: SentEvent[]) {
  const positions = await Promise.all(events.map((event) => stage.send(event)));
  await world.untilStored();
  return positions;
}

/** How many persons there were on each of the days, and which of these answers were there already. */
async function ask(
  days: readonly number[],
  { gateway = 0, filter = {}, freshness = { maxAgeMs: 0.5 } as object } = {},
) {
  const operation = stage.gateways[gateway]!.reports.begin(stage.project, signal);
  const answers = await Promise.all(
    days.map((ago) => {
      const from = noon() - day / 2 - ago * day;
      return operation.trend({
        range: { from: new Date(from), to: new Date(from + day) },
        series: [{ event: 'A', measure: 'UNIQUE_USERS' }],
        freshness,
        ...filter,
      });
    }),
  );
  return {
    totals: answers.map(({ series }) => series[0]!.total),
    renewed: days.filter((_, i) => answers[i]!.meta.source !== 'CACHE'),
    snapshot: answers[0]!.meta.snapshot,
  };
}

const week = [0, 1, 2, 3, 4, 5, 6];

test('a merge renews the days on which the id that was merged did something, in every gateway alike', async () => {
  await send(...week.map((ago) => seen('u1', ago)), seen('a1', 2), seen('a1', 5), seen('a2', 3));
  const before = await ask(week);
  expect(before).toMatchObject({ totals: [1, 1, 2, 2, 1, 2, 1], renewed: week });
  await send(identify('a1', 'u1'));
  expect(await ask(week)).toMatchObject({ totals: [1, 1, 1, 2, 1, 1, 1], renewed: [2, 5] });
  // The other one hears of all of it at once, as after a restart.
  expect(await ask(week, { gateway: 1 })).toMatchObject({ totals: [1, 1, 1, 2, 1, 1, 1], renewed: [] });
  await send(identify('a2', 'u1'), seen('u1', 6));
  expect(await ask(week, { gateway: 1 })).toMatchObject({ totals: [1, 1, 1, 1, 1, 1, 1], renewed: [3, 6] });
  expect(await ask(week)).toMatchObject({ totals: [1, 1, 1, 1, 1, 1, 1], renewed: [] });
  // Ids without any event are merged all the time.
  for (let i = 0; i < 3; i++) {
    await send(identify(`a9${i}`, 'u1'));
    expect(await ask(week)).toMatchObject({ renewed: [] });
  }
  expect((await ask(week, { freshness: { at: before.snapshot } })).totals).toEqual(before.totals);
  // What an id does after it was merged is an event like others.
  await send(seen('a1', 4));
  expect(await ask(week, { gateway: 1 })).toMatchObject({ totals: [1, 1, 1, 1, 1, 1, 1], renewed: [4] });
});

test('a merge of an id takes along those that were merged into it', async () => {
  await send(seen('a1', 2), seen('u2', 2), identify('a1', 'u1'));
  expect((await ask([2])).totals).toEqual([2]);
  // u1 itself did nothing on that day.
  await send(alias('u1', 'u2'));
  expect((await ask([2])).totals).toEqual([1]);
  await send(alias('u2', 'u3'), seen('u3', 2));
  expect((await ask([2], { gateway: 1 })).totals).toEqual([1]);
  expect((await ask([2])).totals).toEqual([1]);
});

test('a merge that nobody asked about in its month is one all the same', async () => {
  await send(seen('a1', 2), seen('u1', 2));
  expect((await ask([2])).totals).toEqual([2]);
  await send(identify('a1', 'u1'));
  stage.pass(40 * day);
  expect((await ask([42])).totals).toEqual([1]);
});

test('an id that a cohort lists may be merged without an event', async () => {
  const { reports } = stage.gateways[0]!;
  await reports.begin(stage.project, signal).saveCohort('k', { name: 'listed', definition: { userIds: ['u9'] } });
  await send(seen('u1', 2), identify('a1', 'u1'));
  const filter = { filter: { cohort: 'listed' } };
  expect((await ask([2], { filter })).totals).toEqual([0]);
  await send(alias('u9', 'u1'));
  expect((await ask([2], { filter })).totals).toEqual([1]);
});

test('gateways that heard of a merge and of later events in another order agree', async () => {
  const events = await send(seen('u1', 2), ...Array.from({ length: 20 }, (_, i) => seen(`a${i}`, 4)));
  const place = events.findIndex(({ stream }) => stream !== events[0]!.stream) - 1;
  expect(place).toBeGreaterThanOrEqual(0);
  await ask([2], { gateway: 1 });
  const [first, second] = stage.gateways as [Stage['gateways'][number], Stage['gateways'][number]];
  second.hold(events[0]!.stream);
  await send(identify(`a${place}`, 'u1'));
  expect((await ask([2])).totals).toEqual([1]);
  await send(seen(`a${place}`, 2));
  const without = await ask([2], { gateway: 1 });
  expect(without.totals).toEqual([2]);
  expect((await ask([2])).totals).toEqual([1]);
  second.letGo();
  expect(await ask([2], { gateway: 1 })).toMatchObject({ totals: [1], renewed: [] });
  expect((await ask([2], { freshness: { at: without.snapshot } })).totals).toEqual([2]);
  first.letGo();
});

test('where the hours of merges cannot be told, a merge renews every day', async () => {
  await send(seen('u1', 1), seen('u1', 2), seen('a1', 2), identify('a2', 'u1'));
  await ask([1, 2]);
  stage.gateways[0]!.refuse('merges');
  await send(identify('a1', 'u1'));
  expect(await ask([1, 2])).toMatchObject({ totals: [1, 1], renewed: [1, 2] });
  expect(await ask([1, 2])).toMatchObject({ totals: [1, 1], renewed: [] });
  expect(await ask([1, 2], { gateway: 1 })).toMatchObject({ totals: [1, 1] });
});

test('who is deleted is gone from every day, and merges go on', async () => {
  await send(seen('a1', 2), seen('u1', 2), seen('u2', 2), identify('a1', 'u1'));
  expect((await ask([2])).totals).toEqual([2]);
  await stage.erase('u1');
  expect((await ask([2])).totals).toEqual([1]);
  await send(seen('a1', 2), seen('a3', 2));
  expect((await ask([2])).totals).toEqual([3]);
  await send(identify('a3', 'u2'));
  expect((await ask([2], { gateway: 1 })).totals).toEqual([2]);
  expect((await ask([2])).totals).toEqual([2]);
});
