import { join } from 'node:path';
import { catalog } from '../servers/catalog.ts';
import { ServerUnavailable } from '../servers/prepared.ts';
import type { Options, Report } from './report.ts';

type Env = Readonly<Record<string, string>>;

/** Runs a benchmark beside servers of its own; its report says so when they cannot be had here. */
export async function withServers(
  names: readonly ('kafka' | 'clickhouse')[],
  { dir, say }: Options,
  run: (env: Env) => Promise<Report>,
): Promise<Report> {
  const started: { stop(): Promise<void> }[] = [];
  const env: Record<string, string> = {};
  try {
    for (const name of names) {
      say(`starting ${name}`);
      await catalog[name].prepare();
      const server = await catalog[name].start({ dir: join(dir, name) });
      started.push(server);
      Object.assign(env, server.env);
    }
    return await run(env);
  } catch (thrown) {
    if (!(thrown instanceof ServerUnavailable)) throw thrown;
    return { tables: [], verdicts: [], notes: [`Not run: ${thrown.message}`] };
  } finally {
    await Promise.allSettled(started.map((each) => each.stop()));
  }
}
