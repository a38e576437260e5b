import type { EventLog } from '../ports/event-log.ts';
import type { ReportCache } from '../ports/report-cache.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createCells } from './cells/cells.ts';
import { createFinished, type ReportInput } from './cells/finished.ts';
import {
  type CohortInput,
  deleteCohort,
  runCohort,
  runCohorts,
  type SaveCohortInput,
  saveCohort,
} from './definitions/cohort.ts';
import { createCohortMembers } from './definitions/cohort-members.ts';
import { createDefinitions, type DeleteInput } from './definitions/definitions.ts';
import { createSavedReports } from './definitions/saved-report.ts';
import { createEntityReports } from './entity-reports.ts';
import { type EventsAsked, type EventsInput, runEvents } from './events/events.ts';
import { createFeedMemory } from './events/feed-memory.ts';
import { runLive } from './events/live.ts';
import { createLiveEvents } from './events/live-events.ts';
import { createPulse } from './events/pulse.ts';
import { type EventRowsInput, openEventRows } from './events/rows.ts';
import type { Recorder } from './explain/explain.ts';
import { createSinceReader } from './explain/touches.ts';
import type { FilterInput } from './filter/filter.ts';
import { runFunnel } from './funnel/funnel.ts';
import { createIdentities } from './identity/identity.ts';
import { createMerges } from './identity/merges.ts';
import { runLifecycle } from './lifecycle.ts';
import { createBalanceWatch } from './moment/balance-watch.ts';
import { runLedger } from './moment/ledger.ts';
import type { FreshnessInput } from './moment/moment.ts';
import { createVersions } from './moment/versions.ts';
import { createWatermarkReader } from './moment/watermark.ts';
import { runCatalog } from './names/catalog.ts';
import { createNamesReader } from './names/known.ts';
import { withNameWarnings, withWarningsAbout } from './names/names.ts';
import { runPaths } from './paths/paths.ts';
import { type Person, type PersonAsked, type PersonInput, runPerson, type TimelineInput } from './person.ts';
import type { Change } from './price/change.ts';
import { createEventCounts } from './price/facts.ts';
import { createDrySession, type DrySession } from './price/session.ts';
import type { Interval, RangeInput } from './range.ts';
import { runRetention } from './retention/retention.ts';
import { createLargeShapes, createSession, type ReportMeta, type Session } from './session.ts';
import { runSessions } from './sessions/sessions.ts';
import { type DeadLettersInput, runDeadLetters } from './status/dead-letters.ts';
import { runDeletion, runDeletions } from './status/deletions.ts';
import { runEventStatus } from './status/event-status.ts';
import { readWindowHours, runIngestion } from './status/ingestion.ts';
import { runStickiness } from './stickiness.ts';
import { runTopValues } from './top-values.ts';
import { createTrendFeeds } from './trend/changes.ts';
import { runTrend, type TrendAsked, type TrendInput } from './trend/trend.ts';

interface ReportsDeps {
  readonly log: EventLog;
  readonly warehouse: Warehouse;
  readonly cache: ReportCache;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock?: () => number;
  /** Whether one statement may compute what several reports are missing. */
  readonly fusion?: boolean;
  readonly feeds?: FeedLimits;
}

/** Of subscriptions. */
export interface FeedLimits {
  /** Of what waits for subscribers. */
  readonly memoryBytes: number;
  /** Least time between two computations of one trend, in milliseconds. */
  readonly trendEveryMs: number;
}

const usualFeeds: FeedLimits = { memoryBytes: 128 * 1024 * 1024, trendEveryMs: 1000 };

export type Reports = ReturnType<typeof createReports>;
/** Every report of one operation. */
export type ReportRequest = ReturnType<Reports['begin']>;

/** The read path. One `begin` for each GraphQL operation: what it hands out shares one moment and one look into the cache. */
async function* noMessages(): AsyncGenerator<never> {}

