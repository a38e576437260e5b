import fc, { type Arbitrary } from 'fast-check';
import type { Funnel, FunnelStep } from '../../src/reports/funnel/funnel.ts';
import type { Interval } from './buckets.ts';
import type { Subject } from './check.ts';
import { answerFunnel, type FunnelAnswer, type FunnelQuestion, type Step, type StepAnswer } from './funnel.ts';
import { defined, event, filter, optional, property, range } from './questions.ts';
import { type Scene, text } from './streams.ts';

/** What else is asked of a funnel. */
export interface AskedFunnel extends FunnelQuestion {
  readonly interval?: Interval;
  /** Persons on a page. */
  readonly first?: number;
}

export const anyOrder = fc.constantFrom('ORDERED', 'STRICT', 'UNORDERED', undefined) as Arbitrary<
  FunnelQuestion['order']
>;

/** Of a funnel of so many steps. */
export function exclusionOf(step: Arbitrary<Step>, steps: number, order: FunnelQuestion['order']) {
  const between =
    order === 'UNORDERED'
      ? fc.constant({})
      : fc
          .tuple(fc.integer({ min: 1, max: steps - 1 }), fc.integer({ min: 1, max: steps - 1 }), fc.boolean())
          .map(([a, b, isOpen]) =>
            defined({ fromStep: Math.min(a, b), toStep: isOpen ? undefined : Math.max(a, b) + 1 }),
          );
  return fc.tuple(step, between).map(([{ label, ...of }, where]) => ({ ...of, ...where }));
}

function question(scene: Scene): Arbitrary<AskedFunnel> {
  const step = fc
    .record({
      event,
      label: fc.option(text, { nil: undefined, freq: 6 }),
      filter: fc.option(filter(scene), { nil: undefined, freq: 4 }),
    })
    .map(defined) as Arbitrary<Step>;
  // Steps that are the same, or hold each other, are where it is easy to be wrong.
  const steps = fc.oneof(
    fc.array(step, { minLength: 2, maxLength: 5 }),
    fc.tuple(step, fc.integer({ min: 2, max: 4 })).map(([one, times]) => Array.from({ length: times }, () => one)),
  );
  return fc
    .tuple(steps, anyOrder)
    .chain(([steps, order]) =>
      fc.record({
        range: range(scene),
        steps: fc.constant(steps),
        order: fc.constant(order),
        exclusions: optional(fc.array(exclusionOf(step, steps.length, order), { maxLength: 3 })),
        by: optional(fc.oneof(fc.constant('session'), property)),
        breakdown: optional(
          fc
            .record({
              property,
              limit: optional(fc.integer({ min: 1, max: 3 })),
              includeOther: optional(fc.boolean()),
              attribution: optional(fc.constantFrom('FIRST_TOUCH', 'LAST_TOUCH', 'STEP_1')),
            })
            .map(defined),
        ),
        windowSeconds: optional(fc.constantFrom(1, 1800, 3600, 7200, 86_400, 7 * 86_400, 366 * 86_400)),
        filter: fc.option(filter(scene), { nil: undefined, freq: 3 }),
        interval: optional(fc.constantFrom<Interval>('DAY', 'WEEK', 'MONTH')),
        first: fc.integer({ min: 1, max: 4 }),
      }),
    )
    .map(defined) as Arbitrary<AskedFunnel>;
}

export const funnels: Subject<AskedFunnel> = {
  question,
  async compare({ interval, first = 999, ...asked }, { project, facts, freshness }) {
    const funnel = await project.ask().funnel({ ...asked, freshness });
    const pages = async (
      load: (step: FunnelStep) => FunnelStep['people'],
      at: readonly [line: number | null, step: number],
    ) => {
      const ids: string[] = [];
      let from: Funnel = funnel;
      for (let after: string | undefined; ; ) {
        const steps = at[0] === null ? from.steps : from.breakdown![at[0]]!.steps;
        const page = await load(steps[at[1]]!)({ first, after });
        ids.push(...page.nodes.map(({ id }) => id));
        if (!page.pageInfo.hasNextPage) return ids.sort();
        after = page.pageInfo.endCursor as string;
        from = await project.ask().funnel({ ...asked, freshness: { at: funnel.meta.snapshot } });
      }
    };
    // Of one step and, of a breakdown, of the last line: each page is a statement.
    const isPicked = (line: number | null, lines: number, step: number) =>
      step === first % asked.steps.length && (line === null || line === lines - 1);
    const toAnswer = (steps: readonly FunnelStep[], line: number | null, lines = 0): Promise<StepAnswer[]> =>
      Promise.all(
        steps.map(async ({ times, people: _, droppedOff: __, ...step }, i) => ({
          ...step,
          ...(await times()),
          people: isPicked(line, lines, i) ? await pages((one) => one.people, [line, i]) : [],
          droppedOff: isPicked(line, lines, i) ? await pages((one) => one.droppedOff, [line, i]) : [],
        })),
      );
    const withPicked = (steps: readonly StepAnswer[], line: number | null, lines = 0) =>
      steps.map((step, i) => (isPicked(line, lines, i) ? step : { ...step, people: [], droppedOff: [] }));
    const actual: FunnelAnswer = {
      steps: await toAnswer(funnel.steps, null),
      breakdown:
        funnel.breakdown &&
        (await Promise.all(
          funnel.breakdown.map(async (line, i, all) => ({ ...line, steps: await toAnswer(line.steps, i, all.length) })),
        )),
      trend: (await funnel.trend({ interval })).map((point) => ({ ...point, start: point.start.getTime() })),
    };
    const whole = answerFunnel(facts, asked, interval ?? 'DAY', Number.NaN);
    const expected: FunnelAnswer = {
      ...whole,
      steps: withPicked(whole.steps, null),
      breakdown:
        whole.breakdown?.map((line, i, all) => ({ ...line, steps: withPicked(line.steps, i, all.length) })) ?? null,
    };
    return { actual: settled(actual), expected: settled(expected), meta: funnel.meta };
  },
};

/** Seconds are compared to the microsecond: the last digits of a fraction between two values are not promised. */
function settled(answer: FunnelAnswer) {
  return JSON.parse(
    JSON.stringify(answer, (name, value) =>
      name.includes('Seconds') && typeof value === 'number' ? Math.round(value * 1e6) / 1e6 : value,
    ),
  );
}
