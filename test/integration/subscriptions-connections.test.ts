import { once } from 'node:events';
import { WebSocket } from 'ws';
import { eventually } from '../e2e/tallygate.ts';
import {
  keys,
  type LiveData,
  liveEvents,
  openSubscriptionRig,
  read,
  type SubscriptionRig,
} from './subscriptions-rig.ts';

/** Who is let in, and what is refused with which words. */

let rig: SubscriptionRig;
beforeAll(async () => {
  rig = await openSubscriptionRig({
    SUBSCRIPTIONS_AT_ONCE: '12',
    SUBSCRIPTIONS_PER_PROJECT: '8',
    SUBSCRIPTIONS_PER_CONNECTION: '3',
    CORS_ORIGINS: 'https://shop.example, https://other.example',
  });
}, 120_000);
afterEach(() => rig.leaveAll());
afterAll(() => rig?.close(), 60_000);

/** How a WebSocket that says hello in this way is closed. */
async function closedWith(
  payload: unknown,
  headers: Record<string, string> = {},
): Promise<{ code: number; reason: string }> {
  const socket = new WebSocket(rig.socketUrl, 'graphql-transport-ws', { headers });
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', ...(payload === undefined ? {} : { payload }) }));
  const [code, reason] = await once(socket, 'close');
  return { code: code as number, reason: String(reason) };
}

/** What a handshake is answered that comes to nothing. */
async function refusal(
  headers: Record<string, string>,
  path = '',
): Promise<{ status: number; body: unknown; headers: object }> {
  const socket = new WebSocket(`${rig.socketUrl}${path}`, 'graphql-transport-ws', { headers });
  socket.on('error', () => {});
  const [, response] = await once(socket, 'unexpected-response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, body: JSON.parse(text), headers: response.headers };
}

async function post(body: unknown, headers: Record<string, string> = {}): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${rig.url}/graphql/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

const authorization = `Bearer ${keys.read}`;
const error = (code: string, message: string | RegExp) => ({
  errors: [{ message: expect.stringMatching(message), extensions: expect.objectContaining({ code }) }],
});

test('a WebSocket needs a credential: in its header, or in its first message', async () => {
  for (const client of [
    rig.socket(),
    rig.socket({ as: null, headers: { authorization } }),
    rig.socket({ as: keys.read, headers: { origin: 'https://other.example' } }),
  ])
    await read<LiveData>(client, liveEvents).first(1);
  expect(await closedWith(undefined)).toEqual({
    code: 4401,
    reason: 'UNAUTHENTICATED: expected { "authorization": "Bearer ..." } in the payload of connection_init',
  });
  const unknown = {
    code: 4401,
    reason: 'UNAUTHENTICATED: expected a credential that is known here, got an unknown one',
  };
  expect(await closedWith({ authorization: 'Bearer rt_unknown_0' })).toEqual(unknown);
  // What the message says counts, also when the header is good.
  expect(await closedWith({ authorization: 'Bearer rt_unknown_0' }, { authorization })).toEqual(unknown);
  expect(await closedWith({ authorization: 7 })).toMatchObject({ code: 4401 });
  expect(await refusal({ authorization: 'Bearer rt_unknown_0' })).toMatchObject({
    status: 401,
    body: error('UNAUTHENTICATED', 'expected a credential that is known here'),
    headers: { 'www-authenticate': 'Bearer' },
  });
  expect(await refusal({ authorization, origin: 'https://evil.example' })).toMatchObject({
    status: 403,
    body: error('FORBIDDEN', 'CORS_ORIGINS'),
  });
  expect(await refusal({ authorization }, '/elsewhere')).toMatchObject({
    status: 404,
    body: error('NOT_FOUND', 'expected one of'),
  });
  const early = new WebSocket(rig.socketUrl, 'graphql-transport-ws');
  await once(early, 'open');
  early.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: liveEvents } }));
  expect((await once(early, 'close'))[0]).toBe(4401);
});

