import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { authorize } from '../../../resolvers/field.ts';
import { TallygateError } from '../../errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { Authenticator } from '../auth.ts';
import { streamPath } from '../http.ts';
import type { Operations, SubscriptionRequest } from './operation.ts';
import type { StallWatch } from './stall-watch.ts';

export interface Streams {
  /** Ends them all without an event that says so: clients connect again. */
  stop(deadlineMs: number): Promise<void>;
}

export interface StreamsDeps {
  readonly operations: Operations;
  readonly authenticator: Authenticator;
  readonly stalls: StallWatch;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const pingMs = 12_000;
/** How long what was written last may take to get out. */
const farewellMs = 2000;

/** POST /graphql/stream: one subscription a request, as the distinct connections mode of graphql-sse has it. */
export function serveStreams(app: FastifyInstance, deps: StreamsDeps): Streams {
  const { operations, authenticator, logger } = deps;
  const running = new Map<ServerResponse, AbortController>();
  let isStopped = false;

  app.route({
    method: 'POST',
    url: streamPath,
    handler: async (request, reply) => {
      if (isStopped)
        throw new TallygateError('SHUTTING_DOWN', 'expected a request to another instance: this one is stopping');
      const caller = authorize(authenticator.authenticate(request.headers.authorization), 'read');
      assertAccepted(request.headers.accept);
      const asked = toRequest(request);
      const gone = new AbortController();
      running.set(reply.raw, gone);
      reply.raw.once('close', () => {
        running.delete(reply.raw);
        gone.abort();
      });
      const raw = begin(reply);
      try {
        await serve(raw, asked, { caller, transport: 'sse', signal: gone.signal });
      } catch (thrown) {
        if (!gone.signal.aborted) logger.error({ err: thrown }, 'a subscription failed for a reason of ours');
        raw.destroy();
      }
    },
  });

  const serve = async (
    raw: ServerResponse,
    asked: SubscriptionRequest,
    subscriber: Parameters<Operations['prepare']>[1],
  ): Promise<void> => {
    const prepared = operations.prepare(asked, subscriber);
    const isWrong = Array.isArray(prepared);
    const results = isWrong ? { errors: prepared } : await operations.open(prepared as never);
    const send = createWriter(raw, deps);
    try {
      if (Symbol.asyncIterator in results) {
        for await (const result of results) await send('next', operations.format(result));
      } else await send('next', operations.format(results));
      await send('complete', null);
      raw.end();
    } finally {
      send.stop();
    }
  };

  return {
    async stop(deadlineMs) {
      isStopped = true;
      const all = [...running.keys()];
      const ended = all.map((raw) => new Promise<void>((resolve) => raw.once('close', () => resolve())));
      for (const raw of all) {
        deps.metrics.subscriptionsCut.inc({ transport: 'sse', reason: 'shutdown' });
        raw.end(': SHUTTING_DOWN: this instance is stopping; connect again\n\n');
      }
      const late = setTimeout(
        () => {
          for (const raw of all) raw.destroy();
        },
        Math.min(farewellMs, deadlineMs),
      );
      await Promise.all(ended);
      clearTimeout(late);
    },
  };
}

/** From here on the answer is ours: nothing of it is buffered, or changed on its way. */
function begin(reply: FastifyReply): ServerResponse {
  const headers = reply.getHeaders();
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(headers as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  // Some browsers wait for the first bytes.
  reply.raw.write(':\n\n');
  return reply.raw;
}

type Writer = ((event: 'next' | 'complete', data: unknown) => Promise<void>) & { stop(): void };

/** Resolves when the connection has taken the event, which a reader that does not read does not. */
function createWriter(raw: ServerResponse, { stalls, metrics }: StreamsDeps): Writer {
  const reader = stalls.watch(() => {
    metrics.subscriptionsCut.inc({ transport: 'sse', reason: 'too_slow' });
    raw.destroy();
  });
  const pinger = setInterval(() => {
    if (!raw.writableNeedDrain && !raw.writableEnded) raw.write(':\n\n');
  }, pingMs).unref();
  const send = (event: string, data: unknown) =>
    new Promise<void>((resolve, reject) => {
      const leave = () => {
        reader.end();
        reject(new Error('the subscriber has gone away'));
      };
      if (raw.destroyed || raw.writableEnded) {
        leave();
        return;
      }
      raw.once('close', leave);
      reader.begin();
      raw.write(`event: ${event}\ndata:${data === null ? '' : ` ${JSON.stringify(data)}`}\n\n`, (error) => {
        raw.off('close', leave);
        reader.end();
        if (error) reject(error);
        else resolve();
      });
    });
  return Object.assign(send, {
    stop() {
      clearInterval(pinger);
      reader.leave();
    },
  });
}

function assertAccepted(accept: string | undefined): void {
  if (accept === undefined || /text\/event-stream|text\/\*|\*\/\*/i.test(accept)) return;
  throw new TallygateError(
    'NOT_ACCEPTABLE',
    `expected an Accept header with text/event-stream, got ${accept.slice(0, 100)}`,
  );
}

function toRequest({ body }: FastifyRequest): SubscriptionRequest {
  const given = body as Readonly<Record<string, unknown>> | null | undefined;
  const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject(given) || typeof given?.query !== 'string')
    throw new TallygateError('BAD_REQUEST', 'expected a JSON object with query and variables, got another body');
  const { query, operationName, variables } = given;
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string')
    throw new TallygateError('BAD_REQUEST', 'expected operationName to be a text, got something else');
  if (variables !== undefined && variables !== null && !isObject(variables))
    throw new TallygateError('BAD_REQUEST', 'expected variables to be an object, got something else');
  return {
    query,
    operationName: operationName as string | null,
    variables: variables as Record<string, unknown> | null,
  };
}
