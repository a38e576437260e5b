import { type RangeInput, toSpan } from './buckets.ts';
import { type Filter, passes, toLeaves } from './filter.ts';
import type { Fact } from './sent.ts';

export interface EventsQuestion {
  readonly filter?: Filter;
  readonly range: RangeInput;
}

/** Newest first; in which order events of one instant stand is not promised. */
export function answerEvents(facts: readonly Fact[], { filter, range }: EventsQuestion, now: number): Fact[] {
  const span = toSpan(range, now);
  return facts
    .filter((fact) => span.from <= fact.time && fact.time < span.to && passes(fact, filter))
    .sort((a, b) => b.time - a.time);
}

export interface CatalogLine {
  readonly event: string;
  readonly type: string;
  readonly count: number;
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** Events by the full name of a property. */
  readonly properties: ReadonlyMap<string, number>;
}

export function answerCatalog(facts: readonly Fact[]): CatalogLine[] {
  return [...Map.groupBy(facts, ({ kind, event }) => `${kind} ${event}`).values()].map((of) => {
    const properties = new Map<string, number>();
    for (const fact of of) {
      const names = (['properties', 'context', 'traits'] as const).flatMap((root) =>
        toLeaves(fact[root]).map(([path]) => `${root}.${path}`),
      );
      for (const name of new Set(names)) properties.set(name, (properties.get(name) ?? 0) + 1);
    }
    const times = of.map(({ time }) => time);
    return {
      event: of[0]!.event,
      type: of[0]!.kind.toUpperCase(),
      count: of.length,
      firstSeen: Math.min(...times),
      lastSeen: Math.max(...times),
      properties,
    };
  });
}
