import fc from 'fast-check';
import type { Interval } from './buckets.ts';
import type { Subject } from './check.ts';
import { compareTexts } from './filter.ts';
import { defined, event, filter, optional, property, range } from './questions.ts';
import { answerRetention, type RetentionQuestion, type Someone } from './retention.ts';

/** A report, and the persons of one of its cells, some at a time. */
export interface AskedRetention extends RetentionQuestion {
  /** Places in the lists of cohorts and of cells, counted from the first again where there are fewer. */
  readonly cell: { readonly line: number; readonly period: number; readonly first: number };
}

export const retentions: Subject<AskedRetention> = {
  question: (scene) => {
    const selector = fc.record({ event, filter: fc.option(filter(scene), { nil: undefined, freq: 3 }) }).map(defined);
    return fc
      .record({
        range: range(scene),
        interval: optional(fc.constantFrom<Interval>('DAY', 'DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR', 'HOUR')),
        cohortEvent: selector,
        returnEvent: selector,
        kind: optional(fc.constantFrom('FIRST_TIME', 'RECURRING')),
        mode: optional(fc.constantFrom('ON', 'ON_OR_AFTER')),
        periods: optional(fc.integer({ min: 1, max: 9 })),
        brackets: fc.option(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }), {
          nil: undefined,
          freq: 2,
        }),
        breakdown: optional(
          fc
            .record({ property, limit: optional(fc.integer({ min: 1, max: 3 })), includeOther: optional(fc.boolean()) })
            .map(defined),
        ),
        filter: fc.option(filter(scene), { nil: undefined, freq: 3 }),
        cell: fc.record({ line: fc.nat(200), period: fc.nat(10), first: fc.integer({ min: 1, max: 4 }) }),
      })
      .map((question) => {
        // Not more than a thousand cohorts.
        const isLong = question.range.to.getTime() - question.range.from.getTime() > 40 * 86_400_000;
        return defined(isLong && question.interval === 'HOUR' ? { ...question, interval: undefined } : question);
      }) as never;
  },
  async compare({ cell, ...question }, { project, facts, freshness }) {
    const { meta, cohorts, people } = await project.ask().retention({ ...question, freshness });
    const lines = answerRetention(facts, question, meta.asOf.getTime());
    const actual = cohorts.map((cohort) => ({ ...cohort, start: cohort.start.getTime() }));
    const expected = lines.map(({ cohort }) => cohort);
    // One of those with a member, if there is one.
    const busy = lines.filter(({ cohort }) => cohort.size > 0);
    const line = busy[cell.line % Math.max(1, busy.length)];
    if (!line) return { actual, expected, meta };
    const period = cell.period % line.cells.length;
    const persons: Someone[] = [];
    const pages: number[] = [];
    let page: Awaited<ReturnType<typeof people>> | undefined;
    do {
      page = await people({
        cohort: new Date(line.cohort.start),
        period: period === 0 ? null : period - 1,
        breakdown: line.cohort.isOther ? [] : line.cohort.breakdown,
        isOther: line.cohort.isOther,
        first: cell.first,
        after: page?.pageInfo.endCursor ?? null,
      });
      pages.push(page.nodes.length);
      persons.push(...page.nodes.map(({ userId, anonymousId }) => ({ userId, anonymousId })));
    } while (page.pageInfo.hasNextPage);
    // Two lines may look the same: one of those without the property, and one of a value that reads so.
    const isAlike = ({ cohort }: (typeof lines)[number]) =>
      cohort.start === line.cohort.start &&
      cohort.isOther === line.cohort.isOther &&
      String(cohort.breakdown) === String(line.cohort.breakdown);
    const meant = lines.filter(isAlike).flatMap(({ cells }) => cells[period] ?? []);
    const count = meant.length;
    return {
      actual: { cohorts: actual, persons: persons.toSorted(byIds), pages },
      expected: {
        cohorts: expected,
        persons: meant.toSorted(byIds),
        pages: Array.from({ length: Math.max(1, Math.ceil(count / cell.first)) }, (_, i) =>
          Math.min(cell.first, count - i * cell.first),
        ),
      },
      meta,
    };
  },
};

function byIds(a: Someone, b: Someone): number {
  return compareTexts(`${a.userId} ${a.anonymousId}`, `${b.userId} ${b.anonymousId}`);
}
