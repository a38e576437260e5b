import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';

export type Environment = Readonly<Record<string, string>>;

const root = join(import.meta.dirname, '../..');
const good = {
  WRITE_KEYS: 'shop=wk_0123456789abcdef',
  READ_TOKENS: 'shop=rt_0123456789abcdef',
  NODE_OPTIONS: '',
};

/** `tallygate COMMAND` as a process, with nothing of this one's settings. */
export async function tallygate(args: readonly string[], environment: Environment) {
  const { PATH = '', HOME = '' } = process.env;
  const child: ChildProcess = spawn('node', [join(root, 'src/bin.cjs'), ...args], {
    env: { PATH, HOME, ...good, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) child[name]?.on('data', (chunk) => (printed[name] += chunk));
  let begun = 0;
  child.stdout?.once('data', () => (begun = performance.now()));
  const [code] = (await once(child, 'close')) as [number | null];
  /** From its first line on: how long it takes to start is the machine's affair. */
  const seconds = (performance.now() - begun) / 1000;
  return { code, seconds, ...printed };
}

/** What the doctor said, and its exit code. Every line has to be one of its own, and none may show a secret. */
export async function doctor(environment: Environment) {
  const { code, seconds, stdout, stderr } = await tallygate(['doctor'], environment);
  const lines = stdout.trimEnd().split('\n');
  const summary = lines.pop();
  expect(lines.filter((line) => !/^(ok|warning|problem) +\S.*\S$/.test(line))).toEqual([]);
  expect(summary).toMatch(/^\d+ problems?, \d+ warnings?/);
  const hidden = ['wk_0123456789abcdef', 'rt_0123456789abcdef', 'geheim'];
  expect(hidden.filter((secret) => `${stdout}${stderr}`.includes(secret))).toEqual([]);
  expect(code).toBe(lines.some((line) => line.startsWith('problem')) ? 1 : 0);
  return {
    code,
    seconds,
    lines,
    /** The lines about one thing, without the blanks between their columns. */
    about: (what: string) =>
      lines
        .map((line) => line.replace(/ {2,}/g, ' '))
        .filter((line) => line.split(' ').slice(1).join(' ').startsWith(what)),
  };
}

export function listen(port: number): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => {}).resume()).unref();
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)));
}

interface ClickHouse {
  readonly CLICKHOUSE_URL: string;
}

export async function statement({ CLICKHOUSE_URL: url }: ClickHouse, sql: string): Promise<void> {
  const response = await fetch(url, { method: 'POST', body: sql });
  if (!response.ok) throw new Error(await response.text());
}

export function insert(server: ClickHouse, table: string, rows: readonly object[]): Promise<void> {
  return statement(
    server,
    `INSERT INTO ${table} FORMAT JSONEachRow\n${rows.map((row) => JSON.stringify(row)).join('\n')}`,
  );
}
