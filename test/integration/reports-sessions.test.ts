import fc from 'fast-check';
import type { SessionsInput } from '../../src/reports/sessions/sessions.ts';
import { holdsForRandomStreams } from '../oracle/check.ts';
import { openService, type Service } from '../oracle/harness.ts';
import { defined, optional } from '../oracle/questions.ts';
import { type SentBatch, toFacts } from '../oracle/sent.ts';
import { answerSessions, type SessionsQuestion } from '../oracle/sessions.ts';
import { gapMinutes, sessions } from '../oracle/sessions-subject.ts';
import { holdsForWalks, marathon, walkStart } from '../oracle/walks.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

const minute = 60_000;
const hour = 60 * minute;

test('sessions of random streams are what plain counting gives', async () => {
  await holdsForRandomStreams(service, sessions, { streams: 30, questions: [4, 8] });
}, 600_000);

const askedOfWalks = fc
  .record({
    range: fc
      .tuple(fc.integer({ min: -1, max: 30 }), fc.integer({ min: 1, max: 60 }), fc.constantFrom('UTC', 'Europe/Berlin'))
      .map(([from, hours, timezone]) => ({
        from: new Date(walkStart + from * hour),
        to: new Date(walkStart + (from + hours) * hour),
        timezone,
      })),
    interval: fc.constantFrom('HOUR' as const, 'DAY' as const),
    gapMinutes: optional(gapMinutes),
    breakdown: optional(fc.constantFrom({ property: 'plan', limit: 1 }, { property: '$event' })),
    pages: optional(fc.integer({ min: 0, max: 3 })),
    filter: optional(fc.constant({ property: '$type', value: 'PAGE' })),
  })
  .map(defined) as fc.Arbitrary<SessionsQuestion>;

test('walks about a site fall apart where plain counting has them fall apart', async () => {
  await holdsForWalks(service, sessions, askedOfWalks, 12);
}, 600_000);

describe('at the edges', () => {
  const ask = async (batches: readonly SentBatch[], question: SessionsQuestion) => {
    const project = service.openProject();
    let token = '';
    for (const batch of batches) ({ token } = await project.send(batch));
    const about = { project, facts: toFacts(batches), freshness: { after: token, maxWaitMs: 30_000 } };
    const { actual, expected } = await sessions.compare(question, about);
    expect(actual).toEqual(expected);
    return answerSessions(about.facts, question, Number.NaN).series[0]!.total;
  };
  const at = (...minutes: number[]): SentBatch => ({
    receivedAt: walkStart + 3 * hour,
    events: minutes.map((m, i) => ({
      kind: 'track',
      input: { event: 'A', userId: 'u', messageId: `${i}`, timestamp: new Date(walkStart + m * minute) },
    })),
  });
  const range = { from: new Date(walkStart), to: new Date(walkStart + hour) };

  test('a session that began before the range is not in it, however far it reaches', async () => {
    expect(await ask([at(-29, 0, 29, 58)], { range })).toMatchObject({ sessions: 0, averageSeconds: null });
  });

  test('a pause of exactly the gap ends a session', async () => {
    expect(await ask([at(-30, 0, 29)], { range })).toMatchObject({ sessions: 1, averageSeconds: 29 * 60 });
  });

  test('a session that begins in the last moment of the range is whole', async () => {
    expect(await ask([at(59, 80, 100)], { range })).toMatchObject({ sessions: 1, eventsPerSession: 3 });
  });

  test('who never pauses has one session, of 24 hours', async () => {
    const days = { from: new Date(walkStart), to: new Date(walkStart + 72 * hour) };
    expect(await ask([marathon], { range: days })).toMatchObject({
      sessions: 1,
      eventsPerSession: 96,
      averageSeconds: 23.75 * 3600,
    });
  });

  test('one page and whoever it was is a bounce; two pages are none', async () => {
    const of = (userId: string, kinds: readonly ('page' | 'identify')[]): SentBatch => ({
      receivedAt: walkStart + hour,
      events: kinds.map((kind, i) => ({
        kind,
        input: { userId, messageId: `${userId}${i}`, timestamp: new Date(walkStart + i), properties: { path: '/' } },
      })),
    });
    const batches = [of('one', ['page', 'identify']), of('two', ['page', 'identify', 'page'])];
    expect(await ask(batches, { range })).toMatchObject({ sessions: 2, bounceRate: 0.5, eventsPerSession: 2.5 });
  });
});

test.each<[Partial<SessionsInput>, string]>([
  [{ gapMinutes: 0 }, 'gapMinutes: expected 1 to 1440, got 0'],
  [{ gapMinutes: 1441 }, 'gapMinutes: expected 1 to 1440, got 1441'],
  [{ pages: -1 }, 'pages: expected 0 to 1000, got -1'],
  [{ pages: 1001 }, 'pages: expected 0 to 1000, got 1001'],
  [{ breakdown: { property: 'plan', limit: 0 } }, 'breakdown.limit: expected 1 to 1000, got 0'],
  [{ breakdown: { property: '' } }, "expected a property's name of 1 to 2000 characters, got 0"],
])('%j is refused', async (input, message) => {
  await expect(
    service
      .openProject()
      .ask()
      .sessions({ range: { last: '3d' }, ...input }),
  ).rejects.toEqual(expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringContaining(message) }));
});
