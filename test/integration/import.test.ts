import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { createDelivery } from '../../src/commands/import/deliver.ts';
import type { EventInput } from '../../src/commands/import/event-input.ts';
import { createGatewaySend } from '../../src/commands/import/gateway-send.ts';
import { createImportCommand } from '../../src/commands/import.ts';
import { type Stub, startStub } from './import-stub.ts';

let folder: string;
let keyFile: string;
const stubs: Stub[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tallygate-import-'));
  keyFile = join(folder, 'key');
  await writeFile(keyFile, 'wk_stub\n');
});
afterEach(() => Promise.all(stubs.splice(0).map((stub) => stub.close())));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function stub(judge?: Parameters<typeof startStub>[0]): Promise<Stub> {
  const started = await startStub(judge);
  stubs.push(started);
  return started;
}

class Text extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

async function run(args: readonly string[], stdin: Readable = Readable.from([]), signal?: AbortSignal) {
  const [stdout, stderr] = [new Text(), new Text()];
  let code = -1;
  await createImportCommand({
    stdin,
    stdout,
    stderr,
    ...(signal ? { signal } : {}),
    onExitCode: (given) => {
      code = given;
    },
    openEmbeddedSend: () => Promise.reject(new Error('no embedded store here')),
  }).parseAsync(args, { from: 'user' });
  return { code, out: stdout.text, err: stderr.text };
}

async function write(name: string, text: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

/** Every tenth row is there twice. */
function toCsv(rows: number): { text: string; count: number } {
  const lines = Array.from(
    { length: rows },
    (_, i) => `Order,u${i % 50},${1_700_000_000 + i},${i / 4},"tea, ""green"""\n`,
  );
  const repeated = lines.filter((_, i) => i % 10 === 0);
  return {
    text: `event,user_id,timestamp,price,item\n${lines.join('')}${repeated.join('')}`,
    count: lines.length + repeated.length,
  };
}

const through = ({ url }: Stub) => ['--url', url, '--key-file', keyFile];

test('every row arrives once, in requests within the bounds, a few at a time', async () => {
  const gateway = await stub();
  const { text, count } = toCsv(8000);
  const { code, out, err } = await run([await write('orders.csv.gz', gzipSync(text)), ...through(gateway)]);
  expect(out).toContain(`accepted      8,800`);
  expect(code).toBe(0);
  expect(err).toContain(
    'event -> event; user_id -> userId; timestamp -> timestamp; price, item -> properties; times in UTC',
  );
  expect(gateway.accepted.size).toBe(count);
  expect([...gateway.accepted.values()].filter((event) => event.track?.properties?.price === 2.5)).toHaveLength(2);
  expect(gateway.requests.every(({ bytes, events }) => bytes <= 450_000 && events <= 2500)).toBe(true);
  expect(gateway.requests.length).toBeLessThan(20);
  expect(gateway.mostInFlight()).toBeLessThanOrEqual(4);
  expect(gateway.requests[0]?.authorization).toBe('Bearer wk_stub');
});

test('what the log did not take goes again under the same ids', async () => {
  const gateway = await stub((fields, attempt) => ({
    status: attempt <= 2 && Number(fields.properties?.price) % 1 === 0.5 ? 'RETRY' : 'ACCEPTED',
  }));
  const { text, count } = toCsv(1000);
  const { code } = await run([await write('retry.csv', text), ...through(gateway)]);
  expect(code).toBe(0);
  expect(gateway.accepted.size).toBe(count);
  expect(gateway.attempts.size).toBe(count);
  expect(Math.max(...gateway.attempts.values())).toBe(3);
});

test('a busy, slow and crumbling gateway loses nothing, doubles nothing, and is given the time it asks for', async () => {
  const gateway = await stub();
  gateway.script.push(
    { kind: 'status', status: 503, headers: { 'retry-after': '1' } },
    { kind: 'drop', after: true },
    { kind: 'status', status: 502, body: '<html>Bad Gateway</html>' },
    { kind: 'slow', ms: 300 },
    { kind: 'drop', after: false },
    {
      kind: 'status',
      status: 503,
      body: JSON.stringify({
        errors: [{ message: 'the log is away', extensions: { code: 'LOG_UNAVAILABLE', retryAfterMs: 700 } }],
      }),
    },
  );
  const { text, count } = toCsv(3000);
  const { code, err } = await run([await write('faults.csv', text), ...through(gateway), '--concurrency', '1']);
  expect(code).toBe(0);
  expect(gateway.accepted.size).toBe(count);
  const [first, second] = gateway.requests;
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990);
  expect(err).toMatch(/answered: HTTP 503: busy; \d+ events go again in 1000 ms/);
});

