import { openService, type Service } from '../oracle/harness.ts';
import type { SentBatch, SentEvent } from '../oracle/sent.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

const start = Date.UTC(2026, 0, 1);
const range = { from: new Date(start - 1000), to: new Date(start + 1_000_000) };

async function send(events: readonly SentEvent[]) {
  const project = service.openProject();
  const batch: SentBatch = {
    receivedAt: start + 3_600_000,
    events: events.map((event, i) => ({
      ...event,
      input: { messageId: `m${String(i).padStart(4, '0')}`, timestamp: new Date(start + i), ...event.input },
    })) as SentBatch['events'],
  };
  const { token } = await project.send(batch);
  return { project, freshness: { after: token, maxWaitMs: 30_000 } };
}

const track = (input: SentEvent['input']): SentEvent => ({ kind: 'track', input: { event: 'e', ...input } });
const alias = (userId: string, previousId: string): SentEvent => ({ kind: 'alias', input: { userId, previousId } });

const names = Array.from({ length: 12 }, (_, i) => `u${i}`);
const others = [track({ userId: 'other' }), track({ anonymousId: 'nobody' })];

test.each([
  ['a chain', names.slice(1).map((name, i) => alias(name, names[i] as string))],
  ['a loop', names.map((name, i) => alias(names[(i + 1) % names.length] as string, name))],
  ['a loop of two', [alias('u0', 'u1'), alias('u1', 'u0'), ...names.slice(2).map((name) => alias('u0', name))]],
  ['a star', names.slice(1).map((name) => alias('u0', name))],
])('ids that are merged in %s are one person, who is the same for events, filters and persons', async (_, merges) => {
  const { project, freshness } = await send([...names.map((userId) => track({ userId })), ...others, ...merges]);
  const { nodes } = await project.ask().events({ range, first: 100, freshness });
  const tracked = nodes.filter(({ type }) => type === 'TRACK');
  const numbers = new Map(tracked.map(({ userId, anonymousId, person }) => [userId ?? anonymousId, person]));
  expect(new Set(names.map((name) => numbers.get(name))).size).toBe(1);
  expect(new Set(numbers.values()).size).toBe(3);
  for (const id of ['u0', 'other']) {
    const filter = { property: '$person', op: 'EQ' as const, value: numbers.get(id) };
    const { series } = await project.ask().trend({ range, series: [{ event: 'e', filter }] });
    expect(series[0]?.total).toBe(id === 'u0' ? names.length : 1);
  }
  for (const id of ['u0', 'u5', 'u11']) {
    const person = await project.ask().person({ id });
    expect(person?.userIds).toEqual(names.toSorted());
    expect(person?.eventCount).toBe(names.length + merges.length);
  }
  expect((await project.ask().person({ id: 'nobody' }))?.eventCount).toBe(1);
});

test('the id of a user goes before that of a device, and a device that only users had is whoever had it first', async () => {
  const { project, freshness } = await send([
    track({ anonymousId: 'both' }),
    track({ userId: 'both' }),
    track({ userId: 'second', anonymousId: 'tablet', timestamp: new Date(start + 2000) }),
    track({ userId: 'first', anonymousId: 'tablet', timestamp: new Date(start + 1000) }),
    track({ userId: 'first' }),
    alias('late', 'unseen'),
  ]);
  const both = await project.ask().person({ id: 'both', freshness });
  expect([both?.userIds, both?.anonymousIds, both?.eventCount]).toEqual([['both'], [], 1]);
  const tablet = await project.ask().person({ id: 'tablet' });
  expect([tablet?.userIds, tablet?.eventCount]).toEqual([['first'], 2]);
  // Nobody was ever seen under it.
  expect(await project.ask().person({ id: 'unseen' })).toBeNull();
  expect(await project.ask().person({ id: 'missing' })).toBeNull();
});

test('a device that was somebody else first is not of whoever the second one was merged with', async () => {
  const identify = (userId: string, anonymousId: string): SentEvent => ({
    kind: 'identify',
    input: { userId, anonymousId },
  });
  const { project, freshness } = await send([
    identify('other', 'phone'),
    identify('second', 'phone'),
    identify('second', 'laptop'),
    alias('whole', 'second'),
  ]);
  const whole = await project.ask().person({ id: 'whole', freshness });
  expect([whole?.userIds.toSorted(), whole?.anonymousIds.toSorted()]).toEqual([
    ['second', 'whole'],
    ['laptop', 'phone'],
  ]);
  expect(whole?.eventCount).toBe(3);
  const other = await project.ask().person({ id: 'other' });
  expect([other?.userIds, other?.anonymousIds, other?.eventCount]).toEqual([['other'], ['phone'], 1]);
});

test('every id is found, whatever it is made of', async () => {
  const ids = ['a', '1234567', '12345678', '123456789', 'ünï 😀', "o'brien\\`", 'x'.repeat(200)];
  const { project, freshness } = await send(ids.map((userId) => track({ userId })));
  for (const id of ids) expect((await project.ask().person({ id, freshness }))?.userIds).toEqual([id]);
});
