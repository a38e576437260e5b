import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createCacheCommand } from '../../src/commands/cache.ts';
import type { Credential } from '../../src/config.ts';
import type { Consumption } from '../../src/ports/event-log.ts';
import type { Explanation } from '../../src/reports/explain/explain.ts';
import { expectDiscreet } from './answers.ts';
import { type Answer, openSite, type Site, secrets } from './graphql-site.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

let engine: string;
let bench: SinkBench;
let sink: Consumption;
let site: Site;
let url: string;

const query = `query Look($filter: EventFilter, $after: ConsistencyToken) {
  orders: trend(input: { range: { last: "3d" }, series: [{ event: "Order" }], filter: $filter, freshness: { after: $after, maxWaitMs: 10000 } }) { series { label values } }
  retention(input: { range: { last: "3d" }, cohortEvent: { event: "Order" }, returnEvent: { event: "Order" }, periods: 2 }) { cohorts { size } }
}`;
const filter = { property: 'mail', op: 'NEQ', value: 'someone@example.com' };
let variables: object;
const explaining = { extensions: { tallygate: { explain: true } } };

beforeAll(async () => {
  engine = await mkdtemp(join(tmpdir(), 'tallygate-engine-'));
  bench = await openSinkBench(engine);
  sink = await bench.startSink(bench.warehouse, { lingerMs: 20 });
  site = await openSite({ warehouse: bench.warehouse, log: bench.log });
  url = await site.app.listen({ host: '127.0.0.1', port: 0 });
  variables = { filter, after: await track(secrets.admin, 'Order') };
  await track(secrets.other, 'SecretOfOthers');
});
afterAll(async () => {
  await site.close();
  await sink.stop(5000);
  await bench.close();
  await rm(engine, { recursive: true, force: true });
});

async function track(as: string, event: string) {
  const input = { event, userId: 'u', properties: { mail: 'other@example.com' } };
  const document = 'mutation($input: TrackInput!) { track(input: $input) { token } }';
  const { body } = await site.post({ query: document, variables: { input } }, { as });
  expect(body.errors).toBeUndefined();
  await bench.untilStored();
  return (body.data as { track: { token: string } }).track.token;
}

interface Block {
  readonly explain: Explanation | null;
  readonly note?: string;
}

const blockOf = ({ body }: Answer) =>
  (body as { extensions?: { tallygate?: Block } }).extensions?.tallygate as Block | undefined;

test('a request that asks is explained, in its body or by a header; the data are the same to the byte', async () => {
  const plain = await site.post({ query, variables }, { as: secrets.read });
  expect(plain.body.errors).toBeUndefined();
  expect(plain.text).not.toContain('extensions');
  const data = plain.text.trimEnd().slice(0, -1);
  const inBody = await site.post({ query, variables, ...explaining }, { as: secrets.read });
  const byHeader = await site.post({ query, variables }, { as: secrets.edit, headers: { 'tallygate-explain': '1' } });
  for (const answer of [inBody, byHeader]) {
    expect(answer.status).toBe(200);
    expect(answer.text.startsWith(`${data},"extensions":{"tallygate":{"explain":{`)).toBe(true);
    expectDiscreet(answer);
    const { explain, note } = blockOf(answer) as Block;
    expect(note).toBeUndefined();
    expect(explain!.project).toBe('shop');
    expect(explain!.reports.map(({ field }) => field).sort()).toEqual(['orders', 'retention']);
    // What a filter looks for may be personal, and what others have is nobody's business.
    expect(answer.text).not.toMatch(/example\.com|SecretOfOthers|other_project/);
    for (const { sql } of explain!.statements) expect(sql).toMatch(/\{p\d+:/);
  }
  expect(blockOf(inBody)!.explain!.reports.every(({ cells }) => cells.length > 0)).toBe(true);
});

test('what is asked often is compiled, and explained the ordinary way', async () => {
  const often = query.replace(/Look\(.*\)/, '').replace(/, filter: .* \} \}\)/, ' })');
  for (let i = 0; i < 3; i++) await site.post({ query: often }, { as: secrets.read });
  const before = await site.lanes();
  const compiled = await site.post({ query: often }, { as: secrets.read });
  expect((await site.lanes()).compiled).toBe(before.compiled + 1);
  const explained = await site.post({ query: often, ...explaining }, { as: secrets.read });
  expect((await site.lanes()).ordinary).toBe(before.ordinary + 1);
  expect(explained.text.startsWith(compiled.text.trimEnd().slice(0, -1))).toBe(true);
  expect(
    blockOf(explained)!
      .explain!.reports.map(({ summary }) => summary)
      .sort(),
  ).toEqual(['1 piece: 1 found in the cache', '3 pieces: 3 found in the cache']);
  const get = await site.send({
    method: 'GET',
    url: `/graphql?${new URLSearchParams({ query: often, extensions: JSON.stringify(explaining.extensions) })}`,
    headers: { authorization: `Bearer ${secrets.read}`, 'apollo-require-preflight': '1' },
  });
  expect(blockOf(get)!.explain!.reports).toHaveLength(2);
  // Not asking, in both ways of saying it.
  for (const extensions of [{ tallygate: { explain: false } }, { tallygate: {} }, { tallygate: null }, { another: 1 }])
    expect((await site.post({ query: often, extensions }, { as: secrets.read })).text).toBe(compiled.text);
});

