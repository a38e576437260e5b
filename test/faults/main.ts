import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeRun, readLoad } from '../bench/document.ts';
import type { Fault } from './fault.ts';
import { faults } from './faults.ts';
import { isSound } from './judge.ts';
import { createServers } from './own-servers.ts';
import { isGood, toTable, writeReport } from './report.ts';
import { type RunResult, runFault } from './run-fault.ts';

// npm run test:faults [-- NAME... --write --keep DIR]. The table goes to stdout, progress to stderr.

const usage = `usage: npm run test:faults [-- NAME... --write --keep DIR]
  without names all faults are run, each with FAULT_SEEDS seeds (3)
  NAME       a fault, or the beginning of its name: F2, "F2 in the insert"; there are
             ${faults.map(({ name }) => name).join(', ')}
  --write    puts the table into docs/reliability.md
  --keep     leaves the logs of runs that failed in this folder
  FAULT_SEED=N repeats the run of this seed; FAULT_MINUTES=N begins no run after so many minutes\n`;

const say = (line: string) => void process.stderr.write(`${line}\n`);

function readArguments() {
  const options = {
    write: { type: 'boolean', default: false },
    keep: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) {
    process.stdout.write(usage);
    process.exit(0);
  }
  const isNamed = ({ name }: Fault, wanted: string) => name === wanted || name.startsWith(`${wanted} `);
  const unknown = positionals.find((wanted) => !faults.some((fault) => isNamed(fault, wanted)));
  if (unknown !== undefined) throw new Error(`expected the name of a fault, got ${unknown}`);
  const chosen = faults.filter(
    (fault) => positionals.length === 0 || positionals.some((wanted) => isNamed(fault, wanted)),
  );
  return { chosen, write: values.write, keep: values.keep && resolve(values.keep) };
}

interface Seed {
  readonly seed: number;
  /** Which variant of a fault: a seed that is given again runs the one that it ran. */
  readonly variant: number;
}

function readNumber(name: string, least: number): number | undefined {
  const text = process.env[name];
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isInteger(number) && number >= least) return number;
  throw new Error(`expected ${name} to be a whole number, at least ${least}, got ${text}`);
}

function readSeeds(): Seed[] {
  const first = readNumber('FAULT_SEED', 0);
  const count = first === undefined ? (readNumber('FAULT_SEEDS', 1) ?? 3) : 1;
  const from = first ?? Math.floor(Math.random() * 300_000) * 3;
  return Array.from({ length: count }, (_, i) => ({ seed: from + i, variant: (from + i) % 3 }));
}

interface Running {
  readonly fault: Fault;
  readonly results: RunResult[];
  readonly failures: string[];
  readonly skipped: string | undefined;
}

function begin(fault: Fault): Running {
  const skipped = fault.missing?.();
  if (skipped !== undefined) say(`### ${fault.name} is NOT RUN: ${skipped}`);
  return { fault, results: [], failures: [], skipped };
}

async function runOnce({ fault, results, failures }: Running, { seed, variant }: Seed): Promise<void> {
  say(`${fault.name}, seed ${seed}`);
  const servers = createServers(join(dir, 'servers'));
  const keepIn = keep && join(keep, `${fault.name.replaceAll(/\W+/g, '-')}-${seed}`);
  try {
    const result = await runFault(fault, { seed, variant, dir, servers, keepIn, say: (line) => say(`  ${line}`) });
    results.push(result);
    sayResult(result);
  } catch (thrown) {
    failures.push(String(thrown));
    say(`  FAILED: ${thrown instanceof Error ? thrown.stack : thrown}`);
  }
  await rm(join(dir, 'servers'), { recursive: true, force: true });
}

function sayResult({ verdict, verify, seconds }: RunResult): void {
  const { lost, twice, phantom, problems, acknowledged, stored } = verdict;
  const list = (what: string, keys: readonly string[]) =>
    keys.length === 0 ? '' : `; ${keys.length} ${what}: ${keys.slice(0, 5).join(', ')}`;
  const isVerified = verify === null || verify.code === 0;
  say(
    `  ${isSound(verdict) && isVerified ? 'sound' : 'NOT SOUND'} after ${seconds} s: ${acknowledged} acknowledged, ${stored} stored${list('LOST', lost)}${list('TWICE', twice)}${list('PHANTOM', phantom)}`,
  );
  for (const problem of problems.slice(0, 10)) say(`  ${problem}`);
  if (!isVerified) say(`  verify ended with ${verify.code}: ${verify.output}`);
}

// Everything that was started ends with this process: see `setpriv` in test/servers/process.ts.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
let parsed: ReturnType<typeof readArguments> & { readonly seeds: Seed[]; readonly minutes: number };
try {
  parsed = { ...readArguments(), seeds: readSeeds(), minutes: readNumber('FAULT_MINUTES', 1) ?? 1_000_000 };
} catch (thrown) {
  say(`${thrown instanceof Error ? thrown.message : thrown}\n${usage}`);
  process.exit(2);
}
const { chosen, write, keep, seeds, minutes } = parsed;
const dir = await mkdtemp(join(tmpdir(), 'tallygate-faults-'));
process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
const beginning = { at: new Date(), load: readLoad() };
const running = chosen.map(begin);
// All faults with one seed before the next one, so that a run that is cut short has seen all of them.
for (const seed of seeds)
  for (const each of running) {
    if (each.skipped !== undefined || Date.now() - beginning.at.getTime() > minutes * 60_000) continue;
    await runOnce(each, seed);
  }
process.stdout.write(`\n${toTable(running)}\n`);
const given = Object.entries(process.env).flatMap(([name, value]) =>
  name.startsWith('FAULT_') ? [`${name}=${value}`] : [],
);
const command = [[...given, 'npm run test:faults'].join(' '), process.argv.slice(2).join(' ')]
  .filter(Boolean)
  .join(' -- ');
if (write) say(`wrote ${writeReport(running, await describeRun(command, beginning))}`);
process.exit(running.every(isGood) ? 0 : 1);
