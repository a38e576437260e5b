import fc from 'fast-check';
import type { Interval } from './buckets.ts';
import type { Subject } from './check.ts';
import { answerLifecycle, type LifecycleQuestion } from './lifecycle.ts';
import { defined, event, filter, optional, range } from './questions.ts';

export const lifecycles: Subject<LifecycleQuestion> = {
  question: (scene) =>
    fc
      .record({
        range: range(scene),
        interval: optional(fc.constantFrom<Interval>('HOUR', 'DAY', 'DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR')),
        event,
        filter: fc.option(filter(scene), { nil: undefined, freq: 2 }),
      })
      .map(defined),
  async compare(question, { project, facts, freshness }) {
    const { meta, buckets, ...answer } = await project.ask().lifecycle({ ...question, freshness });
    return {
      actual: { buckets: buckets.map((start) => start.getTime()), ...answer },
      expected: answerLifecycle(facts, question, meta.asOf.getTime()),
      meta,
    };
  },
};
