// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of source text

import { type Mutation, one } from './mistake.ts';

export const entityMutations: readonly Mutation[] = [
  one(
    'the values that have lines are the most frequent of all entities together',
    'entities',
    'entities/columns.ts',
    "LIMIT ${value('UInt32', limit)} BY ${entity})`",
    "LIMIT ${value('UInt32', limit)})`",
  ),
  one(
    'an event without the property is of the entity whose id is empty',
    'entities',
    'entities/entities.ts',
    'condition: sql`ifNull(${text} IN ${list}, 0)`',
    "condition: sql`ifNull(${text}, '') IN ${list}`",
  ),
  one(
    'none is one of the different values of an entity',
    'entities',
    'top-values.ts',
    "countIf(key != '') AS kinds, arrayMap",
    'count() AS kinds, arrayMap',
  ),
];
