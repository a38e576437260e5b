import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { catalog, type ServerName } from './catalog.ts';
import { findNeeded, findTestFiles } from './needed.ts';
import { cacheRoot, projectRoot, ServerUnavailable } from './prepared.ts';
import type { Server } from './server.ts';

/** What the workers of a test run are told of one server. */
export type ServerState =
  | { readonly state: 'running'; readonly env: Readonly<Record<string, string>> }
  /** Can be started, but nobody has asked for a shared one. */
  | { readonly state: 'possible' }
  /** This machine lacks something; `reason` says what, and how to get it. */
  | { readonly state: 'missing'; readonly reason: string }
  /** Everything is there, and yet it did not start. */
  | { readonly state: 'broken'; readonly reason: string };

export interface TestRun {
  /** Folder of everything that the run stores; removed at its end. */
  readonly dir: string;
  readonly servers: Readonly<Partial<Record<ServerName, ServerState>>>;
}

/** Environment variable that carries the TestRun, as JSON, to the workers. */
export const testRunVariable = 'TALLYGATE_TEST_RUN';

export interface StartedRun extends TestRun {
  end(): Promise<void>;
}

/** Starts, side by side, the servers that the selected test files ask for. Patterns are those of the test runner. */
export async function startTestRun(patterns: readonly string[]): Promise<StartedRun> {
  const needed = findNeeded(findTestFiles(join(projectRoot, 'test'), patterns));
  const dir = await makeRunFolder();
  const running: Server<object>[] = [];

  async function provide(name: ServerName): Promise<ServerState> {
    const { prepare, start } = catalog[name];
    try {
      await prepare();
      if (!needed.shared.has(name)) return { state: 'possible' };
      const server: Server<object> = await start({ dir: join(dir, name) });
      running.push(server);
      return { state: 'running', env: { ...server.env } };
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      return { state: cause instanceof ServerUnavailable ? 'missing' : 'broken', reason };
    }
  }

  const names = [...new Set([...needed.shared, ...needed.own])];
  const states = await Promise.all(names.map(async (name) => [name, await provide(name)] as const));
  return {
    dir,
    servers: Object.fromEntries(states),
    async end() {
      await Promise.all(running.map((server) => server.kill())); // nobody reads their data any more
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Also removes what earlier runs have left behind, which happens when a run is killed. */
async function makeRunFolder(): Promise<string> {
  const runs = join(cacheRoot, 'runs');
  await mkdir(runs, { recursive: true });
  for (const run of await readdir(runs))
    if (!isAlive(Number(run.split('-')[0]))) await rm(join(runs, run), { recursive: true, force: true });
  return mkdtemp(join(runs, `${process.pid}-`));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}
