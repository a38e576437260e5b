import { createMemoryCache } from '../../adapters/memory/report-cache.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import { createReports } from '../../reports/reports.ts';
import type { Telemetry } from '../../roles/backends.ts';
import type { Reporter } from './reporter.ts';

const cacheBytes = 16 * 1024 * 1024;

interface EmbeddedReporterDeps {
  readonly log: EventLog;
  readonly warehouse: Warehouse;
  readonly telemetry: Telemetry;
  readonly project: string;
}

/** The reports of this process, as its own gateway would answer them. */
export function createEmbeddedReporter({ log, warehouse, telemetry, project }: EmbeddedReporterDeps) {
  const { logger, metrics } = telemetry;
  const cache = createMemoryCache({ maxBytes: cacheBytes, metrics });
  const reports = createReports({ log, warehouse, cache, logger, metrics });
  const begin = () => reports.begin(project, new AbortController().signal);
  const reporter: Reporter = {
    trend: (input) => begin().trend(input),
    traces: (messageIds) => begin().eventStatus(messageIds),
  };
  return { reporter, stop: () => reports.stop() };
}
