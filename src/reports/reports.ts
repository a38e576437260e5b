import type { EventLog } from '../ports/event-log.ts';
import type { ReportCache } from '../ports/report-cache.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createBalanceWatch } from './balance-watch.ts';
import { runCatalog } from './catalog.ts';
import { createCells } from './cells.ts';
import { type DeadLettersInput, runDeadLetters } from './dead-letters.ts';
import { type EventRowsInput, openEventRows } from './event-rows.ts';
import { runEventStatus } from './event-status.ts';
import { type EventsInput, runEvents } from './events.ts';
import { type FunnelInput, runFunnel } from './funnel.ts';
import { createIdentities } from './identity.ts';
import { readWindowHours, runIngestion } from './ingestion.ts';
import { runLedger } from './ledger.ts';
import { type LifecycleInput, runLifecycle } from './lifecycle.ts';
import { type LiveInput, runLive } from './live.ts';
import { type PathsInput, runPaths } from './paths.ts';
import { type PersonInput, runPerson } from './person.ts';
import type { Interval, RangeInput } from './range.ts';
import { type RetentionInput, runRetention } from './retention.ts';
import { createSession, type FreshnessInput } from './session.ts';
import { runSessions, type SessionsInput } from './sessions.ts';
import { runStickiness, type StickinessInput } from './stickiness.ts';
import { runTopValues, type TopValuesInput } from './top-values.ts';
import { runTrend, type TrendInput } from './trend.ts';
import { createVersions } from './versions.ts';
import { createWatermarkReader } from './watermark.ts';

interface ReportsDeps {
  readonly log: EventLog;
  readonly warehouse: Warehouse;
  readonly cache: ReportCache;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock?: () => number;
}

export type Reports = ReturnType<typeof createReports>;
/** Every report of one operation. */
export type ReportRequest = ReturnType<Reports['begin']>;

/** The read path. One `begin` for each GraphQL operation: what it hands out shares one moment and one look into the cache. */
export function createReports({ log, warehouse, cache, logger, metrics, clock = Date.now }: ReportsDeps) {
  const watermark = createWatermarkReader({ log, warehouse, logger, metrics, clock });
  const versions = createVersions(warehouse, watermark);
  const identities = createIdentities(warehouse, versions);
  const cells = createCells({ cache, warehouse, metrics });
  const balance = createBalanceWatch({ warehouse, metrics, logger, clock });
  return {
    begin(project: string, signal: AbortSignal) {
      const session = createSession({ project, signal, cells, versions, identities, watermark, warehouse, clock });
      return {
        trend: (input: TrendInput) => runTrend(session, input),
        funnel: (input: FunnelInput) => runFunnel(session, input),
        retention: (input: RetentionInput) => runRetention(session, input),
        sessions: (input: SessionsInput) => runSessions(session, input),
        paths: (input: PathsInput) => runPaths(session, input),
        topValues: (input: TopValuesInput) => runTopValues(session, input),
        live: (input: LiveInput) => runLive(session, input),
        lifecycle: (input: LifecycleInput) => runLifecycle(session, input),
        stickiness: (input: StickinessInput) => runStickiness(session, input),
        events: (input: EventsInput) => runEvents(session, input),
        eventRows: (input: EventRowsInput) => openEventRows(session, input),
        person: (input: PersonInput) => runPerson(session, input),
        catalog: (freshness: FreshnessInput | null | undefined) => runCatalog(session, freshness),
        eventStatus: (messageIds: readonly string[]) => runEventStatus(session, watermark, log, messageIds),
        deadLetters: (input: DeadLettersInput) => runDeadLetters(session, input),
        ingestion: () => runIngestion(watermark),
        dedupWindowHours: () => readWindowHours(warehouse, signal),
        ledger: (input: { readonly range: RangeInput; readonly by?: Interval | null | undefined }) =>
          runLedger(session, warehouse, watermark, input, clock()),
      };
    },
    stop() {
      watermark.stop();
      balance.stop();
    },
  };
}
