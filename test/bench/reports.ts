import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Benchmark, type Table, toNumber, type Verdict } from './report.ts';
import { reportCases } from './report-cases.ts';
import { toRatios, toSpread } from './rounds.ts';
import { startWorker } from './worker.ts';
import type { Asked, ReportJob } from './workers/reports.ts';

export const reportSizes = { '1m': 1_000_000, '10m': 10_000_000, '50m': 50_000_000 } as const;
export type ReportSize = keyof typeof reportSizes;

const most = 1.3;
const mostBytes = 2 * 2 ** 30;
/** What takes longer is asked once. */
const longSeconds = 15;
/** What takes less than this has the time to be asked a few hundred times before it counts, and in more rounds. */
const quickSeconds = 0.1;
/** For so long each of both ways is asked before: a service that answers has compiled what it answers with. */
const warmingMs = 2000;
const quickRounds = 21;
const bounded = ['funnel', 'retention'];

interface Line {
  readonly name: string;
  readonly ours: readonly Asked[];
  readonly byHand: readonly Asked[];
  /** Of the first round, in which memory was watched. */
  readonly watched: { readonly ours: Asked; readonly byHand: Asked };
}

/** Each report over so many events, cold, against SQL by hand. */
export function createReportBenchmark(size: ReportSize): Benchmark {
  const events = reportSizes[size];
  const millions = events / 1_000_000;
  return {
    name: `reports-${size}`,
    title: `Reports over ${millions === 1 ? 'a million events' : `${millions} million events`}`,
    about: `${events.toLocaleString('en-US')} events of 90 days (about 30,000 persons for each million, a few of whom do much; 1% of the events are identify and merge two
ids) made by the engine itself in the product's tables, with their ledger; 1% more lie in the table and not in the snapshot. Ours is the whole report, from the call of
the resolver to its answer, planner, snapshot and merges included, in a process that answers such questions (those that take less than ${quickSeconds * 1000} ms were asked for ${warmingMs / 1000} s in a row before, both ways), and with a cache that keeps nothing: everything is
computed, also what is the same in the next round. As of when is left to the service, whose own reading of the ledger, four times a second, goes on meanwhile, beside both.
The baseline is the best SQL that we could write by hand for the one question, through the same connection, of the same snapshot and with the same merges; the answers have
to be equal. Each round asks both, in turns one or the other first, of a range or a person that nobody asked of before. Memory is what the engine counts for the largest statement, watched in a round of its
own. The embedded engine, both cores.`,
    longestMs: size === '50m' ? 40 * 60_000 : 15 * 60_000,
    async run({ dir, rounds, say }) {
      const dataDir = process.env.BENCH_REPORTS_DIR ? join(process.env.BENCH_REPORTS_DIR, size) : join(dir, 'data');
      await mkdir(dataDir, { recursive: true });
      const env = { DATA_DIR: dataDir, UV_THREADPOOL_SIZE: '16', QUERY_SECONDS: '120' };
      const worker = startWorker<ReportJob, Asked>('reports.ts', { env });
      const only = process.env.BENCH_REPORTS_ONLY;
      try {
        say(`making ${events.toLocaleString('en-US')} events`);
        const ask = (place: number, round: number, by: ReportJob['by'], more?: Partial<ReportJob>) =>
          worker.run({ events, place, round, by, watch: false, warmingMs: 0, ...more });
        await ask(-1, 0, 'hand');
        const lines: Line[] = [];
        const isWrong: string[] = [];
        for (const [place, { name }] of reportCases.entries()) {
          if (only && !only.split(',').some((start) => name.startsWith(start))) continue;
          const watched = {
            byHand: await ask(place, 0, 'hand', { watch: true }),
            ours: await ask(place, 0, 'product', { watch: true }),
          };
          if (isDifferent(watched)) isWrong.push(describeDifference(name, watched));
          const ours: Asked[] = [];
          const byHand: Asked[] = [];
          const isLong = watched.ours.seconds > longSeconds;
          const isQuick = watched.byHand.seconds < quickSeconds;
          const last = isLong ? 1 : (rounds ?? (isQuick ? quickRounds : size === '50m' ? 3 : 5));
          for (let round = 1; round <= last; round++) {
            if (watched.ours.refused || watched.byHand.refused) break;
            // Who is first finds colder disks: they take turns.
            const ways = round % 2 === 0 ? (['hand', 'product'] as const) : (['product', 'hand'] as const);
            for (const by of ways) {
              const asked = await ask(place, round, by, { warmingMs: isQuick && round === 1 ? warmingMs : 0 });
              (by === 'hand' ? byHand : ours).push(asked);
            }
          }
          lines.push({ name, ours, byHand, watched });
          say(describe(lines[lines.length - 1] as Line));
        }
        if (isWrong.length > 0) throw new Error(`expected equal answers, got others:\n${isWrong.join('\n')}`);
        return {
          tables: [toTable(lines)],
          verdicts: toVerdicts(lines, size),
          notes: [...(only ? [`Asked of these alone, with BENCH_REPORTS_ONLY: ${only}.`] : []), ...toNotes(lines)],
        };
      } finally {
        await worker.stop();
      }
    },
  };
}

