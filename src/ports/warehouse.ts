/**
 * ClickHouse, in-process or behind HTTP: one dialect, one set of tables. Implementation: adapters/clickhouse.
 * The contract suite is test/contract/warehouse.ts.
 */

/** SQL whose values are all typed parameters, `{name:Type}`. */
export interface Statement {
  readonly sql: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

export interface StatementLimits {
  /** Seconds of execution. */
  readonly seconds: number;
  /** Bytes of memory for this statement. */
  readonly memoryBytes: number;
  /** Rows that the statement may return. */
  readonly resultRows: number;
}

export interface QueryOptions {
  /** A short constant name for metrics and logs: trend, ledger... */
  readonly label: string;
  /** When set, the engine itself hides every other project's rows from the statement. */
  readonly project?: string;
  readonly limits?: Partial<StatementLimits>;
  /** Aborting it ends the statement on the server, too. */
  readonly signal?: AbortSignal;
  /** Statements of one lane never wait behind those of another. Default: reports. */
  readonly lane?: 'reports' | 'sink' | 'ledger';
}

export interface QueryResult<Row> {
  /** 64-bit integers come as strings. */
  readonly rows: readonly Row[];
  readonly rowsRead: number;
  readonly elapsedMs: number;
  /** Names the statement in the warehouse's own log. */
  readonly queryId?: string;
}

export interface InsertOptions {
  /** The engine stores one insert for a token, also in what materialized views feed, however often it is sent. */
  readonly token: string;
}

export interface Warehouse {
  /**
   * Rejects with WAREHOUSE_UNAVAILABLE (retriable), QUERY_TOO_EXPENSIVE (a limit was hit; details say which),
   * CANCELLED (the signal), INTERNAL (the statement is wrong).
   */
  query<Row>(statement: Statement, options: QueryOptions): Promise<QueryResult<Row>>;
  /**
   * Stores lines of JSONEachRow, on disk when it resolves. Rejects with BAD_ROWS when the engine refuses the data itself, in which
   * case nothing was stored, and WAREHOUSE_UNAVAILABLE otherwise, in which case anything may have happened.
   */
  insert(table: string, lines: Buffer, options: InsertOptions): Promise<void>;
  /** Applies pending migrations in order, each once; resolves with the names of those applied now. */
  migrate(): Promise<readonly string[]>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** A warehouse that can also take rows out again. Storing and reporting never do: `tallygate dedupe` and deletions of persons do. */
export interface CorrectableWarehouse extends Warehouse {
  /**
   * Deletes the rows of `events`, and of `identity_edges`, at these positions of a stream; no statement that begins when it has resolved sees them.
   * Safe to do again. Rejects with WAREHOUSE_UNAVAILABLE (retriable): any of them may be gone.
   */
  removeEvents(stream: number, offsets: readonly number[]): Promise<void>;
  /** The same for the rows of `dead_letters`. */
  removeDeadLetters(stream: number, offsets: readonly number[]): Promise<void>;
  /** Rewrites what still holds the bytes of removed rows, so that they are on no disk of the engine but in parts that it is about to drop. */
  purge(): Promise<void>;
}
