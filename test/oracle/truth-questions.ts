import type { SnapshotFacts } from '../../src/events/tokens.ts';
import type { FreshnessInput } from '../../src/reports/moment/moment.ts';
import type { Reports } from '../../src/reports/reports.ts';
import type { RangeInput } from './buckets.ts';
import { answerFunnel } from './funnel.ts';
import { answerRetention } from './retention.ts';
import type { Fact } from './sent.ts';
import { answerTrend, type TrendQuestion } from './trend.ts';

/** What is asked in a random life: see truth.ts. */

const day = 24 * 3_600_000;
const last = (range: string) => ({ last: range });

export interface Question {
  readonly trend?: TrendQuestion;
  readonly funnel?: { readonly range: RangeInput };
  readonly retention?: { readonly range: RangeInput };
}

/** All of them small, and their answers exact. `today`: when the day began on which the life did. */
export const toQuestions = (today: number): readonly Question[] => {
  const closed = { from: new Date(today - 3 * day), to: new Date(today) };
  return [
    { trend: { range: last('3d'), series: [{ event: 'A' }] } },
    { trend: { range: last('30d'), series: [{ event: 'A', measure: 'UNIQUE_USERS' }] } },
    { trend: { range: last('2d'), interval: 'HOUR', series: [{ event: 'A', measure: 'SUM', property: 'n' }] } },
    {
      trend: {
        range: last('60d'),
        interval: 'MONTH',
        series: [{ event: 'B', measure: 'UNIQUE_USERS' }, { event: 'A' }],
      },
    },
    {
      trend: {
        range: last('4d'),
        series: [{ event: 'A', measure: 'UNIQUE_USERS' }],
        filter: { property: 'personLatest.plan', op: 'EQ', value: 'pro' },
      },
    },
    {
      trend: {
        range: last('40d'),
        interval: 'WEEK',
        series: [{ event: 'A', measure: 'MAX', property: 'n' }],
        cumulative: true,
      },
    },
    { trend: { range: closed, series: [{ event: 'A', measure: 'UNIQUE_USERS' }] } },
    { trend: { range: closed, interval: 'WEEK', series: [{ event: 'A', measure: 'SUM', property: 'n' }] } },
    { funnel: { range: last('50d') } },
    { funnel: { range: closed } },
    { retention: { range: last('6d') } },
    { retention: { range: closed } },
  ];
};
export const questionCount = toQuestions(0).length;

const inSteps = { steps: [{ event: 'A' }, { event: 'B' }], windowSeconds: 30 * 86_400 };
const coming = { cohortEvent: { event: 'A' }, returnEvent: {}, periods: 4 };

/** What the service says. */
export async function answerOf(
  operation: ReturnType<Reports['begin']>,
  { trend, funnel, retention }: Question,
  freshness: FreshnessInput,
) {
  if (trend) {
    const { meta, buckets, series } = await operation.trend({ ...trend, freshness });
    const lines = series.map(({ values, total }) => ({ values, total }));
    return { meta, value: { buckets: buckets.map((start) => start.getTime()), lines } };
  }
  if (funnel) {
    const answer = await operation.funnel({ ...funnel, ...inSteps, freshness });
    return { meta: answer.meta, value: answer.steps.map(({ count }) => count) };
  }
  const answer = await operation.retention({ ...(retention as Question['retention'] & object), ...coming, freshness });
  return { meta: answer.meta, value: answer.cohorts.map(({ size, counts }) => [size, counts]) };
}

/** What plain counting says. */
export function recount(
  { trend, funnel, retention }: Question,
  facts: readonly Fact[],
  { now }: SnapshotFacts,
): unknown {
  if (trend) {
    const { buckets, series } = answerTrend(facts, trend, now);
    const lines = series.map(({ values, total }) => ({ values: values.map(({ value }) => value), total: total.value }));
    return { buckets, lines };
  }
  if (funnel) return answerFunnel(facts, { ...funnel, ...inSteps }, 'DAY', now).steps.map(({ count }) => count);
  return answerRetention(facts, { ...(retention as Question['retention'] & object), ...coming }, now).map(
    ({ cohort }) => [cohort.size, cohort.counts],
  );
}
