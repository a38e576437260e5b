import { hash } from 'node:crypto';
import { isTallygateError } from '../../errors.ts';
import type { QueryOptions, QueryResult, Statement } from '../../ports/warehouse.ts';

export interface ExplainedStatement {
  readonly id: string;
  readonly label: string;
  readonly lane: NonNullable<QueryOptions['lane']>;
  /** Ids of the cells whose rows it computed. */
  readonly cells: readonly string[];
  readonly rowsRead: number;
  /** Rows that it answered. */
  readonly rows: number;
  readonly elapsedMs: number;
  /** Its name in the warehouse's own log; null when it failed. */
  readonly queryId: string | null;
  /** Equal for equal SQL. */
  readonly sha: string;
  /** With the names and types of its parameters instead of their values, which may be personal; cut when it is long. */
  readonly sql: string;
  /** Code of the error that it failed with. */
  readonly error: string | null;
}

export type RunStatement = <R>(
  statement: Statement,
  options: QueryOptions,
  query: () => Promise<QueryResult<R>>,
) => Promise<QueryResult<R>>;

type RunForCell = <R>(
  statement: Statement,
  options: QueryOptions,
  query: () => Promise<QueryResult<R>>,
  cell: string | null,
) => Promise<QueryResult<R>>;

interface Recorded {
  readonly statement: Statement;
  readonly options: QueryOptions;
  readonly cells: Set<string>;
  outcome: Pick<ExplainedStatement, 'rowsRead' | 'rows' | 'elapsedMs' | 'queryId' | 'error'> | null;
}

const longestSql = 4000;

/** The statements of one operation. One that is run for several cells is there once. */
export function createStatementList(): { readonly run: RunForCell; toExplained(): ExplainedStatement[] } {
  const recorded: Recorded[] = [];

  const record = (statement: Statement, options: QueryOptions, cell: string | null): Recorded => {
    const known = recorded.find((one) => one.statement === statement);
    const one = known ?? { statement, options, cells: new Set<string>(), outcome: null };
    if (!known) recorded.push(one);
    if (cell !== null) one.cells.add(cell);
    return one;
  };

  return {
    async run(statement, options, query, cell) {
      const one = record(statement, options, cell);
      const started = performance.now();
      try {
        const result = await query();
        const { rows, rowsRead, elapsedMs, queryId = null } = result;
        one.outcome = { rowsRead, rows: rows.length, elapsedMs, queryId, error: null };
        return result;
      } catch (thrown) {
        const error = isTallygateError(thrown) ? thrown.code : 'INTERNAL';
        one.outcome = { rowsRead: 0, rows: 0, elapsedMs: performance.now() - started, queryId: null, error };
        throw thrown;
      }
    },
    toExplained: () => recorded.map(toExplained),
  };
}

function toExplained({ statement, options, cells, outcome }: Recorded, i: number): ExplainedStatement {
  const { rowsRead = 0, rows = 0, elapsedMs = 0, queryId = null, error = 'UNANSWERED' } = outcome ?? {};
  const sql = statement.sql.replaceAll(/\s+/g, ' ').trim();
  return {
    id: `s${i + 1}`,
    label: options.label,
    lane: options.lane ?? 'reports',
    cells: [...cells],
    rowsRead,
    rows,
    elapsedMs: Math.round(elapsedMs * 100) / 100,
    queryId,
    sha: hash('sha256', statement.sql).slice(0, 12),
    sql: sql.length > longestSql ? `${sql.slice(0, longestSql)} [...]` : sql,
    error,
  };
}