test('who may not read reports is told so, and gets the answer all the same', async () => {
  const mutation = 'mutation { track(input: { event: "Order", userId: "u" }) { result { status } } }';
  const write = await site.post({ query: mutation, ...explaining }, { as: secrets.write });
  expect(write.body.data).toEqual({ track: { result: { status: 'ACCEPTED' } } });
  expect(blockOf(write)).toEqual({
    explain: null,
    note: 'not explained: expected a credential with the right to read, got one with the right to write',
  });
  const nobody = await site.post({ query: '{ __typename }', ...explaining }, { as: null });
  expect(blockOf(nobody)!.note).toBe('not explained: expected a credential: Authorization: Bearer ..., got none');
  const admin = await site.post({ query: mutation, ...explaining }, { as: secrets.admin });
  expect(blockOf(admin)).toEqual({ explain: null, note: 'the operation asked for no report' });
});

test.each([
  [{ extensions: { tallygate: true } }, 'extensions.tallygate: expected { "explain": true }, got true'],
  [{ extensions: { tallygate: [1] } }, 'extensions.tallygate: expected { "explain": true }, got [1]'],
  [
    { extensions: { tallygate: { explain: 'yes' } } },
    'extensions.tallygate.explain: expected true or false, got "yes"',
  ],
  [
    { extensions: { tallygate: { explan: true } } },
    'extensions.tallygate: expected explain and nothing else, got "explan"',
  ],
])('%j is refused', async (more, message) => {
  const answer = await site.post({ query, variables, ...more }, { as: secrets.read });
  expect(answer.status).toBe(400);
  expect(answer.body.errors).toMatchObject([{ message, extensions: { code: 'BAD_REQUEST' } }]);
});

test('a header that says neither is refused', async () => {
  const answer = await site.post(
    { query, variables },
    { as: secrets.read, headers: { 'tallygate-explain': 'please' } },
  );
  expect(answer.status).toBe(400);
  expect(answer.body.errors![0]!.message).toBe('header tallygate-explain: expected 1 or 0, got "please"');
});

test('reports that fail are explained beside their errors', async () => {
  const wrong = await site.post(
    { query: '{ trend(input: { range: { last: "nonsense" }, series: [{}] }) { buckets } }', ...explaining },
    { as: secrets.read },
  );
  expect(wrong.body.errors).toHaveLength(1);
  expect(blockOf(wrong)!.explain).toMatchObject({ project: 'shop', reports: [], statements: [] });
});

/** `tallygate cache ...` against the site. */
async function run(args: readonly string[], { stdin = '', credentials = [] as readonly Credential[] } = {}) {
  const printed = { stdout: '', stderr: '' };
  let code = -1;
  const { hostname, port } = new URL(url);
  const command = createCacheCommand({
    readConfig: () => ({ HOST: hostname, PORT: Number(port), credentials }),
    onExitCode: (given) => {
      code = given;
    },
    stdin: Readable.from([stdin]),
    stdout: { write: (text) => (printed.stdout += text) },
    stderr: { write: (text) => (printed.stderr += text) },
  });
  await command.exitOverride().parseAsync(args, { from: 'user' });
  return { code, ...printed };
}

