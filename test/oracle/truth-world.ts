import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, openEnginePool } from '../../src/adapters/clickhouse/engine-pool.ts';
import { openEmbeddedWarehouse } from '../../src/adapters/clickhouse/open.ts';
import { openLmdbLog } from '../../src/adapters/lmdb/open-lmdb-log.ts';
import { createMemoryCache } from '../../src/adapters/memory/report-cache.ts';
import { liveLane, type PositionVector, toLogPartition, toStreamOf } from '../../src/events/position.ts';
import { parseConsistencyToken } from '../../src/events/tokens.ts';
import { createDeletions } from '../../src/ingest/deletion/request.ts';
import { runDeletions } from '../../src/ingest/deletion/worker.ts';
import { startSink } from '../../src/ingest/sink.ts';
import { createTracker } from '../../src/ingest/tracker.ts';
import type { ReportCache } from '../../src/ports/report-cache.ts';
import type { QueryOptions, QueryResult, Statement, Warehouse } from '../../src/ports/warehouse.ts';
import { createReports, type Reports } from '../../src/reports/reports.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { forgetfulCache } from '../contract/forgetful-cache.ts';
import type { SentEvent } from './sent.ts';

/** The whole service, taken apart so that everything which can come in another order does: see truth.ts. */

export const streams = 3;
const signal = new AbortController().signal;
const logger = createSilentLogger();

/** A gateway that can be kept from seeing how far a stream has come. */
export interface Gateway {
  readonly reports: Reports;
  /** Ledger rows of the stream from now on are not seen, until all are let go. */
  hold(stream: number): void;
  letGo(): void;
  /** Statements of this label fail from now on. */
  refuse(label: string): void;
}

/** A cache that loses, keeps and spoils what it likes. */
export interface SpoiltCache extends ReportCache {
  /** Forgets every n-th entry. */
  lose(n: number): void;
  /** Puts back, under every n-th key, the first bytes that were ever stored there. */
  putBack(n: number): void;
  /** Makes every n-th entry garbage: cut off, or random bytes. */
  corrupt(n: number, seed: number): void;
}

export interface Position {
  readonly stream: number;
  readonly offset: number;
}

/** Projects and gateways of one random run: what it does to its gateways, its cache and its clock is its own. */
export interface Stage {
  readonly project: string;
  readonly gateways: readonly Gateway[];
  readonly caches: readonly SpoiltCache[];
  /** Keeps nothing and knows nothing from before. */
  readonly plain: Reports;
  /** Milliseconds since 1970. */
  now(): number;
  pass(ms: number): void;
  /** Resolves when the log has it. */
  send(event: SentEvent): Promise<Position & { readonly receivedAt: number }>;
  erase(id: string): Promise<void>;
  stop(): Promise<void>;
}

