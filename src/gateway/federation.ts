import { buildASTSchema, Kind, type ObjectTypeDefinitionNode, parse, print, visit } from 'graphql';
import type { EntityType, Subgraph } from '../../resolvers/federation.ts';
import { readEntityTypes } from './entity-types.ts';

interface SubgraphOptions {
  readonly typeDefs: string;
  /** null for none: a subgraph without entities. */
  readonly entitiesFile: string | null;
  readonly introspection: boolean;
}

/** Throws CONFIG_INVALID. */
export function readSubgraph({ typeDefs, entitiesFile, introspection }: SubgraphOptions): Subgraph {
  const ours = buildASTSchema(parse(typeDefs));
  const types = entitiesFile === null ? [] : readEntityTypes(entitiesFile, (name) => ours.getType(name) !== undefined);
  return { types, sdl: toSubgraphSdl(typeDefs, types), introspection };
}

/**
 * What a router composes. Without @oneOf, which routers do not know: here it holds all the same. Types that other services are likely to
 * have as well may be theirs, too.
 */
function toSubgraphSdl(typeDefs: string, types: readonly EntityType[]): string {
  const known = visit(parse(typeDefs), {
    Directive: ({ name }) => (name.value === 'oneOf' ? null : undefined),
    ObjectTypeDefinition: (node): ObjectTypeDefinitionNode | undefined =>
      node.name.value === 'PageInfo'
        ? { ...node, directives: [{ kind: Kind.DIRECTIVE, name: { kind: Kind.NAME, value: 'shareable' } }] }
        : undefined,
  });
  return [
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])',
    print(known),
    ...types.map((type) => toTypeDef(type, ` @key(fields: "${type.key}")`)),
  ].join('\n\n');
}

/** What is added to the executable schema. */
export function toExecutableParts(types: readonly EntityType[]): string {
  const entities =
    types.length > 0
      ? [
          ...types.map((type) => toTypeDef(type, '')),
          `union _Entity = ${types.map(({ name }) => name).join(' | ')}`,
          'extend type Query { _entities(representations: [_Any!]!): [_Entity]! }',
        ]
      : [];
  return [
    'scalar _Any',
    'type _Service { sdl: String }',
    'extend type Query { _service: _Service! }',
    ...entities,
  ].join('\n');
}

function toTypeDef({ name, key, keyType, property }: EntityType, directives: string): string {
  return `"Reports about the events whose ${property.replaceAll(/["\\\n]/g, ' ')} is its id: see EntityReports."
type ${name}${directives} {
  ${key}: ${keyType}
  trend(input: TrendInput!): Trend
  funnel(input: FunnelInput!): Funnel
  topValues(input: TopValuesInput!): TopValues
}`;
}