test('tallygate cache explain: an account of a running gateway', async () => {
  const file = join(engine, 'request.json');
  const after = await track(secrets.admin, 'Order');
  await writeFile(file, JSON.stringify({ query, variables: { ...variables, after }, operationName: 'Look' }));
  const token = ['--token', secrets.read];
  const { code, stdout, stderr } = await run(['explain', file, '--url', url, ...token]);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(
    /^project shop, as of 20\S+Z: \d+ ms before it was asked, freshness.after SATISFIED\n(?: {2}.*\n)* {2}the ledger was last read \d+ ms before\n/,
  );
  expect(stdout).toMatch(
    /\norders: 3 pieces: 2 found in the cache, 1 computed\n {2}c\d trend \S{12}, events of \S+ to \S+: 2 of 3 buckets found; by s\d\n/,
  );
  expect(stdout).toMatch(
    /\n {4}1 OLDER_DATA: other data: the entry is of another version of the data\n {6}\S+ to \S+\n {6}since then live partition 0, positions? \d+(?: to \d+)?, stored 20\S+Z: events of 20\S+T\d\d:00Z\n/,
  );
  expect(stdout).toMatch(/\nretention: 1 piece: 1 computed\n/);
  expect(stdout).toMatch(
    /\nstatements\n {2}s1 \S+: \d+ rows read, \d+ rows?, [\d.]+ ms, for c\d, sql [0-9a-f]{12}, query id [0-9a-f-]{36}\n/,
  );
  expect(stdout).toMatch(
    /\ncache: ready(?:; \d+ of \d+ keys? found, \d+ bytes, [\d.]+ ms)+\ntime: moment [\d.]+ ms, .*all [\d.]+ ms\n$/,
  );

  // From standard input, with what the settings say, as JSON.
  const credentials = [{ project: 'shop', secret: secrets.read, right: 'read' as const }];
  const again = await run(['explain', '-', '--json'], { stdin: JSON.stringify({ query, variables }), credentials });
  expect(again.code).toBe(0);
  const { reports, statements } = JSON.parse(again.stdout) as Explanation;
  expect(reports.map(({ summary }) => summary)).toContain('3 pieces: 3 found in the cache');
  expect(statements).toEqual([]);
  const sql = await run(['explain', file, '--url', `${url}/graphql`, '--sql', ...token]);
  expect(sql.stdout).toContain('3 found in the cache');
});

test('tallygate cache explain: what goes wrong is said, with exit code 1', async () => {
  const request = JSON.stringify({ query, variables });
  const token = ['--token', secrets.read];
  const said = async (args: readonly string[], more: Parameters<typeof run>[1] = {}) => {
    const { code, stdout, stderr } = await run(['explain', ...args], more);
    expect([code, stdout]).toEqual([1, '']);
    return stderr.trimEnd();
  };
  expect(await said(['-', ...token], { stdin: 'nonsense' })).toMatch(
    /^cache explain: standard input: expected JSON as it is sent to \/graphql, .*, got something else: /,
  );
  expect(await said(['-', ...token], { stdin: '[]' })).toMatch(/got a list$/);
  expect(await said([join(engine, 'absent.json'), ...token])).toMatch(/expected a file that can be read: .*ENOENT/);
  expect(await said(['-', '--url', 'nowhere', ...token], { stdin: request })).toMatch(
    /^cache explain: --url: expected an address/,
  );
  expect(await said(['-'], { stdin: request })).toMatch(/since the settings name no token that may read$/);
  expect(await said(['-', '--token', secrets.write], { stdin: '{"query":"{ __typename }"}' })).toBe(
    'cache explain: the operation answered: not explained: expected a credential with the right to read, got one with the right to write',
  );
  expect(await said(['-', '--token', 'unknown'], { stdin: request })).toMatch(
    /the operation answered: expected a credential that is known here, got an unknown one \(UNAUTHENTICATED\)$/,
  );
  expect(await said(['-', '--url', `${url}/healthz`, ...token], { stdin: request })).toMatch(/cache explain: /);
  expect(await said(['-', '--url', 'http://127.0.0.1:9', ...token], { stdin: request })).toMatch(
    /^cache explain: no answer from http:\/\/127\.0\.0\.1:9\/graphql: .*has to be a running gateway/,
  );
});
