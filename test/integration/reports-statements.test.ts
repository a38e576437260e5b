import { graphql } from 'graphql';
import type { Context } from '../../resolvers/context.ts';
import { createSchema } from '../../src/gateway/schema.ts';
import { openService, type Service } from '../oracle/harness.ts';
import type { SentEvent } from '../oracle/sent.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

const schema = createSchema();
const minute = 60_000;
const start = Date.UTC(2026, 2, 1);
const range = '{ from: "2026-03-01T00:00:00Z", to: "2026-03-08T00:00:00Z" }';
const did = (user: string, id: string, after: number): SentEvent => ({
  kind: 'track',
  input: { event: 'A', userId: user, messageId: id, timestamp: new Date(start + after * minute) },
});

async function open(events: readonly SentEvent[]) {
  const project = service.openProject();
  const { token } = await project.send({ receivedAt: start + 30 * 24 * 60 * minute, events });
  await project.ask().catalog({ after: token, maxWaitMs: 30_000 });
  const ask = async (source: string) => {
    const request = project.ask();
    const caller = { project: project.name, right: 'read', keyId: 'k' } as const;
    const contextValue = { caller, reports: () => request } as unknown as Context;
    const { data, errors } = await graphql({ schema, source, contextValue });
    expect(errors).toBeUndefined();
    return JSON.parse(JSON.stringify(data));
  };
  return { project, ask };
}

test('statements and rows of what is computed afterwards count, wherever meta stands', async () => {
  const { ask } = await open([did('u', 'm1', 0), did('u', 'm2', 1), did('v', 'm3', 2)]);
  const funnel = `funnel(input: { range: ${range}, steps: [{ event: "A" }, { event: "A" }] })`;
  const first = await ask(
    `{ ${funnel} { meta { statements rowsRead } steps { people { nodes { id } } droppedOff { nodes { id } } } } }`,
  );
  // The counts; and at once the people of each step, and who dropped off: the first step has nobody who did, and asks all the same.
  expect(first.funnel.meta.statements).toBe(2);
  expect(first.funnel.meta.rowsRead).toBeGreaterThanOrEqual(3 * 5 - 3);
  const retention = `retention(input: { range: ${range}, cohortEvent: { event: "A" }, returnEvent: { event: "A" } })`;
  const second = await ask(
    `{ ${retention} { meta { statements } people(cohort: "2026-03-01T00:00:00Z") { nodes { id } } } person(id: "u") { meta { statements } events(range: ${range}) { nodes { event } } } }`,
  );
  // Retention and the person at once; then its people and the timeline.
  expect([second.retention.meta.statements, second.person.meta.statements]).toEqual([2, 2]);
});

test('who did an event, and what identify events told, is looked up for whoever asks', async () => {
  const identify: SentEvent = {
    kind: 'identify',
    input: { userId: 'u', anonymousId: 'a', messageId: 'i', traits: { plan: 'pro' }, timestamp: new Date(start) },
  };
  const asked = async (fields: string) => {
    // A project for each: nothing is cached.
    const { ask } = await open([identify, did('u', 'm1', 1)]);
    const answer = await ask(`{ ${fields} }`);
    return (answer.events ?? answer.person) as { meta: { statements: number } };
  };
  const events = (fields: string) =>
    asked(`events(range: ${range}, filter: { property: "$event", op: EXISTS }) { ${fields} meta { statements } }`);
  const person = (fields: string) => asked(`person(id: "u") { ${fields} meta { statements } }`);
  const plain = await events('nodes { messageId }');
  for (const fields of ['nodes { person }', 'edges { node { ... on Event { person } } }'])
    expect((await events(fields)).meta.statements).toBeGreaterThan(plain.meta.statements);
  expect(await person('traits')).toMatchObject({ traits: { plan: 'pro' } });
});

test("a funnel's sessions are those of the report of sessions, but at the edges of the range and after a day", async () => {
  const { project } = await open([
    // Two sessions of one person, and one of another.
    did('u', 'u1', 60),
    did('u', 'u2', 89),
    did('u', 'u3', 119),
    did('v', 'v1', 100),
    // One that begins before the range, and one of more than a day.
    did('early', 'e1', -10),
    did('early', 'e2', 10),
    ...Array.from({ length: 61 }, (_, i) => did('long', `l${i}`, 200 + i * 25)),
  ]);
  const sessionsOf = async (userId: string) => {
    const asked = {
      range: { from: new Date(start), to: new Date(start + 7 * 24 * 60 * minute) },
      filter: { property: '$userId', value: userId },
    };
    const ask = project.ask();
    const [funnel, sessions] = await Promise.all([
      ask.funnel({ ...asked, by: 'session', steps: [{ event: 'A' }, { event: 'A' }], windowSeconds: 31_622_400 }),
      ask.sessions(asked),
    ]);
    const { sessions: count, eventsPerSession } = sessions.series[0]!.total;
    return { funnel: funnel.steps.map((step) => step.count), sessions: [count, eventsPerSession] };
  };
  expect(await sessionsOf('u')).toEqual({ funnel: [2, 1], sessions: [2, 1.5] });
  expect(await sessionsOf('v')).toEqual({ funnel: [1, 0], sessions: [1, 1] });
  // In the range the session goes on that began before it: a funnel begins there, the report does not count it.
  expect(await sessionsOf('early')).toEqual({ funnel: [1, 0], sessions: [0, null] });
  // The report counts the first day of it.
  expect(await sessionsOf('long')).toEqual({ funnel: [1, 1], sessions: [1, 58] });
});
