import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { isSampled, isTracingWanted, withSpan } from '../../src/telemetry/tracing.ts';

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number | string };
}
interface ExportedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code?: number; readonly message?: string };
}
interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly ExportedSpan[] }[];
  }[];
}
interface LastWords {
  readonly modules: readonly string[];
  readonly connections: number;
  readonly shutdownMs: number;
}

const started: ChildProcess[] = [];
const closing: (() => void)[] = [];

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  for (const close of closing.splice(0)) close();
});

async function startCollector() {
  const received: { path: string; body: string }[] = [];
  const server = createServer(async (request, response) => {
    received.push({ path: request.url ?? '', body: await text(request) });
    response.setHeader('content-type', 'application/json').end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close().closeAllConnections());
  return {
    received,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    resources: () =>
      requests().flatMap(({ resourceSpans }) => resourceSpans.map(({ resource }) => resource.attributes)),
    spans: () => requests().flatMap((r) => r.resourceSpans.flatMap((s) => s.scopeSpans.flatMap(({ spans }) => spans))),
  };
  function requests(): ExportRequest[] {
    return received.map(({ body }) => JSON.parse(body));
  }
}

async function startApp(settings: Readonly<Record<string, string>>) {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(OTEL_|NODE_OPTIONS)/.test(name));
  const child = spawn(process.execPath, [join(import.meta.dirname, 'traced-process.ts')], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(inherited), ...settings },
  });
  started.push(child);
  const log = text(child.stderr);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done) throw new Error(`the process ended before it listened: ${await log}`);
  const { port } = JSON.parse(first.value) as { port: number };
  return {
    async ask(query: string, headers: Readonly<Record<string, string>> = {}, variables = {}) {
      const response = await fetch(`http://127.0.0.1:${port}/graphql?debug=query-secret`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', connection: 'close', ...headers },
        body: JSON.stringify({ query, variables }),
      });
      return response.json();
    },
    fetch: (path: string, headers: Readonly<Record<string, string>>) =>
      fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close', ...headers } }),
    async stop() {
      child.stdin.end();
      const last = await lines.next();
      if (last.done) throw new Error(`the process ended without a word: ${await log}`);
      return { ...(JSON.parse(last.value) as LastWords), log: await log };
    },
  };
}

function attribute({ attributes }: Pick<ExportedSpan, 'attributes'>, key: string) {
  const value = attributes.find((a) => a.key === key)?.value;
  return value?.stringValue ?? (value?.intValue === undefined ? undefined : Number(value.intValue));
}

const otlp = (url: string, more: Readonly<Record<string, string>> = {}) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  OTEL_TRACES_SAMPLER_ARG: '1',
  ...more,
});

test('a request is one trace: http, parse, validate, execute, resolver, own span and outgoing call, each below its cause', async () => {
  const collector = await startCollector();
  const app = await startApp(otlp(collector.url));
  const answer = await app.ask(
    'query W($c: String) { work(customer: $c, n: 7) { n customer sampled } }',
    {},
    { c: 'kim' },
  );
  expect(answer).toEqual({ data: { work: { n: 7, customer: 'kim', sampled: true } } });
  await app.stop();

  const spans = collector.spans();
  const server = spans.find((span) => span.kind === 2 && attribute(span, 'url.path') === '/graphql')!;
  const trace = spans.filter(({ traceId }) => traceId === server.traceId);
  const byName = (name: string, kind = 1) => {
    const found = trace.filter((span) => span.name === name && span.kind === kind);
    expect([name, found.length]).toEqual([name, 1]);
    return found[0]!;
  };
  // The schema was parsed before any request.
  expect(spans.filter((span) => !trace.includes(span)).map(({ name }) => name)).toEqual(['graphql.parseSchema']);
  expect(server.parentSpanId ?? '').toBe('');
  for (const name of ['graphql.parse', 'graphql.validate', 'query W']) {
    expect([name, byName(name).parentSpanId]).toEqual([name, server.spanId]);
  }
  const resolver = byName('graphql.resolve work');
  expect(resolver.parentSpanId).toBe(byName('query W').spanId);
  const inside = byName('work.inside');
  expect(inside.parentSpanId).toBe(resolver.spanId);
  expect([attribute(inside, 'n'), attribute(inside, 'rows')]).toEqual([7, 3]);
  const outgoing = byName('GET', 3);
  expect(outgoing.parentSpanId).toBe(inside.spanId);
  expect(byName('GET', 2).parentSpanId).toBe(outgoing.spanId);
  // Trivial fields (n, customer, sampled) have no spans.
  expect(trace.map(({ name }) => name).filter((name) => name.startsWith('graphql.resolve'))).toEqual([
    'graphql.resolve work',
  ]);
});

