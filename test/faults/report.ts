import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './child.ts';
import type { Fault } from './fault.ts';
import { isSound } from './judge.ts';
import type { RunResult } from './run-fault.ts';

/** All runs of one fault; `failures` are those that did not come to a verdict. */
export interface FaultReport {
  readonly fault: Fault;
  readonly results: readonly RunResult[];
  readonly failures: readonly string[];
  /** Why it was not run. */
  readonly skipped?: string | undefined;
}

const document = join(root, 'docs/reliability.md');
const marks = { begin: '<!-- faults: begin -->', end: '<!-- faults: end -->' } as const;
const headings = [
  'fault',
  'on',
  'runs',
  'acknowledged',
  'stored',
  'lost',
  'twice',
  'phantom',
  'unknown, of them stored',
  'refused tries',
  'restarts',
  'else wrong',
  'verify',
];

export function isGood({ results, failures }: FaultReport): boolean {
  return (
    failures.length === 0 && results.every((result) => isSound(result.verdict) && (result.verify?.code ?? 0) === 0)
  );
}

export function toTable(reports: readonly FaultReport[]): string {
  const rows = reports.map(toRow);
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i]!.length)));
  const isText = (i: number) => i < 2 || i === headings.length - 1;
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (isText(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (isText(i) ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(headings), rule, ...rows.map(line)].join('\n');
}

function toRow({ fault, results, failures, skipped }: FaultReport): string[] {
  const { name, on } = fault;
  if (skipped !== undefined) return [name, on, 'not run', ...Array<string>(headings.length - 3).fill('')];
  const sum = (of: (result: RunResult) => number) =>
    results.reduce((total, result) => total + of(result), 0).toLocaleString('en-US');
  const verified = results.flatMap(({ verify }) => (verify === null ? [] : [verify.code]));
  const verify =
    verified.length === 0 ? 'not there' : verified.every((code) => code === 0) ? 'sound' : 'found something';
  return [
    name,
    on,
    failures.length === 0 ? String(results.length) : `${results.length} and ${failures.length} failed`,
    sum(({ verdict }) => verdict.acknowledged),
    sum(({ verdict }) => verdict.stored),
    sum(({ verdict }) => verdict.lost.length),
    sum(({ verdict }) => verdict.twice.length),
    sum(({ verdict }) => verdict.phantom.length),
    `${sum(({ verdict }) => verdict.unknown)}, ${sum(({ verdict }) => verdict.unknownStored)}`,
    sum(({ refused }) => refused),
    sum(({ restarts }) => restarts),
    sum(({ verdict }) => verdict.problems.length),
    verify,
  ];
}

/** Puts the table, and what each fault is, between the marks of docs/reliability.md. */
export function writeReport(reports: readonly FaultReport[], run: string): string {
  const text = existsSync(document) ? readFileSync(document, 'utf8') : `${marks.begin}\n${marks.end}\n`;
  const begin = text.indexOf(marks.begin);
  const end = text.indexOf(marks.end);
  if (begin === -1 || end < begin) throw new Error(`expected ${marks.begin} and ${marks.end} in ${document}`);
  const about = reports.map(
    ({ fault, skipped }) =>
      `- **${fault.name}** (${fault.on}). ${fault.about}${skipped ? ` Not run: ${skipped}.` : ''}`,
  );
  const section = [marks.begin, toTable(reports), run, '### What is done', about.join('\n'), marks.end].join('\n\n');
  writeFileSync(document, text.slice(0, begin) + section + text.slice(end + marks.end.length));
  return document;
}
