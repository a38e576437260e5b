import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findNeeded } from './needed.ts';
import { cacheRoot, prepareOnce, projectRoot } from './prepared.ts';

let folder: string;
beforeAll(async () => {
  await mkdir(cacheRoot, { recursive: true });
  folder = await mkdtemp(join(cacheRoot, 'test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function writeFiles(files: Record<string, string>): Promise<string[]> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return Object.keys(files).map((name) => join(folder, name));
}

test('finds the servers that test files name, themselves and in what they import', async () => {
  const call = 'describeWith'; // apart, because this file is searched, too
  await writeFiles({ 'suite.ts': `${call}(['clickhouse'], 'c', () => {});\nimport x from './a.test.ts';` });
  const [a, b, all] = await writeFiles({
    'a.test.ts': `import { s } from './suite.ts';\n${call}(\n  ['kafka'],\n 'k', (env) => {});`,
    'b.test.ts': `${call}Own(['couchbase', 'kafka'], 'own', (start) => {});`,
    'all.test.ts': `${call}(names, 'x', () => {});`,
  });
  const of = (...files: (string | undefined)[]) => {
    const { shared, own } = findNeeded(files.flatMap((file) => file ?? []));
    return { shared: [...shared].sort(), own: [...own].sort() };
  };
  expect(of(a)).toEqual({ shared: ['clickhouse', 'kafka'], own: [] });
  expect(of(b)).toEqual({ shared: [], own: ['couchbase', 'kafka'] });
  expect(of(all)).toEqual({ shared: ['clickhouse', 'couchbase', 'kafka', 'postgres'], own: [] });
  expect(of()).toEqual({ shared: [], own: [] });
});

test('builds once, whole or not at all, however many ask at the same time', async () => {
  const [input] = await writeFiles({ input: 'first' });
  const name = folder.slice(cacheRoot.length + 1);
  let builds = 0;
  const prepare = (fails = false) =>
    prepareOnce({
      name: join(name, 'result'),
      inputs: [input as string],
      build: async (into) => {
        builds++;
        await writeFile(join(into, 'half'), '');
        if (fails) throw new Error('no network');
        await writeFile(join(into, 'whole'), '');
      },
    });
  await expect(prepare(true)).rejects.toThrow('no network');
  const results = await Promise.all([prepare(), prepare(), prepare()]);
  expect(builds).toBe(2);
  expect(new Set(results).size).toBe(1);
  expect((await readdir(results[0] as string)).sort()).toEqual(['half', 'whole']);
  await writeFiles({ input: 'second' });
  expect(await prepare()).not.toBe(results[0]);
  expect((await readdir(join(folder, 'result'))).length).toBe(2);
});

describe('on a machine without Java', () => {
  interface Run {
    readonly code: number | null;
    readonly stderr: string;
  }
  const runKafkaTests = (env: Record<string, string>) =>
    new Promise<Run>((resolve) => {
      const jest = join(projectRoot, 'node_modules', 'jest', 'bin', 'jest.js');
      const args = ['--experimental-vm-modules', '--no-warnings', jest, 'test/servers/kafka.test.ts'];
      const options = { cwd: projectRoot, env: { PATH: '/nowhere', HOME: process.env.HOME, ...env } };
      const child = execFile(process.execPath, args, options, (_, __, stderr) =>
        resolve({ code: child.exitCode, stderr }),
      );
    });

  test('tests that need Kafka are skipped, with one line that says why and what to do', async () => {
    const { code, stderr } = await runKafkaTests({ CI: '' });
    expect(stderr).toContain('Tests:       2 skipped, 2 total');
    expect(stderr.split('\n').filter((line) => line.includes('java is not installed'))).toEqual([
      expect.stringMatching(/^### Tests that need kafka are SKIPPED: .*apt-get install default-jre-headless/),
    ]);
    expect(code).toBe(0);
  });

  test('they fail instead where CI=true', async () => {
    const { code, stderr } = await runKafkaTests({ CI: 'true' });
    expect(stderr).toContain('Tests:       2 failed, 2 total');
    expect(stderr).toContain('apt-get install default-jre-headless');
    expect(code).toBe(1);
  });
});
