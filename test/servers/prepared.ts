import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const projectRoot = join(import.meta.dirname, '..', '..');
export const cacheRoot = join(projectRoot, '.cache', 'servers');

/** Raised by prepare() when this machine lacks what a server is made from. The message says what, and how to get it. */
export class ServerUnavailable extends Error {
  override readonly name = 'ServerUnavailable';
}

/** The path of a program; throws ServerUnavailable with the advice when it is not installed. */
export function findCommand(command: string, advice: string): string {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder || '.', command);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this folder
    }
  }
  throw new ServerUnavailable(`${command} is not installed: ${advice}`);
}

export interface Preparation {
  /** Folder below .cache/servers. */
  readonly name: string;
  /** What the result depends on: files or folders. A change of any makes a new one. */
  readonly inputs: readonly string[];
  /** Fills an empty folder. Rejects with ServerUnavailable when the machine, or the network, cannot provide it. */
  readonly build: (folder: string) => Promise<void>;
}

/**
 * Resolves with a folder that `build` has filled, now or at an earlier time. Only whole results are ever visible under
 * the final name. Of two processes at once one builds while the other waits for it.
 */
export async function prepareOnce({ name, inputs, build }: Preparation): Promise<string> {
  const parent = join(cacheRoot, name);
  const final = join(parent, await toDigest(inputs));
  if (existsSync(final)) return final;
  await mkdir(parent, { recursive: true });
  return withLock(join(parent, 'lock'), async () => {
    if (existsSync(final)) return final;
    const unfinished = await mkdtemp(join(parent, 'unfinished-'));
    try {
      await build(unfinished);
      await rename(unfinished, final).catch((cause) => {
        if (!existsSync(final)) throw cause;
      });
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
    return final;
  });
}

/**
 * Runs `action` while no other process does under the same file. It saves work and no more: when the owner of a lock was
 * killed, two that wait for it can both go on.
 */
async function withLock<Result>(file: string, action: () => Promise<Result>): Promise<Result> {
  for (;;) {
    const mine = await open(file, 'wx').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EEXIST') return undefined;
      throw cause;
    });
    if (mine) {
      await mine.writeFile(String(process.pid)).finally(() => mine.close());
      return action().finally(() => rm(file, { force: true }));
    }
    if (await isStale(file)) await rm(file, { force: true });
    else await sleep(100);
  }
}

async function isStale(file: string): Promise<boolean> {
  try {
    const [pid, { mtimeMs }] = [Number(await readFile(file, 'utf8')), await stat(file)];
    if (Date.now() - mtimeMs < 1000) return false; // its owner may not have written its number yet
    process.kill(pid, 0);
    return pid === 0;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

async function toDigest(inputs: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const input of inputs) {
    const files = (await stat(input)).isDirectory()
      ? (await readdir(input, { recursive: true, withFileTypes: true }))
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
          .sort()
      : [input];
    for (const file of files) hash.update(await readFile(file)).update('\0');
  }
  return hash.digest('hex').slice(0, 12);
}
