import { subscribe } from 'node:diagnostics_channel';
import 'node:http';
import { createRequire } from 'node:module';
import { parseConfig } from '../../src/config.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { isTracingWanted, startTracing } from '../../src/telemetry/tracing.ts';

// What main does: settings, tracing, and only then everything else. Builtins may be there before, as node:http is here. Says its port, and at the end of its input what it
// loaded and where it connected to.

const connections: unknown[] = [];
subscribe('net.client.socket', (message) => connections.push(message));

const config = parseConfig(process.env);
const tracing = await startTracing({
  enabled: isTracingWanted(config),
  sampleRatio: config.OTEL_TRACES_SAMPLER_ARG,
  samplerFromEnvironment: process.env.OTEL_TRACES_SAMPLER !== undefined,
  serviceName: 'tallygate',
  serviceVersion: '0.0.0',
  logger: createLogger('info'),
});
const { startTracedApp } = await import('./traced-app.ts');
const app = await startTracedApp();
console.log(JSON.stringify({ port: app.port }));

for await (const _ of process.stdin);
await app.close();
const stopping = performance.now();
await tracing.shutdown();
const modules = Object.keys(createRequire(import.meta.url).cache).filter((path) =>
  /@opentelemetry[\\/](?!api[\\/])/.test(path),
);
console.log(JSON.stringify({ modules, connections: connections.length, shutdownMs: performance.now() - stopping }));
process.exit(0);
