import {
  type GraphQLError,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  getVariableValues,
  isEnumType,
  isListType,
  isNonNullType,
  Kind,
  parse,
  typeFromAST,
  type VariableDefinitionNode,
} from 'graphql';
import { TallygateError } from '../../errors.ts';
import type { Table } from './table.ts';

/** Each quotes the value that does not fit. */
const mostErrors = 10;

/** The schema's own verdict on parameters, in the words of an operation with variables of these types. */
export class BadParameters extends Error {
  readonly errors: readonly GraphQLError[];
  constructor(errors: readonly GraphQLError[]) {
    super('the parameters do not fit the schema');
    this.errors = errors;
  }
}

export interface Questions {
  /** The names of a table's parameters. */
  namesOf(table: Table): readonly string[];
  /** Coerces as GraphQL coerces variables. Throws BAD_REQUEST for what is no JSON, and BadParameters. */
  parse(table: Table, parameters: Readonly<Record<string, string>>): Record<string, unknown>;
}

export function createQuestions(schema: GraphQLSchema, tables: readonly Table[]): Questions {
  const definitions = new Map(tables.map((table) => [table, parseDefinitions(table.parameters)]));
  const of = (table: Table) => definitions.get(table) as readonly VariableDefinitionNode[];
  return {
    namesOf: (table) => of(table).map(({ variable }) => variable.name.value),
    parse(table, parameters) {
      const raw: Record<string, unknown> = {};
      for (const { variable, type } of of(table)) {
        const name = variable.name.value;
        const text = parameters[name];
        if (text === undefined) continue;
        raw[name] = isText(typeFromAST(schema, type as never) as GraphQLInputType) ? text : parseJson(name, text);
      }
      const { coerced, errors } = getVariableValues(schema, of(table), raw, { maxErrors: mostErrors });
      if (errors) throw new BadParameters(errors);
      return coerced;
    },
  };
}

function parseDefinitions(parameters: string): readonly VariableDefinitionNode[] {
  const [operation] = parse(`query (${parameters}) { __typename }`).definitions;
  return (operation?.kind === Kind.OPERATION_DEFINITION && operation.variableDefinitions) || [];
}

/** What is written as it is, and not as JSON. */
function isText(type: GraphQLInputType): boolean {
  if (isListType(isNonNullType(type) ? type.ofType : type)) return false;
  const named = getNamedType(type);
  return isEnumType(named) || ['String', 'ID', 'DateTime'].includes(named.name);
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new TallygateError(
      'BAD_REQUEST',
      `${name}: expected JSON, got text that is none: ${(thrown as Error).message}`,
      {
        details: { parameter: name },
      },
    );
  }
}

/** The same question as of a snapshot, which freshness names. */
export function atSnapshot(args: Record<string, unknown>, snapshot: string): Record<string, unknown> {
  const freshness = { at: snapshot };
  const { input } = args;
  if (typeof input === 'object' && input !== null) return { ...args, input: { ...input, freshness } };
  return { ...args, freshness };
}
