import fc, { type Arbitrary } from 'fast-check';
import { type Interval, startOf } from './buckets.ts';
import type { Subject } from './check.ts';
import { defined, event, filter, optional, property, range } from './questions.ts';
import { number, propertyNames, type Scene, text } from './streams.ts';
import { type Amount, answerTrend, type Breakdown, type Measure, type TrendLine, type TrendQuestion } from './trend.ts';

const day = 24 * 3_600_000;
/** No question of random streams is about now. */
const noNow = Number.NaN;

/** Those whose numbers are the same to the last bit, however they are counted. */
const exactMeasures: readonly Measure[] = [
  'COUNT',
  'COUNT',
  'UNIQUE_USERS',
  'COUNT_PER_USER',
  'MIN',
  'MAX',
  'UNIQUE_VALUES',
  'UNIQUE_GROUPS',
];
export const measures: readonly Measure[] = [
  ...new Set([...exactMeasures, 'SUM', 'AVG', 'P50', 'P75', 'P90', 'P95', 'P99'] as const),
];
const rollingMeasures: readonly Measure[] = ['WEEKLY_ACTIVE', 'MONTHLY_ACTIVE'];

const formula = fc.letrec<{ sum: string; operand: string }>((tie) => ({
  sum: fc
    .array(fc.tuple(tie('operand'), fc.constantFrom('+', ' - ', '*', ' / ', '/')), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.map(([operand, operator], i) => (i === 0 ? operand : operator + operand)).join('')),
  operand: fc.oneof(
    { maxDepth: 2, depthIdentifier: 'formula' },
    { weight: 6, arbitrary: fc.constantFrom('A', 'A', 'B', 'B', 'C') },
    { weight: 2, arbitrary: fc.constantFrom('0', '1', '100', '0.5', '2.25') },
    { weight: 2, arbitrary: tie('sum').map((inner) => `(${inner})`) },
    { weight: 1, arbitrary: tie('operand').map((inner) => `-${inner}`) },
  ),
})).sum;

function breakdown(): Arbitrary<Breakdown> {
  const limits = { limit: optional(fc.integer({ min: 1, max: 3 })), includeOther: optional(fc.boolean()) };
  const bins = fc.oneof(
    fc.integer({ min: 1, max: 4 }).map((count) => ({ count })),
    fc
      .uniqueArray(number, { minLength: 1, maxLength: 4, comparator: (a, b) => a === b })
      .map((edges) => ({ edges: edges.toSorted((a, b) => a - b) })),
  );
  return fc.oneof(
    { weight: 3, arbitrary: fc.record({ property, ...limits }).map(defined) },
    {
      weight: 1,
      arbitrary: fc.record({ property: fc.constantFrom('n', 'n', ...propertyNames), bins, ...limits }).map(defined),
    },
  ) as Arbitrary<Breakdown>;
}

