import fc from 'fast-check';
import { holdsForRandomStreams } from '../oracle/check.ts';
import { openService, type Service } from '../oracle/harness.ts';
import { type SentBatch, toFates } from '../oracle/sent.ts';
import { batch, scenes } from '../oracle/streams.ts';
import { catalogs, eventPages } from '../oracle/subjects.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

test('pages of events hold what was sent, each event once, newest first', async () => {
  await holdsForRandomStreams(service, eventPages, { streams: 25, questions: [4, 7] });
}, 600_000);

test('the catalog counts what was sent', async () => {
  await holdsForRandomStreams(service, catalogs, { streams: 15, questions: [1, 1] });
}, 600_000);

const receivedAt = Date.UTC(2026, 0, 1, 12);
const range = { from: new Date(receivedAt - 1000), to: new Date(receivedAt + 1000) };

function numbered(from: number, to: number): SentBatch {
  return {
    receivedAt,
    events: Array.from({ length: to - from }, (_, i) => ({
      kind: 'track',
      input: { event: 'e', userId: `u${i % 3}`, messageId: `m${from + i}` },
    })),
  };
}

test('the catalog looks at the newest 10,000 events of a name, and lists 200 properties and 1,000 names', async () => {
  const project = service.openProject();
  const start = Date.UTC(2026, 0, 1);
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`p${String(i).padStart(3, '0')}`, i]));
  const sent = [
    ...Array.from({ length: 10_050 }, (_, i) => ({
      event: 'Often',
      at: i,
      properties: i < 50 ? { old: 1 } : { young: i },
    })),
    ...Array.from({ length: 3 }, (_, i) => ({ event: 'Wide', at: i, properties: i === 0 ? many : { p299: 'x' } })),
    ...Array.from({ length: 1000 }, (_, i) => ({ event: `Rare ${i}`, at: i, properties: {} })),
  ];
  let token = '';
  for (let i = 0; i < sent.length; i += 1000) {
    const events = sent.slice(i, i + 1000).map(({ event, at, properties }, j) => ({
      kind: 'track' as const,
      input: { event, userId: 'u', messageId: `m${i + j}`, timestamp: new Date(start + at * 1000), properties },
    }));
    ({ token } = await project.send({ receivedAt: start + 86_400_000, events }));
  }
  const { events } = await project.ask().catalog({ after: token, maxWaitMs: 30_000 });
  expect(events).toHaveLength(1000);
  const [often, wide, ...rare] = events;
  expect(often).toMatchObject({
    event: 'Often',
    count: 10_050,
    firstSeen: new Date(start),
    lastSeen: new Date(start + 10_049_000),
    properties: [{ name: 'properties.young', types: ['Int64'], count: 10_000 }],
  });
  expect(wide).toMatchObject({ event: 'Wide', count: 3 });
  expect(wide!.properties).toHaveLength(200);
  expect(wide!.properties[0]).toEqual({ name: 'properties.p299', types: ['Int64', 'String'], count: 3 });
  expect(new Set(rare.map(({ count }) => count))).toEqual(new Set([1]));
}, 60_000);

test('later pages show the snapshot of the first one, whatever arrives in between, until somebody begins anew', async () => {
  const project = service.openProject();
  const { token } = await project.send(numbered(0, 50));
  const first = await project.ask().events({ range, first: 20, freshness: { after: token, maxWaitMs: 30_000 } });
  const { token: later } = await project.send(numbered(50, 90));
  const whole = await project.ask().events({ range, first: 100, freshness: { after: later, maxWaitMs: 30_000 } });
  expect(whole.nodes).toHaveLength(90);

  const ids = first.nodes.map(({ messageId }) => messageId);
  let after = first.pageInfo.endCursor;
  while (after) {
    const page = await project.ask().events({ range, first: 20, after });
    expect(page.meta.snapshot).toBe(first.meta.snapshot);
    ids.push(...page.nodes.map(({ messageId }) => messageId));
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  }
  expect(ids.toSorted()).toEqual(Array.from({ length: 50 }, (_, i) => `m${i}`).sort());
});

test('a range without an end ends at the now of the first page, on all pages', async () => {
  const project = service.openProject();
  const from = new Date(Date.now() - 60_000);
  const live = (id: number): SentBatch => ({
    receivedAt: Date.now(),
    events: [{ kind: 'track', input: { event: 'e', userId: 'u', messageId: `m${id}` } }],
  });
  await project.send(live(1));
  const { token } = await project.send(live(2));
  const first = await project
    .ask()
    .events({ range: { from }, first: 1, freshness: { after: token, maxWaitMs: 30_000 } });
  expect(first.nodes.map(({ messageId }) => messageId)).toEqual(['m2']);
  const second = await project.ask().events({ range: { from }, first: 1, after: first.pageInfo.endCursor });
  expect(second.nodes.map(({ messageId }) => messageId)).toEqual(['m1']);
  expect(second.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
});

test('dead letters and statuses tell what became of every event', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...scenes).chain((scene) => fc.array(batch(scene, 40), { minLength: 1, maxLength: 2 })),
      async (batches) => {
        const project = service.openProject();
        let token = '';
        for (const next of batches) {
          ({ token } = await project.send(next));
          await project.ask().catalog({ after: token, maxWaitMs: 30_000 });
        }
        const { facts, dead, repeats } = toFates(batches);

        const ids: string[] = [];
        const times: number[] = [];
        let after: string | null = null;
        do {
          const page = await project.ask().deadLetters({ first: 3, after });
          for (const { messageId, receivedAt: at, reason, record } of page.nodes) {
            ids.push(messageId);
            times.push(at.getTime());
            expect(reason.code).toBe('TIMESTAMP_IN_FUTURE');
            expect(JSON.parse(record)).toMatchObject({ message_id: messageId });
          }
          after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
        } while (after);
        expect(ids.toSorted()).toEqual(dead.map(({ messageId }) => messageId).sort());
        expect(times).toEqual(dead.map((fact) => fact.receivedAt).sort((a, b) => b - a));

        const asked = [...facts, ...dead].map(({ messageId }) => messageId);
        const statuses = await project.ask().eventStatus([...asked, 'never']);
        expect(
          statuses.map(({ messageId, state, deduplicated, receivedAt: at, reason }) => ({
            messageId,
            state,
            deduplicated,
            receivedAt: at?.getTime() ?? null,
            code: reason?.code ?? null,
          })),
        ).toEqual([
          ...facts.map((fact) => ({
            messageId: fact.messageId,
            state: 'STORED',
            deduplicated: repeats.get(fact.messageId) ?? 0,
            receivedAt: fact.receivedAt,
            code: null,
          })),
          ...dead.map((fact) => ({
            messageId: fact.messageId,
            state: 'DEAD_LETTERED',
            deduplicated: repeats.get(fact.messageId) ?? 0,
            receivedAt: fact.receivedAt,
            code: 'TIMESTAMP_IN_FUTURE',
          })),
          { messageId: 'never', state: 'UNKNOWN', deduplicated: 0, receivedAt: null, code: null },
        ]);
      },
    ),
    { numRuns: Math.ceil(12 * Number(process.env.ORACLE_RUNS ?? 1)), endOnFailure: true },
  );
}, 600_000);
