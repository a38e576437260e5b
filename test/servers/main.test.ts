import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { cacheRoot } from './prepared.ts';
import { describeWithOwn } from './require.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Runs the command that `npm run servers` runs, and collects what it says. */
function run(...args: string[]) {
  const child = spawn(process.execPath, ['--no-warnings', join(import.meta.dirname, 'main.ts'), ...args]);
  children.push(child);
  const said = { out: '', err: '' };
  child.stdout.on('data', (data) => {
    said.out += data;
  });
  child.stderr.on('data', (data) => {
    said.err += data;
  });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const untilSaid = async (pattern: RegExp): Promise<string> => {
    for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
      const found = pattern.exec(said.err);
      if (found) return found[1] ?? found[0];
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`expected ${pattern} within 20 s, it said:\n${said.err}`);
  };
  return { child, said, ended, untilSaid };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

describeWithOwn(['couchbase', 'clickhouse'], 'npm run servers', () => {
  // A set of ports of its own: the ordinary one may be in use by whoever runs the tests.
  const shift = 2000 + Math.floor(Math.random() * 5000);

  afterAll(() => rm(join(cacheRoot, `data-shifted-${shift}`), { recursive: true, force: true }));

  test('prints addresses and nothing else on stdout, keeps the servers until SIGTERM, finds its data again', async () => {
    const args = ['clickhouse', 'couchbase', '--shift', String(shift)];
    const url = `http://127.0.0.1:${18_123 + shift}`;
    const ask = (query: string) => fetch(url, { method: 'POST', body: query }).then((response) => response.text());
    const first = run(...args, '--fresh');
    await first.untilSaid(/running: clickhouse, couchbase/);
    expect(first.said.out.trim().split('\n').sort()).toEqual([
      'CLICKHOUSE_PASSWORD=',
      `CLICKHOUSE_URL=${url}`,
      'CLICKHOUSE_USER=default',
      `COUCHBASE_FAULTS_URL=http://127.0.0.1:${19_211 + shift}`,
      'COUCHBASE_PASSWORD=password',
      `COUCHBASE_URL=couchbase://127.0.0.1:${19_210 + shift}`,
      'COUCHBASE_USER=Administrator',
    ]);
    await ask('CREATE TABLE kept ENGINE = MergeTree ORDER BY a AS SELECT 42 AS a');
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    expect(await Promise.all([18_123, 19_210].map((port) => isListening(port + shift)))).toEqual([false, false]);

    const second = run(...args);
    await second.untilSaid(/running: clickhouse, couchbase/);
    expect(await ask('SELECT a FROM kept')).toBe('42\n');
    second.child.kill('SIGINT');
    expect(await second.ended).toBe(0);
  });

  test('says when a server has died, keeps the others, and starts it again on the same port', async () => {
    const first = run('clickhouse', 'couchbase', '--shift', String(shift));
    const pid = Number(await first.untilSaid(/couchbase: answers after .*pid (\d+)/));
    await first.untilSaid(/running:/);
    process.kill(pid, 'SIGKILL');
    const advice = await first.untilSaid(/couchbase: SIGKILL; start it again with: npm run servers -- (.*)/);
    expect(await isListening(18_123 + shift)).toBe(true);
    const second = run(...advice.split(' '));
    await second.untilSaid(/running: couchbase/);
    expect(await isListening(19_210 + shift)).toBe(true);
  });

  test('leaves nothing behind when it is killed itself', async () => {
    const first = run('couchbase', '--shift', String(shift));
    await first.untilSaid(/running:/);
    first.child.kill('SIGKILL');
    await first.ended;
    for (let i = 0; i < 100 && (await isListening(19_210 + shift)); i++) await new Promise((r) => setTimeout(r, 20));
    expect(await isListening(19_210 + shift)).toBe(false);
  });

  test('refuses names, numbers and ports that it cannot take', async () => {
    const wrongName = run('kafkaa');
    expect(await wrongName.ended).toBe(2);
    expect(wrongName.said.err).toContain('expected names out of kafka, clickhouse, couchbase, postgres, got kafkaa');
    const wrongNumber = run('--nodes', 'many');
    expect(await wrongNumber.ended).toBe(2);
    expect(wrongNumber.said.err).toContain('expected --nodes to be a whole number from 1 to 5, got many');
    const first = run('couchbase', '--shift', String(shift));
    await first.untilSaid(/running:/);
    const second = run('couchbase', '--shift', String(shift));
    expect(await second.ended).toBe(1);
    expect(second.said.err).toContain(`expected port ${19_210 + shift} on 127.0.0.1 to be free`);
    expect(await isListening(19_210 + shift)).toBe(true);
  });
});
