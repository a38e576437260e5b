import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  type GraphQLError,
  type GraphQLSchema,
  parse,
} from 'graphql';
import type { Context } from '../../resolvers/context.ts';
import type { FastLane } from '../../src/gateway/fast-lane.ts';
import type { Calls } from './lane-schema.ts';

export interface Request {
  readonly query: string;
  readonly operationName?: string | undefined;
  readonly variables?: Record<string, unknown> | undefined;
}

export const full = ({ query, operationName, variables }: Request) => ({ query, operationName, variables });

export function learnTwice(lane: FastLane, request: Request, document = parse(request.query)): void {
  lane.learn(full(request), document);
  lane.learn(full(request), document);
}

/** Errors in one order: the specification gives none, and fields of a query end in any. */
export function plain({ data, errors }: { data?: unknown; errors?: readonly GraphQLError[] | undefined }) {
  const shown = errors?.map(({ message, path, locations, extensions = {} }) => ({
    message,
    path,
    locations,
    extensions,
  }));
  return JSON.parse(
    JSON.stringify({ data, errors: shown?.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) }),
  );
}

export async function runBoth(lane: FastLane, schema: GraphQLSchema, document: DocumentNode, request: Request) {
  const ours: Calls = { count: 0 };
  const theirs: Calls = { count: 0 };
  const { operationName, variables: variableValues } = request;
  const answer = await lane.execute(full(request), ours as unknown as Context);
  const expected: ExecutionResult = await execute({
    schema,
    document,
    contextValue: theirs,
    ...(variableValues ? { variableValues } : {}),
    ...(operationName === undefined ? {} : { operationName }),
  });
  return { answer, expected, ours: ours.count, theirs: theirs.count };
}
