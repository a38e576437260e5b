import { GraphQLScalarType, valueFromASTUntyped } from 'graphql';
import { isTallygateError, TallygateError } from '../src/errors.ts';
import { assertFew, type EntityReports } from '../src/reports/entity-reports.ts';
import type { Context } from './context.ts';
import { afterwards, needing, toGraphQLError } from './field.ts';
import type { EntityReportsFunnelArgs, EntityReportsTopValuesArgs, EntityReportsTrendArgs } from './types.generated.ts';

/** A type of another service that has reports here. */
export interface EntityType {
  readonly name: string;
  /** Its field that holds the id. */
  readonly key: string;
  readonly keyType: 'ID!' | 'String!';
  /** Of events: where the id stands. */
  readonly property: string;
}

export interface Subgraph {
  readonly types: readonly EntityType[];
  /** What a router composes. */
  readonly sdl: string;
  /** Whether it may be read. */
  readonly introspection: boolean;
}

interface Entity {
  readonly reports: EntityReports;
}

/** What the specification of federated subgraphs asks for. */
export function createSubgraphResolvers({ types, sdl, introspection }: Subgraph) {
  const byName = new Map(types.map((type) => [type.name, type]));
  const toEntity = (representation: unknown, at: string, context: Context, project: string) => {
    const { __typename: name, ...fields } = (representation ?? {}) as Readonly<Record<string, unknown>>;
    const type = byName.get(name as string);
    if (!type) throw wrong(`${at}.__typename: expected ${[...byName.keys()].join(' or ')}, got ${show(name)}`);
    const id = fields[type.key];
    if (typeof id !== 'string' && !Number.isSafeInteger(id))
      throw wrong(`${at}.${type.key}: expected the id of a ${type.name}, got ${show(id)}`);
    return {
      __typename: name,
      [type.key]: String(id),
      reports: context.reports(project).entities.of(type.property, String(id)),
    };
  };
  const entities = needing(
    'read',
    async ({ project }, { representations }: { representations: readonly unknown[] }, context) => {
      assertFew(representations, 'representations');
      // One that is wrong does not take its neighbours with it.
      return representations.map((one, i) => {
        try {
          return toEntity(one, `representations[${i}]`, context, project);
        } catch (thrown) {
          if (!isTallygateError(thrown)) throw thrown;
          return toGraphQLError(thrown);
        }
      });
    },
  );
  const service = () => {
    if (introspection) return { sdl };
    throw toGraphQLError(
      new TallygateError(
        'FORBIDDEN',
        'expected a service whose schema may be read, got one with INTROSPECTION=false: tallygate schema print --federation prints what a router composes',
      ),
    );
  };
  const reportsOf = {
    trend: afterwards(({ reports }: Entity, { input }: EntityReportsTrendArgs) => reports.trend(input)),
    funnel: afterwards(({ reports }: Entity, { input }: EntityReportsFunnelArgs) => reports.funnel(input)),
    topValues: afterwards(({ reports }: Entity, { input }: EntityReportsTopValuesArgs) => reports.topValues(input)),
  };
  return {
    _Any: anything,
    Query: { ...(types.length > 0 ? { _entities: entities } : {}), _service: service },
    ...Object.fromEntries(types.map(({ name }) => [name, reportsOf])),
  };
}

const anything = new GraphQLScalarType({
  name: '_Any',
  parseValue: (value) => value,
  parseLiteral: (node, variables) => valueFromASTUntyped(node, variables),
});

function wrong(message: string): TallygateError {
  return new TallygateError('INVALID_INPUT', message);
}

function show(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value).slice(0, 60);
}
