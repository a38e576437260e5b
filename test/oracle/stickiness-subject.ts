import fc from 'fast-check';
import type { Interval } from './buckets.ts';
import type { Subject } from './check.ts';
import { defined, event, filter, optional, range } from './questions.ts';
import { answerStickiness, type StickinessQuestion } from './stickiness.ts';

export const stickiness: Subject<StickinessQuestion> = {
  question: (scene) =>
    fc
      .record({
        range: range(scene),
        interval: optional(fc.constantFrom<Interval>('HOUR', 'DAY', 'DAY', 'WEEK', 'MONTH')),
        event,
        filter: optional(filter(scene)),
      })
      .map(defined),
  async compare(question, { project, facts, freshness }) {
    const { meta, persons } = await project.ask().stickiness({ ...question, freshness });
    // No question of random streams is about now.
    return { actual: persons, expected: answerStickiness(facts, question, Number.NaN), meta };
  },
};