test('a stream needs a credential, and what it asks is looked at after it', async () => {
  expect(await post({ query: liveEvents })).toEqual({ status: 401, body: error('UNAUTHENTICATED', /got none/) });
  expect(await post('{', { authorization: 'Bearer rt_unknown_0' })).toMatchObject({ status: 400 });
  expect(await post({ query: liveEvents }, { authorization: 'Bearer rt_unknown_0' })).toEqual({
    status: 401,
    body: error('UNAUTHENTICATED', /unknown one/),
  });
  expect(await post({ query: liveEvents }, { authorization, accept: 'application/json' })).toEqual({
    status: 406,
    body: error('NOT_ACCEPTABLE', /text\/event-stream/),
  });
  expect(await post([{ query: liveEvents }], { authorization })).toEqual({
    status: 400,
    body: error('BAD_REQUEST', /query/),
  });
  expect(await post({ query: liveEvents, variables: [] }, { authorization })).toMatchObject({ status: 400 });
  const elsewhere = await fetch(`${rig.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization },
    body: JSON.stringify({ query: liveEvents }),
  });
  expect(elsewhere.status).toBe(406);
  expect(await elsewhere.json()).toEqual(error('NOT_ACCEPTABLE', /subscriptions are at \/graphql\/stream$/));
});

test('a key that tracks may not listen', async () => {
  const overSocket = read<LiveData>(rig.socket({ as: keys.write }), liveEvents);
  expect(await overSocket.ended).toBeNull();
  expect(overSocket.messages[0]?.errors).toMatchObject([
    {
      message: 'expected a credential with the right to read, got one with the right to write',
      extensions: { code: 'FORBIDDEN' },
    },
  ]);
  expect(await post({ query: liveEvents }, { authorization: `Bearer ${keys.write}` })).toEqual({
    status: 403,
    body: error('FORBIDDEN', /right to read/),
  });
});

const deep = `subscription { liveEvents ${'{ events '.repeat(101)}{ event } ${'}'.repeat(101)} }`;
test.each([
  ['subscription { liveEvents { nothing } }', 'GRAPHQL_VALIDATION_FAILED', /Cannot query field "nothing"/],
  ['subscription {', 'GRAPHQL_PARSE_FAILED', /Syntax Error/],
  ['{ catalog { meta { asOf } } }', 'BAD_REQUEST', /expected a subscription, got a query/],
  ['mutation { track(input: { event: "E", userId: "u" }) { token } }', 'BAD_REQUEST', /got a mutation/],
  ['subscription { a: liveEvents { lost } b: liveEvents { lost } }', 'GRAPHQL_VALIDATION_FAILED', /only one/i],
  [deep, 'BAD_REQUEST', /nested at most 100 levels/],
  [`subscription { liveEvents { ${'lost '.repeat(1501)} } }`, 'GRAPHQL_VALIDATION_FAILED', /at most 1500 fields/],
  [`subscription { liveEvents { ${'lost '.repeat(5001)} } }`, 'GRAPHQL_PARSE_FAILED', /5000 tokens/],
  [
    'subscription A { liveEvents { lost } } subscription B { liveEvents { lost } }',
    'OPERATION_RESOLUTION_FAILURE',
    /operationName/,
  ],
  ['subscription ($f: EventFilter!) { liveEvents(filter: $f) { lost } }', 'BAD_USER_INPUT', /\$f/],
])('a document that is none of ours is refused, as everywhere: number %#', async (query, code, message) => {
  const overSocket = await read(rig.socket(), query).ended;
  const stream = read(rig.stream(), query);
  expect(await stream.ended).toBeNull();
  const errors = stream.messages[0]?.errors;
  expect(errors?.[0]).toMatchObject({ message: expect.stringMatching(message), extensions: { code } });
  // Over a WebSocket they are an error of the operation when nothing was executed.
  if (code !== 'BAD_USER_INPUT') expect(overSocket).toEqual(errors);
});

test('a subscription that is posted as a query is told where it belongs', async () => {
  for (let time = 0; time < 3; time++) {
    const response = await fetch(`${rig.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization },
      body: JSON.stringify({ query: liveEvents }),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual(error('BAD_REQUEST', /a WebSocket at \/graphql, or POST \/graphql\/stream$/));
  }
});

test('of one connection, of a project and of all there are only so many', async () => {
  const first = rig.socket();
  const readings = Array.from({ length: 3 }, () => read<LiveData>(first, liveEvents));
  for (const reading of readings) await reading.first(1);
  expect(await read(first, liveEvents).ended).toMatchObject([
    {
      message: 'expected at most 3 subscriptions on one connection: end one, or open another connection',
      extensions: { code: 'TOO_MANY_SUBSCRIPTIONS', retriable: true, limit: 3 },
    },
  ]);
  // One that has gone makes room.
  readings[0]?.leave();
  await read<LiveData>(first, liveEvents).first(1);
  for (let i = 0; i < 5; i++) await read<LiveData>(rig.stream(), liveEvents).first(1);
  const ninth = read<LiveData>(rig.stream(), liveEvents);
  expect(await ninth.ended).toBeNull();
  expect(ninth.messages[0]?.errors).toMatchObject([
    {
      message: expect.stringContaining('at most 8 subscriptions at once, but 8 of this project are served'),
      extensions: { code: 'TOO_MANY_SUBSCRIPTIONS', retriable: true, retryAfterMs: expect.any(Number), limit: 8 },
    },
  ]);
  for (let i = 0; i < 4; i++) await read<LiveData>(rig.stream(keys.otherRead), liveEvents).first(1);
  const thirteenth = read<LiveData>(rig.stream(keys.otherRead), liveEvents);
  await thirteenth.ended;
  expect(thirteenth.messages[0]?.errors?.[0]).toMatchObject({
    extensions: { code: 'TOO_MANY_SUBSCRIPTIONS', limit: 12 },
  });
});

test('who offers HTTP/2 by the way is answered in HTTP/1.1', async () => {
  const { get } = await import('node:http');
  const request = get(`${rig.url}/healthz`, {
    headers: { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA' },
  });
  const [response] = await once(request, 'response');
  expect(response.statusCode).toBe(200);
  response.resume();
});

test('a message that is too large, or none at all, closes the connection', async () => {
  const init = JSON.stringify({ type: 'connection_init', payload: { authorization } });
  const codeAfter = async (message: string) => {
    const socket = new WebSocket(rig.socketUrl, 'graphql-transport-ws');
    await once(socket, 'open');
    socket.send(init);
    await once(socket, 'message');
    socket.send(message);
    return (await once(socket, 'close'))[0];
  };
  expect(await codeAfter('not JSON')).toBe(4400);
  expect(await codeAfter(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: 'x'.repeat(300_000) } }))).toBe(
    1009,
  );
  await eventually(async () => expect(await rig.metric('tallygate_subscriptions_active')).toBe(0));
});
