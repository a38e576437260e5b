import fc, { type Arbitrary } from 'fast-check';
import type { ReportRequest } from '../../src/reports/reports.ts';
import type { Subject } from './check.ts';
import { funnels } from './funnel-subject.ts';
import { eventNames, profileNames, propertyNames, type Scene, text, userIds } from './streams.ts';
import { topValues } from './top-values-subject.ts';
import { trends } from './trend-subject.ts';

/** Reports about many entities in one operation: each is what plain counting gives with the entity as one more filter. */
export interface EntitiesQuestion {
  readonly kind: 'trend' | 'funnel' | 'topValues';
  readonly property: string;
  readonly ids: readonly string[];
  readonly asked: object;
  /** Of asked: check reads the timezone there. */
  readonly range: unknown;
}

const subjects = { trend: trends, funnel: funnels, topValues } as unknown as Record<
  EntitiesQuestion['kind'],
  Subject<object>
>;

/** Half of them have events for sure: a question about nothing finds no mistake. */
function about(most: number) {
  const ids = (of: Arbitrary<string>) => fc.array(of, { minLength: 1, maxLength: most });
  return fc.oneof(
    { weight: 3, arbitrary: fc.record({ property: fc.constantFrom(...propertyNames), ids: ids(text) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        property: fc.constantFrom(...profileNames, 'session.entryEvent', 'session.exitPage', '$type', '$groupId'),
        ids: ids(fc.oneof(text, fc.constantFrom(...eventNames, 'TRACK'))),
      }),
    },
    { weight: 2, arbitrary: fc.record({ property: fc.constant('$event'), ids: ids(fc.constantFrom(...eventNames)) }) },
    { weight: 2, arbitrary: fc.record({ property: fc.constant('$userId'), ids: ids(fc.constantFrom(...userIds)) }) },
  );
}

export function entities(kind: EntitiesQuestion['kind']): Subject<EntitiesQuestion> {
  const { question, compare } = subjects[kind];
  return {
    question: (scene: Scene) =>
      fc
        .record({ whose: about(kind === 'funnel' ? 3 : 5), asked: question(scene).map(withEdges) })
        .map(({ whose, asked }) => ({ kind, ...whose, asked, range: (asked as { range?: unknown }).range })),
    async compare({ property, ids, asked }, about) {
      const { project } = about;
      const together = project.ask();
      const { filter } = asked as { filter?: object };
      const compared = await Promise.all(
        together.entities.list({ property, ids }).map((entity, i) => {
          const own = { property, value: entity.id };
          // Whoever compares asks for the report with the filter, and gets that of the entity. What is asked later is an operation of its own.
          let isFirst = true;
          const ask = () => {
            const of = isFirst ? entity : project.ask().entities.of(property, ids[i] as string);
            isFirst = false;
            const report = (input: { freshness?: unknown }) =>
              of[kind]({ ...asked, freshness: input.freshness } as never);
            return { [kind]: report } as unknown as ReportRequest;
          };
          const filtered = { ...asked, filter: filter ? { and: [own, filter] } : own };
          return compare(filtered, { ...about, project: { ...project, ask } });
        }),
      );
      return {
        actual: compared.map(({ actual }) => actual),
        expected: compared.map(({ expected }) => expected),
        meta: (compared[0] as (typeof compared)[0]).meta,
      };
    },
  };
}

/** Bins of equal width are not offered. */
function withEdges(asked: object): object {
  const { breakdown } = asked as { breakdown?: unknown };
  if (!Array.isArray(breakdown)) return asked;
  return {
    ...asked,
    breakdown: breakdown.map((one) => (one.bins?.count ? { ...one, bins: { edges: [0, 10] } } : one)),
  };
}
