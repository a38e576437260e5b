import fc from 'fast-check';
import { holdsForRandomStreams } from '../oracle/check.ts';
import type { Step } from '../oracle/funnel.ts';
import { openService, type Service } from '../oracle/harness.ts';
import { type SentBatch, toFacts } from '../oracle/sent.ts';
import { funnels } from '../oracle/subjects.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

test('funnels of random streams are what trying every chain gives', async () => {
  await holdsForRandomStreams(service, funnels, { streams: 25, questions: [5, 9] });
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

test('a crowd goes through funnels as trying every chain gives', async () => {
  const funnel = fc.record({
    steps: fc.array(step, { minLength: 2, maxLength: 5 }),
    windowSeconds: fc.constantFrom(1, 2, 3, 5, 100),
  });
  await fc.assert(
    fc.asyncProperty(crowd, fc.array(funnel, { minLength: 20, maxLength: 30, size: 'max' }), async (batch, asked) => {
      const project = service.openProject();
      const { token } = await project.send(batch);
      const about = { project, facts: toFacts([batch]), freshness: { after: token, maxWaitMs: 30_000 } };
      const range = { from: new Date(start), to: new Date(start + 5000) };
      await Promise.all(
        asked.map(async (one) => {
          const question = { ...one, range };
          const { actual, expected } = await funnels.compare(question, about);
          expect({ question, steps: actual }).toEqual({ question, steps: expected });
        }),
      );
    }),
    { numRuns: Math.ceil(5 * Number(process.env.ORACLE_RUNS ?? 1)) },
  );
}, 600_000);
