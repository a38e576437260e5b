import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { loadCore, serverCore, toLatencyTable } from './contenders.ts';
import { readToken } from './operations.ts';
import { type Benchmark, type Report, type Table, toNumber, toRateTable, type Verdict } from './report.ts';
import { days, firstDay, lastDay, project } from './report-events.ts';
import { runRounds, toSpread } from './rounds.ts';
import { readCpuSeconds, startWorker, type Worker } from './worker.ts';
import type { AskJob, AskLoad } from './workers/ask-load.ts';
import type { Serving } from './workers/http-server.ts';
import type { ReportServeJob } from './workers/report-server.ts';

export const warmSizes = { '1m': 1_000_000, '10m': 10_000_000 } as const;
export type WarmSize = keyof typeof warmSizes;

const connections = 16;
const seconds = 3;
const lines = 20;
const document = `query Warm($input: TrendInput!) { trend(input: $input) { buckets series { label breakdown values total } meta { asOf source } } }`;
const range = { from: new Date(firstDay).toISOString(), to: new Date(lastDay).toISOString() };

interface Question {
  readonly name: string;
  readonly body: string;
  /** Values in the answer. */
  readonly values: number;
  /** Requests a second, on one core. */
  readonly least: number;
}

const ask = (input: object) => JSON.stringify({ query: document, variables: { input: { range, ...input } } });
const questions: readonly Question[] = [
  {
    name: `a tile of ${days} values`,
    body: ask({ series: [{ event: 'Product Viewed', measure: 'SUM', property: 'price' }] }),
    values: days,
    least: 5000,
  },
  {
    name: `a breakdown of ${lines} lines, ${lines * days} values`,
    body: ask({
      series: [{ event: 'Product Viewed' }],
      breakdown: [{ property: 'sku', limit: lines - 1 }],
    }),
    values: lines * days,
    least: 500,
  },
];
const typename = JSON.stringify({ query: '{ __typename }' });
const headers = { 'content-type': 'application/json', authorization: `Bearer ${readToken}` };

interface Contender extends Serving {
  readonly body: string;
}

/** What is asked again, over HTTP. */
export function createWarmBenchmark(size: WarmSize): Benchmark {
  const events = warmSizes[size];
  return {
    name: `warm-${size}`,
    title: `Warm reports over HTTP, ${events / 1_000_000 === 1 ? 'a million events' : `${events / 1_000_000} million events`}`,
    about: `A gateway with embedded backends, tied to one core, over the events of the reports' benchmark; ${connections} connections on the other core ask the same again
and again. The baselines are a bare \`node:http\` server that parses the request and sends the very bytes of our answer, and our gateway asked for \`{ __typename }\`,
which is what HTTP, the credential and GraphQL cost without a report. Nothing is written meanwhile; the ledger is read four times a second as always.`,
    async run({ dir, rounds = 3, say }) {
      const dataDir = process.env.BENCH_REPORTS_DIR ? join(process.env.BENCH_REPORTS_DIR, size) : join(dir, 'data');
      await mkdir(dataDir, { recursive: true });
      const env = { DATA_DIR: dataDir, READ_TOKENS: `${project}=${readToken}`, UV_THREADPOOL_SIZE: '16' };
      const workers: { stop(): Promise<void> }[] = [];
      const start = async (job: ReportServeJob, own: Readonly<Record<string, string>> = {}) => {
        const worker = startWorker<ReportServeJob, Serving>('report-server.ts', { core: serverCore, env: own });
        workers.push(worker);
        return worker.run(job);
      };
      try {
        say(`making ${events.toLocaleString('en-US')} events`);
        const gateway = await start({ events }, env);
        const loader = startWorker<AskJob, AskLoad>('ask-load.ts', { core: loadCore });
        workers.push(loader);
        const parts: Report[] = [];
        for (const question of questions) {
          const answer = await readAnswer(gateway.url, question);
          const bare = await start({ answer });
          parts.push(await compare(question, { gateway, bare, loader, rounds, say }));
        }
        return {
          tables: parts.flatMap(({ tables }) => tables),
          verdicts: parts.flatMap(({ verdicts }) => verdicts),
          notes: parts.flatMap(({ notes }) => notes),
        };
      } finally {
        await Promise.allSettled(workers.map((worker) => worker.stop()));
      }
    },
  };
}

/** As of a warm cache. */
async function readAnswer(url: string, { body, values }: Question): Promise<string> {
  let text = '';
  for (let i = 0; i < 4; i++) {
    text = await (await fetch(`${url}/graphql`, { method: 'POST', headers, body })).text();
    // What is written into the cache is there a moment later.
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { data } = JSON.parse(text) as {
    data?: { trend: { series: { values: unknown[] }[]; meta: { source: string } } };
  };
  const found = data?.trend.series.reduce((sum, line) => sum + line.values.length, 0);
  if (found !== values || data?.trend.meta.source !== 'CACHE')
    throw new Error(`expected ${values} values from the cache, got ${text.slice(0, 300)}`);
  return text;
}

async function compare(
  { name, body, least }: Question,
  {
    gateway,
    bare,
    loader,
    rounds,
    say,
  }: { gateway: Serving; bare: Serving; loader: Worker<AskJob, AskLoad>; rounds: number; say: (line: string) => void },
): Promise<Report> {
  const baseline = 'node:http, the same bytes';
  const ours = 'our gateway';
  const run =
    ({ url, pid, body: of }: Contender) =>
    async () => {
      const cpu = readCpuSeconds(pid);
      const { errors, requests, requestsPerSecond, p50, p99 } = await loader.run({
        url,
        body: of,
        headers,
        connections,
        seconds,
      });
      if (errors > 0) throw new Error(`expected ${url} to answer every request with 200, got ${errors} other outcomes`);
      return { rate: requestsPerSecond, ratePerCpu: requests / (readCpuSeconds(pid) - cpu), p50, p99 };
    };
  const figures = await runRounds(
    {
      [baseline]: run({ ...bare, body }),
      'our gateway, { __typename }': run({ ...gateway, body: typename }),
      [ours]: run({ ...gateway, body }),
    },
    { rounds, say },
  );
  const rates = toSpread((figures[ours] ?? []).map(({ rate }) => rate));
  const perCpu = toSpread((figures[ours] ?? []).map(({ ratePerCpu }) => ratePerCpu));
  const table: Table = toRateTable('requests', figures, baseline);
  return {
    tables: [{ ...table, head: [`${name}: ${table.head[0]}`, ...table.head.slice(1)] }, toLatencyTable(figures)],
    verdicts: [
      toVerdict(`${name}: ${toNumber(rates.median)} requests/s on one core that others use too`, rates.median, least),
      toVerdict(`${name}: ${toNumber(perCpu.median)} requests for a second of CPU`, perCpu.median, least),
    ],
    notes: [],
  };
}

function toVerdict(text: string, rate: number, least: number): Verdict {
  return { pass: rate >= least, text: `${text}, target at least ${least.toLocaleString('en-US')}`, mustHold: false };
}
