import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { type Role, startRole, secrets as theirs } from '../e2e/tallygate.ts';
import { abusive, anything, damaged } from './abusive.ts';
import { expectDiscreet } from './answers.ts';
import { makeFolder } from './graphql-site.ts';

/** A process of its own: what kills it kills no test. */
let folder: string;
let role: Role;
beforeAll(async () => {
  folder = makeFolder();
  role = await startRole('serve', folder, { DATA_DIR: folder, UV_THREADPOOL_SIZE: '16', LOG_LEVEL: 'error' });
}, 60_000);
afterAll(async () => {
  await role?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function post(body: Uint8Array | string, headers: Readonly<Record<string, string>> = {}) {
  const response = await fetch(`${role.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${theirs.write}`, ...headers },
    body: body as Uint8Array<ArrayBuffer>,
  });
  const answer = {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    text: await response.text(),
    body: {},
  };
  expectDiscreet(answer);
  expect(answer.text).not.toContain(theirs.write);
  return answer;
}

async function expectAlive() {
  const track = 'mutation { track(input: { event: "alive", userId: "u" }) { result { status } } }';
  const answer = await post(JSON.stringify({ query: track }));
  expect(JSON.parse(answer.text)).toEqual({ data: { track: { result: { status: 'ACCEPTED' } } } });
  // Neither a bug nor a crash was logged.
  const lines = (await role.output()).split('\n');
  expect(lines.filter((line) => /reason of ours|Error:|"level":"(error|fatal)"/.test(line)).slice(0, 3)).toEqual([]);
}

afterEach(expectAlive);

test.each(Object.entries(abusive))('%s', async (_, query) => {
  for (const headers of [{}, { authorization: '' }]) {
    for (let i = 0; i < 3; i++) {
      const started = performance.now();
      const { status, text: answer } = await post(JSON.stringify({ query }), headers);
      expect(status === 200 || (status >= 400 && status < 500)).toBe(true);
      expect(answer.length).toBeLessThan(2_000_000);
      expect(performance.now() - started).toBeLessThan(2000);
    }
  }
});

test.each([
  ['nested a quarter of a million deep', `${'['.repeat(250_000)}${']'.repeat(250_000)}`],
  ['of many keys', `{${Array.from({ length: 40_000 }, (_, i) => `"k${i}":1`).join()}}`],
  ['of prototypes', '{"__proto__":{"__proto__":{"status":200}},"constructor":{"prototype":{"x":1}}}'],
])('values %s, wherever they may stand', async (_, json) => {
  const trackOf = (input: string) =>
    `{"query":"mutation ($input: TrackInput!) { track(input: $input) { result { status errors { code } } } }","variables":{"input":${input}}}`;
  const bodies = [
    json,
    `{"query":${json}}`,
    `{"query":"{ __typename }","variables":${json}}`,
    `{"query":"{ __typename }","extensions":${json}}`,
    `{"query":"{ __typename }","extensions":{"persistedQuery":${json}}}`,
    trackOf(`{"event":"a","userId":"u","properties":${json}}`),
    trackOf(`{"event":"a","userId":"u","properties":{"deep":${json}}}`),
    trackOf(`{"event":${json},"userId":"u"}`),
    trackOf(`{"event":"a","userId":"u","timestamp":${json}}`),
    trackOf(json),
  ];
  for (const body of bodies) for (let i = 0; i < 3; i++) expect((await post(body)).status).toBeLessThan(500);
});

test('whatever the bytes of a body are, it is answered, and never with a 5xx', async () => {
  const types = ['application/json', 'application/json; charset=utf-16', 'text/plain', 'multipart/form-data', 'x', ''];
  await fc.assert(
    fc.asyncProperty(fc.oneof(anything, damaged), fc.constantFrom(...types), async (bytes, type) => {
      const { status } = await post(bytes, type === 'application/json' ? {} : { 'content-type': type });
      expect(status).toBeLessThan(500);
    }),
    { numRuns: 1000, endOnFailure: true },
  );
}, 120_000);

test('whatever comes over the wire, others are answered', async () => {
  const { hostname, port } = new URL(role.url);
  const heads = [
    'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n{"a"}{"b"}',
    'POST /graphql HTTP/1.1\r\nhost: a b c\r\ncontent-length: 999999999\r\n\r\n',
    'POST /graphql HTTP/1.1\r\nhost: [\r\ncontent-type: application/json\r\ncontent-length: 9\r\nconnection: close\r\n\r\n{"a": 1 }',
    'GET /graphql?query=%ff%00 HTTP/1.1\r\nhost:\r\napollo-require-preflight: 1\r\nconnection: close\r\n\r\n',
    `GET /graphql?${'a'.repeat(20_000)} HTTP/1.1\r\nhost: a\r\n\r\n`,
    'GET //// HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n',
    'POST /graphql HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    '\u0000\u0001\u0002',
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.constantFrom(...heads).map((head) => Buffer.from(head, 'latin1')),
        anything,
      ),
      async (bytes) => {
        const socket = connect(Number(port), hostname);
        socket.end(bytes);
        const answer = await text(socket).catch(() => '');
        expect(answer).not.toMatch(/^HTTP\/1\.1 5/);
        expect(answer).not.toMatch(/\n\s*at |node_modules|\.ts:\d+/);
      },
    ),
    { numRuns: 200, endOnFailure: true },
  );
}, 60_000);
