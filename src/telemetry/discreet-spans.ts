import {
  type Attributes,
  context,
  INVALID_SPAN_CONTEXT,
  type Span,
  SpanKind,
  type SpanOptions,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { toErrorType } from './error-type.ts';

/** What says something about a person, or holds values that somebody sent. */
const withheld = ['client.address', 'user_agent.original', 'url.query', 'messaging.kafka.message.key'] as const;

/**
 * The tracers that the instrumentations are given. Their spans say what happened and how long it took, and nothing
 * that came with an event or a question: error messages and stacks (which quote input), query strings (ClickHouse's
 * parameters, GraphQL over GET) and message keys (project and person) are left out. And a batch of messages is one
 * span, not one for each message: thousands at a time would push everything else out of the exporter's queue.
 */
export function createDiscreetProvider(provider: TracerProvider): TracerProvider {
  return { getTracer: (...args) => toDiscreetTracer(provider.getTracer(...args)) };
}

function toDiscreetTracer(inner: Tracer): Tracer {
  /** Spans under which a message was sent already: the first stands for those that go with it. */
  const sending = new WeakSet<Span>();

  function startSpan(name: string, options: SpanOptions = {}, active = context.active()): Span {
    if (isSpanOfOneMessage(options)) {
      const parent = trace.getSpan(active);
      if (options.kind === SpanKind.CONSUMER || !parent?.isRecording() || sending.has(parent)) return noSpan();
      sending.add(parent);
    }
    const attributes = options.attributes && withoutValues(options.attributes);
    return muted(inner.startSpan(name, attributes ? { ...options, attributes } : options, active));
  }

  // The instrumentations call startSpan alone; the rest of the interface goes through as it is.
  return { startSpan, startActiveSpan: inner.startActiveSpan.bind(inner) };
}

function isSpanOfOneMessage({ kind, attributes }: SpanOptions): boolean {
  if (kind === SpanKind.PRODUCER) return true;
  return kind === SpanKind.CONSUMER && attributes?.['messaging.operation.type'] === 'process';
}

/** Without a valid context nothing is injected either: the message keeps the bytes that it had. */
function noSpan(): Span {
  return trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
}

function withoutValues(attributes: Attributes): Attributes {
  const kept = { ...attributes };
  for (const name of withheld) delete kept[name];
  const full = kept['url.full'];
  if (typeof full === 'string') kept['url.full'] = full.split('?', 1)[0]!;
  return kept;
}

function muted(span: Span): Span {
  if (!span.isRecording()) return span;
  const setStatus = span.setStatus.bind(span);
  span.setStatus = ({ code }) => setStatus({ code });
  span.recordException = (exception) => {
    span.setAttribute('error.type', toErrorType(exception));
  };
  return span;
}
