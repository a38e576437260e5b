import { type RangeInput, toSpan } from './buckets.ts';
import { type Filter, type Op, passes } from './filter.ts';
import { type Fact, inZone, type Json } from './sent.ts';

/** Who is in a cohort, by the words of schema/cohorts.graphql. */

export interface Cohort {
  readonly and?: readonly Cohort[];
  readonly or?: readonly Cohort[];
  readonly not?: Cohort;
  readonly did?: {
    readonly event?: string;
    readonly filter?: Filter;
    readonly atLeast?: number;
    readonly atMost?: number;
    readonly range?: RangeInput;
  };
  readonly person?: {
    readonly property: string;
    readonly op?: Op;
    readonly value?: Json;
    readonly ignoreCase?: boolean;
    readonly asOf?: Date;
  };
  readonly cohort?: string;
  readonly userIds?: readonly string[];
  readonly anonymousIds?: readonly string[];
}

/** `named`: members of the cohorts that it may be made of. Everybody is looked at alone. */
export function answerCohort(
  facts: readonly Fact[],
  cohort: Cohort,
  now: number,
  named: ReadonlyMap<string, ReadonlySet<string>> = new Map(),
  personOf: (id: string) => string = (id) => id,
): Set<string> {
  const isIn = (who: string, { and, or, not, did, person, cohort: name, userIds, anonymousIds }: Cohort): boolean => {
    if (and) return and.every((part) => isIn(who, part));
    if (or) return or.some((part) => isIn(who, part));
    if (not) return !isIn(who, not);
    if (name !== undefined) return named.get(name)!.has(who);
    if (userIds) return userIds.some((id) => personOf(`user ${id}`) === who);
    if (anonymousIds) return anonymousIds.some((id) => personOf(`anonymous ${id}`) === who);
    if (did) {
      const span = did.range ? toSpan(did.range, now) : null;
      const times = inZone(facts, did.range?.timezone ?? 'UTC').filter(
        (fact) =>
          fact.person === who &&
          (did.event === undefined || fact.event === did.event) &&
          (span === null || (span.from <= fact.time && fact.time < span.to)) &&
          passes(fact, did.filter),
      ).length;
      return times >= (did.atLeast ?? 1) && times <= (did.atMost ?? Number.POSITIVE_INFINITY);
    }
    const { property, asOf, ...comparison } = person!;
    const some = facts.find((fact) => fact.person === who)!;
    return asOf
      ? passes({ ...some, time: asOf.getTime() }, { property: `person.${property}`, ...comparison })
      : passes(some, { property: `personLatest.${property}`, ...comparison });
  };
  return new Set([...new Set(facts.map((fact) => fact.person))].filter((who) => isIn(who, cohort)));
}
