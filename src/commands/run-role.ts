import type { Config } from '../config.ts';
import { toMessage } from '../errors.ts';
import type { Telemetry } from '../roles/backends.ts';
import type { GatewayPart } from '../roles/gateway.ts';
import { endNow, onStopSignal } from './signals.ts';

export type Role = (config: Config, telemetry: Telemetry, onCrash: (reason: unknown) => void) => Promise<GatewayPart>;

/**
 * Runs a role until SIGTERM or SIGINT, then stops it in order: not ready, drain HTTP, stop consuming, finish the batch in
 * flight, commit, close. Resolves with the exit code.
 */
export async function runRole(
  role: Role,
  config: Config,
  telemetry: Telemetry,
  onStarted: (part: GatewayPart) => void,
): Promise<number> {
  const { logger } = telemetry;
  telemetry.metrics.collectProcessMetrics();
  const ended = Promise.withResolvers<number>();
  const started = await role(config, telemetry, (reason) => {
    logger.fatal({ err: reason }, `the sink cannot go on: ${toMessage(reason)}`);
    ended.resolve(1);
  });
  onStopSignal((signal) => {
    logger.info({ signal }, 'stopping');
    ended.resolve(0);
  });
  onStarted(started);
  const code = await ended.promise;
  const deadlineMs = config.SHUTDOWN_SECONDS * 1000;
  const timer = setTimeout(() => {
    logger.error({ deadlineMs }, 'could not stop in time; what was acknowledged is in the log');
    endNow();
  }, deadlineMs + 1000);
  await started.stop(deadlineMs);
  clearTimeout(timer);
  logger.info('stopped');
  return code;
}
