import fc from 'fast-check';
import type { Subject } from '../oracle/check.ts';
import { findOwner, settle } from '../oracle/erased.ts';
import { openService, type Service } from '../oracle/harness.ts';
import { lifecycles } from '../oracle/lifecycle-subject.ts';
import { type Fact, inZone, type SentBatch, toFacts } from '../oracle/sent.ts';
import { anonymousIds, batch, scenes, userIds } from '../oracle/streams.ts';
import { trends } from '../oracle/trend-subject.ts';

/** Reports after a deletion are those of a stream that never had the person. */

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

const effort = Number(process.env.ORACLE_RUNS ?? 1);

async function holds<Question>({ question, compare }: Subject<Question>, runs: number): Promise<void> {
  const cases = fc.constantFrom(...scenes).chain((scene) =>
    fc.record({
      batches: fc.array(batch(scene, 30), { minLength: 1, maxLength: 2 }),
      later: batch(scene, 15),
      ids: fc.array(fc.constantFrom(...userIds, ...anonymousIds, 'nobody'), { minLength: 1, maxLength: 2 }),
      questions: fc.array(question(scene), { minLength: 3, maxLength: 5 }),
    }),
  );
  const check = async ({ batches, later, ids, questions }: typeof cases extends fc.Arbitrary<infer T> ? T : never) => {
    const project = service.openProject();
    const ask = async (facts: readonly Fact[], after: string) => {
      for (const each of questions) {
        const { timezone = 'UTC' } = (each as { range?: { timezone?: string } } | null)?.range ?? {};
        const freshness = { after, maxWaitMs: 30_000, maxAgeMs: 0 };
        const { actual, expected } = await compare(each, { project, facts: inZone(facts, timezone), freshness });
        expect({ each, ids, answer: actual }).toEqual({ each, ids, answer: expected });
      }
    };
    const sent: SentBatch[] = [];
    let token = '';
    for (const next of batches) {
      ({ token } = await project.send(next));
      sent.push(next);
    }
    let facts = toFacts(sent);
    await ask(facts, token);
    for (const id of ids) {
      const owner = findOwner(facts, id);
      const { events } = await project.deletePerson(id);
      const stays = facts.filter(({ person }) => person !== owner);
      expect({ ids, id, events }).toEqual({ ids, id, events: facts.length - stays.length });
      facts = settle(stays);
    }
    await ask(facts, token);
    const before = new Set(toFacts(sent).map(({ messageId }) => messageId));
    ({ token } = await project.send(later));
    const fresh = toFacts([...sent, later]).filter(({ messageId }) => !before.has(messageId));
    await ask(settle([...facts, ...fresh]), token);
  };
  await fc.assert(fc.asyncProperty(cases, check), { numRuns: Math.ceil(runs * effort), endOnFailure: true });
}

test('trends are those of a stream without the person', () => holds(trends, 4), 600_000);
test('lifecycles, which follow persons over time, too', () => holds(lifecycles, 4), 600_000);
