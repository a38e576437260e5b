import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { openEmbeddedWarehouse } from '../../src/adapters/clickhouse/open.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

let dir: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tallygate-stopping-'));
});
afterEach(async () => {
  child?.kill('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

/** `tallygate serve`, consuming; what it prints is its log. */
async function serve(settings: Readonly<Record<string, string>>) {
  const { PATH = '' } = process.env;
  child = spawn(process.execPath, [join(import.meta.dirname, '../../src/bin.cjs')], {
    env: { PATH, PORT: '0', DATA_DIR: dir, ...settings },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let printed = '';
  await new Promise<void>((resolve, reject) => {
    child?.once('exit', (code) => reject(new Error(`ended with ${code} before it consumed: ${printed}`)));
    child?.stderr?.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      if (printed.includes('consuming a partition')) resolve();
    });
  });
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  return { kill: (signal: NodeJS.Signals) => child?.kill(signal), ended, printed: () => printed };
}

test('a signal that npm passes on to a child that has it already is the same signal', async () => {
  const { kill, ended, printed } = await serve({});
  kill('SIGINT');
  kill('SIGTERM');
  await sleep(20);
  kill('SIGINT');
  expect(await ended).toEqual([0, null]);
  expect(printed()).toContain('"msg":"stopped"');
});

test('a second signal ends at once what takes its time', async () => {
  const { kill, ended, printed } = await serve({ DRAIN_DELAY_MS: '20000' });
  kill('SIGTERM');
  await sleep(1200);
  kill('SIGTERM');
  expect(await ended).toEqual([null, 'SIGKILL']);
  expect(printed()).toContain('"msg":"stopping"');
  expect(printed()).not.toContain('"msg":"stopped"');
});

test('the engine is closed when its last statement has ended: a process that exits before crashes', async () => {
  const warehouse = await openEmbeddedWarehouse({
    path: dir,
    database: 'tallygate',
    reportConnections: 1,
    limits: { seconds: 10, memoryBytes: 1e9, resultRows: 10 },
    metrics: createMetrics(),
  });
  let ended = false;
  const statement = warehouse.query({ sql: 'SELECT sleep(1)' }, { label: 'slow' }).finally(() => (ended = true));
  await sleep(200);
  await warehouse.close();
  // What was waiting for the statement goes on in the same turn.
  await setImmediate();
  expect(ended).toBe(true);
  await statement;
});
