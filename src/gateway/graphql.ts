import cors from '@fastify/cors';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type { Context, Prices } from '../../resolvers/context.ts';
import { TallygateError } from '../errors.ts';
import type { Deletions } from '../ingest/deletion/request.ts';
import type { Tracker } from '../ingest/tracker.ts';
import type { ReportRequest, Reports } from '../reports/reports.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { isSampled } from '../telemetry/tracing.ts';
import { type AdmissionLimits, createAdmission } from './admission.ts';
import { createApollo } from './apollo.ts';
import type { Authenticator } from './auth.ts';
import type { BudgetOf } from './budgets.ts';
import { createCharge } from './charge.ts';
import { assertShallow } from './document-limits.ts';
import { toExplainRequest } from './explain.ts';
import { exportHeaders } from './export/register.ts';
import { createFastLane, type FastAnswer, type GraphQLRequest } from './fast-lane.ts';
import { createErrorFormatter, toHttpFacts } from './graphql-errors.ts';
import { streamPath } from './http.ts';
import { toMediaType } from './media-type.ts';
import { createPrices } from './prices.ts';
import { registerSubscriptions, type SubscriptionLimits, type Subscriptions } from './subscriptions/register.ts';

interface GraphQLDeps {
  readonly schema: GraphQLSchema;
  readonly authenticator: Authenticator;
  readonly tracker: Tracker;
  readonly deletions: Deletions;
  readonly reports: Reports;
  readonly introspection: boolean;
  readonly admission: AdmissionLimits;
  readonly budgetOf: BudgetOf;
  /** `*` or a comma-separated list. */
  readonly corsOrigins: string;
  readonly subscriptions: SubscriptionLimits;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** POST and GET /graphql, and subscriptions. Resolves with what ends it. */
export async function registerGraphQL(
  app: FastifyInstance,
  deps: GraphQLDeps,
): Promise<{ stop(): Promise<void>; readonly subscriptions: Subscriptions }> {
  const { schema, introspection, logger, metrics } = deps;
  const lane = createFastLane(schema);
  const formatError = createErrorFormatter(logger, { hideSchema: !introspection });
  const charge = createCharge(schema, deps.budgetOf);
  const prices = createPrices(schema, deps.reports, deps.budgetOf);
  const apollo = await createApollo({ schema, introspection, logger, lane, charge, formatError });
  let isStopped = false;
  const lanes = { compiled: metrics.fastLane.labels('compiled'), ordinary: metrics.fastLane.labels('ordinary') };

  await app.register(cors, {
    origin: deps.corsOrigins === '*' ? '*' : deps.corsOrigins.split(',').map((o) => o.trim()),
    methods: ['GET', 'POST'],
    exposedHeaders: exportHeaders,
    maxAge: 86_400,
  });
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    exposeHeadRoute: false,
    onRequest: createAdmission(deps.authenticator, deps.admission),
    handler: async (request, reply) => {
      if (isStopped)
        throw new TallygateError('SHUTTING_DOWN', 'expected a request to another instance: this one is stopping');
      // An unknown credential is refused before anything of the request is looked at.
      const context = createContext(deps, prices, request, reply);
      const mediaType = toMediaType(request.headers.accept);
      if (mediaType === null) throw notAcceptable(request.headers.accept);

      assertObject(request);
      const plain = toPlainRequest(request);
      if (plain && !isSampled() && !context.explain && (await isPaid(plain, context))) {
        const answer = await lane.execute(plain, context);
        if (answer) {
          lanes.compiled.inc();
          return send(reply, mediaType, answer, formatError);
        }
      }
      lanes.ordinary.inc();
      const query = toQuery(request);
      if (query !== undefined) assertShallow(query);
      return apollo.answer(request, reply, context);
    },
  });
  const { tracker, deletions, reports } = deps;
  const subscriptions = registerSubscriptions(app, {
    ...deps,
    limits: deps.subscriptions,
    formatError,
    charge,
    createContext(caller, signal) {
      let begun: ReportRequest | null = null;
      return { caller, tracker, deletions, prices, reports: (project) => (begun ??= reports.begin(project, signal)) };
    },
  });

  /** What is refused, the ordinary way refuses. */
  async function isPaid(plain: GraphQLRequest, context: Context): Promise<boolean> {
    if (!charge.applies(context)) return true;
    const document = lane.documentOf(plain);
    if (document === null) return true;
    return charge.charge(context, document, plain.operationName, plain.variables ?? {}).then(
      () => true,
      () => false,
    );
  }

  return {
    subscriptions,
    stop() {
      isStopped = true;
      return apollo.stop();
    },
  };
}

