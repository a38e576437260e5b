import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type ServerName, serverNames } from './catalog.ts';

export interface Needed {
  /** Named by describeWith: one is started for the whole run. */
  readonly shared: ReadonlySet<ServerName>;
  /** Named by describeWithOwn: it only has to be possible to start one. */
  readonly own: ReadonlySet<ServerName>;
}

/** Test files below `folder` whose path matches one of the patterns; all of them when there is none. */
export function findTestFiles(folder: string, patterns: readonly string[]): string[] {
  const wanted = patterns.map((pattern) => new RegExp(pattern, 'i'));
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => join(folder, file))
    .filter((file) => wanted.length === 0 || wanted.some((pattern) => pattern.test(file)));
}

/**
 * Reads which servers the files ask for, themselves or in what they import by a relative path. The names have to stand
 * in the call: describeWith(['kafka'], ...). A call without names that can be read counts as all servers.
 */
export function findNeeded(files: readonly string[]): Needed {
  const shared = new Set<ServerName>();
  const own = new Set<ServerName>();
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file) || !existsSync(file) || file === join(import.meta.dirname, 'require.ts')) return;
    seen.add(file);
    const text = readFileSync(file, 'utf8');
    for (const [, call, list] of text.matchAll(/\b(describeWith(?:Own)?)\(\s*(?:\[([^\]]*)\])?/g)) {
      const named = serverNames.filter((name) => list?.includes(`'${name}'`));
      for (const name of list === undefined ? serverNames : named) (call === 'describeWith' ? shared : own).add(name);
    }
    for (const [, path] of text.matchAll(/\bfrom '(\.[^']+\.ts)'/g)) visit(resolve(dirname(file), path as string));
  };
  for (const file of files) visit(file);
  return { shared, own };
}
