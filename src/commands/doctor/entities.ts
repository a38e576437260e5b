import type { Config } from '../../config.ts';
import { readSubgraph } from '../../gateway/federation.ts';
import { readTypeDefs } from '../../gateway/schema.ts';
import { type Finding, ok, problem, toReason } from './finding.ts';
import { toMistakes } from './process.ts';

/** Types of other services that have reports here; nothing without a federation. */
export function checkEntities({ FEDERATION, ENTITIES_FILE, INTROSPECTION }: Config): Finding[] {
  if (!FEDERATION) return [];
  try {
    const entitiesFile = ENTITIES_FILE ?? null;
    const { types } = readSubgraph({ typeDefs: readTypeDefs(), entitiesFile, introspection: INTROSPECTION });
    const names = types.map(({ name }) => name).join(', ');
    return [ok('ENTITIES_FILE', names === '' ? 'none: a subgraph without entities' : names)];
  } catch (thrown) {
    const mistakes = toMistakes(thrown);
    return mistakes.length > 0
      ? mistakes.map(({ says }) => problem('ENTITIES_FILE', says))
      : [problem('ENTITIES_FILE', toReason(thrown))];
  }
}
