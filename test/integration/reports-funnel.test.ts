import fc from 'fast-check';
import { holdsForRandomStreams } from '../oracle/check.ts';
import type { Step } from '../oracle/funnel.ts';
import { anyOrder, exclusionOf, funnels } from '../oracle/funnel-subject.ts';
import { openService, type Service } from '../oracle/harness.ts';
import { type SentBatch, toFacts } from '../oracle/sent.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

test('funnels of random streams are what trying every attempt gives', async () => {
  await holdsForRandomStreams(service, funnels, { streams: 8, questions: [3, 5] });
}, 600_000);

const start = Date.UTC(2026, 0, 1);

/** Many persons who do few things in few moments: ties, repeated steps and windows on every side. */
const crowd: fc.Arbitrary<SentBatch> = fc
  .array(
    fc.array(
      fc.record({
        event: fc.constantFrom('A', 'B', 'C'),
        n: fc.constantFrom(1, 2),
        second: fc.integer({ min: 0, max: 5 }),
      }),
      { minLength: 1, maxLength: 8, size: 'max' },
    ),
    { minLength: 1, maxLength: 200, size: 'max' },
  )
  .map((people) => ({
    receivedAt: start + 3_600_000,
    events: people.flatMap((done, p) =>
      done.map(({ event, n, second }, i) => ({
        kind: 'track' as const,
        input: {
          event,
          userId: `u${p}`,
          messageId: `m${p}-${i}`,
          timestamp: new Date(start + second * 1000),
          properties: { n },
        },
      })),
    ),
  }));

const step: fc.Arbitrary<Step> = fc
  .tuple(fc.constantFrom('A', 'B', 'C', null), fc.constantFrom(null, null, 1, 2))
  .map(([event, n]) => ({ ...(event ? { event } : {}), ...(n ? { filter: { property: 'n', value: n } } : {}) }));

const funnel = fc.tuple(fc.array(step, { minLength: 2, maxLength: 5 }), anyOrder).chain(([steps, order]) =>
  fc.record({
    steps: fc.constant(steps),
    order: fc.constant(order ?? ('ORDERED' as const)),
    windowSeconds: fc.constantFrom(1, 2, 3, 5, 100),
    exclusions: fc.oneof(fc.constant([]), fc.array(exclusionOf(step, steps.length, order), { maxLength: 2 })),
    breakdown: fc.constantFrom(
      undefined,
      ...(['FIRST_TOUCH', 'LAST_TOUCH', 'STEP_1'] as const).map((attribution) => ({ property: 'n', attribution })),
    ),
  }),
);

test('a cursor belongs to its snapshot', async () => {
  const project = service.openProject();
  const events = ['u1', 'u2', 'u3'].map((userId, i) => ({
    kind: 'track' as const,
    input: { event: 'A', userId, messageId: userId, timestamp: new Date(start + i) },
  }));
  const { token } = await project.send({ receivedAt: start + 1000, events });
  const asked = { range: { from: new Date(start), to: new Date(start + 1000) }, steps: [{ event: 'A' }, {}] };
  const one = await project.ask().funnel({ ...asked, freshness: { after: token, maxWaitMs: 30_000 } });
  const { pageInfo } = await one.steps[0]!.people({ first: 2 });
  expect(pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
  const after = pageInfo.endCursor;
  const same = await project.ask().funnel({ ...asked, freshness: { at: one.meta.snapshot } });
  expect((await same.steps[0]!.people({ after })).nodes).toHaveLength(1);
  const other = await project.ask().funnel(asked);
  await expect(other.steps[0]!.people({ after })).rejects.toThrow(
    'after: expected freshness.at to be the meta.snapshot',
  );
  await expect(same.steps[0]!.people({ after: 'x' })).rejects.toThrow('after: expected a cursor');
  await expect(same.steps[0]!.people({ first: 1001 })).rejects.toThrow('first: expected 1 to 1000, got 1001');
});

test('a crowd goes through funnels as trying every attempt gives', async () => {
  await fc.assert(
    fc.asyncProperty(crowd, fc.array(funnel, { minLength: 12, maxLength: 16, size: 'max' }), async (batch, asked) => {
      const project = service.openProject();
      const { token } = await project.send(batch);
      const about = { project, facts: toFacts([batch]), freshness: { after: token, maxWaitMs: 30_000 } };
      const range = { from: new Date(start), to: new Date(start + 5000) };
      await Promise.all(
        asked.map(async ({ breakdown, ...one }) => {
          const question = { ...one, range, ...(breakdown ? { breakdown } : {}) };
          const { actual, expected } = await funnels.compare(question, about);
          expect({ question, answer: actual }).toEqual({ question, answer: expected });
        }),
      );
    }),
    { numRuns: Math.ceil(3 * Number(process.env.ORACLE_RUNS ?? 1)) },
  );
}, 600_000);
