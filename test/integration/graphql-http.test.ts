import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { getIntrospectionQuery } from 'graphql';
import { openServerWarehouse } from '../../src/adapters/clickhouse/open.ts';
import { createHttpServer } from '../../src/gateway/http.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { readEnds } from '../contract/event-log-rig.ts';
import { expectDiscreet } from './answers.ts';
import { type Answer, makeFolder, openSite, type Site, secrets } from './graphql-site.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

let engine: string;
let bench: SinkBench;
let open: Site;
let closed: Site;
beforeAll(async () => {
  engine = makeFolder();
  bench = await openSinkBench(engine);
  open = await openSite({ warehouse: bench.warehouse });
  closed = await openSite({
    warehouse: bench.warehouse,
    introspection: false,
    corsOrigins: 'https://shop.example, https://app.example',
  });
});
afterAll(async () => {
  await open?.close();
  await closed?.close();
  await bench?.close();
  rmSync(engine, { recursive: true, force: true });
});

const typename = { query: '{ __typename }' };
const track = 'mutation ($input: TrackInput!) { track(input: $input) { result { status messageId } token } }';
const authorization = `Bearer ${secrets.admin}`;
const preflighted = { 'apollo-require-preflight': '1' };

const messages = ({ body }: Answer) => body.errors?.map(({ message }) => message);
const codes = ({ body }: Answer) => body.errors?.map(({ extensions }) => extensions.code);