export function createReports({
  log,
  warehouse,
  cache,
  logger,
  metrics,
  clock = Date.now,
  fusion = true,
  feeds = usualFeeds,
}: ReportsDeps) {
  const watermark = createWatermarkReader({ log, warehouse, logger, metrics, clock });
  const versions = createVersions(warehouse, watermark);
  const identities = createIdentities(warehouse, versions);
  const merges = createMerges({ warehouse, watermark, logger, clock });
  const definitions = createDefinitions({ warehouse, clock });
  const cohorts = createCohortMembers(definitions, identities);
  const cells = createCells({ cache, warehouse, metrics, fusion });
  const names = createNamesReader({ warehouse, watermark, logger, clock });
  const finished = createFinished(watermark);
  const balance = createBalanceWatch({ warehouse, metrics, logger, clock });
  const large = createLargeShapes();
  const sources = { versions, identities, cohorts };
  const openSession = (
    project: string,
    signal: AbortSignal,
    { recorder, ...from }: Partial<typeof sources> & { readonly recorder?: Recorder | undefined } = {},
  ) =>
    createSession({
      project,
      signal,
      cells,
      merges,
      large,
      ...sources,
      ...from,
      watermark,
      warehouse,
      clock,
      recorder,
    });
  const pulse = createPulse(watermark, logger);
  const memory = createFeedMemory(feeds.memoryBytes, (used) => metrics.subscriptionBytes.set(used));
  const liveEvents = createLiveEvents({ pulse, watermark, memory, openSession, logger, metrics });
  const trendChanges = createTrendFeeds({
    pulse,
    watermark,
    memory,
    sources,
    openSession,
    runTrend: (session, input) => withNameWarnings(session, names, input, () => runTrend(session, input)),
    everyMs: feeds.trendEveryMs,
    clock,
    logger,
  });
  const counts = createEventCounts(warehouse, clock);
  return {
    /** `recorder`: of an operation that is to be explained; `dry`: nothing is computed, and it knows what would have been. */
    begin(project: string, signal: AbortSignal, recorder?: Recorder, dry: DrySession | null = null) {
      recorder?.begin({
        project,
        cacheState: () => cache.state(),
        since: createSinceReader(warehouse, project, signal),
      });
      const session = dry?.session ?? openSession(project, signal, { recorder });
      const saved = { session, definitions, members: cohorts };
      /** Runs it, and warns about names in its input that nobody knows. */
      const named = <Input extends object, Answer extends { readonly meta: ReportMeta } | null>(
        name: string,
        run: (session: Session, input: Input) => Promise<Answer>,
      ) => {
        if (dry) return (input: Input) => run(session, dry.toInput(input));
        return async (input: Input) => {
          const { asked } = finished.toQuestion(project, name, input);
          return withWarningsAbout(asked, session, names, () => run(session, input));
        };
      };
      /** The same of a report that is finished when it is there: nothing of it is read later, and it depends on the snapshot, the range and the input alone. */
      const remembered = <Input extends ReportInput, Answer extends { readonly meta: ReportMeta }>(
        name: string,
        run: (session: Session, input: Input) => Promise<Answer>,
      ) => {
        // Whoever asks why is told of each cell, and what only has a price is not run.
        if (recorder || dry) return named(name, run);
        return async (input: Input) => {
          const question = finished.toQuestion(project, name, input);
          return withWarningsAbout(question.asked, session, names, () =>
            finished.answer(session, question, input, () => run(session, input)),
          );
        };
      };
      return {
        trend: (input: TrendInput, asked: TrendAsked = { totals: true }) =>
          remembered(asked.totals ? 'trend' : 'trend without totals', (of, wish: TrendInput) =>
            runTrend(of, wish, asked),
          )(input),
        funnel: named('funnel', runFunnel),
        retention: named('retention', runRetention),
        sessions: remembered('sessions', runSessions),
        paths: remembered('paths', runPaths),
        topValues: remembered('topValues', runTopValues),
        live: named('live', runLive),
        lifecycle: named('lifecycle', runLifecycle),
        stickiness: remembered('stickiness', runStickiness),
        events: (input: EventsInput, asked?: EventsAsked) =>
          named('events', (of, wish: EventsInput) => runEvents(of, wish, asked))(input),
        entities: createEntityReports(session, names, dry),
        person: async (input: PersonInput, asked?: PersonAsked) => {
          const person = await runPerson(session, input, asked);
          const timeline = (wish: TimelineInput, of?: EventsAsked) =>
            named('timeline', (_, input: TimelineInput) => (person as Person).timeline(input, of))(wish);
          return person && { ...person, timeline };
        },
        cohort: (input: CohortInput) => runCohort(saved, input),
        cohorts: (freshness: FreshnessInput | null | undefined) => runCohorts(saved, freshness),
        saveCohort: (keyId: string, input: SaveCohortInput) => saveCohort(saved, keyId, input),
        deleteCohort: (keyId: string, input: DeleteInput) => deleteCohort(saved, keyId, input),
        savedReports: createSavedReports(session, definitions),
        eventRows: async (input: EventRowsInput) => {
          // Its pages are read one by one, and come to all the events of the range.
          if (dry) await runEvents(session, dry.toInput({ ...input, first: 1 }));
          return openEventRows(session, input);
        },
        catalog: (freshness: FreshnessInput | null | undefined) => runCatalog(session, freshness),
        eventStatus: (messageIds: readonly string[]) => runEventStatus(session, watermark, log, messageIds),
        deletion: (id: string) => runDeletion(session, id),
        deletions: (first: number) => runDeletions(session, first),
        deadLetters: (input: DeadLettersInput) => runDeadLetters(session, input),
        ingestion: () => runIngestion(watermark),
        dedupWindowHours: () => readWindowHours(warehouse, signal),
        ledger: (input: { readonly range: RangeInput; readonly by?: Interval | null | undefined }) =>
          runLedger(session, warehouse, watermark, input, clock()),
        liveEvents: async (filter: FilterInput | null | undefined, withPerson: boolean) => {
          if (!dry) return liveEvents.open(project, filter, withPerson, signal);
          await liveEvents.readNothing(session, filter, withPerson);
          return noMessages();
        },
        trendChanges: async (input: TrendInput) => {
          if (!dry) return trendChanges.open(project, input, signal);
          await runTrend(session, dry.toInput(input));
          return noMessages();
        },
      };
    },
    /** For `begin`: what the operation would compute, as it is asked or changed. */
    dry: (project: string, signal: AbortSignal, change: Change | null) =>
      createDrySession({ project, signal, cohorts, now: clock(), change }),
    /** What prices are made of. */
    eventCounts: (project: string) => counts.read(project),
    stop() {
      pulse.stop();
      watermark.stop();
      balance.stop();
    },
  };
}
