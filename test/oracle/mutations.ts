import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mutation } from './mistake.ts';
import { mutations } from './mistakes.ts';

/**
 * Puts mistakes into a copy of the reports, one at a time, and runs the tests that should find each. A mistake that they
 * do not find is a hole in the tests. By hand: node test/oracle/mutations.ts [number...]
 */

const root = join(import.meta.dirname, '../..');

function toPath(name: string): string {
  const path = `test/integration/reports-${name}.test.ts`;
  return existsSync(join(root, path)) ? path : `test/integration/${name}.test.ts`;
}

function prepare(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallygate-mutations-'));
  for (const part of ['src', 'test', 'schema', 'resolvers', 'package.json', 'tsconfig.json', 'jest.config.mjs'])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

function edit(folder: string, { edits }: Mutation): () => void {
  const before = new Map<string, string>();
  for (const [file, from, to] of edits) {
    const path = join(folder, 'src/reports', file);
    const text = readFileSync(path, 'utf8');
    if (!before.has(path)) before.set(path, text);
    if (text.split(from).length !== 2) throw new Error(`expected ${file} to hold this once: ${from}`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }
  return () => {
    for (const [path, text] of before) writeFileSync(path, text);
  };
}

/** How many tests fail; null when the runner died before it could say. Its own end says nothing: the engine may crash while its process ends. */
async function countFailures(folder: string, name: string): Promise<number | null> {
  const report = join(folder, 'report.json');
  rmSync(report, { force: true });
  const child = spawn('npm', ['run', 'jest', '--', '--ci', '--json', `--outputFile=${report}`, toPath(name)], {
    cwd: folder,
    env: { ...process.env, ORACLE_SHRINK_MS: '0' },
    stdio: ['ignore', 'ignore', process.env.SHOW ? 'inherit' : 'ignore'],
  });
  await once(child, 'exit');
  if (!existsSync(report)) return null;
  const { numTotalTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'));
  if (numTotalTests === 0) throw new Error(`expected ${toPath(name)} to have tests, got none`);
  return numFailedTests;
}

/** What became of a mistake. A runner that dies may have been killed by anything: it counts when it dies with the mistake, and again, and not without. */
async function judge(folder: string, mutation: Mutation): Promise<{ isFound: boolean; verdict: string }> {
  const undo = edit(folder, mutation);
  const failures = (await countFailures(folder, mutation.test)) ?? (await countFailures(folder, mutation.test));
  undo();
  const tests = `tests of ${mutation.test}`;
  if (failures !== null)
    return { isFound: failures > 0, verdict: `${failures > 0 ? 'found' : 'NOT FOUND'} by ${failures} ${tests}` };
  if ((await countFailures(folder, mutation.test)) === 0)
    return { isFound: true, verdict: `found: the ${tests} died with it, twice, and pass without it` };
  return { isFound: false, verdict: `NOT KNOWN: the ${tests} died with it, twice, and do not pass without it` };
}

const wanted = process.argv.slice(2).map(Number);
const folder = prepare();
let survivors = 0;
try {
  const names = [
    ...new Set(mutations.filter((_, i) => wanted.length === 0 || wanted.includes(i + 1)).map(({ test }) => test)),
  ];
  for (const name of names) {
    const failures = (await countFailures(folder, name)) ?? (await countFailures(folder, name));
    if (failures !== 0)
      throw new Error(
        `expected ${toPath(name)} to pass without a mistake in it, ${failures === null ? 'but it died, twice' : `got ${failures} that fail`}`,
      );
  }
  for (const [i, mutation] of mutations.entries()) {
    if (wanted.length > 0 && !wanted.includes(i + 1)) continue;
    const started = performance.now();
    const { isFound, verdict } = await judge(folder, mutation);
    if (!isFound) survivors++;
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    console.log(`${String(i + 1).padStart(2)}  ${verdict}, ${seconds} s: ${mutation.mistake}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(survivors === 0 ? 'every mistake was found' : `${survivors} were not found`);
process.exitCode = survivors === 0 ? 0 : 1;
