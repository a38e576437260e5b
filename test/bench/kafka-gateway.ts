import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type LoadFigure,
  type LoadShape,
  loadCore,
  runLoad,
  serverCore,
  startServer,
  toLatencyTable,
} from './contenders.ts';
import { withServers } from './own-servers.ts';
import {
  type Benchmark,
  judgeRatio,
  type Options,
  type Report,
  toNumber,
  toRateTable,
  toRatioSpread,
} from './report.ts';
import { runRounds, toSpread } from './rounds.ts';
import { startService } from './service.ts';
import { startWorker } from './worker.ts';
import type { ServeJob } from './workers/http-server.ts';
import type { Load, LoadJob } from './workers/load.ts';

const ours = 'tallygate gateway on Kafka';
const batchTarget = 60_000;
const parse = 'node:http, JSON.parse';
const noWork = 'the same gateway, a tracker that does nothing';

/** Rounds of the same load against `tallygate gateway` on a real broker and against a baseline. */
async function compare(
  { dir, profileDir, say }: Options,
  rounds: number,
  baseline: readonly [name: string, kind: ServeJob['kind']],
  shape: LoadShape,
  servers: Readonly<Record<string, string>>,
): Promise<Record<string, LoadFigure[]>> {
  const own = join(dir, 'gateway');
  await mkdir(own);
  const started: { stop(): Promise<void> }[] = [];
  try {
    const loader = startWorker<LoadJob, Load>('load.ts', { core: loadCore });
    started.push(loader);
    const env = { ...servers, KAFKA_TOPIC: 'bench.gateway' };
    const service = await startService({ role: 'gateway', dir: own, core: serverCore, env, profileDir });
    started.push(service);
    const server = await startServer(baseline[1], dir);
    started.push(server);
    return await runRounds(
      {
        [ours]: () => runLoad(loader, service, shape),
        [baseline[0]]: () => runLoad(loader, server, shape),
      },
      { rounds, say },
    );
  } finally {
    await Promise.allSettled(started.map((each) => each.stop()));
  }
}

export const kafkaBatch: Benchmark = {
  name: 'kafka-batch',
  title: 'A hundred events a request, into Kafka',
  about: `\`mutation trackBatch\` with 100 events in variables (about 460 bytes each in the log, every messageId another one), 16 connections, against one
\`tallygate gateway\` tied to core 0 with all its threads, and an Apache Kafka broker (8 live partitions, acks=all) that takes what the system gives it;
the load generator is on core 1. An event counts when its acknowledgement has come back. The baseline reads the same bodies with \`JSON.parse\` on
\`node:http\` and answers something fixed: what no server in JavaScript can exceed. Broker, load generator and whatever else runs share the two cores, so
the target is for a second of the gateway's core.`,
  run: (options) =>
    withServers(['kafka', 'clickhouse'], options, async (env): Promise<Report> => {
      const shape = { connections: 16, seconds: 3, eventsPerRequest: 100, requests: 4000 };
      const figures = await compare(options, options.rounds ?? 5, [parse, 'parse'], shape, env);
      const perCpu = toSpread((figures[ours] ?? []).map(({ ratePerCpu }) => ratePerCpu));
      return {
        tables: [toRateTable('events', figures, parse), toLatencyTable(figures)],
        verdicts: [
          {
            pass: perCpu.median >= batchTarget,
            text: `acknowledged events for a second of the gateway's core: ${toNumber(perCpu.median)} in the median of the rounds (${toNumber(perCpu.min)} to ${toNumber(perCpu.max)}), target at least ${toNumber(batchTarget)}`,
            mustHold: false,
          },
        ],
        notes: [],
      };
    }),
};

export const kafkaSingle: Benchmark = {
  name: 'kafka-single',
  title: 'The price of durability',
  about: `\`mutation track\` with one event in variables, 64 connections that are kept, against one \`tallygate gateway\` tied to core 0, which has each event on the
disks of an Apache Kafka broker (acks=all) before it answers. The baseline is the same gateway with a tracker that answers at once and keeps nothing. Their ratio is
the price of durability; for a second of the gateway's CPU it does not depend on what the broker has left of the machine.`,
  run: (options) =>
    withServers(['kafka', 'clickhouse'], options, async (env): Promise<Report> => {
      const shape = { connections: 64, seconds: 3, eventsPerRequest: 1, requests: 75_000 };
      const figures = await compare(options, options.rounds ?? 5, [noWork, 'idle'], shape, env);
      const rate = toRatioSpread(figures, ours, noWork);
      const perCpu = toRatioSpread(figures, ours, noWork, 'ratePerCpu');
      return {
        tables: [toRateTable('requests', figures, noWork), toLatencyTable(figures)],
        verdicts: [
          judgeRatio(perCpu, 0.5, 'durable single events, of the same mutation doing nothing, for a second of CPU'),
        ],
        notes: [
          `The price of durability: ${toNumber(rate.median)} of the requests a second, ${toNumber(perCpu.median)} of those for a second of CPU.`,
        ],
      };
    }),
};
