import { setTimeout as sleep } from 'node:timers/promises';
import { toBytes } from '../../src/ingest/place.ts';
import type { Consumption, EventLog, LogRecord, PartitionLease, TakeLimits } from '../../src/ports/event-log.ts';

/** One log's storage: a folder, a topic. */
export interface LogStorage {
  /** Opens it, again and again if need be; a new one has three partitions. */
  open(options?: { readonly maxQueuedBytes?: number }): EventLog | Promise<EventLog>;
}

export const partitionCount = 3;
export const quick: TakeLimits = { maxRecords: 1000, maxBytes: 10_000_000, lingerMs: 0, waitMs: 3000 };

export function toRecords(...values: readonly string[]) {
  return values.map((value) => ({ key: 'project/person', value: Buffer.from(value) }));
}

export function toValues(records: readonly LogRecord[]): string[] {
  return records.map((record) => toBytes(record).toString());
}

export async function readAll(log: EventLog, partition: number, from = 0, to = Number.MAX_SAFE_INTEGER) {
  const records: LogRecord[] = [];
  for await (const chunk of log.read(partition, from, to)) records.push(...chunk);
  return records;
}

/** The next offset of each partition. */
export async function readEnds(log: EventLog): Promise<number[]> {
  return (await log.inspect()).map(({ end }) => end);
}

/** Waits until the log is in reach. */
export async function ready(log: EventLog, ms = 20_000): Promise<EventLog> {
  for (const deadline = Date.now() + ms; ; ) {
    try {
      log.partitions();
      await readEnds(log);
      return log;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(20);
    }
  }
}

export interface Held {
  readonly consumption: Consumption;
  readonly leases: ReadonlyMap<number, PartitionLease>;
  /** Lets the handlers return, then stops. */
  stop(): Promise<void>;
}

/** Consumes with handlers that hand their lease to the test, and waits for all partitions. */
export async function hold(log: EventLog, group: string, wanted = partitionCount): Promise<Held> {
  const leases = new Map<number, PartitionLease>();
  const consumption = await log.consume(group, async (lease) => {
    leases.set(lease.partition, lease);
    await new Promise<void>((resolve) => {
      lease.stopping.addEventListener('abort', () => resolve());
      lease.lost.addEventListener('abort', () => resolve());
    });
  });
  await until(() => leases.size >= wanted, `${wanted} leases`);
  return { consumption, leases, stop: () => consumption.stop(5000) };
}

export async function until(condition: () => boolean, what: string, ms = 20_000): Promise<void> {
  for (const deadline = Date.now() + ms; !condition(); ) {
    if (Date.now() > deadline) throw new Error(`expected ${what} within ${ms} ms`);
    await sleep(5);
  }
}
