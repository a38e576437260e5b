import { createHash } from 'node:crypto';
import fc, { type Arbitrary } from 'fast-check';
import { isTallygateError } from '../../src/errors.ts';
import type { Asked, Comparison, Subject } from './check.ts';
import { answerCohort, type Cohort } from './cohorts.ts';
import type { Filter, Op } from './filter.ts';
import type { Project } from './harness.ts';
import { toPersons } from './persons.ts';
import { defined, event, filter, optional, range } from './questions.ts';
import type { Fact } from './sent.ts';
import { anonymousIds, moment, number, type Scene, text, userIds } from './streams.ts';

const day = 24 * 3_600_000;

/** Whole days and years up to now that begin near the scene, wherever in history that is. */
const last = ({ center, zone }: Scene) =>
  fc
    .record({ days: fc.integer({ min: -30, max: 30 }), timezone: fc.constantFrom(zone, undefined) })
    .map(({ days, timezone }) =>
      defined({ last: `${Math.max(1, Math.floor((Date.now() - center) / day) + days)}d`, timezone }),
    );

const did = (scene: Scene) =>
  fc
    .record({
      event,
      filter: fc.option(filter(scene), { nil: undefined, freq: 2 }),
      atLeast: fc.constantFrom(undefined, 1, 1, 2, 3),
      more: fc.constantFrom(undefined, undefined, 0, 1, 3),
      range: fc.oneof(fc.constant(undefined), range(scene), last(scene)),
    })
    .map(({ more, ...asked }) =>
      defined({ ...asked, atMost: more === undefined ? undefined : (asked.atLeast ?? 1) + more }),
    );

const person = (scene: Scene) =>
  fc
    .record({
      property: fc.constantFrom('plan', 'plan', 'n', 'a', 'a.b', 'tags', 'we`ird'),
      comparison: fc.oneof(
        fc.record({ op: fc.constantFrom<Op>('EQ', 'NEQ', 'CONTAINS', 'GT'), value: fc.oneof(text, number) }),
        fc.record({ op: fc.constantFrom<Op>('EXISTS', 'NOT_EXISTS') }),
      ),
      asOf: optional(moment(scene).map((time) => new Date(time))),
    })
    .map(({ comparison, ...asked }) => defined({ ...asked, ...comparison }));

/** `others`: names of cohorts that there are. */
function cohort(scene: Scene, others: readonly string[]): Arbitrary<Cohort> {
  return fc.letrec<{ cohort: Cohort }>((tie) => ({
    cohort: fc.oneof(
      { maxDepth: 2, depthIdentifier: 'cohort' },
      { weight: 5, arbitrary: did(scene).map((asked) => ({ did: asked })) },
      { weight: 2, arbitrary: person(scene).map((asked) => ({ person: asked })) },
      { weight: 1, arbitrary: fc.subarray(userIds, { minLength: 1 }).map((ids) => ({ userIds: ids })) },
      { weight: 1, arbitrary: fc.subarray(anonymousIds, { minLength: 1 }).map((ids) => ({ anonymousIds: ids })) },
      { weight: 1, arbitrary: fc.array(tie('cohort'), { minLength: 1, maxLength: 3 }).map((and) => ({ and })) },
      { weight: 1, arbitrary: fc.array(tie('cohort'), { minLength: 1, maxLength: 3 }).map((or) => ({ or })) },
      { weight: 2, arbitrary: tie('cohort').map((not) => ({ not })) },
      ...others.map((name) => ({ weight: 2, arbitrary: fc.constant({ cohort: name }) })),
    ),
  })).cohort;
}

interface Cohorts {
  readonly inner: Cohort;
  readonly outer: Cohort;
  /** Whether the outer one is static. */
  readonly freeze: boolean;
}

const cohorts = (scene: Scene): Arbitrary<Cohorts> =>
  fc.record({ inner: cohort(scene, []), outer: cohort(scene, ['inner']), freeze: fc.boolean() });

/** What was known when static ones were saved, by project and name. */
const frozen = new WeakMap<Project, Map<string, Promise<{ readonly at: string; readonly facts: readonly Fact[] }>>>();

/** Names of their own in the project: questions are asked side by side. */
function nameOf(asked: unknown): string {
  return createHash('sha256').update(JSON.stringify(asked)).digest('hex').slice(0, 12);
}

function rename(definition: Cohort, name: string): Cohort {
  return JSON.parse(JSON.stringify(definition), (key, part) => (key === 'cohort' ? name : part)) as Cohort;
}

