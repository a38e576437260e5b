import {
  type DocumentNode,
  execute,
  type GraphQLError,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  getVariableValues,
  isInputObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  specifiedRules,
  TypeInfo,
  typeFromAST,
  validate,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { isTallygateError, TallygateError } from '../src/errors.ts';
import type { Context } from './context.ts';

export interface SavedDocument {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
}

const longest = 16_384;
const mostTokens = 2000;
const mostRootFields = 20;
const mostSpreads = 20;
const mostErrors = 5;
/** What a saved report may not ask for: itself, and what belongs to whoever runs it. */
const unwelcome = new Set(['savedReport', 'savedReports', '__schema', '__type', '_service', '_entities']);
const freshness = 'FreshnessInput';

const known = new WeakMap<GraphQLSchema, Map<string, SavedDocument>>();
const mostKnown = 500;

/** The operation in a text that somebody saves, or has saved. Throws INVALID_INPUT with every mistake of it. */
export function parseDocument(schema: GraphQLSchema, source: string): SavedDocument {
  const parsed = known.get(schema) ?? new Map<string, SavedDocument>();
  known.set(schema, parsed);
  const before = parsed.get(source);
  if (before) return before;
  if (source.length > longest) throw wrong(`expected at most ${longest} characters, got ${source.length}`);
  const saved = toSaved(parseSource(source));
  const mistakes = validate(schema, saved.document, specifiedRules, { maxErrors: mostErrors });
  if (mistakes.length > 0) throw wrong(mistakes.map(toPlace).join('; '));
  assertWelcome(schema, saved);
  if (parsed.size >= mostKnown) parsed.delete(parsed.keys().next().value as string);
  parsed.set(source, saved);
  return saved;
}

function parseSource(source: string): DocumentNode {
  try {
    return parse(source, { maxTokens: mostTokens });
  } catch (thrown) {
    throw wrong(toPlace(thrown as GraphQLError));
  }
}

function toSaved(document: DocumentNode): SavedDocument {
  const operations = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  const [operation] = operations;
  if (!operation || operations.length > 1) throw wrong(`expected one operation, got ${operations.length}`);
  if (operation.operation !== 'query') throw wrong(`expected a query, got a ${operation.operation}`);
  return { document, operation };
}

function assertWelcome(schema: GraphQLSchema, { document, operation }: SavedDocument): void {
  const info = new TypeInfo(schema);
  let roots = 0;
  let spreads = 0;
  const assertNot = (type: GraphQLInputType | null | undefined) => {
    if (type && getNamedType(type).name === freshness)
      throw wrong('expected no freshness in it, got one: give it to savedReport, for all of it');
  };
  visit(
    document,
    visitWithTypeInfo(info, {
      Field({ name: { value: name } }) {
        if (info.getParentType() !== schema.getQueryType()) return;
        if (unwelcome.has(name)) throw wrong(`expected reports, got ${name}, which a saved report may not ask for`);
        if (++roots > mostRootFields) throw wrong(`expected at most ${mostRootFields} root fields, got more`);
      },
      FragmentSpread() {
        if (++spreads > mostSpreads) throw wrong(`expected at most ${mostSpreads} fragments, got more`);
      },
      Argument: () => assertNot(info.getArgument()?.type),
      ObjectField: () => assertNot(info.getInputType()),
    }),
  );
  for (const { variable, type } of operation.variableDefinitions ?? []) {
    if (hasFreshness(typeFromAST(schema, type as never) as GraphQLInputType | undefined, new Set()))
      throw wrong(
        `expected no variable that can hold a freshness, got $${variable.name.value}: ${print(type)}; take its parts apart`,
      );
  }
}

function hasFreshness(type: GraphQLInputType | undefined, seen: Set<string>): boolean {
  const named = type && getNamedType(type);
  if (!isInputObjectType(named) || seen.has(named.name)) return false;
  seen.add(named.name);
  return named.name === freshness || Object.values(named.getFields()).some((field) => hasFreshness(field.type, seen));
}

export function toVariables(schema: GraphQLSchema, source: string) {
  const { operation } = parseDocument(schema, source);
  return (operation.variableDefinitions ?? []).map(({ variable, type, defaultValue }) => ({
    name: variable.name.value,
    type: print(type),
    required: type.kind === Kind.NON_NULL_TYPE && !defaultValue,
    default: defaultValue ? print(defaultValue) : null,
  }));
}

/** Throws INVALID_INPUT when the variables do not fit. Failures that are not ours are thrown, to be masked as everywhere. */
export async function runDocument(
  schema: GraphQLSchema,
  report: { readonly name: string; readonly document: string },
  variables: Readonly<Record<string, unknown>>,
  context: Context,
) {
  const { document, operation } = parseDocument(schema, report.document);
  assertFits(schema, operation, report.name, variables);
  const { data, errors = [] } = await execute({ schema, document, contextValue: context, variableValues: variables });
  const failures = errors.map((error) => {
    const cause = error.originalError;
    const own = isTallygateError(cause) ? cause : (cause as { originalError?: unknown } | undefined)?.originalError;
    if (!isTallygateError(own)) throw cause ?? error;
    return {
      message: own.message,
      code: own.code,
      retriable: own.retriable,
      path: (error.path ?? []).map(String),
    };
  });
  return { data: { ...data } as Record<string, unknown>, errors: failures };
}

function assertFits(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  name: string,
  variables: Readonly<Record<string, unknown>>,
): void {
  const declared = variableDefinitions.map(({ variable, type }) => [variable.name.value, print(type)] as const);
  const unknown = Object.keys(variables).filter((given) => !declared.some(([own]) => own === given));
  const { errors } = getVariableValues(schema, variableDefinitions, variables, { maxErrors: mostErrors });
  const mistakes = [
    ...unknown.map((given) => `${given} is none of its variables`),
    ...(errors ?? []).map(({ message }) => message),
  ];
  if (mistakes.length === 0) return;
  const takes = declared.length === 0 ? 'none' : declared.map(([own, type]) => `$${own}: ${type}`).join(', ');
  throw new TallygateError(
    'INVALID_INPUT',
    `variables: expected those of saved report ${JSON.stringify(name)} (${takes}), got others: ${mistakes.join('; ')}`,
  );
}

function toPlace({ message, locations }: GraphQLError): string {
  const [at] = locations ?? [];
  return at ? `${message} (line ${at.line}, column ${at.column})` : message;
}

function wrong(message: string): TallygateError {
  return new TallygateError('INVALID_INPUT', `document: ${message}`);
}
