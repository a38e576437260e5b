import { withServers } from './own-servers.ts';
import { type Benchmark, judgeRatio, type Report, toNumber, toRateTable, toRatioSpread } from './report.ts';
import { type Figure, runRounds, toSpread } from './rounds.ts';
import { startWorker, type Worker } from './worker.ts';
import type { Produced, ProduceJob } from './workers/produce.ts';

const records = 200_000;
const target = 100_000;
const ours = 'accumulator and producer';
const baseline = "kafkajs's producer, batches ready";

export const producer: Benchmark = {
  name: 'producer',
  title: 'Into Kafka',
  about: `${records.toLocaleString('en-US')} records of about 460 bytes, made beforehand, into a topic of 8 partitions on one Apache Kafka broker, acks=all, zstd. Ours is the
log as the gateway uses it: 1,200 callers append 12 records each and wait for their answer; accumulator and producer make batches of
at most 1,000. The baseline is kafkajs's own producer, given ready batches of 1,000, one on its way for each partition. The process that
sends is tied to core 0 with all its threads; the broker takes what the system gives it. The target is for a second of that
core's time.`,
  run: (options) =>
    withServers(['kafka'], options, async (env): Promise<Report> => {
      const { rounds = 5, say } = options;
      const workers: Worker<ProduceJob, Produced>[] = [];
      const contend = (kind: ProduceJob['kind']) => {
        const worker = startWorker<ProduceJob, Produced>('produce.ts', {
          core: 0,
          env: { ...env, KAFKA_TOPIC: 'bench.produce', KAFKA_PARTITIONS: '4' },
        });
        workers.push(worker);
        return async (): Promise<Figure> => {
          const { seconds, cpuSeconds } = await worker.run({ kind, records });
          return { rate: records / seconds, ratePerCpu: records / cpuSeconds };
        };
      };
      try {
        const figures = await runRounds({ [ours]: contend('log'), [baseline]: contend('kafkajs') }, { rounds, say });
        const perCpu = toSpread((figures[ours] ?? []).map(({ ratePerCpu }) => ratePerCpu));
        return {
          tables: [toRateTable('records', figures, baseline)],
          verdicts: [
            {
              pass: perCpu.median >= target,
              text: `records for a second of the sending process's CPU: ${toNumber(perCpu.median)} in the median, target at least ${toNumber(target)}`,
              mustHold: false,
            },
            judgeRatio(
              toRatioSpread(figures, ours, baseline, 'ratePerCpu'),
              1,
              "of kafkajs's own producer, for a second of CPU",
            ),
          ],
          notes: [],
        };
      } finally {
        await Promise.all(workers.map((worker) => worker.stop()));
      }
    }),
};
