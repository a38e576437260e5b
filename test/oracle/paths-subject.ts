import fc, { type Arbitrary } from 'fast-check';
import type { Subject } from './check.ts';
import { answerPaths, type PathsQuestion, type Rule } from './paths.ts';
import { defined, event, filter, optional, property, range } from './questions.ts';
import { gapMinutes } from './sessions-subject.ts';
import { eventNames } from './streams.ts';

/** Expressions that mean the same in both languages, for any text. */
const pattern = fc.constantFrom('a', '^a', 'b$', '^C', '[a-b]+', '^(a|b)$', '\\d+', '', '^/', "it's");
const name = fc.constantFrom(...eventNames, '/', '/a', '/b', '$page', '*', 'never');

const rule: Arbitrary<Rule> = fc
  .record({ event: optional(event), property: optional(property), matches: optional(pattern), name: optional(name) })
  .map((made) => defined(made.property === undefined ? { ...made, name: made.name ?? '*' } : made)) as Arbitrary<Rule>;

/** All that can be asked about a range. */
export const pathsQuestion = {
  end: fc.oneof(
    { weight: 2, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: name.map((from) => ({ from })) },
    { weight: 1, arbitrary: name.map((to) => ({ to })) },
  ),
  depth: optional(fc.integer({ min: 2, max: 6 })),
  rules: optional(fc.array(rule, { maxLength: 3 })),
  keepRepeats: optional(fc.boolean()),
  minSessions: optional(fc.integer({ min: 1, max: 3 })),
  limit: optional(fc.integer({ min: 1, max: 6 })),
  gapMinutes: optional(gapMinutes),
};

export const paths: Subject<PathsQuestion> = {
  question: (scene) =>
    fc
      .record({
        ...pathsQuestion,
        range: range(scene),
        filter: fc.option(filter(scene), { nil: undefined, freq: 3 }),
      })
      .map(({ end, ...question }) => defined({ ...question, ...end })) as Arbitrary<PathsQuestion>,
  async compare(question, { project, facts, freshness }) {
    const { meta, ...answer } = await project.ask().paths({ ...question, freshness });
    const isCut = meta.warnings.some((warning) => warning.includes('nodes have at least minSessions'));
    return { actual: { ...answer, isCut }, expected: answerPaths(facts, question, Number.NaN), meta };
  },
};
