import fc from 'fast-check';
import type { FunnelInput } from '../../src/reports/funnel/input.ts';
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

/** What one person did: a name and the second of each event. */
type Deeds = readonly (readonly [event: string, second: number])[];
type Asked = Omit<FunnelInput, 'range' | 'steps'>;

test.each<[string, Deeds, Asked, readonly number[]]>([
  [
    'the window is from the first step',
    [
      ['A', 0],
      ['B', 2],
      ['C', 4],
    ],
    { windowSeconds: 3 },
    [0, 2],
  ],
  [
    'the window has its end',
    [
      ['A', 0],
      ['B', 2],
      ['C', 3],
    ],
    { windowSeconds: 3 },
    [0, 2, 3],
  ],
  [
    'the attempt that gets furthest counts',
    [
      ['A', 0],
      ['A', 3],
      ['B', 5],
    ],
    { windowSeconds: 3 },
    [3, 5],
  ],
  [
    'of several the earliest counts',
    [
      ['A', 0],
      ['A', 1],
      ['B', 2],
      ['B', 3],
    ],
    {},
    [0, 2],
  ],
  [
    'an exclusion ends an attempt',
    [
      ['A', 0],
      ['X', 1],
      ['B', 2],
    ],
    { exclusions: [{ event: 'X' }] },
    [0],
  ],
  [
    'another may begin after it',
    [
      ['A', 0],
      ['X', 1],
      ['A', 2],
      ['B', 3],
    ],
    { exclusions: [{ event: 'X' }] },
    [2, 3],
  ],
  [
    'at the instant of the first step it ends nothing',
    [
      ['A', 0],
      ['X', 0],
      ['B', 2],
    ],
    { exclusions: [{ event: 'X' }] },
    [0, 2],
  ],
  [
    'nor at that of the last',
    [
      ['A', 0],
      ['A', 1],
      ['X', 2],
      ['B', 2],
    ],
    { exclusions: [{ event: 'X' }], windowSeconds: 1 },
    [1, 2],
  ],
  [
    'nor before its steps',
    [
      ['A', 0],
      ['X', 1],
      ['B', 2],
      ['C', 3],
    ],
    { exclusions: [{ event: 'X', fromStep: 2 }] },
    [0, 2, 3],
  ],
  [
    'a step can be done again after it',
    [
      ['A', 0],
      ['B', 1],
      ['X', 2],
      ['B', 3],
      ['C', 4],
    ],
    { exclusions: [{ event: 'X', fromStep: 2 }] },
    [0, 3, 4],
  ],
  [
    'strict: nothing lies between',
    [
      ['A', 0],
      ['X', 1],
      ['B', 2],
    ],
    { order: 'STRICT' },
    [0],
  ],
  [
    'strict: but at the same instant',
    [
      ['A', 0],
      ['X', 0],
      ['B', 2],
      ['X', 2],
    ],
    { order: 'STRICT' },
    [0, 2],
  ],
  [
    'strict: but not where it has to go on from there',
    [
      ['A', 0],
      ['B', 1],
      ['X', 1],
      ['C', 2],
    ],
    { order: 'STRICT' },
    [0, 1],
  ],
  [
    'strict: the window has its end at an instant of several',
    [
      ['A', 0],
      ['B', 3],
      ['X', 3],
    ],
    { order: 'STRICT', windowSeconds: 3 },
    [0, 3],
  ],
  [
    'strict: and what the filter leaves out',
    [
      ['A', 0],
      ['X', 1],
      ['B', 2],
    ],
    { order: 'STRICT', filter: { property: '$event', op: 'NEQ', value: 'X' } },
    [0, 2],
  ],
  [
    'any order',
    [
      ['C', 0],
      ['A', 2],
      ['C', 3],
      ['B', 4],
    ],
    { order: 'UNORDERED', windowSeconds: 3 },
    [2, 3, 4],
  ],
  [
    'a session ends after half an hour',
    [
      ['A', 0],
      ['B', 1800],
    ],
    { by: 'session' },
    [0],
  ],
  [
    'and not a second before',
    [
      ['A', 0],
      ['B', 1799],
    ],
    { by: 'session' },
    [0, 1799],
  ],
])('%s', async (_, deeds, asked, seconds) => {
  const project = service.openProject();
  const events = deeds.map(([event, second], i) => ({
    kind: 'track' as const,
    input: { event, userId: 'u', messageId: `${i}`, timestamp: new Date(start + second * 1000) },
  }));
  // Somebody who only begins has no times.
  events.push({ kind: 'track', input: { ...events[0]!.input, event: 'A', userId: 'v', messageId: 'v' } });
  const { token } = await project.send({ receivedAt: start + 3_600_000, events });
  const { steps } = await project.ask().funnel({
    ...asked,
    range: { from: new Date(start), to: new Date(start + 3_600_000) },
    steps: [{ event: 'A' }, { event: 'B' }, { event: 'C' }],
    freshness: { after: token, maxWaitMs: 30_000 },
  });
  expect(steps.map(({ count }) => count)).toEqual([2, 1, 1].map((most, i) => (seconds.length > i ? most : 0)));
  const times = await Promise.all(steps.map((step) => step.times()));
  const expected = steps.map((_, i) => (i > 0 && i < seconds.length ? seconds[i]! - seconds[0]! : null));
  expect(times.map(({ medianSecondsFromStart }) => medianSecondsFromStart)).toEqual(expected);
});

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
    { numRuns: Math.ceil(3 * Number(process.env.ORACLE_RUNS ?? 1)), endOnFailure: true },
  );
}, 600_000);
