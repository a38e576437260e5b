import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { isTallygateError, TallygateError, toMessage } from '../errors.ts';
import { limits } from '../events/event.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { json, toMediaType } from './media-type.ts';

interface HttpDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Whether traffic may come: not before the start is done, and not when a stop has begun. Never depends on a shared backend. */
  readonly isReady: () => boolean;
}

/** A batch of 500 KB, and room for the operation around it. */
export const bodyLimit = limits.batchBytes + 24 * 1024;

/** Where answers take as long as their readers stay: neither their duration nor their number says anything of how busy we are. */
export const streamPath = '/graphql/stream';

const sweepMs = 100;

/** The listener of every role, with its health and metrics. */
export async function createHttpServer({ logger, metrics, isReady }: HttpDeps): Promise<FastifyInstance> {
  const app: FastifyInstance = fastify({
    logger: false,
    bodyLimit,
    forceCloseConnections: 'idle',
    // What comes on an open connection while we drain is answered like the rest.
    return503OnClosing: false,
    requestTimeout: 60_000,
    keepAliveTimeout: 75_000,
    routerOptions: { ignoreTrailingSlash: true },
    // Clients that offer HTTP/2 by the way are answered as they ask.
    http: {
      shouldUpgradeCallback: (request: IncomingMessage) =>
        app.server.listenerCount('upgrade') > 0 && asksForWebSocket(request),
    },
    frameworkErrors: (error, request, reply) => {
      refuse(request, reply, toTallygateError(error, request));
    },
  });

  endIdleConnections(app);

  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    try {
      done(null, JSON.parse(body as string));
    } catch (thrown) {
      const encoding = request.headers['content-encoding'];
      const got = encoding ? `one with content-encoding ${encoding.slice(0, 40)}` : toMessage(thrown);
      done(new TallygateError('BAD_REQUEST', `expected a body of plain JSON, got ${got}`));
    }
  });

  app.setErrorHandler((thrown: FastifyError | TallygateError, request, reply) => {
    const error = toTallygateError(thrown, request);
    if (error.status === 500)
      logger.error({ err: thrown, path: toPath(request) }, 'a request failed for a reason of ours');
    return refuse(request, reply, error);
  });
  const paths = new Set<string>();
  app.addHook('onRoute', ({ url }) => {
    if (!/[*:]|\/assets\//.test(url)) paths.add(url);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = toPath(request).replace(/(?<=.)\/$/, '');
    const allowed = (['GET', 'POST'] as const).filter((method) => app.hasRoute({ method, url: path }));
    const error =
      allowed.length > 0
        ? new TallygateError(
            'METHOD_NOT_ALLOWED',
            `expected ${allowed.join(' or ')} for ${path}, got ${request.method}`,
          )
        : new TallygateError('NOT_FOUND', `expected one of ${[...paths].join(', ')}, got ${path.slice(0, 100)}`);
    if (allowed.length > 0) reply.header('allow', allowed.join(', '));
    return refuse(request, reply, error);
  });

  app.addHook('onRequest', (request, _reply, done) => {
    if (request.routeOptions.url !== streamPath) metrics.httpInFlight.inc();
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    if (request.routeOptions.url === streamPath) return done();
    metrics.httpInFlight.dec();
    metrics.httpSeconds.observe(
      { route: request.routeOptions.url ?? 'none', status: reply.statusCode },
      reply.elapsedTime / 1000,
    );
    done();
  });

  app.get('/healthz', async (_request, reply) => reply.type('text/plain').send('ok\n'));
  app.get('/readyz', async (_request, reply) =>
    isReady()
      ? reply.type('text/plain').send('ready\n')
      : reply.code(503).header('retry-after', '1').type('text/plain').send('not ready\n'),
  );
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  return app;
}

/**
 * While it closes, connections end as they fall idle: those whose last request was answered after the close began, and those of
 * browsers and pools that have connected and asked for nothing. The server itself would wait for both until they time out.
 */
function endIdleConnections(app: FastifyInstance): void {
  const { server } = app;
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  app.addHook('preClose', async () => {
    if (!server.listening) return;
    const sweep = () => {
      server.closeIdleConnections();
      for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
    };
    sweep();
    const sweeping = setInterval(sweep, sweepMs);
    server.once('close', () => clearInterval(sweeping));
  });
}

/** Whether it asks for a WebSocket where there is one: everything else that asks for an upgrade, HTTP/2 say, is answered as it is. */
export function asksForWebSocket({ headers, url }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket' && /^\/graphql\/?(\?|$)/.test(url ?? '');
}

function refuse(request: FastifyRequest, reply: FastifyReply, error: TallygateError): FastifyReply {
  const { code, message, status, retriable, details } = error;
  const retryAfterMs = error.retryAfterMs ?? (status === 503 ? 1000 : undefined);
  if (retryAfterMs !== undefined) reply.header('retry-after', String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  const extensions = {
    code,
    ...(retriable ? { retriable: true } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...details,
  };
  return reply
    .code(status)
    .header('content-type', toMediaType(request.headers.accept) ?? json)
    .send(`${JSON.stringify({ errors: [{ message, extensions }] })}\n`);
}

/** Without what may hold variables. */
function toPath({ url }: FastifyRequest): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}

function toTallygateError(thrown: FastifyError | TallygateError, request: FastifyRequest): TallygateError {
  if (isTallygateError(thrown) && thrown.status !== 500) return thrown;
  const { code, statusCode } = thrown as FastifyError;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new TallygateError(
      'PAYLOAD_TOO_LARGE',
      `expected a body of at most ${bodyLimit} bytes, got more: send fewer events in a batch`,
    );
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new TallygateError(
      'UNSUPPORTED_MEDIA_TYPE',
      `expected a body of application/json, got ${String(request.headers['content-type']).slice(0, 100)}`,
    );
  }
  if (statusCode !== undefined && statusCode < 500)
    return new TallygateError('BAD_REQUEST', thrown.message, { cause: thrown });
  return new TallygateError('INTERNAL', "something went wrong here; it is in the service's log", { cause: thrown });
}
