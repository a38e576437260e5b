import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { batch } from './batch.ts';
import { createDashboardBenchmark } from './dashboards.ts';
import { describeRun, readLoad, toSection, writeDocument } from './document.ts';
import { createEntitiesBenchmark } from './entities.ts';
import { firstNumber } from './first-number.ts';
import { growth } from './growth.ts';
import { kafkaBatch, kafkaSingle } from './kafka-gateway.ts';
import { createLateBenchmark } from './late.ts';
import { minute } from './minute.ts';
import { overload } from './overload.ts';
import { producer } from './producer.ts';
import { type Benchmark, toMarkdown, toVerdictLine } from './report.ts';
import { createReportBenchmark, type ReportSize, reportSizes } from './reports.ts';
import { servers } from './servers.ts';
import { single } from './single.ts';
import { sink } from './sink.ts';
import { steady } from './steady.ts';
import { ttl } from './ttl.ts';
import { createWarmBenchmark } from './warm.ts';
import { canPin } from './worker.ts';

// npm run bench [-- NAME... --write --rounds N --profile DIR]. Tables go to stdout, progress to stderr.

const benchmarks: readonly Benchmark[] = [
  single,
  batch,
  sink,
  minute,
  firstNumber,
  steady,
  servers,
  producer,
  kafkaBatch,
  kafkaSingle,
  overload,
  createReportBenchmark('1m'),
];
/** Not run unless they are asked for: they make their tables first, or take long. */
const large = [
  createReportBenchmark('10m'),
  createReportBenchmark('50m'),
  createDashboardBenchmark('1m'),
  createDashboardBenchmark('10m'),
  createWarmBenchmark('1m'),
  createWarmBenchmark('10m'),
  createLateBenchmark('1m'),
  createLateBenchmark('10m'),
  growth,
  createEntitiesBenchmark('1m'),
  createEntitiesBenchmark('10m'),
  ttl,
];
const all = [...benchmarks, ...large];
const names = all.map(({ name }) => name);
const usage = `usage: npm run bench [-- ${names.join(' ')}] [--write] [--rounds N] [--profile DIR]
  without names all are run but the larger reports, and those of caching from dashboards on, about 20 minutes; reports-50m takes about 20 itself
  reports [--events ${Object.keys(reportSizes).join('|')}]  is the same as reports-1m, reports-10m, reports-50m
  BENCH_REPORTS_DIR=DIR keeps the tables of reports for the next time; BENCH_REPORTS_ONLY=NAME asks one of its questions
  --write    puts the figures into docs/benchmarks.md
  --rounds   of each comparison
  --profile  leaves a CPU profile of the service in this folder
  BENCH_STEADY_SECONDS=N and BENCH_STEADY_RATE=N: how long steady lasts, and how many events a second serve gets\n`;
const defaultLongestMs = 15 * 60_000;

const say = (line: string) => void process.stderr.write(`${line}\n`);

function readArguments() {
  const options = {
    write: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    events: { type: 'string' },
    profile: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) {
    process.stdout.write(usage);
    process.exit(0);
  }
  const size = values.events ?? '1m';
  if (!Object.hasOwn(reportSizes, size))
    throw new Error(`expected --events to be one of ${Object.keys(reportSizes).join(', ')}, got ${size}`);
  const asked = positionals.map((name) => (name === 'reports' ? `reports-${size as ReportSize}` : name));
  const unknown = asked.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`expected names out of ${names.join(', ')}, got ${unknown}`);
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds >= 1 && rounds <= 50))
    throw new Error(`expected --rounds to be a whole number from 1 to 50, got ${values.rounds}`);
  const chosen = asked.length === 0 ? benchmarks : all.filter(({ name }) => asked.includes(name));
  return { chosen, rounds, write: values.write, profileDir: values.profile && resolve(values.profile) };
}

async function runAll({ chosen, rounds, write, profileDir }: ReturnType<typeof readArguments>): Promise<number> {
  if (!canPin) say('taskset (util-linux) is not there: nothing is tied to a core, so the figures mean less');
  const given = Object.entries(process.env).flatMap(([name, value]) =>
    name.startsWith('BENCH_') ? [`${name}=${value}`] : [],
  );
  const command = [[...given, 'npm run bench'].join(' '), process.argv.slice(2).join(' ')].filter(Boolean).join(' -- ');
  const sections = new Map<string, string>();
  let exitCode = 0;
  const top = mkdtempSync(join(tmpdir(), 'tallygate-bench-'));
  process.once('exit', () => rmSync(top, { recursive: true, force: true }));
  for (const benchmark of chosen) {
    const dir = join(top, benchmark.name);
    mkdirSync(dir);
    const beginning = { at: new Date(), load: readLoad() };
    say(`${benchmark.name}: ${benchmark.title}`);
    const longestMs = benchmark.longestMs ?? defaultLongestMs;
    const overdue = setTimeout(() => {
      say(`${benchmark.name} took longer than ${longestMs / 60_000} minutes`);
      process.exit(1);
    }, longestMs);
    const report = await benchmark.run({ dir, rounds, profileDir, say: (line) => say(`  ${line}`) });
    clearTimeout(overdue);
    rmSync(dir, { recursive: true, force: true });
    const lines = [...report.tables.map(toMarkdown), ...report.verdicts.map(toVerdictLine), ...report.notes];
    process.stdout.write(`\n${benchmark.title} (${benchmark.name})\n\n${lines.join('\n\n')}\n\n`);
    sections.set(benchmark.name, toSection(benchmark, report, await describeRun(command, beginning)));
    if (report.verdicts.some(({ pass, mustHold }) => mustHold && !pass)) exitCode = 1;
  }
  if (write) say(`wrote ${writeDocument(sections, names)}`);
  return exitCode;
}

// Everything that was started ends with this process: see `setpriv` in worker.ts and test/servers/process.ts.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
let chosen: ReturnType<typeof readArguments>;
try {
  chosen = readArguments();
} catch (thrown) {
  say(`${thrown instanceof Error ? thrown.message : thrown}\n${usage}`);
  process.exit(2);
}
process.exit(await runAll(chosen));
