import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, openEnginePool } from '../../src/adapters/clickhouse/engine-pool.ts';
import { openEmbeddedWarehouse } from '../../src/adapters/clickhouse/open.ts';
import { openLmdbLog } from '../../src/adapters/lmdb/open-lmdb-log.ts';
import { toStreamOf } from '../../src/events/position.ts';
import { startSink } from '../../src/ingest/sink.ts';
import type { SinkOptions } from '../../src/ingest/sink-options.ts';
import type { Consumption, EventLog } from '../../src/ports/event-log.ts';
import type { CorrectableWarehouse, Warehouse } from '../../src/ports/warehouse.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { readEnds } from '../contract/event-log-rig.ts';

const logger = createSilentLogger();
let databases = 0;

/** One log and one database of its own, on the engine of this process, and sinks that can be made to die anywhere. */
export interface SinkBench {
  readonly log: EventLog;
  readonly warehouse: CorrectableWarehouse;
  /** Starts a sink on a warehouse that may be a faulty one. */
  startSink(on?: Warehouse, options?: Partial<SinkOptions>): Promise<Consumption>;
  /** Takes another log, which has nothing yet, for the present one. */
  replaceLog(): Promise<void>;
  /** Resolves when the ledger covers the whole log. */
  untilStored(): Promise<void>;
  rows<Row>(sql: string): Promise<readonly Row[]>;
  /** Statements behind the warehouse's back: the damage that a power loss leaves. */
  damage(sql: string): Promise<void>;
  close(): Promise<void>;
}

export async function openSinkBench(enginePath: string): Promise<SinkBench> {
  const folder = await mkdtemp(join(tmpdir(), 'tallygate-sink-'));
  const metrics = createMetrics();
  const database = `sink_${++databases}`;
  const warehouse = await openEmbeddedWarehouse({
    path: enginePath,
    database,
    reportConnections: 1,
    limits: { seconds: 60, memoryBytes: 4e9, resultRows: 1e6 },
    metrics,
  });
  await warehouse.migrate();
  let logs = 0;
  const openLog = () =>
    openLmdbLog({
      path: join(folder, String(++logs)),
      retentionMs: 3_600_000,
      maxQueuedBytes: 64e6,
      logger,
      metrics,
    });
  let log = await openLog();
  const rows = async <Row>(sql: string) => (await warehouse.query<Row>({ sql }, { label: 'test' })).rows;
  return {
    get log() {
      return log;
    },
    async replaceLog() {
      await log.close();
      log = await openLog();
    },
    warehouse,
    rows,
    startSink: (on = warehouse, options = {}) =>
      startSink({
        log,
        warehouse: on,
        metrics,
        logger,
        options: {
          group: 'sink',
          batchRows: 40,
          batchBytes: 32e6,
          lingerMs: 5,
          windowHours: 24,
          verifyRecent: false,
          ...options,
        },
      }),
    async untilStored() {
      const ends = await readEnds(log);
      const [present] = await rows<{ epoch: number }>('SELECT max(epoch) AS epoch FROM log_epochs');
      for (let left = 1200; ; left--) {
        const completed = await rows<{ log_stream: number; last: string }>(
          "SELECT log_stream, max(last_offset) AS last FROM ledger WHERE phase = 'completed' GROUP BY log_stream",
        );
        const lastOf = (partition: number) =>
          Number(completed.find(({ log_stream }) => log_stream === toStreamOf(present!.epoch, partition))?.last ?? -1);
        if (ends.every((end, partition) => lastOf(partition) >= end - 1)) return;
        if (left === 0) throw new Error(`expected the ledger to reach ${ends}, it has ${JSON.stringify(completed)}`);
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    },
    async damage(sql) {
      const pool = await openEnginePool(enginePath, 1);
      await pool.use(database);
      await (pool.sink as Connection).command({ query: sql } as never);
      await pool.close();
    },
    async close() {
      await log.close();
      await warehouse.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** When a sink dies: at its n-th insert, before the engine has it or after, and what becomes of an insert that was cut off. */
export interface Death {
  readonly insert: number;
  readonly when: 'before' | 'after';
}

/** A warehouse whose user dies at one of its inserts. `late` are inserts that were on their way: they may land any time. */
export function createDeadlyWarehouse(warehouse: Warehouse, death: Death, die: () => void) {
  let inserts = 0;
  const late: (() => Promise<void>)[] = [];
  const deadly: Warehouse = {
    ...warehouse,
    async insert(table, lines, options) {
      if (inserts === death.insert) throw new Error('dead');
      if (++inserts === death.insert) {
        // Refused rows are as dead as any: the sink has not heard of it yet.
        if (death.when === 'after') await warehouse.insert(table, lines, options).catch(() => {});
        else late.push(() => warehouse.insert(table, lines, options).catch(() => {}));
        die();
        throw new Error('dead');
      }
      await warehouse.insert(table, lines, options);
    },
  };
  return { deadly, late };
}
