import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError } from 'graphql';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Caller } from '../../../resolvers/context.ts';
import { toGraphQLError } from '../../../resolvers/field.ts';
import { isTallygateError, TallygateError } from '../../errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { Authenticator } from '../auth.ts';
import { asksForWebSocket } from '../http.ts';
import { json } from '../media-type.ts';
import type { Operations, SubscriptionRequest } from './operation.ts';
import type { StallWatch } from './stall-watch.ts';

export interface WebSockets {
  /** Closes them all, with a reason; who is not gone after the time in milliseconds is cut off. */
  stop(deadlineMs: number): Promise<void>;
}

export interface WebSocketsDeps {
  readonly operations: Operations;
  readonly authenticator: Authenticator;
  /** `*` or a comma-separated list. */
  readonly corsOrigins: string;
  readonly mostConnections: number;
  readonly mostOfConnection: number;
  readonly stalls: StallWatch;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

interface Connection {
  caller: Caller | null;
  readonly gone: AbortController;
  close(code: number, reason: string): void;
}

/** A filter of 200 comparisons is far below. */
const mostBytesOfMessage = 256 * 1024;
const pingMs = 12_000;
/** Messages that wait for those before them: answers to what a client asks without reading. */
const mostWaiting = 1000;
/** Of answers to the pings of a client that does not read. */
const mostBuffered = 16 * 1024 * 1024;
/** How long a client that was told to go may take to go. */
const farewellMs = 5000;
const tryAgainLater = 1013;
const goingAway = 1001;

/** graphql-transport-ws on the server's own port. */
export function serveWebSockets(server: Server, deps: WebSocketsDeps): WebSockets {
  const { operations, authenticator, stalls, logger, metrics } = deps;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: mostBytesOfMessage,
    handleProtocols,
    perMessageDeflate: false,
  });
  const alive = new WeakSet<WebSocket>();
  let isStopped = false;

  const authenticate = (connection: Connection, payload: unknown): void => {
    const given = payload === undefined ? {} : (payload as Record<string, unknown>);
    const authorization = given.authorization ?? given.Authorization;
    if (authorization !== undefined && typeof authorization !== 'string')
      throw new TallygateError(
        'UNAUTHENTICATED',
        'expected authorization to be a text in the payload of connection_init',
      );
    if (authorization !== undefined) connection.caller = authenticator.authenticate(authorization);
    if (connection.caller === null)
      throw new TallygateError(
        'UNAUTHENTICATED',
        'expected { "authorization": "Bearer ..." } in the payload of connection_init',
      );
  };

  const protocol = makeServer<Record<string, unknown>, Connection>({
    onConnect({ extra, connectionParams }) {
      try {
        authenticate(extra, connectionParams);
        return true;
      } catch (thrown) {
        if (!isTallygateError(thrown)) throw thrown;
        extra.close(CloseCode.Unauthorized, `${thrown.code}: ${thrown.message}`);
        return false;
      }
    },
    onSubscribe({ extra, subscriptions }, _id, payload) {
      const open = Object.keys(subscriptions).length - 1;
      if (open >= deps.mostOfConnection) return [tooMany(deps.mostOfConnection)];
      const prepared = operations.prepare(payload as SubscriptionRequest, {
        caller: extra.caller as Caller,
        transport: 'websocket',
        signal: extra.gone.signal,
      });
      return prepared as Exclude<typeof prepared, readonly GraphQLError[]> | GraphQLError[];
    },
    subscribe: (args) => operations.open(args),
    onNext: (_context, _id, _payload, _args, result) => operations.format(result),
    onError: (_context, _id, _payload, errors) =>
      operations.formatErrors(errors.filter((error) => error instanceof GraphQLError)),
  });

  const open = (socket: WebSocket, caller: Caller | null) => {
    const close = (code: number, reason: string) => {
      socket.close(code, shorten(reason));
      setTimeout(() => socket.terminate(), farewellMs).unref();
    };
    const connection: Connection = { caller, gone: new AbortController(), close };
    const reader = stalls.watch(() => {
      metrics.subscriptionsCut.inc({ transport: 'websocket', reason: 'too_slow' });
      close(tryAgainLater, 'TOO_SLOW: a message was not taken in time; connect again, and read faster');
    });
    let waiting = 0;
    let last: Promise<void> = Promise.resolve();
    /** One after the other: what is handed to the socket is bounded by one message. */
    const send = (data: string): Promise<void> => {
      if (++waiting > mostWaiting) socket.terminate();
      const sent = last.then(() => write(socket, data, reader));
      last = sent.catch(() => {}).then(() => void waiting--);
      return sent;
    };
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send,
        close,
        onMessage: (take) =>
          socket.on('message', (data) => {
            take(String(data)).catch((thrown) => {
              logger.error({ err: thrown }, 'a message of a subscriber failed for a reason of ours');
              close(CloseCode.InternalServerError, 'INTERNAL: something went wrong here');
            });
          }),
      },
      connection,
    );
    alive.add(socket);
    socket.on('pong', () => alive.add(socket));
    socket.on('ping', () => {
      if (socket.bufferedAmount > mostBuffered) socket.terminate();
    });
    socket.on('error', (error) => logger.debug({ error: error.message }, 'a WebSocket failed'));
    socket.once('close', (code, reason) => {
      reader.leave();
      connection.gone.abort();
      Promise.resolve(closed(code, String(reason))).catch((thrown) =>
        logger.error({ err: thrown }, 'a subscriber could not be left'),
      );
    });
  };

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    try {
      if (!asksForWebSocket(request))
        throw new TallygateError('NOT_FOUND', 'expected a WebSocket at /graphql, got another path or protocol');
      if (isStopped) throw stopping();
      assertOrigin(request.headers.origin, deps.corsOrigins);
      if (sockets.clients.size >= deps.mostConnections) throw tooManyConnections(deps.mostConnections);
      const caller = authenticator.authenticate(request.headers.authorization);
      sockets.handleUpgrade(request, socket, head, (opened) => open(opened, caller));
    } catch (thrown) {
      refuse(socket, isTallygateError(thrown) ? thrown : new TallygateError('INTERNAL', 'something went wrong here'));
    }
  };
  server.on('upgrade', onUpgrade);

  const pinger = setInterval(() => {
    for (const socket of sockets.clients) {
      // An answer to a ping is behind what is not read yet: that has a time of its own.
      if (socket.bufferedAmount > 0) continue;
      if (!alive.has(socket)) {
        metrics.subscriptionsCut.inc({ transport: 'websocket', reason: 'no_pong' });
        socket.terminate();
        continue;
      }
      alive.delete(socket);
      socket.ping();
    }
  }, pingMs).unref();

  return {
    async stop(deadlineMs) {
      isStopped = true;
      clearInterval(pinger);
      const all = [...sockets.clients];
      const gone = all.map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())));
      for (const socket of all) {
        metrics.subscriptionsCut.inc({ transport: 'websocket', reason: 'shutdown' });
        socket.close(goingAway, 'SHUTTING_DOWN: this instance is stopping; connect again');
      }
      const late = setTimeout(
        () => {
          for (const socket of all) socket.terminate();
        },
        Math.min(farewellMs, deadlineMs),
      );
      await Promise.all(gone);
      clearTimeout(late);
    },
  };
}