/** Saves them where they are not yet, and says who is in the outer one. */
async function save({ inner, outer, freeze }: Cohorts, asked: Asked): Promise<{ name: string; members: Set<string> }> {
  const { project, facts, freshness } = asked;
  const now = Date.now();
  const own = nameOf({ inner, outer, freeze });
  const [innerName, outerName] = [`inner ${own}`, `outer ${own}`];
  await project.ask().saveCohort('oracle', { name: innerName, definition: inner });
  const saveOuter = (at?: string) =>
    project
      .ask()
      .saveCohort('oracle', { name: outerName, definition: rename(outer, innerName), ...(at ? { at } : {}) });
  const answer = (known: readonly Fact[]) => {
    const personOf = toPersons(known);
    const named = new Map([['inner', answerCohort(known, inner, now, new Map(), personOf)]]);
    return { members: answerCohort(known, outer, now, named, personOf) };
  };
  if (!freeze) {
    await saveOuter();
    return { name: outerName, ...answer(facts) };
  }
  const ofProject = frozen.get(project) ?? new Map();
  frozen.set(project, ofProject);
  const begin = async () => {
    const { meta } = await project.ask().catalog(freshness);
    await saveOuter(meta.snapshot);
    return { at: meta.snapshot, facts };
  };
  const begun = ofProject.get(own) ?? begin();
  ofProject.set(own, begun);
  const then = await begun;
  const personOf = toPersons(facts);
  return { name: outerName, members: new Set([...answer(then.facts).members].map(personOf)) };
}

/** A cohort's size, and all its people, page by page. */
export const cohortPeople: Subject<Cohorts> = {
  question: cohorts,
  async compare(question, asked) {
    const { name, members } = await save(question, asked);
    const { project, facts } = asked;
    const found = await project.ask().cohort({ name, freshness: asked.freshness });
    const meta = await found.meta();
    const ids: string[] = [];
    for (let after: string | null = null; ; ) {
      const again = await project.ask().cohort({ name, freshness: { at: meta.snapshot } });
      const page = await again.people({ first: 2, after });
      ids.push(...page.nodes.map((node) => JSON.stringify([node.userId, node.anonymousId])));
      if (!page.pageInfo.hasNextPage) break;
      after = page.pageInfo.endCursor;
    }
    const smallest = (texts: readonly string[]) =>
      texts.filter((one) => one !== '').sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))[0] ?? null;
    const expected = [...members].flatMap((who) => {
      const own = facts.filter((fact) => fact.person === who);
      if (own.length === 0) return [];
      return [JSON.stringify([smallest(own.map((f) => f.userId)), smallest(own.map((f) => f.anonymousId))])];
    });
    return {
      actual: { size: await found.size(), ids: ids.sort() },
      expected: { size: expected.length, ids: expected.sort() },
      meta,
    };
  },
};

type Where = 'in' | 'out' | 'and';

/** The same questions of any report, of the events of a cohort's members alone. */
export function amongMembers<Question extends { readonly filter?: Filter }>(
  base: Subject<Question>,
): Subject<Question & { readonly cohorts: Cohorts; readonly where: Where }> {
  return {
    question: (scene) =>
      fc
        .record({
          question: base.question(scene),
          cohorts: cohorts(scene),
          where: fc.constantFrom<Where>('in', 'out', 'and'),
        })
        .map(({ question, ...more }) => ({ ...question, ...more })),
    async compare({ cohorts: wanted, where, ...plain }, asked): Promise<Comparison> {
      const compareTo = async (of: Cohorts): Promise<Comparison> => {
        const { name, members } = await save(of, asked);
        const isMember: Filter = { cohort: name };
        const narrowed = {
          in: isMember,
          out: { not: isMember },
          and: plain.filter ? { and: [plain.filter, isMember] } : isMember,
        }[where];
        const facts = asked.facts.map((fact) => ({ ...fact, cohorts: new Map([[name, members]]) }));
        return base.compare({ ...plain, filter: narrowed } as unknown as Question, { ...asked, facts });
      };
      try {
        return await compareTo(wanted);
      } catch (thrown) {
        if (!isTallygateError(thrown) || thrown.details.limit !== 'conditions of cohorts') throw thrown;
        // Of all their conditions none is left when the members are listed.
        return compareTo({ ...wanted, freeze: true });
      }
    },
  };
}
