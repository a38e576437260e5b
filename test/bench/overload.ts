import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openTcpProxy } from '../faults/tcp-proxy.ts';
import { catalog } from '../servers/catalog.ts';
import { findFreePorts } from '../servers/ports.ts';
import { ServerUnavailable } from '../servers/prepared.ts';
import { loadCore, serverCore } from './contenders.ts';
import { type Benchmark, type Options, type Report, toNumber, type Verdict } from './report.ts';
import { type Service, startService } from './service.ts';
import { startWorker, type Worker } from './worker.ts';
import type { Flood, FloodJob } from './workers/flood.ts';

const eventsPerRequest = 100;
const seconds = 15;
/** What each request and each answer of the broker is delayed by, one after the other, in milliseconds. */
const delayMs = 600;
/** Requests a second while the capacity is being measured. */
const probeRequests = 30;

interface Phase {
  readonly name: string;
  readonly offered: number;
  readonly flood: Flood;
  /** MiB. */
  readonly rss: readonly [before: number, after: number];
}

const readRss = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

async function runPhase(name: string, loader: Worker<FloodJob, Flood>, service: Service, rate: number): Promise<Phase> {
  const requests = Math.max(1, Math.round((rate * seconds) / eventsPerRequest));
  const before = readRss(service.pid);
  const flood = await loader.run({ url: service.url, requests, seconds });
  return { name, offered: (requests * eventsPerRequest) / seconds, flood, rss: [before, readRss(service.pid)] };
}

async function runPhases(what: string, service: Service, { say }: Options): Promise<Phase[]> {
  const loader = startWorker<FloodJob, Flood>('flood.ts', { core: loadCore });
  try {
    await runPhase('warm-up', loader, service, 1000);
    const probe = await runPhase('probe', loader, service, probeRequests * eventsPerRequest);
    const capacity = probe.flood.accepted / seconds;
    say(`${what}: ${Math.round(capacity)} events a second are taken`);
    const phases: Phase[] = [];
    for (const times of [0.8, 10]) {
      phases.push(await runPhase(`${what}, ${times} times its capacity`, loader, service, times * capacity));
      say(`${phases.at(-1)?.name}: ${Math.round((phases.at(-1)?.flood.accepted as number) / seconds)} taken a second`);
    }
    return phases;
  } finally {
    await loader.stop();
  }
}

/** A gateway whose way to the broker is slow: what it can take is bounded by that, not by its CPU. */
async function runOnKafka(options: Options): Promise<Phase[]> {
  const { dir, say } = options;
  const ends: (() => Promise<unknown>)[] = [];
  try {
    say('starting kafka and clickhouse');
    const [port] = (await findFreePorts(1)) as [number];
    await Promise.all([catalog.kafka.prepare(), catalog.clickhouse.prepare()]);
    const kafka = await catalog.kafka.start({ dir: join(dir, 'kafka'), listeners: { PROXY: [port] } });
    ends.push(() => kafka.stop());
    const clickhouse = await catalog.clickhouse.start({ dir: join(dir, 'clickhouse') });
    ends.push(() => clickhouse.stop());
    const target = { port: kafka.listeners.PROXY?.[0] as number };
    const proxy = await openTcpProxy({ port, target, frames: true });
    ends.push(() => proxy.close());
    const own = join(dir, 'gateway');
    await mkdir(own);
    const env = {
      ...clickhouse.env,
      KAFKA_BROKERS: `127.0.0.1:${port}`,
      KAFKA_TOPIC: 'bench.overload',
      KAFKA_PARTITIONS: '1',
    };
    const service = await startService({ role: 'gateway', dir: own, core: serverCore, env });
    ends.push(() => service.stop());
    proxy.delay(delayMs);
    return await runPhases('Kafka', service, options);
  } finally {
    for (const end of ends.reverse()) await end().catch(() => undefined);
  }
}

function judge([calm, flooded]: readonly [Phase, Phase]): Verdict[] {
  const share = flooded.flood.accepted / seconds / (calm.offered / 0.8);
  const grown = flooded.rss[1] - calm.rss[1];
  return [
    {
      pass: flooded.flood.acceptedMs.p99 <= 3 * calm.flood.acceptedMs.p99,
      text: `p99 of what is accepted at 10 times the capacity: ${toNumber(flooded.flood.acceptedMs.p99)} ms, ${toNumber(calm.flood.acceptedMs.p99)} ms below it, target at most three times that`,
      mustHold: false,
    },
    {
      pass: share >= 0.8,
      text: `accepted at 10 times the capacity: ${toNumber(share)} of the capacity, target at least 0.80`,
      mustHold: false,
    },
    {
      pass: grown < 100,
      text: `memory after the flood: ${toNumber(grown)} MiB more than before it, target less than 100`,
      mustHold: false,
    },
    {
      pass: flooded.flood.withoutHint === 0 && flooded.flood.broken === 0,
      text: `refusals without status 503, Retry-After and retryAfterMs: ${flooded.flood.withoutHint}; without any answer: ${flooded.flood.broken}; target 0`,
      mustHold: true,
    },
  ];
}

export const overload: Benchmark = {
  name: 'overload',
  title: 'Ten times what can be taken',
  about: `Batches of ${eventsPerRequest} events for ${seconds} s, sent at the moments when they are due, whether or not the earlier ones were answered (open loop), to
\`tallygate gateway\` on core 0. The way to its broker is slow on purpose (each request and answer takes ${delayMs} ms, one after the other; one live partition), so that the
log is what gives out and not the CPU. The capacity is what it takes of a first flood; the same is then offered 0.8 and 10 times. Latency counts from the
moment at which a request was due.`,
  async run(options): Promise<Report> {
    try {
      const phases = await runOnKafka(options);
      return {
        tables: [
          {
            head: [
              '',
              'offered events/s',
              'accepted/s',
              'refused',
              'p50 ms',
              'p99 ms',
              'p99 ms of refusals',
              'MiB before',
              'MiB after',
            ],
            rows: phases.map(({ name, offered, flood, rss }) => [
              name,
              toNumber(offered),
              toNumber(flood.accepted / seconds),
              `${toNumber((100 * flood.refused) / (flood.accepted + flood.refused))} %`,
              toNumber(flood.acceptedMs.p50),
              toNumber(flood.acceptedMs.p99),
              toNumber(flood.refusedMs.p99),
              toNumber(rss[0]),
              toNumber(rss[1]),
            ]),
          },
        ],
        verdicts: judge(phases as unknown as [Phase, Phase]),
        notes: [],
      };
    } catch (thrown) {
      if (!(thrown instanceof ServerUnavailable)) throw thrown;
      return { tables: [], verdicts: [], notes: [`Not run: ${thrown.message}`] };
    }
  },
};
