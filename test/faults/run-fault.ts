import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedSite, openEmbeddedSite } from './embedded-site.ts';
import { explain } from './explain.ts';
import type { EmbeddedFault, Fault, Scene, ServerFault } from './fault.ts';
import { isSound, judge, type Verdict } from './judge.ts';
import { type Load, startLoad } from './load.ts';
import type { Servers } from './own-servers.ts';
import { createRandom } from './random.ts';
import { type Ended, runCommand } from './run-command.ts';
import { openSite, type Site } from './site.ts';

export interface RunOptions {
  readonly seed: number;
  readonly variant: number;
  readonly short?: boolean;
  /** Everything is below it, and removed when all was sound. */
  readonly dir: string;
  readonly servers: Servers;
  readonly say: (line: string) => void;
  /** Where logs are left of a run that failed. */
  readonly keepIn?: string | undefined;
}

export interface RunResult {
  readonly seed: number;
  readonly verdict: Verdict;
  /** Of `tallygate verify`: its exit code; null when this version has no such command. */
  readonly verify: Ended | null;
  /** Starts of our processes beyond the first ones. */
  readonly restarts: number;
  /** Tries that ended without an acknowledgement. */
  readonly refused: number;
  readonly seconds: number;
}

/** Ids acknowledged before the fault begins, and again after it was healed. */
const before = 150;
const after = 200;
/** Longest time from the end of the load until everything is stored, in seconds. */
const drainSeconds = 150;

/** One fault under load, from a fresh start to the verdict. Rejects when something does not come back. */
export async function runFault(fault: Fault, options: RunOptions): Promise<RunResult> {
  const started = Date.now();
  await mkdir(options.dir, { recursive: true });
  const dir = await mkdtemp(join(options.dir, 'fault-'));
  const run = fault.on === 'servers' ? runOnServers : runEmbedded;
  const say = (line: string) => options.say(`${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s: ${line}`);
  try {
    const result = await run(fault as never, { ...options, dir, say });
    if (options.keepIn && !isSound(result.verdict)) await keep(dir, options.keepIn);
    return { ...result, seconds: Math.round((Date.now() - started) / 1000) };
  } catch (thrown) {
    if (options.keepIn)
      await cp(dir, options.keepIn, { recursive: true, filter: (path) => !path.includes('data-dir') });
    throw thrown;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function keep(dir: string, into: string): Promise<void> {
  await cp(dir, into, { recursive: true, filter: (path) => !/data-dir|engine\d|disk/.test(path) });
}

type Outcome = Omit<RunResult, 'seconds'>;

async function runOnServers(fault: ServerFault, options: RunOptions): Promise<Outcome> {
  const { seed, variant, short = false, dir, servers, say } = options;
  const site = await openSite(servers, dir, fault.site ?? {}, say);
  let load: Load | undefined;
  try {
    load = startLoad({ urls: () => site.gateways.map(({ child }) => child.url), random: createRandom(seed + 1) });
    const scene: Scene = { load, random: createRandom(seed), variant, short, say };
    await underLoad(load, say, () => fault.inject(site, scene));
    await untilDrained(() => site.readLag());
    await fault.settled?.(site, scene);
    // What a gateway still had on its way to the log is there when it has ended.
    await Promise.all(site.gateways.map(({ child }) => child.stop()));
    await untilDrained(() => site.readLag());
    say('everything is stored');
    const verify = await runVerify(site.directEnv);
    await Promise.all(site.sinks.map(({ child }) => child.stop()));
    const logs = [...site.pastLogs, { epoch: site.epoch, ends: await site.readEnds() }];
    const verdict = await judge({ ask: site.ask, history: load.history, logs });
    if (!isSound(verdict)) for (const line of await explain(site.ask, load.history, verdict)) say(line);
    return { seed, verdict, verify, restarts: countRestarts(site), refused: load.history.tries.unknown };
  } finally {
    load?.abandon();
    await site.close();
  }
}

async function runEmbedded(fault: EmbeddedFault, options: RunOptions): Promise<Outcome> {
  const { seed, variant, short = false, dir, say } = options;
  const dataDir = join(dir, 'data-dir');
  await mkdir(dataDir);
  const tidy = await fault.prepare?.(dataDir);
  let site: EmbeddedSite | undefined;
  let load: Load | undefined;
  try {
    site = await openEmbeddedSite(dir, dataDir, fault.env ?? {}, say);
    const { child, readLag, readEnds, withEngine, env } = site;
    load = startLoad({ urls: () => [child.url], random: createRandom(seed + 1) });
    const scene: Scene = { load, random: createRandom(seed), variant, short, say };
    await underLoad(load, say, () => fault.inject(site!, scene));
    await untilDrained(readLag);
    say('everything is stored');
    await child.stop();
    const verify = await runVerify(env);
    const ends = await readEnds();
    const { history } = load;
    const verdict = await withEngine(async (ask) => {
      const judged = await judge({ ask, history, logs: [{ epoch: 0, ends }] });
      if (!isSound(judged)) for (const line of await explain(ask, history, judged)) say(line);
      return judged;
    });
    return { seed, verdict, verify, restarts: child.lives - 1, refused: history.tries.unknown };
  } finally {
    load?.abandon();
    await site?.close();
    await tidy?.();
  }
}

async function underLoad(load: Load, say: (line: string) => void, inject: () => Promise<void>): Promise<void> {
  await load.more(before, 90);
  say(`${load.history.acknowledged} ids acknowledged, the fault begins`);
  const began = Date.now();
  await inject();
  say(`healed after ${((Date.now() - began) / 1000).toFixed(1)} s`);
  await load.more(after, 120);
  await load.stop();
  say(`the load has ended: ${JSON.stringify(load.history.tries)}`);
}

/** Until nothing is left to be stored, twice in a row: the log may still get what nobody waits for any more. */
async function untilDrained(readLag: () => Promise<number>): Promise<void> {
  let last: unknown;
  for (let until = Date.now() + drainSeconds * 1000, empty = 0; Date.now() < until; await sleep(300)) {
    try {
      const lag = await readLag();
      last = lag;
      empty = lag === 0 ? empty + 1 : 0;
      if (lag < 0) throw new Error(`the ledger has ${-lag} positions more than the log`);
      if (empty >= 2) return;
    } catch (thrown) {
      last = thrown;
      empty = 0;
    }
  }
  throw new Error(`expected everything to be stored within ${drainSeconds} s; the last look: ${last}`);
}

/** Null when there is no such command. */
async function runVerify(env: Readonly<Record<string, string>>): Promise<RunResult['verify']> {
  const help = await runCommand(['verify', '--help'], env);
  return help.output.includes('tallygate verify') ? runCommand(['verify'], env) : null;
}

function countRestarts({ gateways, sinks }: Site): number {
  return [...gateways, ...sinks].reduce((sum, { child }) => sum + child.lives - 1, 0);
}
