import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getOperationAST,
  subscribe as graphqlSubscribe,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  specifiedRules,
  validate,
} from 'graphql';
import type { Caller, Context } from '../../../resolvers/context.ts';
import { toGraphQLError } from '../../../resolvers/field.ts';
import { TallygateError } from '../../errors.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { Charge } from '../charge.ts';
import { assertShallow, limitDocument, mostTokens } from '../document-limits.ts';
import type { createErrorFormatter } from '../graphql-errors.ts';
import { createSlots, type SlotLimits } from '../slots.ts';

/** As it came: nothing of it is known. */
export interface SubscriptionRequest {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Record<string, unknown> | null | undefined;
}

type Transport = 'websocket' | 'sse';

/** Who subscribes, and until when. */
interface Subscriber {
  readonly caller: Caller;
  readonly transport: Transport;
  /** Aborted when the connection is gone. */
  readonly signal: AbortSignal;
}

/** An operation that fits the schema. */
interface PreparedSubscription extends ExecutionArgs {
  readonly contextValue: Context;
}

export interface Operations {
  /** Errors when it is none that could be subscribed to. */
  prepare(request: SubscriptionRequest, subscriber: Subscriber): PreparedSubscription | readonly GraphQLError[];
  /** A result with errors when it is refused; never rejects. Who takes a message is taken to have sent the one before. */
  open(args: ExecutionArgs): Promise<AsyncGenerator<ExecutionResult> | ExecutionResult>;
  /** What of a result a client may see. */
  format(result: AnyResult): FormattedExecutionResult;
  formatErrors(errors: readonly GraphQLError[]): readonly GraphQLFormattedError[];
}

/** A library may leave a part undefined. */
type AnyResult = { readonly [Part in keyof ExecutionResult]: ExecutionResult[Part] | undefined };

export interface OperationsDeps {
  readonly schema: GraphQLSchema;
  readonly introspection: boolean;
  readonly limits: SlotLimits;
  readonly formatError: ReturnType<typeof createErrorFormatter>;
  /** What resolvers get beside the caller and its reports. */
  createContext(caller: Caller, signal: AbortSignal): Context;
  readonly charge: Charge;
  readonly metrics: Metrics;
}

/** As for queries: each quotes the value that does not fit. */
const mostVariableErrors = 10;

/** Subscriptions alone: what is asked once goes where admission, the compiled lane and persisted queries are. */
export function createOperations(deps: OperationsDeps): Operations {
  const { schema, introspection, formatError, charge, metrics } = deps;
  const rules = [...specifiedRules, limitDocument, ...(introspection ? [] : [NoSchemaIntrospectionCustomRule])];
  const takeSlot = createSlots(deps.limits, tooMany);
  const subscribers = new WeakMap<Context, { subscriber: Subscriber; end: AbortController; field: string }>();

  const formatErrors = (errors: readonly GraphQLError[]) => errors.map((error) => formatError(error.toJSON(), error));

  return {
    prepare(request, subscriber) {
      try {
        const operation = toOperation(schema, rules, request);
        if (Array.isArray(operation)) return operation;
        const { document, node } = operation as Parsed;
        const end = new AbortController();
        const follow = () => end.abort();
        if (subscriber.signal.aborted) follow();
        else subscriber.signal.addEventListener('abort', follow, { once: true, signal: end.signal });
        const contextValue = deps.createContext(subscriber.caller, end.signal);
        subscribers.set(contextValue, { subscriber, end, field: toFieldName(schema, node, document) });
        return {
          schema,
          document,
          contextValue,
          operationName: request.operationName ?? null,
          variableValues: request.variables ?? null,
          options: { maxCoercionErrors: mostVariableErrors },
        };
      } catch (thrown) {
        return [toError(thrown)];
      }
    },
    async open(args) {
      const known = subscribers.get(args.contextValue as Context);
      if (!known) throw new Error('expected an operation that was prepared here, got another one');
      const { subscriber, end, field } = known;
      let release = () => {};
      try {
        release = takeSlot(subscriber.caller.project);
        await charge.charge(
          args.contextValue as Context,
          args.document,
          args.operationName ?? undefined,
          args.variableValues ?? {},
        );
        const results = await graphqlSubscribe(args);
        if (!(Symbol.asyncIterator in results)) {
          end.abort();
          release();
          return results;
        }
        const labels = { field, transport: subscriber.transport };
        metrics.subscriptions.inc(labels);
        return withEnd(
          results,
          () => metrics.subscriptionMessages.inc(labels),
          () => {
            end.abort();
            release();
            metrics.subscriptions.dec(labels);
          },
        );
      } catch (thrown) {
        end.abort();
        release();
        return { errors: [toError(thrown)] };
      }
    },
    format({ data, errors, extensions }) {
      return {
        ...(data === undefined ? {} : { data }),
        ...(errors ? { errors: formatErrors(errors) } : {}),
        ...(extensions ? { extensions } : {}),
      };
    },
    formatErrors,
  };
}

