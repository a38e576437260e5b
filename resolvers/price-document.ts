import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLError,
  GraphQLIncludeDirective,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  subscribe,
} from 'graphql';
import { isTallygateError, TallygateError } from '../src/errors.ts';
import type { Change, Changed } from '../src/reports/price/change.ts';
import { toCost } from '../src/reports/price/price.ts';
import type { Context } from './context.ts';
import type { QueryResolvers, SubscriptionResolvers } from './types.generated.ts';

/** An operation with variables that fit it, as they were given. */
export interface Operation {
  readonly document: DocumentNode;
  readonly node: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
}

export interface OperationPrice {
  readonly total: number;
  readonly fields: readonly FieldPrice[];
  readonly changes: readonly (Changed & { readonly path: readonly string[] })[];
}

interface FieldPrice {
  readonly path: readonly string[];
  readonly price: number;
  readonly rows: number;
  readonly why: readonly string[];
}

/** Whether a field goes through events. What does not reads small tables beside them, and costs nothing. */
const isPriced: Readonly<
  Record<keyof QueryResolvers | keyof SubscriptionResolvers | '_entities' | '_service', boolean>
> = {
  trend: true,
  funnel: true,
  retention: true,
  sessions: true,
  paths: true,
  topValues: true,
  live: true,
  lifecycle: true,
  stickiness: true,
  events: true,
  person: true,
  cohort: true,
  cohorts: true,
  savedReport: true,
  catalog: true,
  entityReports: true,
  _entities: true,
  _service: false,
  savedReports: false,
  eventStatus: false,
  ingestion: false,
  deletion: false,
  deletions: false,
  deadLetters: false,
  priceOf: false,
  trendChanges: true,
  liveEvents: true,
};

const free = { price: 0, rows: 0, why: ['reads no events'] };
const mostErrors = 5;

/** The operation of that name, or the only one. Throws INVALID_INPUT where there is none, or the variables do not fit. */
export function toOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  given: Readonly<Record<string, unknown>>,
): Operation {
  const operations = document.definitions.filter((one) => one.kind === Kind.OPERATION_DEFINITION);
  const named = operationName ? operations.filter(({ name }) => name?.value === operationName) : operations;
  const [node] = named;
  if (!node || named.length > 1)
    throw wrong(
      operationName
        ? `operationName: expected the name of an operation in the query, got ${JSON.stringify(operationName.slice(0, 100))}`
        : `query: expected one operation, or its name as operationName, got ${operations.length}`,
    );
  const { errors } = getVariableValues(schema, node.variableDefinitions ?? [], given, {
    maxErrors: mostErrors,
  });
  if (errors) throw wrong(`variables: ${errors.map(({ message }) => message).join('; ')}`);
  return { document, node, variables: given };
}

/**
 * Executes the operation with reports that compute nothing: so it costs what it runs, with everything that its fields ask for
 * afterwards and what saved reports ask for. Field by field, since that is what is shown. A subscription costs what its first message does.
 */
export async function priceOperation(
  schema: GraphQLSchema,
  { document, node, variables }: Operation,
  context: Context,
  change: Change | null = null,
): Promise<OperationPrice> {
  const { caller } = context;
  const nothing = { total: 0, fields: [], changes: [] };
  if (node.operation === 'mutation' || caller === null) return nothing;
  const run = node.operation === 'query' ? execute : begin;
  const fragments = document.definitions.filter((one) => one.kind === Kind.FRAGMENT_DEFINITION);
  const fields = toRootFields(node, fragments, variables);
  const isFree = (field: FieldNode) => !isPriced[field.name.value as keyof typeof isPriced];
  if (fields.every(isFree)) return { ...nothing, fields: fields.map((field) => ({ path: toPath(field), ...free })) };

  const counts = await context.prices.eventCounts(caller.project);
  const { dry, request } = context.prices.begin(caller.project, change);
  const dryContext: Context = { ...context, reports: () => request };
  const priced: FieldPrice[] = [];
  const changes: (Changed & { readonly path: readonly string[] })[] = [];
  for (const field of fields) {
    const path = toPath(field);
    if (isFree(field)) {
      priced.push({ path, ...free });
      continue;
    }
    const { errors = [] } = await run({
      schema,
      document: { kind: Kind.DOCUMENT, definitions: [toAlone(node, field), ...fragments] },
      contextValue: dryContext,
      variableValues: variables,
    });
    const taken = dry.take();
    const { price, rows, why } = toCost(taken, counts, dry.now);
    priced.push({ path, price, rows, why: [...why, ...errors.flatMap(toRefusal)] });
    changes.push(...taken.changes.map((changed) => ({ ...changed, path })));
  }
  return { total: priced.reduce((sum, { price }) => sum + price, 0), fields: priced, changes };
}

/** Dry reports send no messages: what is of interest is what it took to begin. */
async function begin(args: ExecutionArgs): Promise<ExecutionResult> {
  const messages = await subscribe(args);
  return Symbol.asyncIterator in messages ? {} : messages;
}

function toPath(field: FieldNode): string[] {
  return [(field.alias ?? field.name).value];
}

/** The operation with one of its fields. */
function toAlone(node: OperationDefinitionNode, field: FieldNode): OperationDefinitionNode {
  return { ...node, selectionSet: { kind: Kind.SELECTION_SET, selections: [field] } };
}

/** What fails in a dry run for another reason than one of ours only lacks rows. */
function toRefusal({ originalError }: GraphQLError): string[] {
  const own = isTallygateError(originalError)
    ? originalError
    : (originalError as { originalError?: unknown } | undefined)?.originalError;
  return isTallygateError(own) ? [`is refused: ${own.code}: ${own.message}`] : [];
}

/** Those that are executed, as often as they stand there. */
function toRootFields(
  node: OperationDefinitionNode,
  fragments: readonly FragmentDefinitionNode[],
  variables: Readonly<Record<string, unknown>>,
): FieldNode[] {
  const isMeant = (of: SelectionNode) =>
    getDirectiveValues(GraphQLSkipDirective, of, variables)?.if !== true &&
    getDirectiveValues(GraphQLIncludeDirective, of, variables)?.if !== false;
  const collect = (set: SelectionSetNode): FieldNode[] =>
    set.selections.filter(isMeant).flatMap((selection) => {
      if (selection.kind === Kind.FIELD) return [selection];
      if (selection.kind === Kind.INLINE_FRAGMENT) return collect(selection.selectionSet);
      const fragment = fragments.find(({ name }) => name.value === selection.name.value);
      return fragment ? collect(fragment.selectionSet) : [];
    });
  return collect(node.selectionSet);
}

function wrong(message: string): TallygateError {
  return new TallygateError('INVALID_INPUT', message);
}
