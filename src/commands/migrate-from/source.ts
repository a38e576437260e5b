import { setTimeout as sleep } from 'node:timers/promises';
import { Client, DatabaseError } from 'pg';
import type { TallygateError } from '../../errors.ts';
import type { SourceAddress } from './source-address.ts';
import { isPassing, toSourceError } from './source-errors.ts';

/** Values as PostgreSQL writes them. */
export type TextRow = readonly (string | null)[];

export interface Snapshot {
  /** Runs one statement. */
  query(sql: string, values?: readonly (string | null)[]): Promise<TextRow[]>;
  /** Rows of a server-side cursor, a few at a time, so that neither side holds more of them than about `bytes`. */
  stream(sql: string, values?: readonly (string | null)[]): AsyncGenerator<TextRow[]>;
}

export interface ReadOptions {
  /** What is done, for messages: "to read public.events". */
  readonly doing: string;
  /** For each statement, in milliseconds. */
  readonly timeoutMs: number;
  /** The whole result is wanted: the planner need not prefer its first rows. */
  readonly whole?: boolean;
}

export interface Source {
  /**
   * Runs `work` on one snapshot of the database, in a transaction that can only read. When the connection breaks it is
   * run again from its beginning, until patience ends.
   */
  read<T>(options: ReadOptions, work: (snapshot: Snapshot) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

interface SourceOptions {
  readonly address: SourceAddress;
  /** Give up when the database has been away for so long, in milliseconds. */
  readonly patienceMs: number;
  readonly signal?: AbortSignal;
  readonly onRetry?: (waitMs: number, reason: string) => void;
}

/** Bytes of one fetch, as far as they can be foreseen from the rows before it. */
const fetchBytes = 2 * 1024 * 1024;
const mostRows = 1000;

/**
 * In each transaction anew, since a pooler may hand each one another session. Policies that hide rows are an error
 * and not a silent loss.
 */
const begin = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD';
  SET LOCAL IntervalStyle = 'iso_8601'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 3;
  SET LOCAL row_security = off; SET LOCAL idle_in_transaction_session_timeout = 0`;

const asText = { getTypeParser: () => (value: string | Buffer) => String(value) };

/** Connects once, to say early what is wrong. Rejects with INVALID_INPUT or SOURCE_UNAVAILABLE. */
export async function openSource({ address, patienceMs, signal, onRetry }: SourceOptions): Promise<Source> {
  let client: Client | undefined = await connect(address);
  let isClosed = false;

  async function once<T>(options: ReadOptions, work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
    client ??= await connect(address);
    const connected = client;
    const query = async (text: string, values: readonly (string | null)[] = []) => {
      try {
        const result = await connected.query({ text, values: [...values], rowMode: 'array', types: asText });
        return result.rows as TextRow[];
      } catch (thrown) {
        throw toSourceError(thrown, address.shown, options.doing);
      }
    };
    let broken = true;
    try {
      await query(begin);
      await query(`SET LOCAL statement_timeout = ${Math.round(options.timeoutMs)}`);
      if (options.whole) await query('SET LOCAL cursor_tuple_fraction = 1');
      const result = await work({ query, stream: (text, values) => stream(query, text, values) });
      await query('COMMIT');
      broken = false;
      return result;
    } finally {
      // What is left of a transaction goes with its connection.
      if (broken) {
        client = undefined;
        connected.end().catch(() => undefined);
      }
    }
  }

  return {
    async read(options, work) {
      let failedAt: number | undefined;
      for (let pause = 200; ; pause = Math.min(pause * 2, 5000)) {
        try {
          return await once(options, work);
        } catch (thrown) {
          const error = thrown as TallygateError;
          if (isClosed || signal?.aborted || !isPassing(error)) throw thrown;
          failedAt ??= Date.now();
          if (Date.now() - failedAt > patienceMs) throw thrown;
          onRetry?.(pause, error.message);
          await sleep(pause, undefined, signal ? { signal } : {});
        }
      }
    },
    async close() {
      isClosed = true;
      await client?.end().catch(() => undefined);
    },
  };
}

async function connect(address: SourceAddress): Promise<Client> {
  let client: Client;
  try {
    client = new Client({
      connectionString: address.href,
      application_name: 'tallygate migrate-from',
      connectionTimeoutMillis: 15_000,
      keepAlive: true,
    });
    // A connection that breaks between two statements shows at the next one.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  } catch (thrown) {
    throw toSourceError(withoutAddress(thrown, address), address.shown, 'to connect');
  }
}

/** What the driver says of an address that it cannot take may repeat it. */
function withoutAddress(thrown: unknown, { href }: SourceAddress): unknown {
  if (thrown instanceof DatabaseError || !(thrown instanceof Error)) return thrown;
  const { password } = new URL(href);
  const secrets = [href, password, decodeURIComponent(password)].filter((text) => text !== '');
  if (!secrets.some((text) => thrown.message.includes(text))) return thrown;
  return new Error('the address was not understood');
}

async function* stream(
  query: Snapshot['query'],
  text: string,
  values: readonly (string | null)[] = [],
): AsyncGenerator<TextRow[]> {
  await query(`DECLARE rows NO SCROLL CURSOR FOR ${text}`, values);
  for (let count = 50; ; ) {
    const rows = await query(`FETCH FORWARD ${count} FROM rows`);
    if (rows.length > 0) yield rows;
    if (rows.length < count) break;
    const bytes = rows.reduce((sum, row) => sum + row.reduce((size, cell) => size + (cell?.length ?? 0), 0), 0);
    count = Math.max(1, Math.min(mostRows, Math.floor((fetchBytes * rows.length) / Math.max(bytes, 1))));
  }
  await query('CLOSE rows');
}