test('rows that are refused are counted by code, shown with their place, and written down', async () => {
  const gateway = await stub(({ userId, properties }) => {
    if (userId === 'u1')
      return {
        status: 'REJECTED',
        errors: [{ code: 'INVALID_VALUE', path: ['properties', 'price'], message: 'expected better' }],
      };
    if (properties?.price === 0.5)
      return {
        status: 'DEAD_LETTERED',
        errors: [{ code: 'TIMESTAMP_TOO_OLD', path: ['timestamp'], message: 'too old' }],
      };
    return { status: 'ACCEPTED' };
  });
  const path = await write(
    'bad.csv',
    'event,user_id,timestamp,price\nA,u1,1700000000,1\nA,u2,never,2\nA,u3,1700000000,0.5\nA,u4,1700000000\nA,u5,1700000000,5\nA,u1,1700000001,1\n',
  );
  const rejects = join(folder, 'rejects.ndjson');
  const { code, out } = await run([path, ...through(gateway), '--rejects', rejects, '--show', '1']);
  expect(code).toBe(3);
  expect(out).toContain('accepted      1\nrejected      4\ndead letters  1\n  INVALID_VALUE: 2\n');
  expect(out).toContain(`${path}:2 properties.price: expected better\n    ...`);
  expect(out).toContain(`${path}:3 expected a time such as`);
  const lines = (await readFile(rejects, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.sort((a, b) => Number(a.line) - Number(b.line))).toMatchObject([
    { line: 2, status: 'REJECTED', code: 'INVALID_VALUE', path: ['properties', 'price'], row: { user_id: 'u1' } },
    { line: 3, status: 'UNREADABLE', code: 'TIMESTAMP_INVALID', row: { timestamp: 'never' } },
    { line: 4, status: 'DEAD_LETTERED', code: 'TIMESTAMP_TOO_OLD', messageId: expect.stringMatching(/^imp_/) },
    { line: 5, status: 'UNREADABLE', code: 'COLUMN_COUNT' },
    { line: 7, status: 'REJECTED', code: 'INVALID_VALUE' },
  ]);
});

test('a wrong key ends it at the first answer, with what was said', async () => {
  const gateway = await stub();
  const { code, err } = await run([await write('key.csv', toCsv(10).text), '--url', gateway.url, '--key', 'wk_wrong']);
  expect(code).toBe(1);
  expect(err).toContain(`import: ${gateway.url} answered: unknown key`);
  expect(gateway.requests).toHaveLength(1);
});

test('a gateway that is not there is waited for as long as was asked, and no longer', async () => {
  const gateway = await stub();
  await gateway.close();
  const began = Date.now();
  const { code, out, err } = await run([
    await write('gone.csv', toCsv(10).text),
    ...through(gateway),
    '--retry-for',
    '1',
  ]);
  expect(code).toBe(1);
  expect(Date.now() - began).toBeGreaterThanOrEqual(1000);
  expect(Date.now() - began).toBeLessThan(6000);
  expect(err).toContain('import: no answer from');
  expect(out).toContain('Run the same command again to go on');
});

test('an answer that names the events that do not fit costs only these', async () => {
  const gateway = await stub();
  const events: EventInput[] = Array.from({ length: 5 }, (_, i) => ({
    track: { event: `E${i}`, userId: 'u', messageId: `m${i}`, timestamp: '2024-01-01T00:00:00.000Z' },
  }));
  for (const bad of [1, 3])
    events[bad] = { track: { event: 'at "events[0]', userId: 'u', messageId: `m${bad}`, timestamp: 'soon' } };
  const deliver = createDelivery({ send: createGatewaySend(gateway), patienceMs: 1000 });
  const outcomes = await deliver(events);
  expect(outcomes.map(({ status }) => status)).toEqual(['ACCEPTED', 'REJECTED', 'ACCEPTED', 'REJECTED', 'ACCEPTED']);
  expect(outcomes[1]).toMatchObject({
    messageId: 'm1',
    errors: [{ message: expect.stringContaining('expected a moment in RFC 3339') }],
  });
  expect([...gateway.accepted.keys()]).toEqual(['m0', 'm2', 'm4']);
});

test('a batch that is too large for this gateway goes in parts', async () => {
  const gateway = await stub();
  const deliver = createDelivery({ send: createGatewaySend(gateway), patienceMs: 1000 });
  const events: EventInput[] = Array.from({ length: 5 }, (_, i) => ({
    track: { event: 'E', userId: 'u', messageId: `m${i}` },
  }));
  const large: EventInput[] = events.map(({ track }) => ({
    track: { ...track, event: 'x'.repeat(200_000), messageId: `large ${track?.messageId}` },
  }));
  large.push({ track: { event: 'x'.repeat(600_000), userId: 'u', messageId: 'never' } });
  expect((await deliver(large)).map(({ status, errors }) => [status, errors[0]?.code])).toEqual([
    ...Array(5).fill(['ACCEPTED', undefined]),
    ['REJECTED', 'PAYLOAD_TOO_LARGE'],
  ]);
});

function start(args: readonly string[]): ChildProcess {
  const runner = fileURLToPath(new URL('./import-runner.ts', import.meta.url));
  return spawn(process.execPath, ['--no-warnings', runner, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

test('killed in the middle and run again, every row is there once', async () => {
  const gateway = await stub();
  const { text, count } = toCsv(20_000);
  const args = [await write('killed.csv', text), ...through(gateway), '--concurrency', '2'];
  for (let i = 0; i < 100; i++) gateway.script.push({ kind: 'slow', ms: 60 });
  const first = start(args);
  while (gateway.accepted.size < 3000) await new Promise((resolve) => setTimeout(resolve, 10));
  first.kill('SIGKILL');
  await once(first, 'exit');
  const before = new Set(gateway.accepted.keys());
  expect(before.size).toBeLessThan(count);
  gateway.script.length = 0;
  const [code] = (await once(start(args), 'exit')) as [number];
  expect(code).toBe(0);
  expect(gateway.accepted.size).toBe(count);
  expect(gateway.attempts.size).toBe(count);
  expect(Math.min(...[...before].map((id) => gateway.attempts.get(id) as number))).toBe(2);
});

test('asked to stop, it finishes what is under way and says how to go on', async () => {
  const gateway = await stub();
  for (let i = 0; i < 100; i++) gateway.script.push({ kind: 'slow', ms: 100 });
  const child = start([await write('stopped.csv', toCsv(20_000).text), ...through(gateway)]);
  let out = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  while (gateway.accepted.size === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  child.kill('SIGTERM');
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(1);
  expect(out).toContain('stopped before the end\nRun the same command again to go on');
  const said = Number(/accepted +([\d,]+)/.exec(out)?.[1]?.replaceAll(',', ''));
  expect(said).toBe(gateway.accepted.size);
  expect(said).toBeLessThan(22_000);
});

test('lines of a pipe that stays open arrive within a few seconds', async () => {
  const gateway = await stub();
  const stdin = new PassThrough();
  const done = run(['-', '--format', 'ndjson', ...through(gateway)], stdin);
  stdin.write('{"event":"A","userId":"u","timestamp":1700000000}\n{"event":"B","userId":"u","timestamp":1700000000}\n');
  const began = Date.now();
  while (gateway.accepted.size < 2 && Date.now() - began < 5000)
    await new Promise((resolve) => setTimeout(resolve, 20));
  expect(gateway.accepted.size).toBe(2);
  stdin.end();
  expect(await done).toMatchObject({ code: 0 });
});

test('stopping does not wait for a pipe that says nothing', async () => {
  const gateway = await stub();
  const stop = new AbortController();
  const done = run(['-', '--format', 'csv', ...through(gateway)], new PassThrough(), stop.signal);
  setTimeout(() => stop.abort(), 100);
  expect(await done).toMatchObject({ code: 1, out: expect.stringContaining('stopped before the end') });
});

test('no more is read than a slow gateway takes', async () => {
  const gateway = await stub();
  for (let i = 0; i < 1000; i++) gateway.script.push({ kind: 'slow', ms: 400 });
  let rows = 0;
  function* endless() {
    while (rows < 500_000) {
      yield Array.from(
        { length: 100 },
        () => `{"event":"A","userId":"u","timestamp":${1_700_000_000 + rows++},"pad":"${'x'.repeat(100)}"}\n`,
      ).join('');
    }
  }
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 1000);
  await run(
    ['-', '--format', 'ndjson', ...through(gateway), '--concurrency', '2'],
    Readable.from(endless()),
    stop.signal,
  );
  // In a second at most three rounds of two requests; one batch more in the making, and the buffers between.
  expect(rows).toBeLessThan(7 * 2500 + 5000);
});

test('a dry run sends nothing and shows what it would send', async () => {
  const { code, out } = await run([
    await write('dry.csv', `${toCsv(20).text}Refund,u1,1800000000,1,x\n`),
    '--dry-run',
    '--limit',
    '15',
  ]);
  expect(code).toBe(0);
  expect(out).toContain('15 rows');
  expect(out).toContain(
    'would send    15, from 2023-11-14T22:13:20.000Z to 2023-11-14T22:13:34.000Z\n            15 Order\n',
  );
  expect(out).toContain('{"track":{"userId":"u0","event":"Order","properties":{"price":0,"item":"tea, \\"green\\""}');
});

test('the same row in two files is one event, twice in one file two', async () => {
  const gateway = await stub();
  const row = 'A,u,1700000000\n';
  const one = await write('one.csv', `event,user,ts\n${row}${row}`);
  const two = await write('two.csv', `event,user,ts\n${row}`);
  expect(await run([one, two, ...through(gateway)])).toMatchObject({
    code: 0,
    out: expect.stringContaining('accepted      3'),
  });
  expect(gateway.accepted.size).toBe(2);
});

test.each<[string, string[], string]>([
  ['no such file', ['none.csv', '--dry-run'], 'none.csv: expected a file that can be read'],
  ['a folder', ['.', '--format', 'csv', '--dry-run'], '.: expected a file, got a folder'],
  ['no format', ['package', '--dry-run'], 'package: expected a name that ends in .ndjson'],
  ['standard input without a format', ['-', '--dry-run'], '-: expected --format ndjson, csv, tsv for standard input'],
  [
    'an address without a key',
    ['package.json', '--url', 'http://127.0.0.1:1'],
    'expected one of --key-file and --key beside --url',
  ],
  ['a key without an address', ['package.json', '--key', 'k'], 'expected --url beside --key-file or --key'],
  [
    'a wrong address',
    ['package.json', '--url', 'localhost:4000', '--key', 'k'],
    '--url: expected an address such as http://127.0.0.1:4000/graphql, got localhost:4000',
  ],
  [
    'rejects over the input',
    ['package.json', '--rejects', './package.json', '--dry-run'],
    '--rejects: expected another file',
  ],
  ['a file twice', ['package.json', 'package.json', '--dry-run'], 'expected each file once'],
  [
    'a key file that is not there',
    ['package.json', '--url', 'http://127.0.0.1:1', '--key-file', 'none'],
    '--key-file: expected a file that can be read',
  ],
  ['no store', ['package.json'], 'import: no embedded store here'],
])('%s is refused with a sentence', async (_name, args, sentence) => {
  expect(await run(args)).toMatchObject({ code: 1, err: expect.stringContaining(sentence) });
});
