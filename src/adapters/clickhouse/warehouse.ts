import type { ClickHouseClient } from '@clickhouse/client';
import { TallygateError } from '../../errors.ts';
import type {
  CorrectableWarehouse,
  InsertOptions,
  QueryOptions,
  QueryResult,
  Statement,
  StatementLimits,
} from '../../ports/warehouse.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { withSpan } from '../../telemetry/tracing.ts';
import { toInsertFailure, toQueryFailure } from './failures.ts';
import type { InsertLines } from './insert-lines.ts';
import { readMigrations, runMigrations, type Variant } from './migrate.ts';
import { toComment, toPolicies, toTableFilters } from './tenancy.ts';

export interface WarehouseClients {
  /** One for each lane: see QueryOptions. */
  readonly reports: ClickHouseClient;
  readonly sink: ClickHouseClient;
  readonly ledger: ClickHouseClient;
  /** For statements on the lane of reports that are of no project: row policies would show them nothing. */
  readonly everyProject: ClickHouseClient;
  /** On the lane of the sink. */
  readonly insertLines: InsertLines;
  /** Makes the database, and makes it the default. */
  selectDatabase(): Promise<void>;
  close(): Promise<void>;
}

interface WarehouseDeps {
  readonly clients: WarehouseClients;
  readonly variant: Variant;
  /** A user for whom row policies are made. */
  readonly reportsUser: string | undefined;
  readonly limits: StatementLimits;
  readonly metrics: Metrics;
}

const newline = 0x0a;
/** Positions of one statement that deletes: its text has a bound of 256 KiB. */
const mostRemoved = 5000;

/** What makes equal bytes equal rows, whatever the server's defaults. */
export const insertSettings = [
  'async_insert = 0',
  'deduplicate_blocks_in_dependent_materialized_views = 1',
  'insert_deduplicate = 1',
  "date_time_input_format = 'basic'",
  'input_format_skip_unknown_fields = 1',
  'input_format_json_read_objects_as_strings = 1',
  // Else a list of booleans and something else would have none.
  'input_format_json_read_bools_as_numbers = 0',
  'input_format_json_read_bools_as_strings = 0',
  'input_format_try_infer_dates = 0',
  'input_format_try_infer_datetimes = 0',
  'type_json_skip_duplicated_paths = 1',
  // As merges have it: see 0008_paths.sql.
  'max_dynamic_subcolumns_in_json_type_parsing = 128',
  'max_insert_block_size = 1048576',
  'max_partitions_per_insert_block = 100',
];

