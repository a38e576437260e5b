import fc, { type Arbitrary } from 'fast-check';
import type { Interval } from './buckets.ts';
import type { Subject } from './check.ts';
import { defined, filter, optional, property, range } from './questions.ts';
import { answerSessions, type SessionsQuestion } from './sessions.ts';

/** Gaps that the streams' moments lie exactly apart, and others. */
export const gapMinutes = fc.constantFrom(1, 30, 60, 61, 120, 1440);

export const sessions: Subject<SessionsQuestion> = {
  question: (scene) =>
    fc
      .record({
        range: range(scene),
        interval: optional(fc.constantFrom<Interval>('HOUR', 'DAY', 'DAY', 'WEEK', 'MONTH')),
        gapMinutes: optional(gapMinutes),
        breakdown: optional(
          fc
            .record({ property, limit: optional(fc.integer({ min: 1, max: 3 })), includeOther: optional(fc.boolean()) })
            .map(defined),
        ),
        pages: optional(fc.integer({ min: 0, max: 3 })),
        filter: fc.option(filter(scene), { nil: undefined, freq: 3 }),
      })
      .map(defined) as Arbitrary<SessionsQuestion>,
  async compare(question, { project, facts, freshness }) {
    const { meta, buckets, ...answer } = await project.ask().sessions({ ...question, freshness });
    const expected = answerSessions(facts, question, Number.NaN);
    const settle = <Figures extends object>(actual: Figures, of: object | undefined) =>
      Object.fromEntries(
        Object.entries(actual).map(([name, value]) => [name, near(value, of?.[name as keyof typeof of])]),
      );
    return {
      actual: {
        ...answer,
        buckets: buckets.map((start) => start.getTime()),
        series: answer.series.map((line, i) => ({
          ...line,
          values: line.values.map((figures, j) => settle(figures, expected.series[i]?.values[j])),
          total: settle(line.total, expected.series[i]?.total),
        })),
      },
      expected,
      meta,
    };
  },
};

/** The expected number where the actual one differs only as quotients of floating numbers do. */
function near(actual: unknown, expected: unknown): unknown {
  if (typeof actual !== 'number' || typeof expected !== 'number') return actual;
  return Math.abs(actual - expected) <= 1e-12 * Math.abs(expected) ? expected : actual;
}
