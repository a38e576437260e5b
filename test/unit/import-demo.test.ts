import { createHistory } from '../../src/commands/demo/history.ts';
import { createLive } from '../../src/commands/demo/live.ts';
import { createRandom } from '../../src/commands/demo/random.ts';
import type { EventFields, EventInput } from '../../src/commands/import/event-input.ts';
import type { EventKind } from '../../src/events/event.ts';
import { parseEvent } from '../../src/events/parse.ts';

const until = Date.UTC(2026, 10, 24, 15, 30);
const options = { seed: 'test', days: 8, visitors: 60, until };
const collect = (other: Partial<typeof options> = {}) =>
  [...createHistory({ ...options, ...other })].flatMap(({ events }) => events);
const fieldsOf = (event: EventInput) => Object.values(event)[0] as EventFields;
const byId = (events: readonly EventInput[]) =>
  new Map(events.map((event) => [fieldsOf(event).messageId, JSON.stringify(event)]));
const named = (events: readonly EventInput[], name: string) => events.filter(({ track }) => track?.event === name);

const history = collect();

test('the same seed is the same past, to the byte; another one is another', () => {
  expect(JSON.stringify(collect())).toBe(JSON.stringify(history));
  const ids = byId(history);
  expect(ids.size).toBe(history.length);
  expect(collect({ seed: 'other' }).some((event) => ids.has(fieldsOf(event).messageId))).toBe(false);
});

test('a longer past and a later run send the same events where they overlap', () => {
  const [base, longer, later] = [
    byId(history),
    byId(collect({ days: 12 })),
    byId(collect({ until: until + 3_600_000 })),
  ];
  expect(longer.size).toBeGreaterThan(base.size);
  for (const [id, event] of base) expect([longer.get(id), later.get(id)]).toEqual([event, event]);
});

test('every event is one that the gateway takes, and none is in the future', () => {
  const arrival = { project: 'demo', keyId: 'k', receivedAt: until, retentionDays: undefined };
  const live = createLive('test', 'now')(3000, until);
  for (const event of [...history, ...live]) {
    const [kind, { timestamp, ...fields }] = Object.entries(event)[0] as [EventKind, EventFields];
    const time = new Date(timestamp as string);
    expect(time.getTime()).toBeLessThanOrEqual(until);
    expect(parseEvent(kind, { ...fields, timestamp: time }, arrival).errors).toEqual([]);
  }
});

test('days come in order, and events within them', () => {
  const times = history.map((event) => fieldsOf(event).timestamp as string);
  expect(times).toEqual(times.toSorted());
  expect(new Set(times.map((time) => time.slice(0, 10))).size).toBe(8);
});

test('people come back, get known, buy more on desktops than on phones, and sleep at night', () => {
  const month = collect({ days: 30 });
  const visits = new Map<string, Set<string>>();
  for (const event of month) {
    const { anonymousId, timestamp } = fieldsOf(event);
    if (!event.page || anonymousId === undefined) continue;
    visits.set(anonymousId, (visits.get(anonymousId) ?? new Set()).add(timestamp?.slice(0, 10) ?? ''));
  }
  const back = [...visits.values()].filter(({ size }) => size > 1).length / visits.size;
  expect(back).toBeGreaterThan(0.3);
  expect(back).toBeLessThan(0.8);
  const rate = (device: string) => {
    const of = (name: string) => named(month, name).filter(({ track }) => track?.properties?.device === device).length;
    return of('Order Completed') / of('Checkout Started');
  };
  expect(rate('mobile')).toBeCloseTo(0.48, 1);
  expect(rate('desktop')).toBeCloseTo(0.78, 1);
  expect(
    named(month, 'Order Completed').every(
      ({ track }) => track?.userId !== undefined && Number(track.properties?.revenue) > 0,
    ),
  ).toBe(true);
  expect(named(month, 'Order Refunded').length).toBeGreaterThan(0);
  const hours = Array(24).fill(0);
  for (const event of month.filter(({ track }) => track?.properties?.country === 'GB'))
    hours[Number(fieldsOf(event).timestamp?.slice(11, 13))]++;
  expect(hours[19]).toBeGreaterThan(5 * hours[3]);
});

test('live traffic has ids of its own in every run, and never ends', () => {
  const live = createLive('test', 'a');
  const events = [...live(1000, until), ...live(1000, until + 1000)];
  const ids = byId(events);
  expect(ids.size).toBe(2000);
  expect(createLive('test', 'b')(1000, until).some((event) => ids.has(fieldsOf(event).messageId))).toBe(false);
  expect(named(events, 'Order Completed').length).toBeGreaterThan(10);
});

test('random numbers are even, and the same for the same seed', () => {
  const random = createRandom('x');
  const bins = Array(10).fill(0);
  for (let i = 0; i < 100_000; i++) bins[Math.floor(random.next() * 10)]++;
  for (const count of bins) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  expect(createRandom('x').next()).toBe(createRandom('x').next());
  const picks = Array.from({ length: 10_000 }, () =>
    random.pick([
      ['a', 3],
      ['b', 1],
    ] as const),
  ).filter((pick) => pick === 'a');
  expect(picks.length / 10_000).toBeCloseTo(0.75, 1);
  const wholes = new Set(Array.from({ length: 1000 }, () => random.whole(2, 4)));
  expect([...wholes].sort()).toEqual([2, 3, 4]);
});
