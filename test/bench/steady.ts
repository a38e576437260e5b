import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadCore, serverCore } from './contenders.ts';
import { judgeMemory, leastSoak, type Memory, readMemory, type Samples, toMemoryTable } from './memory.ts';
import { readToken, writeKey } from './operations.ts';
import { withServers } from './own-servers.ts';
import { type Benchmark, type Options, type Table, toNumber, type Verdict } from './report.ts';
import { type Service, startService } from './service.ts';
import { startWorker } from './worker.ts';
import type { OpenLoad, OpenLoadJob } from './workers/open-load.ts';

/** Longer for a soak, whose memory is judged: BENCH_STEADY_SECONDS=900. */
const seconds = Number(process.env.BENCH_STEADY_SECONDS ?? 90);
/** About half of what each takes on one core; see `single` and `kafka-single`. Less where others have most of the machine. */
const embeddedRate = Number(process.env.BENCH_STEADY_RATE ?? 5000);
const kafkaRate = Math.round(embeddedRate * 0.4);
const tooShort = `Memory is not judged: ${seconds} s are too few, since heaps fill for some minutes after a start. BENCH_STEADY_SECONDS=900 is a soak; it is judged from ${leastSoak} s on.`;
const probeEveryMs = 250;
const memoryEveryMs = 5000;

interface Steady {
  readonly load: OpenLoad;
  /** From the acknowledgement of an event to the answer of a report that includes it, in milliseconds. */
  readonly visible: readonly number[];
  readonly memory: Readonly<Record<string, Samples>>;
}

export const steady: Benchmark = {
  name: 'steady',
  title: 'Half load for a while: from acknowledged to visible, and memory',
  about: `Single-event mutations on schedule (an open model) at about half of what the service takes on one core, for ${seconds} seconds: ${embeddedRate.toLocaleString('en-US')} a second
against \`tallygate serve\` with embedded backends, ${kafkaRate.toLocaleString('en-US')} a second against \`tallygate gateway\` and \`tallygate sink\` on a real broker and the ClickHouse engine
behind HTTP. Four times a second one more event is tracked, and as soon as it is acknowledged a \`trend\` is asked for with its token (\`freshness.after\`): the time until that answer,
which includes the event, is what "visible" means here.

Memory is read every ${memoryEveryMs / 1000} seconds, and the median of the last quarter of the time compared with that of the second one. What counts is what belongs to the process alone
(RssAnon and RssShmem of /proc/PID/status). Two parts grow by design and stand beside it: the window of repeats, with the ids of DEDUP_WINDOW_HOURS up to DEDUP_MEMORY_MB; and pages of mapped
files, above all of the embedded log, which grow with the log: they are the system's page cache, which it takes back when it needs room, and no memory of the process, though tools that show
resident memory count them. Service and load generator are on a core of their own; broker, engine and sink share them.`,
  // Both halves, with starts and stops around them.
  longestMs: (2 * seconds + 300) * 1000,
  async run(options) {
    const embedded = await runEmbedded(options);
    const onServers: { run: Steady | null } = { run: null };
    const missing = await withServers(['kafka', 'clickhouse'], options, async (env) => {
      onServers.run = await runOnServers(options, env);
      return { tables: [], verdicts: [], notes: [] };
    });
    const runs: [string, Steady, number, number][] = [['serve, embedded', embedded, embeddedRate, 1000]];
    if (onServers.run) runs.push(['gateway and sink on servers', onServers.run, kafkaRate, 2000]);
    return {
      tables: [toVisibleTable(runs), toMemoryTable(Object.assign({}, ...runs.map(([, { memory }]) => memory)))],
      verdicts: runs.flatMap(([name, run, rate, target]) => judge(name, run, rate, target)),
      notes: seconds < leastSoak ? [...missing.notes, tooShort] : missing.notes,
    };
  },
};

async function runEmbedded({ dir, profileDir, say }: Options): Promise<Steady> {
  const own = join(dir, 'embedded');
  await mkdir(own, { recursive: true });
  const service = await startService({ role: 'serve', dir: own, core: serverCore, profileDir });
  try {
    say(`serve: ${embeddedRate} a second for ${seconds} s`);
    return await runSteady(service, { serve: service }, embeddedRate);
  } finally {
    await service.stop();
  }
}