function createContext(
  { authenticator, tracker, deletions, reports }: GraphQLDeps,
  prices: Prices,
  request: FastifyRequest,
  reply: FastifyReply,
): Context {
  let begun: ReportRequest | null = null;
  const caller = authenticator.authenticate(request.headers.authorization);
  const explain = toExplainRequest(request, caller);
  return {
    caller,
    explain,
    tracker,
    deletions,
    prices,
    reports(project) {
      if (begun === null) {
        const gone = new AbortController();
        reply.raw.once('close', () => {
          if (!reply.raw.writableFinished) gone.abort();
        });
        begun = reports.begin(project, gone.signal, explain?.recorder ?? undefined);
      }
      return begun;
    },
  };
}

function assertObject({ method, headers, body }: FastifyRequest): void {
  if (method !== 'POST' || isObject(body) || !headers['content-type']?.startsWith('application/json')) return;
  throw new TallygateError(
    'BAD_REQUEST',
    Array.isArray(body)
      ? 'expected one operation in a request, got a list: trackBatch takes many events, and an operation many fields'
      : `expected a JSON object with query and variables, got ${body === null ? 'null' : `a ${typeof body}`}`,
  );
}

/** null for what only the ordinary way understands: other content types, persisted queries, other forms. */
function toPlainRequest({ method, headers, body }: FastifyRequest): GraphQLRequest | null {
  if (method !== 'POST' || !headers['content-type']?.startsWith('application/json')) return null;
  if (!isObject(body)) return null;
  const { query, operationName, variables, extensions } = body;
  if (typeof query !== 'string') return null;
  if (!isAbsent(extensions) && (!isObject(extensions) || 'persistedQuery' in extensions)) return null;
  if (!isAbsent(operationName) && typeof operationName !== 'string') return null;
  if (!isAbsent(variables) && !isObject(variables)) return null;
  return { query, operationName: operationName ?? undefined, variables: variables ?? undefined };
}

function toQuery({ method, query, body }: FastifyRequest): string | undefined {
  const from = method === 'POST' ? body : query;
  return isObject(from) && typeof from.query === 'string' ? from.query : undefined;
}

function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function notAcceptable(accept: string | undefined): TallygateError {
  return new TallygateError(
    'NOT_ACCEPTABLE',
    `expected an Accept header with application/json or application/graphql-response+json, got ${accept?.slice(0, 100)}${accept?.includes('text/event-stream') ? `: subscriptions are at ${streamPath}` : ''}`,
  );
}

function send(
  reply: FastifyReply,
  mediaType: string,
  { data, errors }: FastAnswer,
  formatError: ReturnType<typeof createErrorFormatter>,
): FastifyReply {
  reply.header('content-type', mediaType);
  if (!errors) return reply.send(`${JSON.stringify({ data })}\n`);
  const { status, headers } = toHttpFacts(data, errors);
  for (const [name, value] of headers) reply.header(name, value);
  const formatted = errors.map((error) => {
    const { message, locations, path, extensions } = error;
    return formatError(
      {
        message,
        ...(locations ? { locations } : {}),
        ...(path ? { path } : {}),
        ...(extensions ? { extensions } : {}),
      },
      error,
    );
  });
  return reply.code(status).send(`${JSON.stringify({ errors: formatted, data })}\n`);
}