/** Resolves when the connection has taken it all, or is not there any more. */
function write(socket: WebSocket, data: string, reader: ReturnType<StallWatch['watch']>): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.readyState !== socket.OPEN) {
      resolve();
      return;
    }
    reader.begin();
    socket.send(data, (error) => {
      reader.end();
      if (error) reject(error);
      else resolve();
    });
  });
}

/** At most 123 bytes fit into a frame that closes. */
function shorten(reason: string): string {
  return Buffer.byteLength(reason) <= 123 ? reason : `${reason.slice(0, 110)}...`;
}

/** Credentials are not sent by browsers on their own; a list of origins holds for all ways in. */
function assertOrigin(origin: string | undefined, allowed: string): void {
  if (allowed === '*' || origin === undefined) return;
  if (allowed.split(',').some((one) => one.trim() === origin)) return;
  throw new TallygateError('FORBIDDEN', 'expected an Origin that CORS_ORIGINS names, got another one');
}

/** Before there is a WebSocket, in the form of every other refusal. */
function refuse(socket: Duplex, error: TallygateError): void {
  const { code, message, status, retriable, details } = error;
  const retryAfterMs = error.retryAfterMs ?? (status === 503 ? 1000 : undefined);
  const extensions = {
    code,
    ...(retriable ? { retriable: true } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...details,
  };
  const body = `${JSON.stringify({ errors: [{ message, extensions }] })}\n`;
  socket.end(
    [
      `HTTP/1.1 ${status} ${code}`,
      `content-type: ${json}`,
      `content-length: ${Buffer.byteLength(body)}`,
      ...(retryAfterMs === undefined ? [] : [`retry-after: ${Math.max(1, Math.ceil(retryAfterMs / 1000))}`]),
      ...(status === 401 ? ['www-authenticate: Bearer'] : []),
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}

function stopping(): TallygateError {
  return new TallygateError('SHUTTING_DOWN', 'expected a request to another instance: this one is stopping');
}

function tooManyConnections(most: number): TallygateError {
  return new TallygateError(
    'TOO_MANY_SUBSCRIPTIONS',
    `expected at most ${most} WebSockets at once, and there are as many`,
    {
      retryAfterMs: 5000 + Math.floor(Math.random() * 5000),
      details: { limit: most },
    },
  );
}

function tooMany(most: number): GraphQLError {
  const message = `expected at most ${most} subscriptions on one connection: end one, or open another connection`;
  return toGraphQLError(
    new TallygateError('TOO_MANY_SUBSCRIPTIONS', message, { details: { limit: most } }),
  ) as GraphQLError;
}