async function runOnServers({ dir, say }: Options, env: Readonly<Record<string, string>>): Promise<Steady> {
  const own = join(dir, 'servers');
  await mkdir(own, { recursive: true });
  const shared = { ...env, KAFKA_TOPIC: 'bench.steady', CLICKHOUSE_DATABASE: 'bench_steady' };
  const gateway = await startService({ role: 'gateway', dir: own, core: serverCore, env: shared });
  const sink = await startService({ role: 'sink', dir: own, env: shared });
  try {
    say(`gateway and sink: ${kafkaRate} a second for ${seconds} s`);
    return await runSteady(gateway, { gateway, sink }, kafkaRate);
  } finally {
    await Promise.allSettled([gateway.stop(), sink.stop()]);
  }
}

async function runSteady(
  { url }: Service,
  processes: Readonly<Record<string, Service>>,
  rate: number,
): Promise<Steady> {
  const worker = startWorker<OpenLoadJob, OpenLoad>('open-load.ts', { core: loadCore });
  const over = new AbortController();
  const visible: number[] = [];
  const memory: Record<string, Memory[]> = Object.fromEntries(Object.keys(processes).map((name) => [name, []]));
  const probing = (async () => {
    for (let i = 0; !over.signal.aborted; i++) {
      await sleep(probeEveryMs);
      visible.push(await probe(url, `probe-${i}`));
    }
  })();
  const watching = (async () => {
    while (!over.signal.aborted) {
      for (const [name, service] of Object.entries(processes)) memory[name]!.push(await readMemory(service));
      await sleep(memoryEveryMs, undefined, { signal: over.signal }).catch(() => {});
    }
  })();
  try {
    const idPrefix = `steady-${Date.now().toString(36)}`;
    const load = await worker.run({ url, requests: rate * seconds, seconds, resent: 0, idPrefix });
    over.abort();
    await Promise.all([probing, watching]);
    return { load, visible, memory };
  } finally {
    over.abort();
    await worker.stop();
  }
}

/** Milliseconds from the acknowledgement of an event to a report that has it. */
async function probe(url: string, messageId: string): Promise<number> {
  const input = { event: 'Probe', userId: messageId, messageId };
  const { track } = await ask<{ track: { token: string } }>(
    url,
    writeKey,
    'mutation ($input: TrackInput!) { track(input: $input) { token } }',
    { input },
  );
  const acknowledged = performance.now();
  const { trend } = await ask<{ trend: { series: { total: number }[]; meta: { consistency: string } } }>(
    url,
    readToken,
    `query ($after: ConsistencyToken!) { trend(input: { range: { last: "2h" }, interval: HOUR, series: [{ event: "Probe" }],
       filter: { property: "$messageId", op: EQ, value: "${messageId}" }, freshness: { after: $after, maxWaitMs: 30000 } }) { series { total } meta { consistency } } }`,
    { after: track.token },
  );
  if (trend.meta.consistency !== 'SATISFIED' || trend.series[0]?.total !== 1)
    throw new Error(`expected the event in the answer, got ${JSON.stringify(trend)}`);
  return performance.now() - acknowledged;
}

async function ask<Data>(url: string, secret: string, query: string, variables: object): Promise<Data> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data?: Data; errors?: unknown };
  if (!data || errors) throw new Error(`expected an answer, got ${JSON.stringify(errors)}`);
  return data;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function toVisibleTable(runs: readonly [string, Steady, number, number][]): Table {
  return {
    head: ['', 'a second', 'acknowledged', 'errors', 'ack p99 ms', 'probes', 'visible p50 ms', 'p90', 'p99', 'max'],
    rows: runs.map(([name, { load, visible }, rate]) => [
      name,
      rate.toLocaleString('en-US'),
      load.acknowledged.toLocaleString('en-US'),
      String(Object.values(load.errors).reduce((a, b) => a + b, 0)),
      toNumber(load.latency.p99),
      String(visible.length),
      ...[0.5, 0.9, 0.99, 1].map((share) => toNumber(quantile(visible, share))),
    ]),
  };
}

function judge(name: string, { load, visible, memory }: Steady, rate: number, target: number): Verdict[] {
  const p99 = quantile(visible, 0.99);
  return [
    {
      pass: Object.keys(load.errors).length === 0 && load.acknowledged === rate * seconds,
      text: `${name}: ${load.acknowledged.toLocaleString('en-US')} of ${(rate * seconds).toLocaleString('en-US')} acknowledged`,
      mustHold: true,
    },
    {
      pass: p99 <= target,
      text: `${name}: from acknowledged to visible p99 ${toNumber(p99)} ms, target at most ${target}`,
      mustHold: false,
    },
    ...(seconds < leastSoak ? [] : Object.entries(memory).map(([process, samples]) => judgeMemory(process, samples))),
  ];
}