interface Parsed {
  readonly document: DocumentNode;
  readonly node: OperationDefinitionNode;
}

function toOperation(
  schema: GraphQLSchema,
  rules: Parameters<typeof validate>[2],
  { query, operationName }: SubscriptionRequest,
): Parsed | GraphQLError[] {
  assertShallow(query);
  let document: DocumentNode;
  try {
    document = parse(query, { maxTokens: mostTokens });
  } catch (thrown) {
    return [withCode(toError(thrown), 'GRAPHQL_PARSE_FAILED')];
  }
  const errors = validate(schema, document, rules);
  if (errors.length > 0) return errors.map((error) => withCode(error, 'GRAPHQL_VALIDATION_FAILED'));
  const node = getOperationAST(document, operationName);
  if (!node)
    return [
      withCode(
        new GraphQLError('expected operationName to name one of the operations of the document'),
        'OPERATION_RESOLUTION_FAILURE',
      ),
    ];
  if (node.operation !== 'subscription')
    throw new TallygateError(
      'BAD_REQUEST',
      `expected a subscription, got a ${node.operation}: queries and mutations go to POST /graphql`,
    );
  return { document, node };
}

/** The one root field, for metrics: validation has seen to it that there is one. */
function toFieldName(schema: GraphQLSchema, node: OperationDefinitionNode, document: DocumentNode): string {
  const root = schema.getSubscriptionType();
  const fragments = Object.fromEntries(
    document.definitions.flatMap((one) => (one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one]] : [])),
  );
  const walk = (set: SelectionSetNode | undefined): string | undefined => {
    for (const selection of set?.selections ?? []) {
      const name =
        selection.kind === Kind.FIELD
          ? selection.name.value
          : walk(
              selection.kind === Kind.INLINE_FRAGMENT
                ? selection.selectionSet
                : fragments[selection.name.value]?.selectionSet,
            );
      if (name !== undefined && root?.getFields()[name]) return name;
    }
    return undefined;
  };
  return walk(node.selectionSet) ?? 'none';
}

function withCode(error: GraphQLError, code: string): GraphQLError {
  const { message, nodes = null, source = null, positions = null, originalError = null } = error;
  const extensions = { ...error.extensions, code };
  return new GraphQLError(message, { nodes, source, positions, originalError, extensions });
}

function toError(thrown: unknown): GraphQLError {
  const error = toGraphQLError(thrown);
  if (error instanceof GraphQLError) return error;
  return new GraphQLError('a bug', { originalError: error instanceof Error ? error : new Error(String(error)) });
}

function tooMany(running: string, most: number): TallygateError {
  return new TallygateError(
    'TOO_MANY_SUBSCRIPTIONS',
    `expected at most ${most} subscriptions at once, but ${running} are served here: wait until one has ended`,
    { retryAfterMs: 5000 + Math.floor(Math.random() * 5000), details: { limit: most } },
  );
}

/** The same results; calls `onEnd` once, whoever ends them. */
function withEnd(
  results: AsyncGenerator<ExecutionResult, void, void>,
  onMessage: () => void,
  onEnd: () => void,
): AsyncGenerator<ExecutionResult, void, void> {
  let isOver = false;
  const end = () => {
    if (isOver) return;
    isOver = true;
    onEnd();
  };
  const wrapped: AsyncGenerator<ExecutionResult, void, void> = {
    async next() {
      try {
        const result = await results.next();
        if (result.done) end();
        else onMessage();
        return result;
      } catch (thrown) {
        end();
        throw thrown;
      }
    },
    async return() {
      end();
      return results.return();
    },
    async throw(thrown) {
      end();
      return results.throw(thrown);
    },
    async [Symbol.asyncDispose]() {
      await wrapped.return();
    },
    [Symbol.asyncIterator]: () => wrapped,
  };
  return wrapped;
}
