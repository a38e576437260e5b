import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/**
 * Every metric of the service, declared once; docs/metrics.md lists them and a test compares both ways.
 * Labels hold only small closed sets, and a project's name: never an id, an event or a property.
 */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  return {
    registry,
    /** Event loop delay, memory, CPU, handles: prom-client's defaults. Once a process. */
    collectProcessMetrics: () => collectDefaultMetrics({ register: registry, prefix: 'tallygate_' }),
    httpSeconds: new Histogram({
      name: 'tallygate_http_seconds',
      help: 'Duration of HTTP requests.',
      labelNames: ['route', 'status'],
      buckets: seconds,
      registers,
    }),
    httpInFlight: new Gauge({
      name: 'tallygate_http_in_flight',
      help: 'HTTP requests that are being answered.',
      registers,
    }),
    fastLane: new Counter({
      name: 'tallygate_graphql_requests_total',
      help: 'GraphQL requests by the lane that executed them.',
      labelNames: ['lane'],
      registers,
    }),
    eventsReceived: new Counter({
      name: 'tallygate_events_total',
      help: 'Events by what the gateway answered.',
      labelNames: ['project', 'status'],
      registers,
    }),
    eventsRejected: new Counter({
      name: 'tallygate_events_rejected_total',
      help: 'Rejected and dead-lettered events by code.',
      labelNames: ['project', 'code'],
      registers,
    }),
    appendSeconds: new Histogram({
      name: 'tallygate_log_append_seconds',
      help: 'Time from an append to its durability.',
      buckets: seconds,
      registers,
    }),
    appendErrors: new Counter({
      name: 'tallygate_log_append_errors_total',
      help: 'Appends that failed, by error code.',
      labelNames: ['code'],
      registers,
    }),
    logQueuedBytes: new Gauge({
      name: 'tallygate_log_queued_bytes',
      help: 'Bytes that wait for the log to take them.',
      registers,
    }),
    sinkRows: new Counter({
      name: 'tallygate_sink_rows_total',
      help: 'Records by what the sink did with them.',
      labelNames: ['outcome'],
      registers,
    }),
    sinkInsertSeconds: new Histogram({
      name: 'tallygate_sink_insert_seconds',
      help: "Duration of the sink's inserts of events.",
      buckets: seconds,
      registers,
    }),
    sinkBatchRows: new Histogram({
      name: 'tallygate_sink_batch_rows',
      help: 'Rows of one insert.',
      buckets: [1, 10, 100, 1000, 5000, 10_000, 25_000, 50_000, 100_000],
      registers,
    }),
    deletionsOpen: new Gauge({
      name: 'tallygate_deletions_open',
      help: 'Deletions of persons that were asked for and are not done, in the sink that does them.',
      registers,
    }),
    deletedRows: new Counter({
      name: 'tallygate_deleted_rows_total',
      help: 'Rows that deletions of persons took out, by the table.',
      labelNames: ['table'] as const,
      registers,
    }),
    sinkRepaired: new Counter({
      name: 'tallygate_sink_repaired_rows_total',
      help: 'Rows that a replay found missing and stored.',
      registers,
    }),
    sinkLag: new Gauge({
      name: 'tallygate_sink_lag_records',
      help: 'Records of the log that are not in the warehouse yet.',
      labelNames: ['lane', 'partition'],
      registers,
    }),
    ledgerUnbalanced: new Gauge({
      name: 'tallygate_ledger_unbalanced',
      help: 'Ranges of the log, completed of late, whose records the ledger does not account for exactly.',
      registers,
    }),
    dedupConflicts: new Counter({
      name: 'tallygate_dedup_conflicts_total',
      help: 'Records left out as repeats whose content differs from what came first.',
      registers,
    }),
    dedupIds: new Gauge({
      name: 'tallygate_dedup_ids',
      help: 'messageIds that the window of repeats remembers.',
      registers,
    }),
    dedupLookups: new Counter({
      name: 'tallygate_dedup_lookups_total',
      help: 'messageIds that the warehouse was asked for, since memory could not say whether they are repeats.',
      labelNames: ['lane'],
      registers,
    }),
    dedupBytes: new Gauge({
      name: 'tallygate_dedup_bytes',
      help: 'Memory of the window of repeats, of all partitions of this process.',
      registers,
    }),
    dedupWindowHours: new Gauge({
      name: 'tallygate_dedup_window_hours',
      help: 'Hours that the window of repeats covers, in the partition where it is shortest.',
      registers,
    }),
    dedupRebuildSeconds: new Histogram({
      name: 'tallygate_dedup_rebuild_seconds',
      help: 'Time to rebuild the window of repeats of one partition.',
      buckets: seconds,
      registers,
    }),
    statementSeconds: new Histogram({
      name: 'tallygate_statement_seconds',
      help: 'Duration of ClickHouse statements.',
      labelNames: ['label', 'outcome'],
      buckets: seconds,
      registers,
    }),
    statementRows: new Counter({
      name: 'tallygate_statement_rows_read_total',
      help: 'Rows that ClickHouse statements read.',
      labelNames: ['label'],
      registers,
    }),
    cells: new Counter({
      name: 'tallygate_report_cells_total',
      help: 'Cells of reports by where they came from.',
      labelNames: ['source'],
      registers,
    }),
    exports: new Counter({
      name: 'tallygate_exports_total',
      help: 'Exports by how they ended: ok, or the code of what ended them.',
      labelNames: ['report', 'format', 'outcome'],
      registers,
    }),
    exportsRunning: new Gauge({
      name: 'tallygate_exports_running',
      help: 'Exports that are being written.',
      registers,
    }),
    exportRows: new Counter({
      name: 'tallygate_export_rows_total',
      help: 'Rows that exports have written.',
      labelNames: ['report', 'format'],
      registers,
    }),
    exportBytes: new Counter({
      name: 'tallygate_export_bytes_total',
      help: 'Bytes that exports have written.',
      labelNames: ['report', 'format'],
      registers,
    }),
    subscriptions: new Gauge({
      name: 'tallygate_subscriptions_active',
      help: 'Subscriptions that are being served.',
      labelNames: ['field', 'transport'] as const,
      registers,
    }),
    subscriptionMessages: new Counter({
      name: 'tallygate_subscription_messages_total',
      help: 'Messages that subscribers were sent.',
      labelNames: ['field', 'transport'] as const,
      registers,
    }),
    subscriptionsCut: new Counter({
      name: 'tallygate_subscriptions_cut_total',
      help: 'Connections of subscribers that were closed from here, by the reason.',
      labelNames: ['transport', 'reason'] as const,
      registers,
    }),
    subscriptionBytes: new Gauge({
      name: 'tallygate_subscription_bytes',
      help: 'Memory of what waits for subscribers and of what is kept to tell them of changes, about.',
      registers,
    }),
    liveEventsLost: new Counter({
      name: 'tallygate_live_events_lost_total',
      help: 'Events that were left out for a subscriber of liveEvents, who is told.',
      registers,
    }),
    cacheOperations: new Counter({
      name: 'tallygate_cache_operations_total',
      help: 'Operations of the report cache by outcome.',
      labelNames: ['operation', 'outcome'],
      registers,
    }),
    cacheBreaker: new Gauge({
      name: 'tallygate_cache_breaker_open',
      help: '1 while the report cache is being left alone.',
      registers,
    }),
    watermarkAge: new Gauge({
      name: 'tallygate_watermark_age_seconds',
      help: 'Age of the moment up to which every acknowledged live event is in the reports.',
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
