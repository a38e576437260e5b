import fc, { type Arbitrary } from 'fast-check';
import type { Subject } from './check.ts';
import { defined, event, filter, optional, property, range } from './questions.ts';
import { answerTopValues, type TopValuesQuestion } from './top-values.ts';

export const topValues: Subject<TopValuesQuestion> = {
  question: (scene) =>
    fc
      .record({
        range: range(scene),
        property,
        event: optional(event),
        filter: fc.option(filter(scene), { nil: undefined, freq: 3 }),
        limit: optional(fc.integer({ min: 1, max: 4 })),
      })
      .map(defined) as Arbitrary<TopValuesQuestion>,
  async compare(question, { project, facts, freshness }) {
    const { meta, ...answer } = await project.ask().topValues({ ...question, freshness });
    return { actual: answer, expected: answerTopValues(facts, question, Number.NaN), meta };
  },
};
