import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { type Benchmark, type Report, toMarkdown, toVerdictLine } from './report.ts';

const root = join(import.meta.dirname, '../..');
const path = join(root, 'docs/benchmarks.md');

const preamble = `# Benchmarks

\`npm run bench\` measures all of this, \`npm run bench -- single sink\` only some of it; \`--write\` puts the figures into this file, where each section says when and on
what it was measured. Figures of one machine are worth little on another, so what can be is measured against a baseline in the same run:
the two take turns (A B A B ...) over several rounds after a warm-up, each round gives one ratio, and what counts is the median of the ratios.
Servers are tied to one core, the load generator to another one (\`taskset\`).

Other programs on the machine lower rates and spread them, and stretch latencies; ratios of neighbouring rounds, and rates for a second of CPU, suffer
less. The load average in each section says how busy the machine was: with nothing beside them, the benchmarks keep it at about 2. CPU seconds are those of the
measured process, all its threads together.
`;

export interface Beginning {
  readonly at: Date;
  readonly load: number;
}

/** Processes that ran or waited to run, on average over the last minute. */
export const readLoad = (): number => loadavg()[0] ?? Number.NaN;

/** What a reader needs to know of where figures come from. */
export async function describeRun(command: string, { at, load }: Beginning): Promise<string> {
  const [cpu] = cpus();
  const facts = [
    cpu?.model.trim() || arch(),
    `${cpus().length} cores`,
    `${Math.round(totalmem() / 2 ** 30)} GB of memory`,
    `${platform()} ${release()}`,
    `Node ${process.version}`,
    `ClickHouse engine ${await readEngineVersion()}`,
    `load average ${load.toFixed(1)} when it began and ${readLoad().toFixed(1)} when it ended`,
  ];
  const moment = at.toISOString().slice(0, 16).replace('T', ' ');
  return `Measured ${moment} UTC with \`${command}\` at ${describeTree()}: ${facts.join(', ')}.`;
}

function describeTree(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
    const changed =
      git('status', '--porcelain', '--', 'src', 'resolvers', 'schema') === '' ? '' : ' and changes on top';
    return `commit ${git('rev-parse', '--short', 'HEAD')}${changed}`;
  } catch {
    return 'no commit';
  }
}

async function readEngineVersion(): Promise<string> {
  const { createChdbConnection } = await import('chdb/connection');
  const engine = createChdbConnection({ path: ':memory:' });
  const { stream } = await engine.query({ query: 'SELECT version() FORMAT TSV' });
  let version = '';
  for await (const chunk of stream) version += String(chunk);
  await engine.close();
  return version.trim();
}

export function toSection({ name, title, about }: Benchmark, report: Report, run: string): string {
  const parts = [
    `## ${title} (${name})`,
    about,
    ...report.tables.map(toMarkdown),
    report.verdicts.map((verdict) => `- ${toVerdictLine(verdict)}`).join('\n'),
    report.notes.join('\n\n'),
    run,
  ];
  return `${parts.filter(Boolean).join('\n\n')}\n`;
}

/** Puts sections in the place of those of the same benchmark; the others stay as they were measured. */
export function mergeSections(old: string, sections: ReadonlyMap<string, string>, order: readonly string[]): string {
  const kept = new Map<string, string>();
  for (const section of old.split(/^(?=## )/m).slice(1)) {
    const name = /^## .*\((.+)\)$/m.exec(section)?.[1];
    if (name !== undefined) kept.set(name, `${section.trimEnd()}\n`);
  }
  const texts = order.map((name) => sections.get(name) ?? kept.get(name)).filter((text) => text !== undefined);
  return [preamble, ...texts].join('\n');
}

export function writeDocument(sections: ReadonlyMap<string, string>, order: readonly string[]): string {
  writeFileSync(path, mergeSections(existsSync(path) ? readFileSync(path, 'utf8') : '', sections, order));
  return path;
}