export function createWarehouse({
  clients,
  variant,
  reportsUser,
  limits,
  metrics,
}: WarehouseDeps): CorrectableWarehouse {
  const { cluster } = variant;
  const clusterInsertSettings = cluster ? ["insert_quorum = 'auto'", 'distributed_foreground_insert = 1'] : [];

  const toSettings = (options: QueryOptions, id: string): string => {
    const bound = { ...limits, ...options.limits };
    const settings = [
      `max_execution_time = ${bound.seconds}`,
      `max_memory_usage = ${Math.round(bound.memoryBytes)}`,
      // Many groups and long lists go to disk rather than be refused.
      `max_bytes_before_external_group_by = ${Math.round(bound.memoryBytes / 4)}`,
      `max_bytes_before_external_sort = ${Math.round(bound.memoryBytes / 4)}`,
      `max_result_rows = ${bound.resultRows}`,
      "result_overflow_mode = 'throw'",
      'output_format_json_quote_64bit_integers = 1',
      // Compiled, a filter that is merged with another takes what it reads for a constant, and a right statement is refused;
      // and most statements are over before it pays off.
      'compile_expressions = 0',
      // There are none, and to look for them takes longer than a small statement has.
      'optimize_use_projections = 0',
      `log_comment = '${toComment(options.project, id)}'`,
    ];
    if (options.project !== undefined) settings.push(toTableFilters(options.project, variant));
    if (cluster) settings.push('prefer_localhost_replica = 1', "distributed_product_mode = 'global'");
    return settings.join(', ');
  };

  const onShards = (table: string) => (cluster ? `${table}_local ON CLUSTER '${cluster}'` : table);

  const remove = async (tables: readonly string[], stream: number, offsets: readonly number[]): Promise<void> => {
    try {
      for (let from = 0; from < offsets.length; from += mostRemoved) {
        const some = offsets.slice(from, from + mostRemoved);
        for (const table of tables)
          await clients.sink.command({
            query: `DELETE FROM ${onShards(table)} WHERE log_stream = ${Number(stream)} AND log_offset IN (${some.map(Number).join(',')}) SETTINGS lightweight_deletes_sync = 2`,
          });
      }
    } catch (thrown) {
      throw toQueryFailure(thrown, 'remove', undefined);
    }
  };

  return {
    async query<Row>(statement: Statement, options: QueryOptions): Promise<QueryResult<Row>> {
      const started = performance.now();
      const lane = options.lane ?? 'reports';
      const client = lane === 'reports' && options.project === undefined ? clients.everyProject : clients[lane];
      const id = crypto.randomUUID();
      try {
        const result = await withSpan(`clickhouse ${options.label}`, { 'db.system.name': 'clickhouse' }, () =>
          client.query({
            query: `${statement.sql}\nSETTINGS ${toSettings(options, id)}`,
            // Half the bytes of one object a row.
            format: 'JSONColumnsWithMetadata',
            query_id: id,
            ...(statement.params ? { query_params: { ...statement.params } } : {}),
            ...(options.signal ? { abort_signal: options.signal } : {}),
          }),
        );
        const { data, statistics } = (await result.json()) as unknown as Columns;
        const elapsedMs = performance.now() - started;
        const rowsRead = Number(statistics?.rows_read ?? 0);
        metrics.statementSeconds.observe({ label: options.label, outcome: 'ok' }, elapsedMs / 1000);
        metrics.statementRows.inc({ label: options.label }, rowsRead);
        return { rows: toRows(data) as Row[], rowsRead, elapsedMs, queryId: id };
      } catch (thrown) {
        const failure = toQueryFailure(thrown, options.label, options.signal);
        metrics.statementSeconds.observe(
          { label: options.label, outcome: failure.code },
          (performance.now() - started) / 1000,
        );
        throw failure;
      }
    },

    async insert(table: string, lines: Buffer, { token }: InsertOptions): Promise<void> {
      // The engine in this process takes what follows an empty line for a statement.
      if (lines.includes('\n\n') || lines[0] === newline)
        throw new TallygateError('BAD_ROWS', `${table}: expected no empty line among the rows`);
      const settings = [
        ...insertSettings,
        ...clusterInsertSettings,
        `insert_deduplication_token = '${assertToken(token)}'`,
      ].join(', ');
      try {
        await clients.insertLines(assertTable(table), settings, lines);
      } catch (thrown) {
        throw toInsertFailure(thrown, table);
      }
    },

    // Events last: as long as they are there, it is known that the rest has to go.
    removeEvents: (stream, offsets) => remove(['identity_edges', 'events'], stream, offsets),
    removeDeadLetters: (stream, offsets) => remove(['dead_letters'], stream, offsets),

    async purge() {
      try {
        for (const table of ['identity_edges', 'events', 'dead_letters'])
          await clients.sink.command({
            query: `ALTER TABLE ${onShards(table)} APPLY DELETED MASK SETTINGS mutations_sync = 2`,
          });
      } catch (thrown) {
        throw toQueryFailure(thrown, 'purge', undefined);
      }
    },

    async migrate() {
      const command = async (sql: string) => {
        await clients.sink.command({ query: sql });
      };
      try {
        await clients.selectDatabase();
        const onCluster = cluster ? `ON CLUSTER '${cluster}'` : '';
        const engine = cluster
          ? "ReplicatedMergeTree('/clickhouse/tables/all/{database}/{table}', '{replica}')"
          : 'MergeTree';
        await command(
          `CREATE TABLE IF NOT EXISTS migrations ${onCluster} (name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = ${engine} ORDER BY name`,
        );
        const applied = await runMigrations(readMigrations(variant), {
          command,
          applied: async () => {
            const result = await clients.sink.query({ query: 'SELECT name FROM migrations', format: 'JSONEachRow' });
            return (await result.json<{ name: string }>()).map(({ name }) => name);
          },
          record: (name) => command(`INSERT INTO migrations (name) SETTINGS async_insert = 0 VALUES ('${name}')`),
        });
        // Each time: a policy that somebody took away comes back, and a new table gets one.
        if (reportsUser !== undefined) for (const policy of toPolicies(variant, reportsUser)) await command(policy);
        return applied;
      } catch (thrown) {
        throw toQueryFailure(thrown, 'migrate', undefined);
      }
    },

    async ping() {
      const answer = await clients.sink.ping();
      if (!answer.success) throw toQueryFailure(answer.error, 'ping', undefined);
    },

    close: () => clients.close(),
  };
}

/** An answer in the format JSONColumnsWithMetadata. */
interface Columns {
  readonly data: Readonly<Record<string, readonly unknown[]>>;
  readonly statistics?: { readonly rows_read: number };
}

function toRows(columns: Columns['data']): Record<string, unknown>[] {
  const names = Object.keys(columns);
  const values = Object.values(columns);
  return (values[0] ?? []).map((_, i) => {
    const row: Record<string, unknown> = {};
    for (let place = 0; place < names.length; place++) row[names[place] as string] = values[place]?.[i];
    return row;
  });
}

function assertTable(table: string): string {
  if (!/^[a-z_]{1,60}$/.test(table)) throw new RangeError(`expected a table's name, got ${JSON.stringify(table)}`);
  return table;
}

function assertToken(token: string): string {
  if (!/^[\w:.-]{1,200}$/.test(token))
    throw new RangeError(`expected a token of letters, digits and :.-, got ${JSON.stringify(token)}`);
  return token;
}
