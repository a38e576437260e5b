import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDemoCommand } from '../../src/commands/demo.ts';
import { type Stub, startStub } from './import-stub.ts';

let gateway: Stub;
beforeEach(async () => {
  gateway = await startStub();
});
afterEach(() => gateway.close());

const noon = Date.UTC(2026, 10, 24, 12);

async function demo(args: readonly string[], stop = new AbortController()) {
  const stderr = new PassThrough();
  let code = -1;
  await createDemoCommand({
    signal: stop.signal,
    stderr,
    clock: () => noon,
    onExitCode: (given) => {
      code = given;
    },
  }).parseAsync(['--url', gateway.url, '--key', gateway.key, '--visitors', '40', ...args], { from: 'user' });
  return { code, err: String(stderr.read()) };
}

test('the past is sent once, however often it is sent, and over a busy gateway', async () => {
  gateway.script.push({ kind: 'drop', after: true }, { kind: 'status', status: 503 });
  const first = await demo(['--days', '5', '--rate', '0']);
  expect(first.code).toBe(0);
  const sent = gateway.accepted.size;
  expect(sent).toBeGreaterThan(500);
  expect(first.err).toContain(`${sent.toLocaleString('en-US')} events accepted`);
  await demo(['--days', '5', '--rate', '0']);
  expect(gateway.accepted.size).toBe(sent);
  expect(gateway.requests.every(({ bytes }) => bytes < 450_000)).toBe(true);
});

test('live traffic comes at the rate that was asked for until it is stopped', async () => {
  const stop = new AbortController();
  const done = demo(['--days', '0', '--rate', '200'], stop);
  await sleep(2000);
  stop.abort();
  expect((await done).code).toBe(0);
  expect(gateway.accepted.size).toBeGreaterThan(200);
  expect(gateway.accepted.size).toBeLessThan(600);
});

test('a wrong key is said', async () => {
  expect(await demo(['--key', 'wk_other', '--days', '1'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('answered: unknown key'),
  });
});
