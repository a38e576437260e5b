import { readdirSync, readFileSync } from 'node:fs';
import { makeExecutableSchema } from '@graphql-tools/schema';
import Fastify, { type FastifyInstance } from 'fastify';
import { graphql } from 'graphql';
import { landingPage } from '../../src/gateway/landing.ts';

const folder = new URL('../../schema/', import.meta.url);

/** The public contract, without resolvers. */
export const schema = makeExecutableSchema({
  typeDefs: readdirSync(folder)
    .filter((name) => name.endsWith('.graphql'))
    .map((name) => readFileSync(new URL(name, folder), 'utf8')),
});

export interface Call {
  readonly authorization: string | undefined;
  readonly name: string | undefined;
  readonly query: string;
  readonly variables: Record<string, unknown> | undefined;
}

export interface LandingSite {
  readonly app: FastifyInstance;
  readonly origin: string;
  /** What reached POST /graphql, introspection left out. */
  readonly operations: Call[];
  readonly introspections: Call[];
}

/** The landing page beside an endpoint that runs the public contract over one fixed answer. */
export async function openLandingSite(demo: boolean): Promise<LandingSite> {
  const app = Fastify();
  await app.register(landingPage({ demo }));
  const operations: Call[] = [];
  const introspections: Call[] = [];
  const rootValue = {
    track: ({ input }: { input: { messageId: string } }) => ({
      result: { index: 0, messageId: input.messageId, status: 'ACCEPTED', errors: [] },
      token: 'token-of-the-answer',
    }),
  };
  app.post<{ Body: { query: string; variables?: Record<string, unknown>; operationName?: string } }>(
    '/graphql',
    async ({ headers, body }) => {
      const { query: source, variables: variableValues, operationName } = body;
      const calls = operationName === 'IntrospectionQuery' ? introspections : operations;
      calls.push({
        authorization: headers.authorization,
        name: operationName,
        query: source,
        variables: variableValues,
      });
      return graphql({ schema, source, variableValues, operationName, rootValue });
    },
  );
  const origin = await app.listen({ port: 0, host: '127.0.0.1' });
  return { app, origin, operations, introspections };
}