const ratioOf = ({ ours, byHand }: Line) =>
  toSpread(
    toRatios(
      ours.map(({ seconds }) => seconds),
      byHand.map(({ seconds }) => seconds),
    ),
  );
const msOf = (asked: readonly Asked[]) => {
  const { min, median, max } = toSpread(asked.map(({ seconds }) => seconds * 1000));
  return [min, median, max].map(toNumber);
};
const isMeasured = ({ ours }: Line) => ours.length > 0;

function describe(line: Line): string {
  if (!isMeasured(line)) return `${line.name}: not measured`;
  return `${line.name}: ${msOf(line.ours)[1]} ms against ${msOf(line.byHand)[1]} ms, ${toNumber(ratioOf(line).median)}`;
}

function toTable(lines: readonly Line[]): Table {
  return {
    head: [
      'Milliseconds',
      'min',
      'median',
      'max',
      'by hand: min',
      'median',
      'max',
      'ratio: min',
      'median',
      'max',
      'million rows read',
      'by hand',
      'MiB',
      'by hand',
    ],
    rows: lines.map((line) => {
      const { ours, byHand } = line.watched;
      const facts = [
        ...[ours, byHand].map(({ rowsRead }) => toNumber(rowsRead / 1e6)),
        ...[ours, byHand].map(({ peakBytes }) => toNumber(peakBytes / 2 ** 20)),
      ];
      if (!isMeasured(line)) return [line.name, ...new Array<string>(9).fill('-'), ...facts];
      const { min, median, max } = ratioOf(line);
      return [line.name, ...msOf(line.ours), ...msOf(line.byHand), ...[min, median, max].map(toNumber), ...facts];
    }),
  };
}

function toVerdicts(lines: readonly Line[], size: ReportSize): Verdict[] {
  const measured = lines.filter(isMeasured);
  const slow = measured.filter((line) => ratioOf(line).median > most);
  const named = slow.map((line) => `${line.name} ${toNumber(ratioOf(line).median)}`).join(', ');
  const inTime = {
    pass: slow.length === 0 && measured.length === lines.length,
    text: `${measured.length - slow.length} of ${lines.length} reports take at most ${most} times what SQL by hand takes${slow.length > 0 ? `; not: ${named}` : ''}`,
    mustHold: false,
  };
  const heavy = lines.filter(({ name }) => bounded.some((start) => name.startsWith(start)));
  if (size !== '50m' || heavy.length === 0) return [inTime];
  const peak = Math.max(...heavy.map(({ watched }) => watched.ours.peakBytes));
  const text = `memory of funnels and retention: at most ${toNumber(peak / 2 ** 20)} MiB, target at most ${mostBytes / 2 ** 20}`;
  return [inTime, { pass: peak <= mostBytes, text, mustHold: false }];
}

function toNotes(lines: readonly Line[]): string[] {
  return lines.flatMap(({ name, watched: { ours, byHand } }) => [
    ...(ours.refused ? [`${name} was refused: ${ours.refused}`] : []),
    ...(byHand.refused ? [`${name} by hand was refused: ${byHand.refused}`] : []),
  ]);
}

function isDifferent({ ours, byHand }: Line['watched']): boolean {
  return !ours.refused && !byHand.refused && ours.answer !== byHand.answer;
}

function describeDifference(name: string, { ours, byHand }: Line['watched']): string {
  let place = 0;
  while (ours.answer[place] === byHand.answer[place]) place++;
  const part = ({ answer }: Asked) => answer.slice(Math.max(0, place - 60), place + 60);
  return `${name}: ours ...${part(ours)}..., by hand ...${part(byHand)}...`;
}
