import fc from 'fast-check';
import type { Comparison, Subject } from './check.ts';
import { funnels } from './funnel-subject.ts';
import { inZone } from './sent.ts';
import { topValues } from './top-values-subject.ts';
import type { TrendQuestion } from './trend.ts';
import { trends } from './trend-subject.ts';

/** Several reports of one operation, most of which have something in common. */

type Tile = {
  readonly [Kind in keyof typeof kinds]: { readonly kind: Kind; readonly question: QuestionOf<Kind> };
}[keyof typeof kinds];
type QuestionOf<Kind extends keyof typeof kinds> =
  (typeof kinds)[Kind] extends Subject<infer Question> ? Question : never;

const kinds = { trends, funnels, topValues } as const;

export const dashboards: Subject<readonly Tile[]> = {
  question: (scene) => {
    const alike = fc
      .tuple(trends.question(scene), fc.array(trends.question(scene), { minLength: 1, maxLength: 5 }))
      .chain(([first, others]) =>
        fc.tuple(
          fc.constant(first),
          ...others.map((other) =>
            fc
              .record({ range: fc.boolean(), interval: fc.boolean(), breakdown: fc.boolean(), series: fc.boolean() })
              .map((shared): TrendQuestion => {
                const taken = Object.entries(first).filter(([name]) => shared[name as keyof typeof shared]);
                const own = Object.entries(other).filter(([name]) => !shared[name as keyof typeof shared]);
                const tile = Object.fromEntries([...own, ...taken]) as unknown as TrendQuestion;
                // Formulas name the series that they were made for.
                return toPossible(shared.series ? { ...tile, ...pick(first, 'formulas', 'cumulative') } : tile);
              }),
          ),
        ),
      )
      .map((questions) => questions.map((question): Tile => ({ kind: 'trends', question })));
    const apart = fc.array(
      fc.oneof(
        funnels.question(scene).map((question): Tile => ({ kind: 'funnels', question })),
        topValues.question(scene).map((question): Tile => ({ kind: 'topValues', question })),
      ),
      { maxLength: 2 },
    );
    return fc.tuple(alike, apart).map((tiles) => tiles.flat());
  },
  async compare(tiles, { project, facts, freshness }) {
    const operation = project.ask();
    const compared = await Promise.all(
      tiles.map(({ kind, question }): Promise<Comparison> => {
        const { timezone = 'UTC' } = (question as { range?: { timezone?: string } }).range ?? {};
        const asked = { project: { ...project, ask: () => operation }, facts: inZone(facts, timezone), freshness };
        return (kinds[kind] as Subject<unknown>).compare(question, asked);
      }),
    );
    return {
      actual: compared.map(({ actual }) => actual),
      expected: compared.map(({ expected }) => expected),
      meta: compared[0]!.meta,
    };
  },
};

function pick<T extends object>(from: T, ...names: readonly (keyof T)[]): Partial<T> {
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Partial<T>;
}

/** Minutes of many days are more than an answer has, and a shift may leave nothing of a few days. */
function toPossible(question: TrendQuestion): TrendQuestion {
  const { interval, compareTo, ...rest } = question;
  const days = (rest.range.to!.getTime() - rest.range.from!.getTime()) / 86_400_000;
  return {
    ...rest,
    ...(interval && (interval !== 'MINUTE' || days < 6) ? { interval } : {}),
    ...(compareTo && (compareTo.previousPeriod || days >= 5) ? { compareTo } : {}),
  };
}
