import type { FastifyInstance } from 'fastify';
import type { Logger } from '../../telemetry/logger.ts';
import type { Authenticator } from '../auth.ts';
import { createOperations, type OperationsDeps } from './operation.ts';
import { createStallWatch } from './stall-watch.ts';
import { serveStreams } from './stream.ts';
import { serveWebSockets } from './websocket.ts';

export interface SubscriptionLimits {
  /** Of all projects at once. */
  readonly most: number;
  readonly mostOfProject: number;
  readonly mostOfConnection: number;
  /** How long a message may take to be taken, in milliseconds. */
  readonly stallMs: number;
}

interface SubscriptionsDeps extends Omit<OperationsDeps, 'limits'> {
  readonly authenticator: Authenticator;
  readonly corsOrigins: string;
  readonly limits: SubscriptionLimits;
  readonly logger: Logger;
}

export interface Subscriptions {
  /** Ends them all within the time in milliseconds, so that readers go elsewhere. */
  stop(deadlineMs: number): Promise<void>;
}

/** Subscriptions over WebSockets at /graphql and server-sent events from POST /graphql/stream. */
export function registerSubscriptions(app: FastifyInstance, deps: SubscriptionsDeps): Subscriptions {
  const { limits } = deps;
  const operations = createOperations(deps);
  const stalls = createStallWatch(limits.stallMs);
  const sockets = serveWebSockets(app.server, {
    ...deps,
    operations,
    stalls,
    mostConnections: limits.most,
    mostOfConnection: limits.mostOfConnection,
  });
  const streams = serveStreams(app, { ...deps, operations, stalls });
  return {
    async stop(deadlineMs) {
      await Promise.all([sockets.stop(deadlineMs), streams.stop(deadlineMs)]);
      stalls.stop();
    },
  };
}
