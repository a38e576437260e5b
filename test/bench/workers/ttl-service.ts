import { setTimeout as sleep } from 'node:timers/promises';
import { startSink } from '../../../src/ingest/sink.ts';
import { createTracker, type NewEvent } from '../../../src/ingest/tracker.ts';
import type { ReportCache } from '../../../src/ports/report-cache.ts';
import { createReports } from '../../../src/reports/reports.ts';
import { mebibyte, openStore } from '../../oracle/store.ts';
import { project } from '../report-events.ts';
import { countStatements } from './counted.ts';
import { quietTelemetry } from './telemetry.ts';

/** The embedded service but its HTTP edge, with a clock that stands still until it is moved on, and as many read paths as are compared. */
export async function openTtlService(dir: string, start: number) {
  const { logger, metrics } = quietTelemetry();
  let now = start;
  const clock = () => now;
  const { log, warehouse } = await openStore({
    folder: dir,
    partitions: 2,
    reportConnections: 6,
    memoryBytes: 2048 * mebibyte,
    logger,
    metrics,
  });
  const consumption = await startSink({
    log,
    warehouse,
    metrics,
    logger,
    options: {
      group: 'bench',
      batchRows: 50_000,
      batchBytes: 32 * mebibyte,
      lingerMs: 5,
      windowHours: 48,
      verifyRecent: false,
    },
  });
  const tracker = createTracker({ log, metrics, retentionDays: undefined, clock });
  let sent = 0;

  return {
    clock,
    move: (ms: number) => {
      now += ms;
    },
    /** Resolves when the ledger has them. */
    async send(events: readonly NewEvent[]) {
      const { results, refusal } = await tracker.track({ project, keyId: 'bench' }, events);
      const refused = results.find(({ status }) => status !== 'ACCEPTED');
      if (refusal || refused) throw new Error(`expected every event to be taken, got ${JSON.stringify(refused)}`);
      sent += events.length;
      for (;;) {
        const { rows } = await warehouse.query<{ n: string }>(
          { sql: "SELECT sum(stored) AS n FROM ledger WHERE phase = 'completed'" },
          { label: 'bench', lane: 'ledger' },
        );
        if (Number(rows[0]?.n) === sent) return;
        await sleep(2);
      }
    },
    openReports(cache: ReportCache) {
      const { counting, take } = countStatements(warehouse);
      return { reports: createReports({ log, warehouse: counting, cache, logger, metrics, clock }), take };
    },
    metrics,
    async close() {
      await consumption.stop(10_000);
      await Promise.allSettled([log.close(), warehouse.close()]);
    },
  };
}
