import { type Config, parseConfig } from '../../../src/config.ts';
import type { Telemetry } from '../../../src/roles/backends.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';

/** Settings from the environment that the benchmark gave this worker. */
export const toConfig = (): Config => parseConfig(process.env);

/** Metrics as in production; of the log only what is wrong. */
export const quietTelemetry = (): Telemetry => ({ logger: createLogger('warn'), metrics: createMetrics() });