describe('methods', () => {
  const get = (query: string, headers: Record<string, string> = preflighted) =>
    open.send({
      method: 'GET',
      url: `/graphql?query=${encodeURIComponent(query)}`,
      headers: { authorization, ...headers },
    });

  test('a query may come with GET, a mutation may not', async () => {
    expect((await get('{ __typename }')).body).toEqual({ data: { __typename: 'Query' } });
    const before = await readEnds(open.log);
    const refused = await get('mutation { track(input: { event: "a", userId: "u" }) { token } }');
    expect([refused.status, refused.headers.allow]).toEqual([405, 'POST']);
    expect(messages(refused)).toEqual(['GET requests only support query operations, not mutation operations']);
    expect(await readEnds(open.log)).toEqual(before);
  });

  test('a form of another site cannot send anything: neither GET nor a plain POST', async () => {
    const forms = [
      await get('{ __typename }', {}),
      await open.post(JSON.stringify(typename), { headers: { 'content-type': 'text/plain' } }),
    ];
    for (const refused of forms) {
      expect(refused.status).toBe(400);
      expect(messages(refused)?.[0]).toContain('blocked as a potential Cross-Site Request Forgery (CSRF)');
    }
    const form = await open.post('query=1', { headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    expect([form.status, messages(form)]).toEqual([
      415,
      ['expected a body of application/json, got application/x-www-form-urlencoded'],
    ]);
  });

  test.each([
    ['PUT', '/graphql', 405, 'GET, POST', 'expected GET or POST for /graphql, got PUT'],
    ['DELETE', '/graphql/', 405, 'GET, POST', 'expected GET or POST for /graphql, got DELETE'],
    ['POST', '/healthz', 405, 'GET', 'expected GET for /healthz, got POST'],
    [
      'GET',
      `/graph?key=${secrets.write}`,
      404,
      undefined,
      'expected one of /healthz, /readyz, /metrics, /graphql, /graphql/stream, got /graph',
    ],
    ['GET', '/%zz', 400, undefined, "'/%zz' is not a valid url component"],
  ] as const)('%s %s is %d', async (method, url, status, allow, message) => {
    const answer = await open.send({ method, url });
    expect([answer.status, answer.headers.allow, messages(answer)]).toEqual([status, allow, [message]]);
    expectDiscreet(answer);
  });

  test('a host that is none is refused, not failed at', async () => {
    const answer = await open.post({ query: '{ a }' }, { headers: { host: 'a b%%' } });
    expect([answer.status, messages(answer)]).toEqual([
      400,
      ['expected the name of a host in the Host header, got something else'],
    ]);
  });

  test('a body that is packed is refused with a word on it', async () => {
    const answer = await open.post('\u001f\u008b', { headers: { 'content-encoding': 'gzip' } });
    expect(messages(answer)).toEqual(['expected a body of plain JSON, got one with content-encoding gzip']);
  });
});

describe('the media type of an answer', () => {
  const json = 'application/json; charset=utf-8';
  const graphql = 'application/graphql-response+json; charset=utf-8';
  test.each([
    [undefined, json],
    ['*/*', json],
    ['application/json', json],
    ['application/json, text/plain, */*', json],
    ['application/graphql-response+json', graphql],
    ['application/graphql-response+json, application/json;q=0.9', graphql],
    ['application/graphql-response+json;q=0.5, application/json', json],
    ['text/html, application/*;q=0.8', json],
  ])('for %s is %s, in both lanes and for refusals', async (accept, expected) => {
    const headers: Record<string, string> = accept === undefined ? {} : { accept };
    const before = await open.lanes();
    for (let i = 0; i < 4; i++) {
      const answer = await open.post({ query: `{ __typename } # ${accept}` }, { headers });
      expect([answer.status, answer.headers['content-type']]).toEqual([200, expected]);
    }
    expect((await open.lanes()).compiled - before.compiled).toBe(2);
    for (const as of ['wk_nobody', secrets.admin]) {
      const refused = await open.post({ query: '{ nope }' }, { as, headers });
      expect(refused.headers['content-type']).toBe(expected);
    }
  });

  test('that the client does not take is a refusal, before anything is executed', async () => {
    const before = await readEnds(open.log);
    const body = { query: track, variables: { input: { event: 'a', userId: 'u' } } };
    const answer = await open.post(body, { headers: { accept: 'text/html' } });
    expect([answer.status, codes(answer), messages(answer)]).toEqual([
      406,
      ['NOT_ACCEPTABLE'],
      ['expected an Accept header with application/json or application/graphql-response+json, got text/html'],
    ]);
    expect(await readEnds(open.log)).toEqual(before);
  });
});

describe('persisted queries', () => {
  const query = '{ __typename persisted: __typename }';
  const extensions = { persistedQuery: { version: 1, sha256Hash: createHash('sha256').update(query).digest('hex') } };

  test('are asked for, registered, and answered by their hash', async () => {
    const unknown = await open.post({ extensions });
    expect([unknown.status, codes(unknown)]).toEqual([200, ['PERSISTED_QUERY_NOT_FOUND']]);
    const expected = { data: { __typename: 'Query', persisted: 'Query' } };
    expect((await open.post({ query, extensions })).body).toEqual(expected);
    for (let i = 0; i < 4; i++) expect((await open.post({ extensions })).body).toEqual(expected);
  });

  test('strangers do not decide what is compiled', async () => {
    const before = (await open.lanes()).compiled;
    const body = { query: '{ stranger: __typename }' };
    for (let i = 0; i < 4; i++) expect((await open.post(body, { as: null })).status).toBe(200);
    expect((await open.lanes()).compiled).toBe(before);
    for (let i = 0; i < 3; i++) await open.post(body);
    expect((await open.post(body, { as: null })).body).toEqual({ data: { stranger: 'Query' } });
    expect((await open.lanes()).compiled).toBe(before + 2);
  });

  test('other extensions keep nobody from the compiled lane', async () => {
    const body = { query: '{ other: __typename }', extensions: { trace: 1 }, operationName: null, variables: null };
    const before = await open.lanes();
    for (let i = 0; i < 4; i++) expect((await open.post(body)).body).toEqual({ data: { other: 'Query' } });
    expect((await open.lanes()).compiled - before.compiled).toBe(2);
  });
});

describe('introspection', () => {
  test('needs no credential when it is on, and an unknown one is refused all the same', async () => {
    const { status, body } = await open.post({ query: getIntrospectionQuery() }, { as: null });
    expect([status, body.errors]).toEqual([200, undefined]);
    expect(JSON.stringify(body.data)).toContain('TrackInput');
    expect((await open.post({ query: getIntrospectionQuery() }, { as: 'rt_nobody' })).status).toBe(401);
  });

  test('says nothing when it is off: not by asking, not by guessing', async () => {
    const questions: object[] = [
      { query: getIntrospectionQuery() },
      { query: '{ __type(name: "TrackInput") { name } }' },
      { query: '{ trnd { buckets } }' },
      { query: 'mutation { track(input: { evnt: "a" }) { token } }' },
      { query: track, variables: { input: { event: 'a', userid: 'u' } } },
      {
        query: 'query ($i: TrendInput!) { trend(input: $i) { buckets } }',
        variables: { i: { series: [], range: {}, interval: 'DAI' } },
      },
      { query: '{ trend(input: { range: { last: "1d" }, series: [], interval: DAI }) { buckets } }' },
    ];
    for (const question of questions) {
      const answer = await closed.post(question);
      expect(answer.status).toBe(400);
      expect(answer.text).not.toMatch(/Did you mean|"DAY"|\\"trend\\"|\\"userId\\"|TrackPayload/);
    }
    expect((await closed.post(typename)).body).toEqual({ data: { __typename: 'Query' } });
    expect((await closed.send({ method: 'GET', url: '/schema.graphql' })).status).toBe(404);
  });
});

describe('other origins', () => {
  const preflight = (site: Site, origin: string) =>
    site.send({
      method: 'OPTIONS',
      url: '/graphql',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });

  test('all may send when none is named', async () => {
    const { status, headers } = await preflight(open, 'https://anywhere.example');
    expect(status).toBe(204);
    expect(headers['access-control-allow-origin']).toBe('*');
    expect(headers['access-control-allow-methods']).toBe('GET, POST');
    expect(headers['access-control-allow-headers']).toBe('authorization,content-type');
    for (const as of [secrets.admin, null, 'wk_nobody']) {
      const answer = await open.post(typename, { as, headers: { origin: 'https://anywhere.example' } });
      expect(answer.headers['access-control-allow-origin']).toBe('*');
    }
  });

  test('only those that are named, otherwise', async () => {
    const named = await closed.post(typename, { headers: { origin: 'https://app.example' } });
    expect(named.headers['access-control-allow-origin']).toBe('https://app.example');
    expect(named.headers.vary).toContain('Origin');
    const other = await closed.post(typename, { headers: { origin: 'https://evil.example' } });
    expect(other.headers['access-control-allow-origin']).toBeUndefined();
    expect((await preflight(closed, 'https://evil.example')).headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('while a backend is away', () => {
  const input = { event: 'a', userId: 'u' };

  test('a mutation that the log does not take is answered 503 with Retry-After and the ids to send again, in both lanes', async () => {
    const site = await openSite({ warehouse: bench.warehouse });
    await site.post({ query: track, variables: { input } });
    await site.log.close();
    for (let i = 0; i < 4; i++) {
      const answer = await site.post({ query: track, variables: { input } });
      expect([answer.status, answer.headers['retry-after'], codes(answer)]).toEqual([503, '1', ['LOG_UNAVAILABLE']]);
      expect(answer.body.data).toEqual({ track: null });
      expect(answer.body.errors?.[0]).toMatchObject({
        message: 'nothing was accepted, send it again with the same messageIds: the event log is closed',
        extensions: { retriable: true, retryAfterMs: 1000, messageIds: [expect.stringMatching(/^[0-9a-f-]{36}$/)] },
      });
      expectDiscreet(answer);
    }
    expect(await site.lanes()).toEqual({ compiled: 3, ordinary: 2 });
    await site.close();
  });

  test('a report is answered 503 with Retry-After while the warehouse is away', async () => {
    const warehouse = openServerWarehouse({
      url: 'http://127.0.0.1:1',
      user: 'default',
      password: '',
      database: 'tallygate',
      cluster: undefined,
      limits: { seconds: 5, memoryBytes: 1e9, resultRows: 1000 },
      metrics: createMetrics(),
    });
    const site = await openSite({ warehouse });
    for (let i = 0; i < 3; i++) {
      const answer = await site.post({ query: '{ catalog { events { event } } ingestion { lag } }' });
      expect([answer.status, answer.headers['retry-after'], new Set(codes(answer))]).toEqual([
        503,
        '1',
        new Set(['WAREHOUSE_UNAVAILABLE']),
      ]);
      expect(answer.body.errors?.[0]?.extensions).toMatchObject({ retriable: true, retryAfterMs: 1000 });
      expectDiscreet(answer);
    }
    expect((await site.post({ query: track, variables: { input } })).status).toBe(200);
    await site.close();
    await warehouse.close();
  });
});

describe('the listener', () => {
  test('says whether it is ready, and tells others when to come back', async () => {
    let isReady = false;
    const app = await createHttpServer({
      logger: createSilentLogger(),
      metrics: createMetrics(),
      isReady: () => isReady,
    });
    const ask = async (url: string) => {
      const { statusCode, headers, body } = await app.inject(url);
      return [statusCode, headers['retry-after'], body];
    };
    expect(await ask('/healthz')).toEqual([200, undefined, 'ok\n']);
    expect(await ask('/readyz')).toEqual([503, '1', 'not ready\n']);
    isReady = true;
    expect(await ask('/readyz')).toEqual([200, undefined, 'ready\n']);
    await app.close();
  });

  test('counts what it answers, by route and status, and nothing that was sent', async () => {
    const site = await openSite({ warehouse: bench.warehouse });
    await site.post(typename);
    await site.post(typename, { as: 'wk_nobody' });
    await site.send({ method: 'GET', url: `/nowhere/${secrets.write}` });
    const { text } = await site.send({ method: 'GET', url: '/metrics' });
    for (const [route, status] of [
      ['/graphql', 200],
      ['/graphql', 401],
      ['none', 404],
    ])
      expect(text).toContain(`tallygate_http_seconds_count{route="${route}",status="${status}"} 1`);
    expect(text).toContain('tallygate_http_in_flight 1');
    expect(text).not.toContain(secrets.write);
    await site.close();
  });

  test('closes though somebody is connected who has asked for nothing, and not before everybody else is answered', async () => {
    const app = await createHttpServer({ logger: createSilentLogger(), metrics: createMetrics(), isReady: () => true });
    const begun = Promise.withResolvers<void>();
    const end = Promise.withResolvers<string>();
    app.get('/slow', () => {
      begun.resolve();
      return end.promise;
    });
    const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
    const unused = connect(Number(url.port), url.hostname).resume();
    await once(unused, 'connect');
    const slow = fetch(new URL('/slow', url));
    await begun.promise;
    const closing = app.close();
    await once(unused, 'close');
    end.resolve('answered');
    expect(await (await slow).text()).toBe('answered');
    await closing;
  });

  test('sends what comes too late to another instance', async () => {
    const site = await openSite({ warehouse: bench.warehouse });
    await site.stopGraphQL();
    const answer = await site.post(typename);
    expect([answer.status, answer.headers['retry-after'], codes(answer), messages(answer)]).toEqual([
      503,
      '1',
      ['SHUTTING_DOWN'],
      ['expected a request to another instance: this one is stopping'],
    ]);
    await site.close();
  });
});
