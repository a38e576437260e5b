import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Benchmark, type Report, toNumber } from './report.ts';
import { toRatios, toSpread } from './rounds.ts';
import { type WarmSize, warmSizes } from './warm.ts';
import { startWorker } from './worker.ts';
import type { EntitiesAsked, EntitiesJob } from './workers/entities.ts';

const mostOfHand = 1.2;
const mostStatements = 1;
/** As in the reports' benchmark: a process that answers such questions has been compiled. */
const unmeasured = 20;

/** A report for each of many things, as another service asks for them. */
export function createEntitiesBenchmark(size: WarmSize): Benchmark {
  const events = warmSizes[size];
  return {
    name: `entities-${size}`,
    title: `A trend of each of 50 products, ${events / 1_000_000 === 1 ? 'a million events' : `${events / 1_000_000} million events`}`,
    about: `\`entityReports(property: "sku", ids: [...])\` with 50 ids and a trend of 90 days for each, as one GraphQL operation, in process through schema and resolvers, over
the events of the reports' benchmark, with a cache that keeps nothing; against one grouped statement written by hand, through the same connection and of
the same snapshot. Answers have to be equal. Each round asks for a range that nobody asked for before; ${unmeasured} of them in front do not count. The embedded engine, both cores.`,
    async run({ dir, rounds = 9, say }) {
      const dataDir = process.env.BENCH_REPORTS_DIR ? join(process.env.BENCH_REPORTS_DIR, size) : join(dir, 'data');
      await mkdir(dataDir, { recursive: true });
      const env = { DATA_DIR: dataDir, UV_THREADPOOL_SIZE: '16', QUERY_SECONDS: '120' };
      const worker = startWorker<EntitiesJob, EntitiesAsked>('entities.ts', { env });
      try {
        say(`making ${events.toLocaleString('en-US')} events`);
        const asked: Record<EntitiesJob['by'], EntitiesAsked[]> = { hand: [], product: [] };
        for (let round = 0; round < unmeasured + rounds; round++) {
          const byHand = await worker.run({ events, round, by: 'hand' });
          const ours = await worker.run({ events, round, by: 'product' });
          if (ours.answer !== byHand.answer)
            throw new Error(`expected equal answers, got ${ours.answer} and by hand ${byHand.answer}`);
          if (round < unmeasured) continue;
          asked.hand.push(byHand);
          asked.product.push(ours);
          say(`${toNumber(ours.seconds * 1000)} ms, by hand ${toNumber(byHand.seconds * 1000)} ms`);
        }
        return toReport(asked);
      } finally {
        await worker.stop();
      }
    },
  };
}

function toReport({ product, hand }: Record<EntitiesJob['by'], readonly EntitiesAsked[]>): Report {
  const of = (asked: readonly EntitiesAsked[], key: 'seconds' | 'cpuSeconds') => asked.map((one) => one[key]);
  const ratio = toSpread(toRatios(of(product, 'seconds'), of(hand, 'seconds')));
  const statements = Math.max(...product.map((one) => one.statements));
  const rows = { 'entityReports of 50 ids': product, 'by hand': hand };
  return {
    tables: [
      {
        head: ['Milliseconds', 'min', 'median', 'max', 'CPU, median', 'statements', 'million rows read'],
        rows: Object.entries(rows).map(([name, asked]) => {
          const { min, median, max } = toSpread(of(asked, 'seconds'));
          return [
            name,
            ...[min, median, max, toSpread(of(asked, 'cpuSeconds')).median].map((value) => toNumber(value * 1000)),
            String(Math.max(...asked.map((one) => one.statements))),
            toNumber(toSpread(asked.map(({ rowsRead }) => rowsRead / 1e6)).median),
          ];
        }),
      },
    ],
    verdicts: [
      {
        pass: ratio.median <= mostOfHand,
        text: `${toNumber(ratio.median)} of one statement by hand in the median of the rounds (${toNumber(ratio.min)} to ${toNumber(ratio.max)}), target at most ${mostOfHand}`,
        mustHold: false,
      },
      {
        pass: statements <= mostStatements,
        text: `${statements} statement(s) for 50 products, target at most ${mostStatements}`,
        mustHold: true,
      },
    ],
    notes: [],
  };
}
