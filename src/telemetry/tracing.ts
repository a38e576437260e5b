import { types } from 'node:util';
import { SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { toErrorType } from './error-type.ts';
import type { Tracing, TracingOptions } from './tracing-sdk.ts';

/**
 * The small tracing API that every room may use. It stands on OpenTelemetry's API package alone; the SDK and what it
 * patches are loaded by startTracing, and only when traces are wanted.
 */

/** Counts, names and codes; never a secret, a key of a person or a value of a property. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanHandle {
  setAttribute(name: string, value: string | number | boolean): void;
}

interface ExporterSettings {
  readonly OTEL_SDK_DISABLED: boolean;
  readonly OTEL_TRACES_EXPORTER?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?: string | undefined;
}

const unrecorded: SpanHandle = { setAttribute: () => {} };

let tracer: Tracer | undefined;

/** Traces are wanted when somebody said where they go, and nobody said no. */
export function isTracingWanted(settings: ExporterSettings): boolean {
  if (settings.OTEL_SDK_DISABLED) return false;
  if (settings.OTEL_TRACES_EXPORTER !== undefined) return settings.OTEL_TRACES_EXPORTER !== 'none';
  return (
    settings.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined || settings.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT !== undefined
  );
}

/**
 * Starts tracing for the whole process, once. What is patched (http, graphql, kafkajs) must not have been imported
 * before: main awaits this, and then imports the roles.
 */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  if (!options.enabled || tracer !== undefined) return { shutdown: async () => {} };
  const { startSdk } = await import('./tracing-sdk.ts');
  const sdk = startSdk(options);
  tracer = trace.getTracer('tallygate', options.serviceVersion);
  return {
    async shutdown() {
      tracer = undefined;
      await sdk.shutdown();
    },
  };
}

/** Whether the work at hand is being recorded: such a request takes the way that has spans, whatever it costs. */
export function isSampled(): boolean {
  return tracer !== undefined && trace.getActiveSpan()?.isRecording() === true;
}

/**
 * Runs work as a span: a child of the span at hand, or a new trace when there is none. The result is `run`'s own, and
 * what `run` throws is thrown on; the span keeps its code or name and not its message, which may quote an event.
 */
export function withSpan<Result>(name: string, attributes: SpanAttributes, run: (span: SpanHandle) => Result): Result {
  if (tracer === undefined) return run(unrecorded);
  const parent = trace.getActiveSpan();
  if (parent !== undefined && !parent.isRecording()) return run(unrecorded);
  return tracer.startActiveSpan(name, { attributes }, (span) => {
    const fail = (thrown: unknown) => {
      span.setAttribute('error.type', toErrorType(thrown));
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    };
    try {
      const result = run(span);
      if (types.isPromise(result)) result.then(() => span.end(), fail);
      else span.end();
      return result;
    } catch (thrown) {
      fail(thrown);
      throw thrown;
    }
  });
}
