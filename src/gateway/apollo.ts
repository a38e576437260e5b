import { ApolloServer, type ApolloServerPlugin, HeaderMap } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type { Context } from '../../resolvers/context.ts';
import { toGraphQLError } from '../../resolvers/field.ts';
import { TallygateError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Charge } from './charge.ts';
import { limitDocument, mostTokens } from './document-limits.ts';
import { toExplainBlock } from './explain.ts';
import type { FastLane } from './fast-lane.ts';
import { type createErrorFormatter, toHttpFacts } from './graphql-errors.ts';
import { streamPath } from './http.ts';

/** Each quotes the value that does not fit, which may be as large as the body. */
const mostVariableErrors = 10;

interface ApolloDeps {
  readonly schema: GraphQLSchema;
  readonly introspection: boolean;
  readonly logger: Logger;
  readonly lane: FastLane;
  readonly charge: Charge;
  readonly formatError: ReturnType<typeof createErrorFormatter>;
}

export interface Apollo {
  answer(request: FastifyRequest, reply: FastifyReply, context: Context): Promise<unknown>;
  stop(): Promise<void>;
}

/** The ordinary way: Apollo Server over graphql-js. It teaches the lane. */
export async function createApollo(deps: ApolloDeps): Promise<Apollo> {
  const { schema, introspection, logger, lane, charge, formatError } = deps;
  const server = new ApolloServer<Context>({
    schema,
    introspection,
    hideSchemaDetailsFromClientErrors: !introspection,
    csrfPrevention: true,
    stopOnTerminationSignals: false,
    includeStacktraceInErrorResponses: false,
    allowBatchedHttpRequests: false,
    parseOptions: { maxTokens: mostTokens },
    validationRules: [limitDocument],
    executionOptions: { maxCoercionErrors: mostVariableErrors },
    formatError,
    logger: logger as never,
    plugins: [
      // Those that wrap every resolver, or report to a service.
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      createPlugin(lane, charge),
    ],
  });
  await server.start();
  const contexts = new WeakMap<object, Context>();
  const handle = fastifyApolloHandler(server, {
    context: async (request) => contexts.get(request) as Context,
  });
  return {
    async answer(request, reply, context) {
      if (!URL.canParse(`http://${request.hostname}/`))
        throw new TallygateError('BAD_REQUEST', 'expected the name of a host in the Host header, got something else');
      contexts.set(request, context);
      return handle.call(request.server, request as never, reply as never);
    },
    stop: () => server.stop(),
  };
}

function createPlugin(lane: FastLane, charge: Charge): ApolloServerPlugin<Context> {
  return {
    async requestDidStart() {
      return {
        async didResolveOperation({ request, document, operation, contextValue }) {
          if (operation?.operation === 'subscription')
            throw toGraphQLError(
              new TallygateError(
                'BAD_REQUEST',
                `expected a query or a mutation, got a subscription: those take a WebSocket at /graphql, or POST ${streamPath}`,
              ),
            );
          // Strangers do not decide what is kept.
          if (!request.query || contextValue.caller === null) return;
          lane.learn(
            { query: request.query, operationName: request.operationName ?? undefined, variables: undefined },
            document,
          );
          await charge
            .charge(contextValue, document, request.operationName ?? undefined, request.variables ?? {})
            .catch((thrown) => {
              throw toGraphQLError(thrown);
            });
        },
        /** Answers with data have the status that the compiled lane gives them, too. */
        async willSendResponse({ response: { body, http }, errors, contextValue: { explain } }) {
          if (explain && body.kind === 'single') {
            const { singleResult } = body;
            singleResult.extensions = { ...singleResult.extensions, tallygate: await toExplainBlock(explain) };
          }
          if (body.kind !== 'single' || !('data' in body.singleResult)) return;
          const { status, headers } = toHttpFacts(body.singleResult.data ?? null, errors);
          http.status = status;
          http.headers = new HeaderMap(headers);
        },
      };
    },
  };
}
