import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { TallygateError } from '../errors.ts';
import { createTracker } from '../ingest/tracker.ts';
import { createWatermarkReader } from '../reports/watermark.ts';
import { isEmbedded, openLog, openWarehouse, type Telemetry } from '../roles/backends.ts';
import { startSinkPart } from '../roles/sink.ts';
import { createTrackerSend } from './import/tracker-send.ts';
import type { EmbeddedSend } from './import.ts';

/** How long to wait for the sink once everything is in the log, in milliseconds; the next start goes on from there. */
const drainMs = 120_000;

/** An import without a gateway: into the log, and from there into the warehouse, in this process. */
export async function openEmbeddedSend(
  config: Config,
  telemetry: Telemetry,
  project: string | undefined,
): Promise<EmbeddedSend> {
  const log = await openLog(config, telemetry);
  const warehouse = await openWarehouse(config, telemetry);
  const tracker = createTracker({ log, metrics: telemetry.metrics, retentionDays: config.RETENTION_DAYS });
  const send = createTrackerSend(tracker, { project: toProject(config, project), keyId: 'import' });
  // With real backends their own sinks store.
  const isOurs = isEmbedded(config).warehouse && isEmbedded(config).log;
  let crash: unknown = null;
  const sink = isOurs ? startSinkPart(config, { log, warehouse }, telemetry, (reason) => (crash = reason)) : null;
  return {
    send,
    async close() {
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
