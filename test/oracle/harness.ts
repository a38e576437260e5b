import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryCache } from '../../src/adapters/memory/report-cache.ts';
import { createDeletions } from '../../src/ingest/deletion/request.ts';
import { runDeletions } from '../../src/ingest/deletion/worker.ts';
import { startSink } from '../../src/ingest/sink.ts';
import { createTracker, type Receipt } from '../../src/ingest/tracker.ts';
import type { Warehouse } from '../../src/ports/warehouse.ts';
import { createReports, type ReportRequest, type Reports } from '../../src/reports/reports.ts';
import type { PersonDeletion } from '../../src/reports/status/deletions.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import type { SentBatch } from './sent.ts';
import { mebibyte, openStore } from './store.ts';

/** The whole service but its HTTP edge, in this process: tracker, log, sink, warehouse, cache, reports. */
export interface Service {
  /** A project that nobody has used; one service serves as many as are wanted. */
  openProject(): Project;
  readonly warehouse: Warehouse;
  readonly reports: Reports;
  close(): Promise<void>;
}

export interface Project {
  readonly name: string;
  /** Resolves when the log has them. The tracker's clock shows `receivedAt`. */
  send(batch: SentBatch): Promise<Receipt>;
  /** The reports of one operation. */
  ask(): ReportRequest;
  /** Resolves when the person is deleted. */
  deletePerson(id: string): Promise<PersonDeletion>;
}

/** `partitions` of the log: persons are spread over them. */
export async function openService({ partitions = 3 }: { partitions?: number } = {}): Promise<Service> {
  const folder = await mkdtemp(join(tmpdir(), 'tallygate-oracle-'));
  const logger = createSilentLogger();
  const metrics = createMetrics();
  const { log, warehouse } = await openStore({
    folder,
    partitions,
    reportConnections: 4,
    memoryBytes: 4096 * mebibyte,
    logger,
    metrics,
  });
  const consumption = await startSink({
    log,
    warehouse,
    metrics,
    logger,
    whileLeading: (signal) => runDeletions({ warehouse, logger, metrics, everyMs: 20 }, signal),
    options: {
      group: 'oracle',
      batchRows: 50_000,
      batchBytes: 32 * mebibyte,
      lingerMs: 5,
      // Projects live in different centuries here, and no id of any of them may be forgotten.
      windowHours: 4_000_000,
      verifyRecent: false,
    },
  });
  const cache = createMemoryCache({ maxBytes: 64 * mebibyte, metrics });
  const reports = createReports({ log, warehouse, cache, logger, metrics });
  let now = 0;
  const tracker = createTracker({ log, metrics, retentionDays: undefined, clock: () => now });
  const deletions = createDeletions({ log, warehouse });
  let projects = 0;

  return {
    warehouse,
    reports,
    openProject() {
      const name = `p${++projects}`;
      return {
        name,
        send({ receivedAt, events, sentAt, context }) {
          now = receivedAt;
          return tracker.track({ project: name, keyId: 'oracle' }, events, { sentAt, context });
        },
        ask: () => reports.begin(name, new AbortController().signal),
        async deletePerson(id) {
          const requested = await deletions.request({ project: name, keyId: 'oracle' }, id);
          for (;;) {
            const deletion = await reports.begin(name, new AbortController().signal).deletion(requested.id);
            if (deletion?.state === 'DONE') return deletion;
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        },
      };
    },
    async close() {
      reports.stop();
      await consumption.stop(10_000);
      await Promise.allSettled([log.close(), warehouse.close(), cache.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
