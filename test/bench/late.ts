import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lateCases } from './late-cases.ts';
import { type Benchmark, type Report, toNumber } from './report.ts';
import { toRatios, toSpread } from './rounds.ts';
import { type WarmSize, warmSizes } from './warm.ts';
import { startWorker } from './worker.ts';
import type { Late, LateAsked, LateJob } from './workers/late.ts';

const leastOfCold = 30;

interface Line {
  readonly name: string;
  readonly late: readonly LateAsked[];
  readonly cold: readonly LateAsked[];
}

/** What a report costs that was asked for before, when an event has come late since. */
export function createLateBenchmark(size: WarmSize): Benchmark {
  const events = warmSizes[size];
  return {
    name: `late-${size}`,
    title: `A late event, ${events / 1_000_000 === 1 ? 'a million events' : `${events / 1_000_000} million events`}`,
    about: `Trends of 90 days over the events of the reports' benchmark, which were asked for before. Then one event becomes known that happened on one of these days, and
they are asked for again: that is compared with the same report when nothing is cached, asked for right afterwards; the answers have to be equal. Each round is
another event on another day. Statements that read the ledger for everybody are not counted. In process, the embedded engine, both cores.`,
    async run({ dir, rounds = 7, say }) {
      const dataDir = process.env.BENCH_REPORTS_DIR ? join(process.env.BENCH_REPORTS_DIR, size) : join(dir, 'data');
      await mkdir(dataDir, { recursive: true });
      const env = { DATA_DIR: dataDir, UV_THREADPOOL_SIZE: '16', QUERY_SECONDS: '120' };
      const worker = startWorker<LateJob, Late>('late.ts', { env });
      try {
        say(`making ${events.toLocaleString('en-US')} events`);
        await worker.run({ events, what: 'make' });
        const lines: Line[] = [];
        for (const [place, { name }] of lateCases.entries()) {
          const asked: NonNullable<Late>[] = [];
          // The first round warms up.
          for (let round = 0; round <= rounds; round++) {
            const one = await worker.run({ events, what: { place } });
            if (one && round > 0) asked.push(one);
          }
          lines.push({ name, late: asked.map(({ late }) => late), cold: asked.map(({ cold }) => cold) });
          say(describe(lines.at(-1) as Line));
        }
        await worker.run({ events, what: 'forget' });
        return toReport(lines);
      } finally {
        await worker.stop();
      }
    },
  };
}

type Key = keyof LateAsked;
const of = (asked: readonly LateAsked[], key: Key) => asked.map((one) => one[key]);
const medianOf = (asked: readonly LateAsked[], key: Key) => toSpread(of(asked, key)).median;
const mostOf = (asked: readonly LateAsked[], key: Key) => toSpread(of(asked, key)).max;
const ratioOf = ({ late, cold }: Line, key: Key) => toSpread(toRatios(of(cold, key), of(late, key)));

function describe(line: Line): string {
  return `${line.name}: ${toNumber(medianOf(line.late, 'seconds') * 1000)} ms, cold ${toNumber(medianOf(line.cold, 'seconds') * 1000)} ms`;
}

function toReport(lines: readonly Line[]): Report {
  return {
    tables: [
      {
        head: [
          'Milliseconds',
          'min',
          'median',
          'max',
          'cold: min',
          'median',
          'max',
          'cold of it: min',
          'median',
          'max',
          'statements',
          'cold',
          'rows read',
          'cold',
        ],
        rows: lines.map((line) => {
          const { late, cold, name } = line;
          const inMs = [late, cold].flatMap((asked) => {
            const { min, median, max } = toSpread(of(asked, 'seconds'));
            return [min, median, max].map((value) => toNumber(value * 1000));
          });
          const { min, median, max } = ratioOf(line, 'seconds');
          return [
            name,
            ...inMs,
            ...[min, median, max].map(toNumber),
            ...[late, cold].map((asked) => String(mostOf(asked, 'statements'))),
            ...[late, cold].map((asked) => medianOf(asked, 'rowsRead').toLocaleString('en-US')),
          ];
        }),
      },
    ],
    verdicts: lines.flatMap((line) =>
      (['seconds', 'rowsRead'] as const).map((key) => {
        const ratio = ratioOf(line, key).median;
        const text = `${line.name}: cold ${key === 'seconds' ? 'takes' : 'reads'} ${toNumber(ratio)} times as much as after a late event, target at least ${leastOfCold}`;
        return { pass: ratio >= leastOfCold, text, mustHold: false };
      }),
    ),
    notes: [],
  };
}
