import { type Figure, type Spread, toRatios, toSpread } from './rounds.ts';

export interface Options {
  /** Rounds of each paired comparison; undefined leaves it to the benchmark. */
  readonly rounds: number | undefined;
  /** Where CPU profiles of the service go, from benchmarks that can make them. */
  readonly profileDir: string | undefined;
  /** Folder for data; removed afterwards. */
  readonly dir: string;
  readonly say: (line: string) => void;
}

export interface Benchmark {
  readonly name: string;
  readonly title: string;
  /** What is compared with what, and how. Markdown. */
  readonly about: string;
  /** It is given up after this time, in milliseconds. Default: 15 minutes. */
  readonly longestMs?: number;
  run(options: Options): Promise<Report>;
}

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Verdict {
  readonly pass: boolean;
  readonly text: string;
  /** A miss ends `npm run bench` with exit code 1: for what has to hold on every machine. */
  readonly mustHold: boolean;
}

export interface Report {
  readonly tables: readonly Table[];
  readonly verdicts: readonly Verdict[];
  readonly notes: readonly string[];
}

export function toMarkdown({ head, rows }: Table): string {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, i) => (i === 0 ? (cells[i] ?? '').padEnd(width) : (cells[i] ?? '').padStart(width))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

export function toVerdictLine({ pass, text }: Verdict): string {
  return `${pass ? 'PASS' : 'FAIL'}: ${text}`;
}

/** 12,345; 12.3; 0.51. */
export function toNumber(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function spreadCells({ min, median, max }: Spread): string[] {
  return [toNumber(min), toNumber(median), toNumber(max)];
}

/** One row for each contender, in `unit` a second, with the ratios of all to the baseline, round by round. */
export function toRateTable(
  unit: string,
  figures: Readonly<Record<string, readonly Figure[]>>,
  baseline: string,
): Table {
  const of = (name: string, key: 'rate' | 'ratePerCpu') => (figures[name] ?? []).map((figure) => figure[key]);
  return {
    head: [
      `${unit}/s`,
      'min',
      'median',
      'max',
      'of the baseline: min',
      'median',
      'max',
      `${unit} per CPU second`,
      'of the baseline',
    ],
    rows: Object.keys(figures).map((name) => {
      const perCpu = toNumber(toSpread(of(name, 'ratePerCpu')).median);
      const rates = spreadCells(toSpread(of(name, 'rate')));
      if (name === baseline) return [`${name} (baseline)`, ...rates, '', '', '', perCpu, ''];
      const ratios = spreadCells(toRatioSpread(figures, name, baseline));
      return [name, ...rates, ...ratios, perCpu, toNumber(toRatioSpread(figures, name, baseline, 'ratePerCpu').median)];
    }),
  };
}

/** As above, where there is no baseline. */
export function toSpreadTable(unit: string, figures: Readonly<Record<string, readonly Figure[]>>): Table {
  return {
    head: [`${unit}/s`, 'min', 'median', 'max', `${unit} per CPU second`],
    rows: Object.entries(figures).map(([name, each]) => [
      name,
      ...spreadCells(toSpread(each.map(({ rate }) => rate))),
      toNumber(toSpread(each.map(({ ratePerCpu }) => ratePerCpu)).median),
    ]),
  };
}

export function toRatioSpread(
  figures: Readonly<Record<string, readonly Figure[]>>,
  ours: string,
  baseline: string,
  key: 'rate' | 'ratePerCpu' = 'rate',
): Spread {
  const of = (name: string) => (figures[name] ?? []).map((figure) => figure[key]);
  return toSpread(toRatios(of(ours), of(baseline)));
}

/** Judged by the median of the rounds' ratios. */
export function judgeRatio(ratio: Spread, least: number, what: string): Verdict {
  return {
    pass: ratio.median >= least,
    text: `${what}: ${toNumber(ratio.median)} in the median of the rounds (${toNumber(ratio.min)} to ${toNumber(ratio.max)}), target at least ${least}`,
    mustHold: false,
  };
}
