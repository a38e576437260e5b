import type { createClient } from '@clickhouse/client';
import { TallygateError } from '../../errors.ts';
import { toParameterStatements } from './engine-params.ts';

/**
 * Connections to the engine in this process. One connection runs one statement at a time, so a few of them stand side by
 * side; and one does not stop by itself when its client goes away, so another one, kept for that, kills its statement.
 */

type Chdb = Pick<typeof import('chdb'), 'drainPending'> & typeof import('chdb/connection');
/** The official client's own type; the engine's package has a copy of it. */
export type Connection = NonNullable<NonNullable<Parameters<typeof createClient>[0]>['connection']>;
type StatementParameters = {
  readonly query_params?: Readonly<Record<string, unknown>>;
  readonly query: string;
  readonly query_id?: string;
  readonly abort_signal?: AbortSignal;
};

export interface EnginePool {
  /** Connections of their own for each kind of work, so that none waits behind another. */
  readonly reports: Connection;
  readonly sink: Connection;
  readonly ledger: Connection;
  /** Makes `database` the default of every connection. */
  use(database: string): Promise<void>;
  close(): Promise<void>;
}

export async function openEnginePool(path: string, reportConnections: number): Promise<EnginePool> {
  const engine = await loadEngine();
  const all: Connection[] = [];
  const connect = (): Connection => {
    try {
      const connection = engine.createChdbConnection({ path }) as unknown as Connection;
      all.push(connection);
      return connection;
    } catch (cause) {
      throw new TallygateError(
        'STORE_IN_USE',
        `expected to be the only process on ${path}; the engine says: ${(cause as Error).message}`,
        { cause },
      );
    }
  };
  const control = createLane([connect()]);
  // A statement has its id at the end of its log_comment: the engine drops comments of a statement with parameters, and its own ids are not ours.
  const kill = (id: string) => {
    const query = `KILL QUERY WHERE endsWith(Settings['log_comment'], '${id}') ASYNC`;
    control.command({ query }).catch(() => {
      // It has ended by itself.
    });
  };
  const lane = (connections: number) => createLane(Array.from({ length: connections }, connect), kill);
  return {
    reports: lane(reportConnections),
    sink: lane(1),
    // What a watermark is made of is two statements at once.
    ledger: lane(2),
    use: async (database) => {
      for (const connection of all) await connection.command({ query: `USE ${database}` });
    },
    close: async () => {
      for (const connection of all) await connection.close();
      // A connection with a statement on its way is gone when that has ended, and a process that exits before crashes.
      await engine.drainPending();
    },
  };
}

/** Connections that look like one: each statement gets one to itself, in order of their arrival. */
function createLane(idle: Connection[], kill?: (id: string) => void): Connection {
  const waiting: ((connection: Connection) => void)[] = [];

  const acquire = (signal: AbortSignal | undefined): Promise<Connection> => {
    const free = idle.pop();
    if (free) return Promise.resolve(free);
    return new Promise((resolve, reject) => {
      const taker = (connection: Connection) => {
        signal?.removeEventListener('abort', leave);
        resolve(connection);
      };
      const leave = () => {
        waiting.splice(waiting.indexOf(taker), 1);
        reject(signal?.reason);
      };
      waiting.push(taker);
      signal?.addEventListener('abort', leave, { once: true });
    });
  };
  const release = (connection: Connection) => {
    const next = waiting.shift();
    if (next) next(connection);
    else idle.push(connection);
  };

  const run = async <P extends StatementParameters, R>(
    parameters: P,
    on: (connection: Connection, p: P) => Promise<R>,
  ): Promise<R> => {
    const { abort_signal: signal, query_params: params = {}, ...rest } = parameters;
    signal?.throwIfAborted();
    const connection = await acquire(signal);
    const onAbort = () => kill?.(parameters.query_id as string);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await on(connection, { ...rest, query: toParameterStatements(params) + parameters.query } as unknown as P);
    } catch (thrown) {
      // What a failed statement had written stands in front of the connection's next answer: let a statement take it that nobody reads.
      await connection.command({ query: 'SELECT 1 FORMAT Null' }).catch(() => {});
      throw thrown;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      release(connection);
    }
  };

  return {
    query: (p) => run(p, (c, q) => c.query(q)),
    exec: (p) => run(p, (c, q) => c.exec(q)),
    command: (p) => run(p, (c, q) => c.command(q)),
    insert: (p) => run(p, (c, q) => c.insert(q)),
    ping: (p) => run({ ...p, query: '' }, (c) => c.ping(p)),
    close: async () => {},
  };
}

async function loadEngine(): Promise<Chdb> {
  try {
    const [{ drainPending }, connection] = await Promise.all([import('chdb'), import('chdb/connection')]);
    return { ...connection, drainPending };
  } catch (cause) {
    throw new TallygateError(
      'CONFIG_INVALID',
      'the embedded engine is not installed (package chdb): install it, or set CLICKHOUSE_URL',
      { cause },
    );
  }
}
