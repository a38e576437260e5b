import { createRequire, syncBuiltinESMExports } from 'node:module';
import { DiagLogLevel, diag, trace } from '@opentelemetry/api';
import { GraphQLInstrumentation } from '@opentelemetry/instrumentation-graphql';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { KafkaJsInstrumentation } from '@opentelemetry/instrumentation-kafkajs';
import { NodeSDK, resources } from '@opentelemetry/sdk-node';
import { ParentBasedSampler, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace';
import { createDiscreetProvider } from './discreet-spans.ts';
import type { Logger } from './logger.ts';

const patched = ['http', 'https', 'graphql', 'kafkajs'] as const;
const shutdownMs = 3000;
/** Asked every few seconds by machines, and of no interest to a person. */
const probes = new Set(['/healthz', '/readyz', '/metrics']);

export interface TracingOptions {
  /** False loads nothing and leaves withSpan with one comparison to make; see isTracingWanted. */
  readonly enabled: boolean;
  /** Share of new traces that are recorded, 0 to 1. A caller's own decision (traceparent) comes before it. */
  readonly sampleRatio: number;
  /** OTEL_TRACES_SAMPLER is set: the SDK makes the sampler that it names, and sampleRatio is not used. */
  readonly samplerFromEnvironment?: boolean;
  /** OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come before these two. */
  readonly serviceName: string;
  readonly serviceVersion: string;
  readonly logger: Logger;
}

export interface Tracing {
  /** Sends what is still held and ends. Bounded in time; never rejects. */
  shutdown(): Promise<void>;
}

/** Imported only when traces are wanted: this file loads OpenTelemetry's SDK, some three hundred modules. */
export function startSdk(options: TracingOptions): Tracing {
  const { logger } = options;
  warnOfEarlyImports(logger);
  routeDiagnostics(logger);

  const instrumentations = [
    new HttpInstrumentation({
      ignoreIncomingRequestHook: ({ url = '' }) => probes.has(url.split('?', 1)[0]!),
      // The poll of the ledger and its kind belong to nobody's request.
      requireParentforOutgoingSpans: true,
    }),
    new GraphQLInstrumentation({ ignoreTrivialResolveSpans: true, mergeItems: true, allowValues: false }),
    new KafkaJsInstrumentation(),
  ];
  const sdk = new NodeSDK({
    instrumentations,
    ...(options.samplerFromEnvironment
      ? {}
      : { sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.sampleRatio) }) }),
    resource: resources.defaultResource().merge(
      resources.resourceFromAttributes({
        'service.name': options.serviceName,
        'service.version': options.serviceVersion,
        'process.pid': process.pid,
        'process.runtime.name': 'nodejs',
        'process.runtime.version': process.versions.node,
      }),
    ),
    // Not the process detector: it sends the command line, which may hold a credential (`import --key ...`).
    resourceDetectors: [resources.hostDetector, resources.envDetector],
    // Metrics are Prometheus's and logs are pino's; left out, the SDK would send both to the traces' endpoint.
    metricReaders: [],
    logRecordProcessors: [],
  });
  sdk.start();
  const discreet = createDiscreetProvider(trace.getTracerProvider());
  for (const instrumentation of instrumentations) instrumentation.setTracerProvider(discreet);
  patchBeforeImports();

  return {
    async shutdown() {
      const stopped = sdk.shutdown().then(
        () => true,
        (cause: unknown) => {
          logger.warn({ err: cause }, 'the last traces could not be sent');
          return true;
        },
      );
      const { promise: late, resolve } = Promise.withResolvers<false>();
      const timer = setTimeout(resolve, shutdownMs, false);
      if (!(await Promise.race([stopped, late]))) {
        logger.warn(`the last traces could not be sent within ${shutdownMs} ms`);
      }
      clearTimeout(timer);
    },
  };
}

/**
 * The instrumentations patch what is require()d. An `import` of a CommonJS package does not pass their hook for the
 * package's main file (kafkajs would stay as it is), and named imports of a builtin are copies that were made before.
 * Requiring all of them here, and renewing those copies, patches every later `import` without any loader hook, whose
 * price each module of the process would pay.
 */
function patchBeforeImports(): void {
  const require = createRequire(import.meta.url);
  for (const name of patched) require(name);
  syncBuiltinESMExports();
}

function warnOfEarlyImports(logger: Logger): void {
  const require = createRequire(import.meta.url);
  const early = patched.filter((name) => require.cache[require.resolve(name)] !== undefined);
  if (early.length > 0) {
    logger.warn({ modules: early }, 'loaded before tracing was started, so some of their spans will be missing');
  }
}

/** What OpenTelemetry has to say (mostly: the collector does not answer) goes to our log, each thing once a minute. */
function routeDiagnostics(logger: Logger): void {
  const quietMs = 60_000;
  const said = new Map<string, number>();
  const say = (message: string, ...details: unknown[]) => {
    const text = [message, ...details.map(String)].join(' ').slice(0, 500);
    const now = Date.now();
    if (now - (said.get(text) ?? Number.NEGATIVE_INFINITY) < quietMs) return;
    if (said.size >= 100) said.clear();
    said.set(text, now);
    logger.warn({ detail: text }, 'OpenTelemetry reports a problem');
  };
  const nothing = () => {};
  diag.setLogger(
    { error: say, warn: say, info: nothing, debug: nothing, verbose: nothing },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}
