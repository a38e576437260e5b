import {
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  type OperationDefinitionNode,
} from 'graphql';
import { compileQuery, isCompiledQuery } from 'graphql-jit';
import { LRUCache } from 'lru-cache';
import type { Context } from '../../resolvers/context.ts';
import { toCompilable } from './compilable.ts';
import { createInputCheck } from './input-objects.ts';
import { toRecursiveVariables } from './recursive-variables.ts';

/**
 * Documents that Apollo Server has parsed, validated and answered before are compiled, and from then on executed without
 * its pipeline. Whatever is not plain (see compilable.ts; variables that do not fit, persisted queries, a sampled trace)
 * goes the ordinary way, which has the say: a differential test holds the two to the same answers.
 */
export interface FastLane {
  /** null when the request has to go the ordinary way; nothing was executed then. */
  execute(request: GraphQLRequest, context: Context): Promise<FastAnswer | null>;
  /** The document of what `execute` would execute. */
  documentOf(request: GraphQLRequest): DocumentNode | null;
  /** Told of each document that the ordinary way found valid. */
  learn(request: GraphQLRequest, document: DocumentNode): void;
}

export interface GraphQLRequest {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
}

export interface FastAnswer {
  readonly data: Record<string, unknown> | null;
  readonly errors: readonly GraphQLError[] | undefined;
}

interface Compiled {
  readonly document: DocumentNode;
  readonly operationName: string | undefined;
  run(context: Context, variables: Readonly<Record<string, unknown>>): FastAnswer | Promise<FastAnswer>;
  /** As it takes them; null when they do not fit. */
  toVariables(given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | null;
}

/** One of the largest that are compiled (300 selections) holds a third of a megabyte and takes 20 ms to compile. */
const mostCompiled = 200;
const mostKnown = 1000;
const mostKnownCharacters = 4 * 1024 * 1024;
const noVariables = Object.freeze({});

/** One schema, one lane: what is compiled is never asked for another schema's answers. */
export function createFastLane(schema: GraphQLSchema): FastLane {
  const compiled = new LRUCache<string, Compiled>({ max: mostCompiled });
  // Seen once is not worth a compilation: documents that never come back must cost neither time nor a place above.
  const known = new LRUCache<string, 'seen' | 'refused'>({
    max: mostKnown,
    maxSize: mostKnownCharacters,
    sizeCalculation: (_, key) => key.length,
  });

  return {
    async execute(request, context) {
      const operation = compiled.get(toKey(request));
      // Equal keys of equal names stand for equal documents.
      if (operation?.operationName !== request.operationName || !operation) return null;
      const variables = operation.toVariables(request.variables ?? noVariables);
      if (variables === null) return null;
      const { data, errors } = await operation.run(context, variables);
      // Without data nothing was executed: the variables did not fit, and the ordinary way says why.
      if (data === undefined) return null;
      return { data, errors };
    },
    documentOf: (request) => compiled.get(toKey(request))?.document ?? null,
    learn(request, document) {
      const key = toKey(request);
      if (compiled.has(key)) return;
      const before = known.get(key);
      if (before === undefined) known.set(key, 'seen');
      if (before !== 'seen') return;
      const operation = compile(schema, document, request.operationName);
      if (operation) {
        compiled.set(key, operation);
        known.delete(key);
      } else known.set(key, 'refused');
    },
  };
}

function toKey({ query, operationName }: GraphQLRequest): string {
  return operationName === undefined ? query : `${operationName}\0${query}`;
}

function compile(schema: GraphQLSchema, document: DocumentNode, operationName: string | undefined): Compiled | null {
  const operation = getOperationAST(document, operationName) as OperationDefinitionNode | null;
  const given = operation && toCompilable(schema, document, operation);
  if (!given) return null;
  const recursive = toRecursiveVariables(schema, document, operation);
  if (!recursive) return null;
  const query = compileQuery(schema, recursive.document, operation.name?.value ?? '');
  if (!isCompiledQuery(query)) return null;
  const check = createInputCheck(schema, operation);
  return {
    document,
    operationName,
    run: (context, variables) => query.query(undefined, context, variables) as FastAnswer | Promise<FastAnswer>,
    toVariables(variables) {
      if (!given.every((name) => Object.hasOwn(variables, name)) || (check !== null && !check(variables))) return null;
      return recursive.coerce(variables);
    },
  };
}
