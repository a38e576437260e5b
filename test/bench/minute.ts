import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { loadCore, serverCore } from './contenders.ts';
import { readToken } from './operations.ts';
import { type Benchmark, type Options, toNumber, type Verdict } from './report.ts';
import { readMetric, startService } from './service.ts';
import { startWorker } from './worker.ts';
import type { OpenLoad, OpenLoadJob } from './workers/open-load.ts';

const seconds = 60;
const target = 40_000;
const targetP99 = 100;
const resent = 500;

interface Counted extends OpenLoad {
  readonly requests: number;
  /** What `trend` answered, and whether it vouched for everything that was acknowledged. */
  readonly counted: number;
  readonly consistency: string;
  readonly deduplicated: number;
}

export const minute: Benchmark = {
  name: 'minute',
  title: 'A minute at a steady rate',
  about: `40,000 single-event mutations in one minute, sent on schedule whether or not the earlier ones were answered (an open model), against
\`tallygate serve\` with its embedded log and warehouse. Latency counts from the moment at which a request was due, so waiting is not hidden (nor is how late the load
generator sent it, which the last column shows).
Then the first ${resent} events are sent once more with the same messageIds, and \`trend\` is asked for the COUNT as of everything that was
acknowledged (\`freshness.after\`): it has to be the number of messageIds that were answered with ACCEPTED. The second line is the
same at five times the rate, for information. The service is on core 0, the load generator on core 1.`,
  async run(options) {
    const once = await runMinute(target, options);
    const five = await runMinute(5 * target, options);
    return {
      tables: [
        {
          head: [
            'Requests in a minute',
            'acknowledged',
            'errors',
            'counted',
            'p50 ms',
            'p90',
            'p99',
            'p99.9',
            'max',
            'sent late, p99',
          ],
          rows: [once, five].map(({ requests, acknowledged, errors, counted, latency, lateness }) => [
            requests.toLocaleString('en-US'),
            acknowledged.toLocaleString('en-US'),
            toErrors(errors),
            counted.toLocaleString('en-US'),
            ...[latency.p50, latency.p90, latency.p99, latency.p999, latency.max, lateness].map(toNumber),
          ]),
        },
      ],
      verdicts: [
        ...judge(once, true),
        {
          pass: once.latency.p99 < targetP99,
          text: `${target.toLocaleString('en-US')} mutations a minute: p99 ${toNumber(once.latency.p99)} ms, target under ${targetP99}`,
          mustHold: false,
        },
        ...judge(five, false),
      ],
      notes: [],
    };
  },
};

async function runMinute(requests: number, { dir, profileDir, say }: Options): Promise<Counted> {
  const own = join(dir, `minute-${requests}`);
  await mkdir(own, { recursive: true });
  const service = await startService({ role: 'serve', dir: own, core: serverCore, profileDir });
  const worker = startWorker<OpenLoadJob, OpenLoad>('open-load.ts', { core: loadCore });
  try {
    say(`${requests} mutations in ${seconds} seconds`);
    const idPrefix = `minute-${Date.now().toString(36)}`;
    const load = await worker.run({ url: service.url, requests, seconds, resent, idPrefix });
    const { counted, consistency } = await count(service.url, load.token);
    const deduplicated = await readMetric(service.url, 'tallygate_sink_rows_total', 'outcome="deduplicated"');
    return { ...load, requests, counted, consistency, deduplicated };
  } finally {
    await Promise.allSettled([service.stop(), worker.stop()]);
  }
}

async function count(url: string, after: string): Promise<{ counted: number; consistency: string }> {
  const query = `query Count($after: ConsistencyToken!) {
    trend(input: { range: { last: "2d" }, series: [{ measure: COUNT }], freshness: { after: $after, maxWaitMs: 30000 } }) {
      series { total }
      meta { consistency }
    }
  }`;
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${readToken}` },
    body: JSON.stringify({ query, variables: { after } }),
  });
  const { data, errors } = (await response.json()) as {
    data?: { trend: { series: { total: number }[]; meta: { consistency: string } } | null };
    errors?: unknown;
  };
  if (!data?.trend) throw new Error(`expected a count, got ${JSON.stringify(errors)}`);
  return { counted: data.trend.series[0]?.total ?? 0, consistency: data.trend.meta.consistency };
}

function judge(run: Counted, mustHold: boolean): Verdict[] {
  const { requests, acknowledged, errors, counted, consistency, deduplicated } = run;
  const name = `${requests.toLocaleString('en-US')} mutations a minute`;
  const exact = counted === acknowledged && consistency === 'SATISFIED' && deduplicated === resent;
  return [
    {
      pass: Object.keys(errors).length === 0 && acknowledged === requests,
      text: `${name}: ${acknowledged.toLocaleString('en-US')} acknowledged, ${toErrors(errors)} errors, target 0`,
      mustHold,
    },
    {
      pass: exact,
      text: `${name}: ${counted.toLocaleString('en-US')} counted (${consistency}), ${deduplicated} repeats left out of ${resent} sent; every acknowledged event once`,
      mustHold,
    },
  ];
}

function toErrors(errors: OpenLoad['errors']): string {
  const listed = Object.entries(errors).map(([what, times]) => `${times} ${what}`);
  return listed.length === 0 ? '0' : listed.join(', ');
}
