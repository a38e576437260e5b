import fc from 'fast-check';
import type { FreshnessInput } from '../../src/reports/session.ts';
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

test('a merge of another time changes the answers about before, and not those of older snapshots', async () => {
  const project = service.openProject();
  const seen = { timestamp: new Date(start + 1000), event: 'A' };
  const did = { timestamp: new Date(start + 2000), event: 'B' };
  const before: SentBatch = {
    receivedAt: start + 3_600_000,
    events: [
      { kind: 'track', input: { ...seen, anonymousId: 'a', messageId: 'm1' } },
      { kind: 'track', input: { ...did, userId: 'u', messageId: 'm2' } },
    ],
  };
  const merge: SentBatch = {
    receivedAt: start + 900 * 24 * 3_600_000,
    events: [{ kind: 'identify', input: { userId: 'u', anonymousId: 'a', messageId: 'm3' } }],
  };
  const question = {
    range: { from: new Date(start), to: new Date(start + 10_000) },
    steps: [{ event: 'A' }, { event: 'B' }],
  };
  const ask = async (sent: readonly SentBatch[], freshness: FreshnessInput, windowSeconds = 60) => {
    const asked = { ...question, windowSeconds };
    const { actual, expected, meta } = await funnels.compare(asked, { project, facts: toFacts(sent), freshness });
    expect(actual).toEqual(expected);
    return { counts: (actual as { count: number }[]).map(({ count }) => count), meta };
  };
  const first = await ask([before], { after: (await project.send(before)).token, maxWaitMs: 30_000 });
  expect(first.counts).toEqual([1, 0]);
  const second = await ask([before, merge], { after: (await project.send(merge)).token, maxWaitMs: 30_000 });
  expect(second.counts).toEqual([1, 1]);
  const again = await ask([before], { at: first.meta.snapshot });
  expect(again.counts).toEqual([1, 0]);
  expect(again.meta.source).toBe('CACHE');
  // Asked for the first time: the answer cannot come out of the cache.
  const late = await ask([before], { at: first.meta.snapshot }, 61);
  expect([late.counts, late.meta.source]).toEqual([[1, 0], 'WAREHOUSE']);
  expect((await ask([before, merge], { at: second.meta.snapshot }, 61)).counts).toEqual([1, 1]);
});

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
