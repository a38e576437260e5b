import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { growthCases } from './growth-cases.ts';
import { type Benchmark, type Options, type Report, toNumber } from './report.ts';
import { type ReportSize, reportSizes } from './reports.ts';
import { type Spread, toRatios, toSpread } from './rounds.ts';
import { startWorker, type Worker } from './worker.ts';
import type { GrowthAsked, GrowthJob } from './workers/growth.ts';

const mostGrowth = 1.2;
/** What takes some microseconds is asked so many times as often: in a round of some milliseconds, a reading of the ledger would be most of it. */
const moreOfFinished = 20;
const ways = [
  ['finished', 'finished before'],
  ['cells', 'made of its cells'],
] as const;

interface Line {
  readonly name: string;
  readonly small: readonly GrowthAsked[];
  readonly large: readonly GrowthAsked[];
}

/** Whether a report that is cached costs more over more events. */
export const growth: Benchmark = {
  name: 'growth',
  title: 'Warm reports over ever more events',
  about: `The same report of 90 days asked for again and again, in process, over a million events of the reports' benchmark and over 50 million, which take turns. As it was
finished before, as long as nothing comes; and made of its cells, as it is when something has come or when somebody gives its snapshot back.
Statements that read the ledger for everybody, four times a second, are not counted, but their CPU is. The embedded engine, one process for each size.`,
  longestMs: 40 * 60_000,
  async run(options) {
    const workers: Worker<GrowthJob, GrowthAsked>[] = [];
    try {
      const [small, large] = [await start('1m', options, workers), await start('50m', options, workers)];
      const lines: Line[] = [];
      for (const [place, { name, times }] of growthCases.entries()) {
        for (const [of, made] of ways) {
          const asked: Record<'small' | 'large', GrowthAsked[]> = { small: [], large: [] };
          // The first two rounds warm up.
          for (let round = -1; round <= (options.rounds ?? 7); round++) {
            const job = { place, of, times: of === 'finished' ? moreOfFinished * times : times };
            const [one, other] = [await small(job), await large(job)];
            if (round <= 0) continue;
            asked.small.push(one);
            asked.large.push(other);
          }
          lines.push({ name: `${name}, ${made}`, ...asked });
          options.say(`${name}, ${made}: ${toNumber(ratioOf(lines.at(-1) as Line, 'cpuSeconds').median)}`);
        }
      }
      return toReport(lines);
    } finally {
      await Promise.allSettled(workers.map((worker) => worker.stop()));
    }
  },
};

async function start(size: ReportSize, { dir, say }: Options, workers: { stop(): Promise<void> }[]) {
  const events = reportSizes[size];
  const dataDir = join(process.env.BENCH_REPORTS_DIR ?? dir, size);
  await mkdir(dataDir, { recursive: true });
  const env = { DATA_DIR: dataDir, UV_THREADPOOL_SIZE: '16', QUERY_SECONDS: '120' };
  const worker = startWorker<GrowthJob, GrowthAsked>('growth.ts', { env });
  workers.push(worker);
  say(`making ${events.toLocaleString('en-US')} events`);
  const ask = (job: Omit<GrowthJob, 'events'>) => worker.run({ events, ...job });
  await ask({ place: 0, of: 'finished', times: 1 });
  return ask;
}

const of = (asked: readonly GrowthAsked[], key: 'seconds' | 'cpuSeconds') => asked.map((one) => one[key]);
const ratioOf = ({ small, large }: Line, key: 'seconds' | 'cpuSeconds') =>
  toSpread(toRatios(of(large, key), of(small, key)));
const statementsOf = ({ small, large }: Line) => Math.max(...[...small, ...large].map(({ statements }) => statements));
const cells = ({ min, median, max }: Spread, factor = 1) => [min, median, max].map((value) => toNumber(value * factor));

function toReport(lines: readonly Line[]): Report {
  return {
    tables: [
      {
        head: [
          'Microseconds of CPU for an answer',
          '1 million: min',
          'median',
          'max',
          '50 million: min',
          'median',
          'max',
          'ratio: min',
          'median',
          'max',
          'ratio of time',
          'statements',
        ],
        rows: lines.map((line) => [
          line.name,
          ...cells(toSpread(of(line.small, 'cpuSeconds')), 1e6),
          ...cells(toSpread(of(line.large, 'cpuSeconds')), 1e6),
          ...cells(ratioOf(line, 'cpuSeconds')),
          toNumber(ratioOf(line, 'seconds').median),
          String(statementsOf(line)),
        ]),
      },
    ],
    verdicts: lines.map((line) => {
      const ratio = ratioOf(line, 'cpuSeconds').median;
      const statements = statementsOf(line);
      return {
        pass: ratio <= mostGrowth && statements === 0,
        text: `${line.name}: over fifty times as many events ${toNumber(ratio)} of the CPU and ${statements} statements, target at most ${mostGrowth} and 0`,
        mustHold: false,
      };
    }),
    notes: [],
  };
}
