import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { catalog } from '../servers/catalog.ts';
import { ServerUnavailable } from '../servers/prepared.ts';
import { type LoadFigure, type LoadShape, loadCore, runLoad, serverCore, toLatencyTable } from './contenders.ts';
import { type Benchmark, type Options, toSpreadTable } from './report.ts';
import { type Figure, runRounds } from './rounds.ts';
import { startService } from './service.ts';
import { runOnce, startWorker } from './worker.ts';
import type { Load, LoadJob } from './workers/load.ts';
import type { Prepared, PrepareJob } from './workers/prepare-log.ts';
import type { SinkJob } from './workers/sink.ts';
import type { Stored } from './workers/stored.ts';

const events = 300_000;

type Env = Readonly<Record<string, string>>;

export const servers: Benchmark = {
  name: 'servers',
  title: 'On real servers',
  about: `The same requests against \`tallygate gateway\` on one Apache Kafka broker (KRaft, 8 partitions, acks=all), without a sink; then the sink on that
broker and on the ClickHouse engine behind HTTP (\`npm run servers\`) with ${events.toLocaleString('en-US')} events in the topic, from its start until the last one is completed. For
information, without a baseline: broker, engine, gateway, sink and load generator share two cores here, so these are figures of this
machine more than of the code. The CPU column counts the gateway's or the sink's process alone.`,
  async run(options) {
    const started: { stop(): Promise<void> }[] = [];
    const { dir, say } = options;
    try {
      const env: Record<string, string> = {};
      for (const name of ['kafka', 'clickhouse'] as const) {
        say(`starting ${name}`);
        await catalog[name].prepare();
        const server = await catalog[name].start({ dir: join(dir, name) });
        started.push(server);
        Object.assign(env, server.env);
      }
      const single = await runGateway(
        env,
        { connections: 64, seconds: 3, eventsPerRequest: 1, requests: 75_000 },
        options,
      );
      const batch = await runGateway(
        env,
        { connections: 8, seconds: 3, eventsPerRequest: 100, requests: 4000 },
        options,
      );
      const rows = await runSink(env, options);
      const figures = { 'one event a request': single, 'a hundred events a request': batch };
      return {
        tables: [
          toSpreadTable('events', { ...figures, 'sink, from Kafka into ClickHouse': rows }),
          toLatencyTable(figures),
        ],
        verdicts: [],
        notes: [],
      };
    } catch (thrown) {
      if (!(thrown instanceof ServerUnavailable)) throw thrown;
      return { tables: [], verdicts: [], notes: [`Not run: ${thrown.message}`] };
    } finally {
      await Promise.allSettled(started.map((each) => each.stop()));
    }
  },
};

async function runGateway(env: Env, shape: LoadShape, { dir, rounds = 3, say }: Options): Promise<LoadFigure[]> {
  const own = join(dir, `gateway-${shape.eventsPerRequest}`);
  await mkdir(own);
  const loader = startWorker<LoadJob, Load>('load.ts', { core: loadCore });
  const topic = { KAFKA_TOPIC: `bench.requests-${shape.eventsPerRequest}` };
  const service = await startService({ role: 'gateway', dir: own, core: serverCore, env: { ...env, ...topic } });
  const name = `gateway, ${shape.eventsPerRequest} a request`;
  try {
    const figures = await runRounds({ [name]: () => runLoad(loader, service, shape) }, { rounds, say });
    return figures[name] as LoadFigure[];
  } finally {
    await Promise.allSettled([service.stop(), loader.stop()]);
  }
}

async function runSink(servers: Env, { dir, rounds = 3, say }: Options): Promise<Figure[]> {
  const env = { ...servers, KAFKA_TOPIC: 'bench.rows', DATA_DIR: join(dir, 'unused') };
  say(`writing ${events} events into Kafka`);
  await runOnce<PrepareJob, Prepared>(
    'prepare-log.ts',
    { seed: 'shop', events, batchRows: 50_000, rowsDir: null },
    { env },
  );
  let runs = 0;
  const figures = await runRounds(
    {
      sink: async () => {
        const own = { KAFKA_GROUP: `bench-${runs}`, CLICKHOUSE_DATABASE: `bench_${runs++}` };
        const job = { rows: events, deadlineMs: 300_000 };
        const { seconds, cpuSeconds, rows } = await runOnce<SinkJob, Stored>('sink.ts', job, {
          env: { ...env, ...own },
        });
        if (rows !== events) throw new Error(`expected ${events} rows in the warehouse, got ${rows}`);
        return { rate: rows / seconds, ratePerCpu: rows / cpuSeconds };
      },
    },
    { rounds, warmUps: 0, say },
  );
  return figures.sink as Figure[];
}