export interface World {
  readonly warehouse: Warehouse;
  open(gateways: 'one cache' | 'own caches'): Stage;
  /** Batches are stored from now on, and not completed. */
  shut(): void;
  unshut(): void;
  /** Resolves when everything is stored and completed. */
  untilStored(): Promise<void>;
  /** Has the engine put its parts together. */
  mergeParts(): Promise<void>;
  close(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'tallygate-truth-'));
  const metrics = createMetrics();
  const log = await openLmdbLog({
    path: join(folder, 'log'),
    partitions: 2 * streams,
    retentionMs: 3_600_000,
    maxQueuedBytes: 64e6,
    logger,
    metrics,
  });
  const path = join(folder, 'warehouse');
  const warehouse = await openEmbeddedWarehouse({
    path,
    database: 'tallygate',
    reportConnections: 4,
    limits: { seconds: 30, memoryBytes: 4e9, resultRows: 100_000 },
    metrics,
  });
  await warehouse.migrate();
  let shut: PromiseWithResolvers<void> | null = null;
  const consumption = await startSink({
    log,
    warehouse: {
      ...warehouse,
      async insert(table, lines, options) {
        if (table === 'ledger' && options.token.endsWith(':completed')) await shut?.promise;
        await warehouse.insert(table, lines, options);
      },
    },
    metrics,
    logger,
    whileLeading: (leading) => runDeletions({ warehouse, logger, metrics, everyMs: 20 }, leading),
    options: {
      group: 'truth',
      batchRows: 1000,
      batchBytes: 32e6,
      lingerMs: 1,
      windowHours: 100_000,
      verifyRecent: false,
    },
  });
  const deletions = createDeletions({ log, warehouse });
  let stages = 0;

  const unshut = () => {
    shut?.resolve();
    shut = null;
  };

  return {
    warehouse,
    open(kind) {
      const project = `p${++stages}`;
      let offset = 0;
      const now = () => Date.now() + offset;
      let arrival = 0;
      const tracker = createTracker({ log, metrics, retentionDays: undefined, clock: () => arrival });
      const caches = kind === 'one cache' ? [createSpoiltCache()] : [createSpoiltCache(), createSpoiltCache()];
      const open = (on: Warehouse, cache: ReportCache) =>
        createReports({ log, warehouse: on, cache, logger, metrics, clock: now });
      const gateways = [0, 1].map((i): Gateway => {
        const { seen, ...more } = createLateWarehouse(warehouse);
        return { reports: open(seen, caches[i % caches.length] as ReportCache), ...more };
      });
      const plain = open(warehouse, forgetfulCache);
      return {
        project,
        gateways,
        caches,
        plain,
        now,
        pass(ms) {
          offset += ms;
        },
        async send(event) {
          const receivedAt = now();
          arrival = receivedAt;
          const { results, token } = await tracker.track({ project, keyId: 'truth' }, [event]);
          if (results[0]?.status !== 'ACCEPTED')
            throw new Error(`expected an event that is accepted: ${JSON.stringify(results)}`);
          const [[stream, at]] = [...parseConsistencyToken(token)] as [[number, number]];
          return { stream, offset: at, receivedAt };
        },
        async erase(id) {
          const requested = await deletions.request({ project, keyId: 'truth' }, id);
          while ((await plain.begin(project, signal).deletion(requested.id))?.state !== 'DONE')
            await new Promise((resolve) => setTimeout(resolve, 20));
        },
        async stop() {
          for (const { reports } of gateways) reports.stop();
          plain.stop();
          await Promise.all(caches.map((cache) => cache.close()));
        },
      };
    },
    shut() {
      shut ??= Promise.withResolvers<void>();
    },
    unshut,
    async untilStored() {
      unshut();
      const ends = (await log.inspect()).map(({ end }) => end);
      for (;;) {
        const { rows } = await warehouse.query<{ log_stream: number; last: string }>(
          {
            sql: "SELECT log_stream, max(last_offset) AS last FROM ledger WHERE phase = 'completed' GROUP BY log_stream",
          },
          { label: 'test' },
        );
        const completed = new Map(rows.map(({ log_stream, last }) => [log_stream, Number(last)]));
        if (ends.every((end, partition) => (completed.get(toStreamOf(0, partition)) ?? -1) >= end - 1)) return;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    async mergeParts() {
      const pool = await openEnginePool(path, 1);
      await pool.use('tallygate');
      await (pool.sink as Connection).command({ query: 'OPTIMIZE TABLE events FINAL' } as never);
      await pool.close();
    },
    async close() {
      unshut();
      await consumption.stop(10_000);
      await Promise.allSettled([log.close(), warehouse.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const liveStreams = Array.from({ length: streams }, (_, i) => toStreamOf(0, toLogPartition(liveLane, i)));

export function includes(vector: PositionVector, { stream, offset }: Position): boolean {
  return offset <= (vector.get(stream) ?? -1);
}

/** As a replica of the ledger to which some rows have not come yet. */
function createLateWarehouse(warehouse: Warehouse) {
  const held = new Set<number>();
  const refused = new Set<string>();
  return {
    seen: {
      ...warehouse,
      async query<Row>(statement: Statement, options: QueryOptions): Promise<QueryResult<Row>> {
        if (refused.has(options.label)) throw new Error('refused');
        const result = await warehouse.query<Row>(statement, options);
        if (options.label !== 'ledger' || held.size === 0) return result;
        const rows = result.rows.filter((row) => !held.has((row as { log_stream: number }).log_stream));
        return { ...result, rows };
      },
    },
    hold: (stream: number) => void held.add(stream),
    letGo: () => held.clear(),
    refuse: (label: string) => void refused.add(label),
  };
}

function createSpoiltCache(): SpoiltCache {
  const inner = createMemoryCache({ maxBytes: 64e6, metrics: createMetrics() });
  const first = new Map<string, Buffer>();
  const lost = new Set<string>();
  const put = (entries: readonly (readonly [string, Buffer])[]) =>
    void inner.setMany(entries.map(([key, value]) => ({ key, value, ttlSeconds: 3600 })));
  const every = (n: number) => [...first].filter((_, i) => i % n === 0);
  return {
    ...inner,
    async getMany(keys) {
      const values = await inner.getMany(keys);
      return values.map((value, i) => (lost.has(keys[i] as string) ? undefined : value));
    },
    async setMany(entries) {
      for (const { key, value } of entries) {
        lost.delete(key);
        if (!first.has(key)) first.set(key, Buffer.from(value));
      }
      await inner.setMany(entries);
    },
    lose: (n) => {
      for (const [key] of every(n)) lost.add(key);
    },
    putBack: (n) => put(every(n)),
    corrupt: (n, seed) =>
      put(
        every(n).map(([key, value], i) => [
          key,
          (seed + i) % 2 === 0
            ? value.subarray(0, Math.floor((value.length * ((seed + i) % 7)) / 7))
            : Buffer.from(value.map((_, at) => (at * 131 + seed * 17 + i * 7) % 256)),
        ]),
      ),
  };
}
