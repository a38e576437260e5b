import fc from 'fast-check';
import { holdsForRandomStreams, type Subject } from '../oracle/check.ts';
import type { EventsQuestion } from '../oracle/events.ts';
import { openService, type Service } from '../oracle/harness.ts';
import { range, session } from '../oracle/questions.ts';
import type { SentEvent } from '../oracle/sent.ts';
import { eventPages } from '../oracle/subjects.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

const minute = 60_000;

test('filters by the session of random streams find what plain counting finds', async () => {
  const subject: Subject<EventsQuestion & { readonly first: number }> = {
    ...eventPages,
    question: (scene) => fc.record({ range: range(scene), filter: session, first: fc.constant(20) }),
  };
  await holdsForRandomStreams(service, subject, { streams: 10, questions: [6, 10] });
}, 600_000);

test('a session counts whole at the edges of the range, ends after a day, and is the one of Query.sessions', async () => {
  const project = service.openProject();
  const start = Date.UTC(2026, 2, 1);
  const page = (user: string, i: number, after: number, path: string): SentEvent => ({
    kind: 'page',
    input: {
      userId: user,
      messageId: `${user}-${i}`,
      timestamp: new Date(start + after * minute),
      properties: { path },
    },
  });
  const { token } = await project.send({
    receivedAt: start + 10 * 24 * 60 * minute,
    events: [
      // Without a pause for 25 hours: the last two events are in no session.
      ...Array.from({ length: 61 }, (_, i) => page('long', i, i * 25, i === 0 ? '/in' : '/on')),
      page('short', 0, 0, '/a'),
      page('short', 1, 29, '/b'),
      page('short', 2, 59, '/c'),
    ],
  });
  const freshness = { after: token, maxWaitMs: 30_000 };
  const idsOf = async (from: number, to: number, property: string, value: string | number | boolean) => {
    const within = { from: new Date(start + from * minute), to: new Date(start + to * minute) };
    const page = await project.ask().events({
      range: within,
      filter: { property, value },
      order: 'OLDEST',
      first: 1000,
      freshness,
    });
    return page.nodes.map(({ messageId }) => messageId);
  };
  // Of the range only the second event: what it belongs to began before it.
  expect(await idsOf(29, 30, 'session.entryPage', '/a')).toEqual(['short-1']);
  expect(await idsOf(0, 1, 'session.exitPage', '/b')).toEqual(['short-0']);
  expect(await idsOf(0, 1, 'session.seconds', 29 * 60)).toEqual(['short-0']);
  expect(await idsOf(0, 100, 'session.isBounce', true)).toEqual(['short-2']);
  // 58 events lie within the first day, the last of them after 23:45 hours.
  expect(await idsOf(1400, 1600, 'session.entryPage', '/in')).toEqual(['long-56', 'long-57']);
  expect(await idsOf(1400, 1600, 'session.events', 58)).toEqual(['long-56', 'long-57']);

  const range = { from: new Date(start), to: new Date(start + 1600 * minute) };
  const ask = project.ask();
  const [sessions, pages, events] = await Promise.all([
    ask.sessions({ range, freshness }),
    ask.trend({ range, series: [{}], breakdown: [{ property: 'session.entryPage' }], freshness }),
    ask.trend({ range, series: [{ measure: 'MAX', property: 'session.seconds' }], freshness }),
  ]);
  expect(sessions.series[0]!.total).toMatchObject({ sessions: 3, eventsPerSession: (58 + 2 + 1) / 3 });
  expect(pages.series.map(({ breakdown: [page], total }) => [page, total])).toEqual([
    ['/in', 58],
    ['(none)', 3],
    ['/a', 2],
    ['/c', 1],
  ]);
  expect(events.series[0]!.total).toBe(57 * 25 * 60);
});

test('the explorer tells who did it as of the snapshot, and can be asked for it', async () => {
  const project = service.openProject();
  const receivedAt = Date.UTC(2026, 2, 1);
  const range = { from: new Date(receivedAt - 1), to: new Date(receivedAt + 1) };
  const { token } = await project.send({
    receivedAt,
    events: [
      { kind: 'track', input: { event: 'e', anonymousId: 'a', messageId: 'm1' } },
      { kind: 'track', input: { event: 'e', userId: 'u', messageId: 'm2' } },
      { kind: 'track', input: { event: 'e', userId: 'v', messageId: 'm3' } },
    ],
  });
  const persons = async (of: Parameters<ReturnType<typeof project.ask>['events']>[0]) => {
    const page = await project.ask().events(of);
    return { meta: page.meta, of: new Map(page.nodes.map(({ messageId, person }) => [messageId, person])) };
  };
  const before = await persons({ range, freshness: { after: token, maxWaitMs: 30_000 } });
  expect(new Set(before.of.values()).size).toBe(3);
  const { token: merged } = await project.send({
    receivedAt,
    events: [{ kind: 'identify', input: { anonymousId: 'a', userId: 'u', messageId: 'm4' } }],
  });
  const after = await persons({ range, freshness: { after: merged, maxWaitMs: 30_000 } });
  expect(after.of.get('m1')).toBe(after.of.get('m2'));
  expect(after.of.get('m4')).toBe(after.of.get('m2'));
  expect(after.of.get('m3')).not.toBe(after.of.get('m2'));
  const filter = { property: '$person', value: after.of.get('m1') };
  expect([...(await persons({ range, filter })).of.keys()].sort()).toEqual(['m1', 'm2', 'm4']);
  // As of the first answer nobody was merged.
  expect((await persons({ range, freshness: { at: before.meta.snapshot } })).of).toEqual(before.of);
});

test('more than ten comparisons with sessions are refused', async () => {
  const range = { last: '1d' };
  const or = Array.from({ length: 11 }, (_, i) => ({ property: 'session.events', value: i }));
  await expect(service.openProject().ask().events({ range, filter: { or } })).rejects.toThrow(
    'filter.or[10]: expected at most 10 comparisons with properties of sessions, got more',
  );
});

test("a cohort by what was done in a session looks at sessions of its own range, whatever the report's is", async () => {
  const project = service.openProject();
  const receivedAt = Date.UTC(2026, 2, 20);
  const at = (userId: string, messageId: string, day: number, path: string): SentEvent => ({
    kind: 'page',
    input: { userId, messageId, timestamp: new Date(Date.UTC(2026, 2, day)), properties: { path } },
  });
  const { token } = await project.send({
    receivedAt,
    events: [at('u', 'u1', 1, '/in'), at('u', 'u2', 15, '/x'), at('v', 'v1', 1, '/y'), at('v', 'v2', 15, '/in')],
  });
  const first = { from: new Date(Date.UTC(2026, 2, 1)), to: new Date(Date.UTC(2026, 2, 2)) };
  const did = { range: first, filter: { property: 'session.entryPage', value: '/in' } };
  await project.ask().catalog({ after: token, maxWaitMs: 30_000 });
  await project.ask().saveCohort('k', { name: 'came in', definition: { did } } as never);
  const { nodes } = await project.ask().events({
    range: { from: new Date(Date.UTC(2026, 2, 15)), to: new Date(Date.UTC(2026, 2, 16)) },
    filter: { cohort: 'came in' },
  });
  expect(nodes.map(({ messageId }) => messageId)).toEqual(['u2']);
});