function question(scene: Scene): Arbitrary<TrendQuestion> {
  const series = (of: readonly Measure[]) =>
    fc
      .record({
        event,
        label: fc.option(text, { nil: undefined, freq: 6 }),
        measure: optional(fc.constantFrom(...of)),
        property,
        filter: fc.option(filter(scene), { nil: undefined, freq: 2 }),
      })
      .map(defined);
  const seriesAndFormulas = fc.boolean().chain((cumulative) => {
    const rolling = cumulative ? [] : rollingMeasures;
    const calculated = fc.record({
      series: fc.array(series([...exactMeasures, ...rolling]), { minLength: 1, maxLength: 3 }),
      formulas: fc.array(formula, { minLength: 1, maxLength: 2 }),
    });
    const plain = fc.record({
      series: fc.array(series([...measures, ...rolling, ...rolling]), { minLength: 1, maxLength: 2 }),
      formulas: fc.constant(undefined),
    });
    return fc
      .oneof({ weight: 1, arbitrary: calculated }, { weight: 2, arbitrary: plain })
      .map((asked) => ({ ...asked, cumulative: cumulative || undefined }));
  });
  const shift = fc
    .tuple(fc.constantFrom(1, 1, 2, 5), fc.constantFrom(...'hdddwMqy'))
    .map(([count, unit]) => ({ shift: `${count}${unit}` }));
  return fc
    .record({
      range: range(scene),
      isWhole: fc.boolean(),
      interval: optional(fc.constantFrom<Interval>('MINUTE', 'HOUR', 'DAY', 'DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR')),
      asked: seriesAndFormulas,
      breakdown: optional(fc.oneof(fc.array(breakdown(), { maxLength: 1 }), fc.array(breakdown(), { maxLength: 3 }))),
      compareTo: fc.option(fc.oneof(fc.constant({ previousPeriod: true }), shift), { nil: undefined, freq: 2 }),
      filter: optional(filter(scene)),
    })
    .map(({ range, isWhole, interval, asked, breakdown, compareTo, filter }) => {
      const { timezone = 'UTC', weekStart } = range;
      const letters = 'ABC'.slice(asked.series.length);
      const known = asked.formulas
        ?.map((formula) => formula.replaceAll(new RegExp(`[${letters}-]`, 'g'), (found) => (found === '-' ? '-' : 'A')))
        .map((formula) => (/[A-C]/.test(formula) ? formula : `A + ${formula}`));
      const tooMany = interval === 'MINUTE' && range.to.getTime() - range.from.getTime() > 6 * day;
      const unit = tooMany ? undefined : interval;
      const whole = (time: Date) => new Date(startOf(time.getTime(), unit ?? 'DAY', timezone, weekStart));
      const [from, to] = [whole(range.from), whole(range.to)];
      const isPossible = isWhole && from < to && from.getTime() > Date.UTC(1901, 0, 1);
      return defined({
        range: isPossible ? { ...range, from, to } : range,
        interval: unit,
        series: asked.series,
        formulas: known,
        cumulative: asked.cumulative,
        breakdown,
        // A month before the 30th of March nothing may be left of a day.
        compareTo: isEmptied(range, compareTo) ? undefined : compareTo,
        filter,
      }) as TrendQuestion;
    });
}

function isEmptied(range: { from: Date; to: Date }, compareTo: TrendQuestion['compareTo']): boolean {
  return compareTo?.shift !== undefined && range.to.getTime() - range.from.getTime() < 5 * day;
}

export const trends: Subject<TrendQuestion> = {
  question,
  async compare(question, { project, facts, freshness }) {
    const { meta, ...answer } = await project.ask().trend({ ...question, freshness });
    const expected = answerTrend(facts, question, noNow);
    const nothing = { value: null, scale: 0 };
    const settleAll = (values: readonly (number | null)[], amounts: readonly Amount[] = []) =>
      values.map((value, i) => settle(value, amounts[i] ?? nothing));
    const toPlain = ({ values, total, previous, ...line }: TrendLine) => ({
      ...line,
      values: values.map(({ value }) => value),
      total: total.value,
      previous: previous && {
        buckets: previous.buckets,
        values: previous.values.map(({ value }) => value),
        total: previous.total.value,
      },
    });
    return {
      actual: {
        buckets: answer.buckets.map((start) => start.getTime()),
        series: answer.series.map((line, i) => {
          const wanted = expected.series[i];
          return {
            ...line,
            values: settleAll(line.values, wanted?.values),
            total: settle(line.total, wanted?.total ?? nothing),
            previous: line.previous && {
              buckets: line.previous.buckets.map((start) => start.getTime()),
              values: settleAll(line.previous.values, wanted?.previous?.values),
              total: settle(line.previous.total, wanted?.previous?.total ?? nothing),
            },
          };
        }),
      },
      expected: { buckets: expected.buckets, series: expected.series.map(toPlain) },
      meta,
    };
  },
};

/** The expected number where the actual one is as near as floating sums can be, otherwise the actual one. */
function settle(actual: number | null, { value: expected, scale }: Amount): number | null {
  if (actual === null || expected === null) return actual;
  return Math.abs(actual - expected) <= 1e-9 * scale ? expected : actual;
}