test('nothing that was sent is in a span, and only traces leave', async () => {
  const collector = await startCollector();
  const app = await startApp(otlp(collector.url));
  const secret = {
    authorization: 'Bearer header-secret',
    cookie: 'cookie-secret',
    'user-agent': 'agent-secret',
    'x-forwarded-for': '192.0.2.77',
  };
  await app.ask('query($c: String) { work(customer: $c, n: 1) { n } }', secret, { c: 'variable-secret' });
  await app.ask('{ work(customer: "literal-secret", n: 1) { n } broken(customer: "message-secret") }', secret);
  await app.ask('{ publish(person: "person-secret") }', secret);
  await app.ask('{ unknownField syntax-secret( }', secret).catch(() => undefined);
  await app.stop();

  const spans = collector.spans();
  const all = collector.received.map(({ body }) => body).join('\n');
  expect(all.match(/[\w-]*-secret|192\.0\.2\.77/g) ?? []).toEqual([]);
  expect(new Set(collector.received.map(({ path }) => path))).toEqual(new Set(['/v1/traces']));
  // It was not quiet for want of spans.
  const broken = spans.find(({ name }) => name === 'work.broken')!;
  expect([broken.status, attribute(broken, 'error.type')]).toEqual([{ code: 2 }, 'INVALID_INPUT']);
  expect(attribute(spans.find(({ name }) => name === 'graphql.resolve broken')!, 'error.type')).toBe('INVALID_INPUT');
  const outgoing = spans.filter(({ kind }) => kind === 3).map((span) => attribute(span, 'url.full'));
  expect(outgoing).toEqual([
    expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/echo$/),
    expect.stringMatching(/\/echo$/),
  ]);
  // Three messages, one span, below the request that sent them.
  const sends = spans.filter(({ kind }) => kind === 4);
  expect(sends.map(({ name, status }) => [name, status])).toEqual([['send events', { code: 2 }]]);
  expect(sends[0]!.parentSpanId).toBe(spans.find(({ name }) => name === 'graphql.resolve publish')!.spanId);
});

test('requests at the same time stay apart', async () => {
  const collector = await startCollector();
  const app = await startApp(otlp(collector.url));
  const numbers = Array.from({ length: 20 }, (_, n) => n);
  await Promise.all(numbers.map((n) => app.ask(`query N${n} { work(n: ${n}) { n } }`)));
  await app.stop();

  const spans = collector.spans();
  for (const n of numbers) {
    const { traceId } = spans.find(({ name }) => name === `query N${n}`)!;
    const inside = spans.filter((span) => span.name === 'work.inside' && span.traceId === traceId);
    expect(inside.map((span) => attribute(span, 'n'))).toEqual([n]);
  }
});

test('the share decides, a caller that records decides before it, and probes are never recorded', async () => {
  const collector = await startCollector();
  const app = await startApp(
    otlp(collector.url, { OTEL_TRACES_SAMPLER_ARG: '0', OTEL_SERVICE_NAME: 'from-environment' }),
  );
  const query = '{ work(n: 1) { sampled } }';
  expect(await app.ask(query)).toEqual({ data: { work: { sampled: false } } });
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  expect(await app.ask(query, { traceparent: `00-${traceId}-b7ad6b7169203331-01` })).toEqual({
    data: { work: { sampled: true } },
  });
  const probed = { traceparent: '00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
  expect((await app.fetch('/healthz?full', probed)).status).toBe(200);
  await app.stop();

  expect(new Set(collector.spans().map((span) => span.traceId))).toEqual(new Set([traceId]));
  const [resource] = collector.resources();
  expect(attribute({ attributes: resource! }, 'service.name')).toBe('from-environment');
  expect(attribute({ attributes: resource! }, 'service.version')).toBe('0.0.0');
  expect(resource!.map(({ key }) => key).filter((key) => key.startsWith('process.command'))).toEqual([]);
});

test('a sampler of the standard settings takes the place of the share', async () => {
  const collector = await startCollector();
  const app = await startApp(otlp(collector.url, { OTEL_TRACES_SAMPLER: 'always_off' }));
  expect(await app.ask('{ work(n: 1) { sampled } }')).toEqual({ data: { work: { sampled: false } } });
  await app.stop();
  expect(collector.received).toEqual([]);
});

test('what was imported too early to be patched is named in the log', async () => {
  const collector = await startCollector();
  const app = await startApp(otlp(collector.url, { NODE_OPTIONS: '--import=graphql' }));
  const { log } = await app.stop();
  expect(JSON.parse(log)).toMatchObject({ level: 'warn', modules: ['graphql'] });
});

test.each([
  ['nothing is set', {}],
  ['the exporter is none', { OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }],
  ['the SDK is disabled', { OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }],
])('when %s, nothing is loaded, recorded or sent', async (_, settings) => {
  const app = await startApp(settings);
  expect(await app.ask('{ work(n: 1) { n sampled } }')).toEqual({ data: { work: { n: 1, sampled: false } } });
  const { modules, connections, log } = await app.stop();
  expect(modules).toEqual([]);
  // The resolver's own call, and no other.
  expect(connections).toBe(1);
  expect(log).toBe('');
});

test('a collector that is away costs a line in the log and a bounded stop', async () => {
  const app = await startApp(otlp('http://127.0.0.1:1'));
  expect(await app.ask('{ work(n: 1) { n } }')).toEqual({ data: { work: { n: 1 } } });
  const { log, shutdownMs, modules } = await app.stop();
  expect(shutdownMs).toBeLessThan(4000);
  expect(log).toMatch(/ECONNREFUSED|could not be sent/);
  expect(modules.length).toBeGreaterThan(50);
});

test('without tracing a span is just the call', async () => {
  expect(withSpan('sync', {}, () => 5)).toBe(5);
  await expect(withSpan('async', {}, async (span) => span.setAttribute('n', 1))).resolves.toBeUndefined();
  expect(() =>
    withSpan('thrown', {}, () => {
      throw new RangeError('out');
    }),
  ).toThrow(RangeError);
  expect(isSampled()).toBe(false);
});

test.each([
  [{}, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, true],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/v1/traces' }, true],
  [{ OTEL_TRACES_EXPORTER: 'console' }, true],
  [{ OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, false],
  [{ OTEL_TRACES_EXPORTER: 'otlp', OTEL_SDK_DISABLED: true }, false],
])('settings %j: traces are wanted %s', (settings, wanted) => {
  expect(isTracingWanted({ OTEL_SDK_DISABLED: false, ...settings })).toBe(wanted);
});
