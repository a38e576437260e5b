import kafkajs from 'kafkajs';
import { createKafkaClients } from '../../../src/adapters/kafka/client.ts';
import type { NewRecord } from '../../../src/ports/event-log.ts';
import { openLog } from '../../../src/roles/backends.ts';
import { createRecords } from '../events.ts';
import { serveJobs } from '../worker.ts';
import { quietTelemetry, toConfig } from './telemetry.ts';
import { untilKnown } from './until-known.ts';

export interface ProduceJob {
  /**
   * log: appends as a gateway makes them, through accumulator and producer. kafkajs: its own producer, sending batches that are ready,
   * with one on its way for each partition.
   */
  readonly kind: 'log' | 'kafkajs';
  readonly records: number;
}

export interface Produced {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Records of one append: what is left of a hundred events when eight partitions have shared them. */
const appendRecords = 12;
/** Appends that wait at a time. */
const callers = 1200;
/** Of kafkajs, what our accumulator collects at most. */
const batchRecords = 1000;
/** Different records; they are sent again and again. */
const pool = 24_000;

/** A function that sends records i.. to a partition, and how many at once. */
interface Way {
  readonly size: number;
  /** Callers of each partition. */
  readonly callers: number;
  readonly partitions: number;
  send(partition: number, records: readonly NewRecord[]): Promise<unknown>;
  close(): Promise<void>;
}

async function openOurs(): Promise<Way> {
  const log = await openLog(toConfig(), quietTelemetry());
  const partitions = await untilKnown(() => log.partitions());
  return {
    size: appendRecords,
    callers: Math.ceil(callers / partitions),
    partitions,
    send: log.append,
    close: log.close,
  };
}

async function openKafkajs(): Promise<Way> {
  const config = toConfig();
  const { patient } = createKafkaClients(
    { brokers: config.KAFKA_BROKERS?.split(',') ?? [], tls: false },
    quietTelemetry().logger,
  );
  const producer = patient.producer({
    allowAutoTopicCreation: false,
    maxInFlightRequests: 5,
    createPartitioner: () => (args) => args.message.partition as number,
  });
  await producer.connect();
  return {
    size: batchRecords,
    callers: 1,
    partitions: 2 * config.KAFKA_PARTITIONS,
    send: (partition, records) =>
      producer.send({
        topic: config.KAFKA_TOPIC,
        acks: -1,
        compression: kafkajs.CompressionTypes.ZSTD,
        messages: records.map(({ key, value }) => ({ key, value, partition })),
      }),
    close: () => producer.disconnect(),
  };
}

let ready: { kind: ProduceJob['kind']; way: Way; records: readonly NewRecord[] } | undefined;

serveJobs<ProduceJob, Produced>(async ({ kind, records: wanted }) => {
  if (!ready) {
    const next = createRecords('produce');
    const now = Date.now();
    const records = Array.from({ length: pool }, () => next(now));
    ready = { kind, way: await (kind === 'log' ? openOurs() : openKafkajs()), records };
  }
  const { way, records } = ready;
  let left = wanted;
  const cpu = process.cpuUsage();
  const started = performance.now();
  const work = Array.from({ length: way.partitions * way.callers }, async (_, caller) => {
    const partition = caller % way.partitions;
    for (let at = (caller * 7 * way.size) % pool; left > 0; at = (at + way.size) % pool) {
      left -= way.size;
      await way.send(partition, records.slice(at, at + way.size));
    }
  });
  await Promise.all(work);
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { seconds, cpuSeconds: (user + system) / 1e6 };
});
