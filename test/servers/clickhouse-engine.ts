import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { scanStatement } from './clickhouse-sql.ts';

/** What the ClickHouse process needs of the engine, in one statement. */
export interface EngineStatement {
  readonly queryId: string;
  readonly database: string;
  /** The name of each parameter without "param_"; values in the form that the HTTP interface takes. */
  readonly params: readonly (readonly [string, string])[];
  readonly settings: readonly (readonly [string, string])[];
  /** Format of an answer to a statement that names none. */
  readonly format: string;
  readonly sql: string;
  /** Data that follows the statement: rows of an INSERT. */
  readonly data: Buffer | undefined;
}

export interface EngineAnswer {
  readonly bytes: Buffer;
  readonly summary: Readonly<Record<string, string>>;
}

/** A failure as the engine words it, with ClickHouse's own code. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Engine {
  readonly version: string;
  run(statement: EngineStatement): Promise<EngineAnswer>;
  /** Ends the statement with this id, if it runs. */
  cancel(queryId: string): Promise<void>;
  close(): void;
}

type NativeConnection = { readonly connection: unique symbol };

// The typed surface of chdb closes a connection only when every other one is idle, so it would pile up connections of
// 370 KB each beside one long statement; and its inserts take known formats only. Hence the layer below it.
interface Native {
  CreateConnection(path: string, settings: readonly string[]): NativeConnection;
  CloseConnection(connection: NativeConnection): void;
  QueryAsyncConnection(
    connection: NativeConnection,
    sql: string,
    format: string,
  ): Promise<{ bytes: Uint8Array; elapsed: number; rowsRead: number; bytesRead: number }>;
  InsertRawAsyncConnection(
    connection: NativeConnection,
    prefix: string,
    data: Buffer,
    countLines: boolean,
  ): Promise<{ elapsed: number; rowsWritten: number; bytesWritten: number }>;
}

// Known to chDB alone and used for remote() alone, so no client of the process sets it.
const markSetting = 'chdb_client_name';
// chDB differs from the server in this default: a word by itself would be a query.
const serverDefaults = [['implicit_select', '0']] as const;

/**
 * Opens the engine on a folder; one process may open one folder, and one process at a time may open it. `configFile`: a
 * configuration of ClickHouse, of which it reads `users_config`.
 */
export async function openEngine(path: string, configFile?: string): Promise<Engine> {
  const native = loadNative();
  const startSettings = configFile === undefined ? [] : [`--config-file=${configFile}`];
  const scratch = `${path}-inserts`;
  rmSync(scratch, { recursive: true, force: true }); // of a process that was killed
  mkdirSync(scratch, { recursive: true });
  const control = native.CreateConnection(path, startSettings); // the engine lives as long as it has a connection
  const ask = async (sql: string) =>
    Buffer.from((await native.QueryAsyncConnection(control, sql, 'TabSeparatedRaw')).bytes)
      .toString()
      .trim();
  const version = await ask('SELECT version()');

  async function insert(connection: NativeConnection, before: string, { sql, data }: EngineStatement): Promise<Counts> {
    if (/\binput\s*\(/i.test(sql))
      // the engine would store nothing and not say so
      throw new EngineError(48, 'INSERT ... FROM input() is not supported by this process. (NOT_IMPLEMENTED)');
    if (data && isBlank(data)) return { elapsed: 0 };
    const { clausesAt, dataAt } = scanStatement(sql);
    const rows = data ?? Buffer.from(dataAt === -1 ? '' : sql.slice(dataAt));
    if (dataAt !== -1 && rows.includes('\n\n')) {
      // A blank line ends the data for the engine, which takes what follows for another statement. Not so in a file.
      const file = join(scratch, randomUUID());
      await writeFile(file, rows);
      const fromFile = `${sql.slice(0, clausesAt)} FROM INFILE ${toLiteral(file)} ${sql.slice(clausesAt, dataAt)}`;
      const inserted = native.InsertRawAsyncConnection(connection, before, Buffer.from(fromFile), false);
      return inserted.finally(() => rm(file, { force: true }));
    }
    const [prefix, rest] = data ? [`${before}${sql}`, data] : [before, Buffer.from(sql)];
    return native.InsertRawAsyncConnection(connection, prefix, rest, false);
  }

  return {
    version,
    async run(statement) {
      // Every statement has a connection of its own (0.3 ms): settings, parameters and the current database go with it.
      const connection = native.CreateConnection(path, startSettings);
      try {
        const before = toPreamble(statement);
        if (scanStatement(statement.sql).verb === 'INSERT') {
          const inserted = await insert(connection, before, statement);
          return { bytes: Buffer.alloc(0), summary: toSummary(inserted) };
        }
        const sql = statement.data ? `${statement.sql}\n${statement.data}` : toKillByMark(statement.sql);
        const result = await native.QueryAsyncConnection(connection, `${before}${sql}`, statement.format);
        return { bytes: Buffer.from(result.bytes), summary: toSummary(result) };
      } catch (cause) {
        throw toEngineError(cause);
      } finally {
        native.CloseConnection(connection);
      }
    },
    async cancel(queryId) {
      await ask(`KILL QUERY WHERE Settings['${markSetting}'] = ${toLiteral(queryId)} ASYNC`);
    },
    close() {
      native.CloseConnection(control);
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

function loadNative(): Native {
  const require = createRequire(import.meta.url);
  return require(join(dirname(require.resolve('chdb/package.json')), 'dist', 'loader.js')).loadNative();
}

function toPreamble({ queryId, database, params, settings }: EngineStatement): string {
  const assignments = [
    ...serverDefaults,
    ...params.map(([name, value]) => [`param_${name}`, value] as const),
    ...settings.filter(([name]) => name !== 'readonly'),
    [markSetting, queryId] as const,
    ...settings.filter(([name]) => name === 'readonly'), // after it nothing may be set any more
  ];
  const sets = assignments.map(([name, value]) => `SET ${name} = ${toLiteral(value)};\n`).join('');
  return `USE \`${database.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\`;\n${sets}`;
}

/** The engine gives its statements ids of its own; the one that the client gave is in the mark. */
function toKillByMark(sql: string): string {
  return scanStatement(sql).verb === 'KILL' ? sql.replace(/\bquery_id\b/gi, `Settings['${markSetting}']`) : sql;
}

function toLiteral(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

const isBlank = (data: Buffer) => data.length < 1024 && data.toString().trim() === '';

interface Counts {
  readonly elapsed: number;
  readonly rowsRead?: number;
  readonly bytesRead?: number;
  readonly rowsWritten?: number;
  readonly bytesWritten?: number;
}

function toSummary(counts: Counts): Record<string, string> {
  return {
    read_rows: String(counts.rowsRead ?? counts.rowsWritten ?? 0),
    read_bytes: String(counts.bytesRead ?? counts.bytesWritten ?? 0),
    written_rows: String(counts.rowsWritten ?? 0),
    written_bytes: String(counts.bytesWritten ?? 0),
    total_rows_to_read: '0',
    result_rows: String(counts.rowsWritten ?? 0),
    result_bytes: String(counts.bytesWritten ?? 0),
    elapsed_ns: String(Math.round(counts.elapsed * 1e9)),
  };
}

function toEngineError(thrown: unknown): EngineError {
  if (thrown instanceof EngineError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const found = /Code: (\d+)\. DB::Exception: ([\s\S]*)$/.exec(message);
  return new EngineError(Number(found?.[1] ?? 1002), found?.[2] ?? message);
}
