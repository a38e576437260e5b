import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { dashboards } from './dashboard-tiles.ts';
import { type Benchmark, type Options, type Report, toNumber, type Verdict } from './report.ts';
import { type Spread, toRatios, toSpread } from './rounds.ts';
import { type WarmSize, warmSizes } from './warm.ts';
import { startWorker } from './worker.ts';
import type { DashboardAsked, DashboardJob } from './workers/dashboards.ts';

const mostOfHand = 1.2;
const mostOfUnfused = [0.55, 1, 1] as const;
const mostStatements = 3;
const mostWarmMs = 5;
const warmTimes = 30;

interface Line {
  readonly name: string;
  readonly fused: readonly DashboardAsked[];
  readonly unfused: readonly DashboardAsked[];
  readonly hand: readonly DashboardAsked[];
  readonly warm: readonly DashboardAsked[];
}

/** Twelve tiles as one operation. */
export function createDashboardBenchmark(size: WarmSize): Benchmark {
  const events = warmSizes[size];
  return {
    name: `dashboards-${size}`,
    title: `Dashboards over ${events / 1_000_000 === 1 ? 'a million events' : `${events / 1_000_000} million events`}`,
    about: `Twelve tiles of 90 days asked for as one GraphQL operation, in process through schema and resolvers, over the events of the reports' benchmark. Cold, with
a cache that keeps nothing: against SQL written by hand for the whole dashboard (one pass with \`-If\` and GROUPING SETS where one will do,
otherwise the best statements that we know, at the same time), through the same connection, of the same snapshot and with the same merges; the answers have to be
equal. Unfused is the same service with fusion off. Warm is the same operation ${warmTimes} times when everything is cached. Then a thousand operations at once ask for one trend
that nobody asked for before. Statements that read the ledger for everybody, four times a second, are not counted. The embedded engine, both cores.`,
    async run(options) {
      const { dir, say, rounds = 5 } = options;
      const dataDir = process.env.BENCH_REPORTS_DIR ? join(process.env.BENCH_REPORTS_DIR, size) : join(dir, 'data');
      await mkdir(dataDir, { recursive: true });
      const env = { DATA_DIR: dataDir, UV_THREADPOOL_SIZE: '16', QUERY_SECONDS: '120' };
      const worker = startWorker<DashboardJob, DashboardAsked>('dashboards.ts', { env });
      const ask = (place: number, round: number, by: DashboardJob['by']) => worker.run({ events, place, round, by });
      try {
        say(`making ${events.toLocaleString('en-US')} events`);
        await ask(-1, 0, 'hand');
        const lines: Line[] = [];
        for (const place of dashboards.keys()) lines.push(await runOne(ask, place, rounds, say));
        const same = await ask(0, rounds + 1, 'same');
        return toReport(lines, same);
      } finally {
        await worker.stop();
      }
    },
  };
}

async function runOne(
  ask: (place: number, round: number, by: DashboardJob['by']) => Promise<DashboardAsked>,
  place: number,
  rounds: number,
  say: Options['say'],
): Promise<Line> {
  const { name } = dashboards[place] as (typeof dashboards)[number];
  const asked: Record<'fused' | 'unfused' | 'hand' | 'warm', DashboardAsked[]> = {
    fused: [],
    unfused: [],
    hand: [],
    warm: [],
  };
  for (let round = 0; round <= rounds; round++) {
    const answers = new Set<string>();
    for (const by of ['hand', 'fused', 'unfused'] as const) {
      const one = await ask(place, round, by);
      answers.add(one.answer);
      // The first round warms up.
      if (round > 0) asked[by].push(one);
      say(`${name}, ${by}: ${toNumber(one.seconds * 1000)} ms, ${one.statements} statements`);
    }
    if (answers.size > 1) throw new Error(`${name}: expected equal answers, got\n${[...answers].join('\n')}`);
  }
  await ask(place, rounds, 'warm');
  // What is written into the cache is there a moment later.
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (let i = 0; i < warmTimes; i++) asked.warm.push(await ask(place, rounds, 'warm'));
  return { name, ...asked };
}

const msOf = (asked: readonly DashboardAsked[]) => toSpread(asked.map(({ seconds }) => seconds * 1000));
const secondsOf = (asked: readonly DashboardAsked[]) => asked.map(({ seconds }) => seconds);
const ratioOf = (ours: readonly DashboardAsked[], theirs: readonly DashboardAsked[]) =>
  toSpread(toRatios(secondsOf(ours), secondsOf(theirs)));
const mostOf = (asked: readonly DashboardAsked[]) => Math.max(...asked.map(({ statements }) => statements));
const cells = ({ min, median, max }: Spread) => [min, median, max].map(toNumber);

function toReport(lines: readonly Line[], same: DashboardAsked): Report {
  const cold = {
    head: [
      'Cold, milliseconds',
      'min',
      'median',
      'max',
      'by hand',
      'unfused',
      'of by hand: min',
      'median',
      'max',
      'of unfused: min',
      'median',
      'max',
      'statements',
      'by hand',
      'unfused',
    ],
    rows: lines.map(({ name, fused, unfused, hand }) => [
      name,
      ...cells(msOf(fused)),
      toNumber(msOf(hand).median),
      toNumber(msOf(unfused).median),
      ...cells(ratioOf(fused, hand)),
      ...cells(ratioOf(fused, unfused)),
      ...[fused, hand, unfused].map((asked) => String(mostOf(asked))),
    ]),
  };
  const warm = {
    head: ['Warm, milliseconds', 'min', 'p50', 'max', 'CPU p50', 'statements'],
    rows: lines.map(({ name, warm: asked }) => [
      name,
      ...cells(msOf(asked)),
      toNumber(toSpread(asked.map(({ cpuSeconds }) => cpuSeconds * 1000)).median),
      String(mostOf(asked)),
    ]),
  };
  const verdicts = lines.flatMap((line, place) => judge(line, mostOfUnfused[place] as number));
  const isOne = same.statements === 1 && same.answer === '[1]';
  return {
    tables: [cold, warm],
    verdicts: [
      ...verdicts,
      {
        pass: isOne,
        text: `1,000 operations that ask for the same at once: ${same.statements} statement(s)`,
        mustHold: true,
      },
    ],
    notes: [],
  };
}

function judge({ name, fused, unfused, hand, warm }: Line, ofUnfused: number): Verdict[] {
  const byHand = ratioOf(fused, hand).median;
  const before = ratioOf(fused, unfused).median;
  const p50 = msOf(warm).median;
  return [
    verdict(byHand <= mostOfHand, `${name}: ${toNumber(byHand)} of SQL by hand, target at most ${mostOfHand}`),
    verdict(before <= ofUnfused, `${name}: ${toNumber(before)} of unfused, target at most ${ofUnfused}`),
    verdict(
      mostOf(fused) <= mostStatements,
      `${name}: ${mostOf(fused)} statements cold, target at most ${mostStatements}`,
    ),
    verdict(
      p50 <= mostWarmMs && mostOf(warm) === 0,
      `${name}: warm p50 ${toNumber(p50)} ms and ${mostOf(warm)} statements, target at most ${mostWarmMs} and 0`,
    ),
  ];
}

function verdict(pass: boolean, text: string): Verdict {
  return { pass, text, mustHold: false };
}
