import fc from 'fast-check';
import { holdsForRandomStreams } from '../oracle/check.ts';
import { openService, type Project, type Service } from '../oracle/harness.ts';
import { type Fact, type SentBatch, type SentEvent, toFacts } from '../oracle/sent.ts';
import { answerLive, type LiveQuestion } from '../oracle/top-values.ts';
import { topValues } from '../oracle/top-values-subject.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

test('top values of random streams are what plain counting gives', async () => {
  await holdsForRandomStreams(service, topValues, { streams: 30, questions: [5, 9] });
}, 600_000);

test('a name that no event has is a warning; a limit is checked', async () => {
  const ask = service.openProject().ask();
  const range = { last: '3d' };
  const nothing = await ask.topValues({ range, property: 'plan', event: 'Sing Up' });
  expect(nothing).toMatchObject({ values: [], distinct: 0, events: 0, persons: 0 });
  expect(nothing.meta.warnings).toEqual([
    'property: no event has a property "plan"',
    'event: no event is named "Sing Up"',
  ]);
  for (const limit of [0, 1001])
    await expect(ask.topValues({ range, property: 'plan', limit })).rejects.toThrow(
      `limit: expected 1 to 1000, got ${limit}`,
    );
  await expect(ask.live({ limit: 0 })).rejects.toThrow('limit: expected 1 to 1000, got 0');
});

const minute = 60_000;

/** What happens now, by the clock that the reports have: minutes ago, on the edge of one, or to come. */
const present: fc.Arbitrary<(now: number) => SentBatch> = fc
  .array(
    fc.record({
      user: fc.nat(4),
      kind: fc.constantFrom<SentEvent['kind']>('track', 'track', 'page', 'identify'),
      ago: fc.oneof(
        fc.integer({ min: -2, max: 34 }).map((minutes) => ({ minutes, ms: 0 })),
        fc
          .integer({ min: -2, max: 34 })
          .chain((minutes) => fc.integer({ min: -1, max: 59_999 }).map((ms) => ({ minutes, ms }))),
      ),
      name: fc.constantFrom('A', 'B', 'C'),
      path: fc.constantFrom('/', '/a', '/b', ''),
    }),
    { minLength: 1, maxLength: 80, size: 'max' },
  )
  .map((acts) => (now) => ({
    receivedAt: now,
    events: acts.map(({ user, kind, ago, name, path }, i): SentEvent => {
      const time = Math.floor(now / minute) * minute - ago.minutes * minute + ago.ms;
      const common = { userId: `u${user}`, messageId: `m${i}`, timestamp: new Date(time) };
      if (kind === 'identify') return { kind, input: common };
      const named = kind === 'track' ? { event: name } : { name };
      return { kind, input: { ...common, ...named, properties: { path } } };
    }),
  }));

const asked: LiveQuestion[] = [{}, { limit: 1 }, { limit: 2, filter: { property: '$type', value: 'PAGE' } }];

async function checkLive(project: Project, facts: readonly Fact[], freshness: object) {
  const answers = await Promise.all(asked.map((question) => project.ask().live({ ...question, freshness })));
  answers.forEach(({ meta, minutes, now, ...answer }, i) => {
    const actual = {
      ...answer,
      now: now.getTime(),
      minutes: minutes.map(({ start, ...counts }) => ({ start: start.getTime(), ...counts })),
    };
    expect(actual).toEqual(answerLive(facts, asked[i] as LiveQuestion, now.getTime()));
    expect(meta.consistency).not.toBe('TIMED_OUT');
  });
  return answers[0]!;
}

test('what is live is what plain counting gives, also of an older snapshot', async () => {
  await fc.assert(
    fc.asyncProperty(present, present, async (toFirst, toSecond) => {
      const project = service.openProject();
      const first = toFirst(Date.now());
      const { token } = await project.send(first);
      const before = await checkLive(project, toFacts([first]), { after: token, maxWaitMs: 30_000 });
      const second = toSecond(Date.now());
      const renamed = {
        ...second,
        events: second.events.map(({ kind, input }) => ({
          kind,
          input: { ...input, messageId: `x${input.messageId}` },
        })),
      };
      const { token: later } = await project.send(renamed);
      await checkLive(project, toFacts([first, renamed]), { after: later, maxWaitMs: 30_000 });
      const past = await checkLive(project, toFacts([first]), { at: before.meta.snapshot });
      expect(past.now).toEqual(before.now);
    }),
    // What fails depends on the clock: a smaller one may not.
    { numRuns: Math.ceil(10 * Number(process.env.ORACLE_RUNS ?? 1)), endOnFailure: true },
  );
}, 600_000);
