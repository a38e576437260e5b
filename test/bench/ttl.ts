import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Benchmark, type Report, toNumber } from './report.ts';
import { runOnce } from './worker.ts';
import type { TtlAsked, TtlJob, TtlLine } from './workers/ttl.ts';

const ttlMs = 60_000;
/** As many turns as come in this time: then the run without merges takes as many. */
const mostSeconds = 40;
const mostTurns = 200;
const traffic = {
  historyEvents: 100_000,
  cacheBytes: 4_000_000,
  ttlMs,
  // Midnight comes on the way.
  start: Date.UTC(2026, 3, 5, 23, 56),
  turnMs: 3000,
  eventsOfTurn: 8,
  clients: 6,
} as const;

/** Our cache against what many would write in its place. */
export const ttl: Benchmark = {
  name: 'ttl',
  title: 'Against whole reports that are kept for a minute',
  about: `The embedded service, in process, with a clock that is moved on by ${traffic.turnMs / 1000} seconds a turn. Each turn ${traffic.eventsOfTurn} events come in (1% of them identify, and merge two ids; 2% happened on one of
the 90 days before), and ${traffic.clients} clients at once ask for a dashboard each: one of 200, the first of them most often (Zipf), of 1 to 6 tiles of the last 7, 30 or 90 days: trends
with and without filters and breakdowns, funnels, top values. The same questions are put to our cells, to our cells with \`freshness: { maxAgeMs: ${ttlMs} }\`, and to a cache of whole reports by their input, which keeps
each for ${ttlMs / 1000} seconds and computes what is missing as we do, with nothing else cached. Each has ${traffic.cacheBytes / 1_000_000} MB for entries, the least recently asked go first (ours keeps up to 32 MiB of finished reports
beside, each until anything comes: here, until the next turn). What is right is computed with nothing cached, as of the moment of asking; ours that is older than
that is held against the moment that its \`meta.snapshot\` names. That is the last line as well: each different question once a turn, all of them in one operation. A second run has no merges. Statements that read the ledger are not counted.`,
  async run({ dir, say }) {
    const run = async (merges: boolean, most: Pick<TtlJob, 'turns' | 'seconds'>): Promise<TtlAsked> => {
      say(`traffic ${merges ? 'with' : 'without'} merges`);
      const own = join(dir, merges ? 'merges' : 'none');
      await mkdir(own);
      const env = { UV_THREADPOOL_SIZE: '16' };
      return runOnce<TtlJob, TtlAsked>('ttl.ts', { ...traffic, ...most, dir: own, merges }, { env });
    };
    const merging = await run(true, { turns: mostTurns, seconds: mostSeconds });
    const plain = await run(false, { turns: merging.turns, seconds: 2 * mostSeconds });
    return toReport(merging, plain);
  },
};

const share = (part: number, whole: number) => (whole === 0 ? '-' : `${toNumber((100 * part) / whole)}%`);

function toReport(merging: TtlAsked, plain: TtlAsked): Report {
  const [ours, held, theirs] = merging.lines as readonly [TtlLine, TtlLine, TtlLine];
  const [oursPlain] = plain.lines as readonly [TtlLine];
  const found = 100 * (ours.cachedBuckets / ours.buckets);
  const foundPlain = 100 * (oursPlain.cachedBuckets / oursPlain.buckets);
  const rows = [
    ...merging.lines.map((line) => ['1% merges', line] as const),
    ...plain.lines.map((line) => ['no merges', line] as const),
  ];
  return {
    tables: [
      {
        head: [
          'Reports',
          'answered',
          'without a statement',
          'buckets found',
          'statements',
          'million rows read',
          'ms a turn',
          'not as of now',
          'wrong',
        ],
        rows: rows.map(([name, line]) => [
          `${line.name}, ${name}`,
          line.reports.toLocaleString('en-US'),
          share(line.cached, line.reports),
          share(line.cachedBuckets, line.buckets),
          line.statements.toLocaleString('en-US'),
          toNumber(line.rowsRead / 1e6),
          toNumber((line.seconds * 1000) / (name === '1% merges' ? merging : plain).turns),
          share(line.notOfNow, line.reports),
          line.wrong.toLocaleString('en-US'),
        ]),
      },
    ],
    verdicts: [
      toVerdict(`cells: ${ours.wrong + oursPlain.wrong} wrong answers, target 0`, ours.wrong + oursPlain.wrong === 0),
      toVerdict(
        `cells of up to a minute ago: ${held.wrong} wrong answers for the moment that they name, target 0`,
        held.wrong === 0,
      ),
      {
        pass: found >= foundPlain - 5,
        text: `with merges ${toNumber(found)}% of the buckets are found, without them ${toNumber(foundPlain)}%, target at most 5 points less`,
        mustHold: false,
      },
    ],
    notes: [
      `Whole reports kept for a minute were wrong ${theirs.wrong.toLocaleString('en-US')} times of ${theirs.reports.toLocaleString('en-US')}. Turns: ${merging.turns} and ${plain.turns}. Something comes in each of them, so every report that includes today has a bucket to compute.`,
    ],
  };
}

function toVerdict(text: string, pass: boolean) {
  return { pass, text, mustHold: true };
}
