import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { backendNames, catalog, isServerName, type ServerName, serverNames } from './catalog.ts';
import { isPortFree } from './ports.ts';
import { cacheRoot } from './prepared.ts';
import type { Server } from './server.ts';

// npm run servers [-- NAME... --fresh --nodes N --shift N]: real servers for development. Addresses go to stdout as NAME=value
// lines, everything else to stderr. They run until SIGINT or SIGTERM.

const usage = `usage: npm run servers [-- ${serverNames.join(' ')}] [--fresh] [--nodes N] [--shift N]
  without names those that Tallygate runs on are started: ${backendNames.join(', ')}
  --fresh   forgets what an earlier run has stored
  --nodes   brokers of kafka, 1 to 5
  --shift   is added to every port, for a second set with data of its own\n`;

const say = (line: string) => void process.stderr.write(`${line}\n`);

interface Chosen {
  readonly names: readonly ServerName[];
  readonly fresh: boolean;
  readonly nodes: number;
  readonly shift: number;
}

function readArguments(): Chosen {
  const options = {
    fresh: { type: 'boolean' },
    nodes: { type: 'string', default: '1' },
    shift: { type: 'string', default: '0' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) {
    process.stderr.write(usage);
    process.exit(0);
  }
  const unknown = positionals.find((name) => !isServerName(name));
  if (unknown) throw new Error(`expected names out of ${serverNames.join(', ')}, got ${unknown}`);
  const whole = (name: 'nodes' | 'shift', least: number, most: number): number => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new Error(`expected --${name} to be a whole number from ${least} to ${most}, got ${values[name]}`);
  };
  const names = positionals.filter(isServerName);
  return {
    names: names.length > 0 ? [...new Set(names)] : backendNames,
    fresh: values.fresh ?? false,
    nodes: whole('nodes', 1, 5),
    shift: whole('shift', 0, 10_000),
  };
}

const running = new Map<ServerName, Server<object>>();

async function startOne(name: ServerName, { fresh, nodes, shift }: Chosen): Promise<void> {
  const begun = Date.now();
  const { prepare, start, defaultPort } = catalog[name];
  say(`${name}: preparing (the first time it fetches or builds what it needs)`);
  await prepare();
  const port = defaultPort + shift;
  // A cluster has other data than a single broker.
  const folder = name === 'kafka' && nodes > 1 ? `kafka-${nodes}-nodes` : name;
  const dir = join(cacheRoot, shift === 0 ? 'data' : `data-shifted-${shift}`, folder);
  if (fresh && (await isPortFree(port))) await rm(dir, { recursive: true, force: true });
  const again = ['npm run servers --', name, nodes > 1 && `--nodes ${nodes}`, shift > 0 && `--shift ${shift}`];
  const onUnexpectedEnd = (how: string) => say(`${how}; start it again with: ${again.filter(Boolean).join(' ')}`);
  const server = await start({ dir, port, onUnexpectedEnd, ...(name === 'kafka' && { nodes }) });
  running.set(name, server);
  say(`${name}: answers after ${((Date.now() - begun) / 1000).toFixed(1)} s, pid ${server.pid}, files in ${dir}`);
  for (const [key, value] of Object.entries(server.env)) process.stdout.write(`${key}=${value}\n`);
}

async function stopAll(exitCode: number): Promise<never> {
  await Promise.allSettled([...running.values()].map((server) => server.stop()));
  process.exit(exitCode);
}

let chosen: Chosen;
try {
  chosen = readArguments();
} catch (cause) {
  say(`${cause instanceof Error ? cause.message : cause}\n${usage}`);
  process.exit(2);
}

let stopping = false;
function stop(): void {
  if (stopping) return;
  stopping = true;
  say(`stopping ${[...running.keys()].join(', ')}`);
  void stopAll(0);
}
process.on('SIGINT', stop);
process.on('SIGTERM', stop);
// npm hands a signal to the shell between it and this process, which dies of it without a word.
const parent = process.ppid;
setInterval(() => {
  if (process.env.npm_lifecycle_event && process.ppid !== parent) stop();
}, 100);

const { names } = chosen;
const outcomes = await Promise.allSettled(names.map((name) => startOne(name, chosen)));
const failures = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
for (const failure of failures) say(failure instanceof Error ? failure.message : String(failure));
if (failures.length > 0) await stopAll(1);
if (!stopping) say(`running: ${names.join(', ')}; stop with Ctrl-C`);
