import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { TallygateError } from '../errors.ts';
import { startReceiptReports } from '../ingest/receipt-reports.ts';
import { createReceipts } from '../ingest/receipts.ts';
import { createTracker } from '../ingest/tracker.ts';
import { createWatermarkReader } from '../reports/moment/watermark.ts';
import { isEmbedded, openLog, openWarehouse, type Telemetry } from '../roles/backends.ts';
import { startSinkPart } from '../roles/sink.ts';
import { createTrackerSend } from './import/tracker-send.ts';
import { createEmbeddedReporter } from './migrate-from/embedded-reporter.ts';
import type { EmbeddedStore } from './migrate-from.ts';

/** How long to wait for the sink once everything is in the log, in milliseconds; the next start goes on from there. */
const drainMs = 120_000;
/** What the last report of receipts may take, in milliseconds. */
const lastReportMs = 5000;

/** An import without a gateway: into the log, and from there into the warehouse, in this process. */
export async function openEmbeddedSend(
  config: Config,
  telemetry: Telemetry,
  asked: string | undefined,
  onToken?: (token: string) => void,
): Promise<EmbeddedStore> {
  const project = toProject(config, asked);
  const log = await openLog(config, telemetry);
  const warehouse = await openWarehouse(config, telemetry);
  if (isEmbedded(config).warehouse) await warehouse.migrate();
  const receipts = createReceipts();
  const receiptReports = await startReceiptReports({ receipts, warehouse, logger: telemetry.logger });
  const { metrics } = telemetry;
  const tracker = createTracker({ log, metrics, receipts, retentionDays: config.RETENTION_DAYS });
  const send = createTrackerSend(tracker, { project, keyId: 'import' }, onToken);
  // With real backends their own sinks store.
  const isOurs = isEmbedded(config).warehouse && isEmbedded(config).log;
  let crash: unknown = null;
  const sink = isOurs ? startSinkPart(config, { log, warehouse }, telemetry, (reason) => (crash = reason)) : null;
  let reports: ReturnType<typeof createEmbeddedReporter> | undefined;
  return {
    send,
    get reporter() {
      reports ??= createEmbeddedReporter({ log, warehouse, telemetry, project });
      return reports.reporter;
    },
    async close() {
      reports?.stop();
      if (sink) {
        const watermark = createWatermarkReader({ log, warehouse, ...telemetry });
        const until = Date.now() + drainMs;
        while (crash === null && Date.now() < until) {
          await watermark.read(0).catch(() => {});
          if (watermark.lag().every(({ lag }) => lag === 0)) break;
          await sleep(100);
        }
        watermark.stop();
        await sink.stop(30_000);
      }
      await receiptReports.stop(lastReportMs);
      await log.close();
      await warehouse.close();
      if (crash !== null) throw crash;
    },
  };
}

function toProject(config: Config, asked: string | undefined): string {
  const projects = [...new Set(config.credentials.map(({ project }) => project))];
  if (asked !== undefined) {
    if (/^[a-z0-9][a-z0-9_-]{0,62}$/.test(asked)) return asked;
    throw new TallygateError(
      'INVALID_INPUT',
      `--project: expected a project's name in lower case, got ${JSON.stringify(asked)}`,
    );
  }
  if (projects.length === 1) return projects[0] as string;
  throw new TallygateError(
    'INVALID_INPUT',
    `expected --project, since there is more than one: ${projects.join(', ') || 'none is set'}`,
  );
}
