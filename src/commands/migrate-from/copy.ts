import type { Progress } from '../import/progress.ts';
import type { Courier } from './courier.ts';
import type { Pace } from './pace.ts';
import type { Places } from './places.ts';
import type { Rejects } from './rejects.ts';
import {
  type Selection,
  type SourceRow,
  toFromSql,
  toKeyCondition,
  toKeyOrder,
  toRowsSql,
  toSourceRow,
  toWrittenSinceSql,
} from './rows.ts';
import type { Snapshot, Source } from './source.ts';
import { type Copy, type State, writeState } from './state.ts';
import { toColumnSql } from './table.ts';

/** Bytes of JSON of one chunk, whatever --chunk says; two of them are in memory. */
const chunkBytes = 16 * 1024 * 1024;
/** A statement that has to look at the whole table may take so many times as long as one for a chunk. */
const scanFactor = 60;

export interface CopyDeps {
  readonly source: Source;
  readonly selection: Selection;
  readonly places: Places | undefined;
  readonly courier: Courier;
  readonly rejects: Rejects;
  readonly pace: Pace;
  readonly progress: Progress;
  readonly chunkRows: number;
  readonly statementMs: number;
  readonly statePath: string;
  readonly signal: AbortSignal | undefined;
  /** Joins what was acknowledged since into a token. */
  readonly token: () => string | null;
}

/** Where a copy begins: which transactions the first pass will surely see, and up to which key it goes. */
export async function beginCopy(snapshot: Snapshot, { table, where }: Selection, copy: Copy): Promise<State> {
  const { horizon } = await readTransactions(snapshot);
  const keys = table.key.map((column) => `${toColumnSql(column)}::text`).join(', ');
  const [bound] = await snapshot.query(
    `SELECT ${keys} FROM ${toFromSql(table, where)} ORDER BY ${toKeyOrder(table.key, 'DESC')} LIMIT 1`,
  );
  return {
    version: 1,
    copy,
    horizon: String(horizon),
    bound: (bound as string[] | undefined) ?? null,
    last: null,
    walked: bound === undefined,
    rows: 0,
    rejected: [],
    token: null,
  };
}

/** The first pass: in the order of the key, in chunks of a short transaction each. Resolves false when it was stopped. */
export async function walk(state: State, deps: CopyDeps): Promise<boolean> {
  const { courier, pace, progress, signal } = deps;
  const began = state.rows;
  let next = state.walked ? undefined : readChunk(state.last, state, deps);
  while (next) {
    const chunk = await next;
    next = chunk.ended || signal?.aborted ? undefined : readAhead(chunk.last ?? state.last, state, deps);
    await courier.deliver(chunk.rows, false);
    await save(state, deps, {
      last: chunk.last ? [...chunk.last] : state.last,
      rows: state.rows + chunk.rows.length,
      walked: chunk.ended,
    });
    progress.update(state.rows - began, state.rows - began);
    if (signal?.aborted && !state.walked) {
      await next?.catch(() => undefined);
      return false;
    }
    if (next) await pace(chunk.rows.length);
  }
  return true;
}

interface Chunk {
  readonly rows: readonly SourceRow[];
  readonly last: readonly string[] | null;
  readonly ended: boolean;
}

/** Its failure shows when it is waited for. */
function readAhead(after: readonly string[] | null, state: State, deps: CopyDeps): Promise<Chunk> {
  const chunk = readChunk(after, state, deps);
  chunk.catch(() => undefined);
  return chunk;
}

function readChunk(after: readonly string[] | null, { bound }: State, deps: CopyDeps): Promise<Chunk> {
  const { selection, chunkRows, statementMs } = deps;
  const { table } = selection;
  const conditions = [
    toKeyCondition(table.key, '<=', 1),
    ...(after === null ? [] : [toKeyCondition(table.key, '>', table.key.length + 1)]),
  ];
  const order = `ORDER BY ${toKeyOrder(table.key, 'ASC')} LIMIT ${chunkRows}`;
  const sql = toRowsSql(selection, `${conditions.join(' AND ')} ${order}`);
  const values = [...(bound as readonly string[]), ...(after ?? [])];
  return deps.source.read({ doing: `to read ${table.name}`, timeoutMs: statementMs }, async (snapshot) => {
    const rows: SourceRow[] = [];
    let bytes = 0;
    for await (const part of snapshot.stream(sql, values)) {
      for (const cells of part) {
        const row = toSourceRow(cells, table);
        rows.push(row);
        bytes += row.json.length;
      }
      if (bytes > chunkBytes) return { rows, last: rows.at(-1)?.key ?? null, ended: false };
    }
    return { rows, last: rows.at(-1)?.key ?? null, ended: rows.length < chunkRows };
  });
}

/**
 * Brings every row of a transaction that the pass before may not have seen, wherever its key is; resolves with their
 * number. `also` looks at the same snapshot, which has just what was brought; `now` is the source's clock, in milliseconds.
 */
export async function catchUp<T>(
  state: State,
  deps: CopyDeps,
  also: (snapshot: Snapshot, now: number) => Promise<T>,
): Promise<{ readonly rows: number; readonly also: T }> {
  const { source, selection, courier, pace, statementMs } = deps;
  const { table } = selection;
  const horizon = BigInt(state.horizon);
  const options = { doing: `to read ${table.name}`, timeoutMs: statementMs * scanFactor, whole: true };
  const { reached, ...caughtUp } = await source.read(options, async (snapshot) => {
    const { next, horizon: running, now } = await readTransactions(snapshot);
    let rows = 0;
    for await (const part of snapshot.stream(toRowsSql(selection, toWrittenSinceSql(horizon, next)))) {
      rows += part.length;
      await courier.deliver(
        part.map((cells) => toSourceRow(cells, table)),
        true,
      );
      await pace(part.length);
    }
    return { rows, also: await also(snapshot, now), reached: running };
  });
  await save(state, deps, { horizon: String(reached) });
  return caughtUp;
}

async function save(state: State, { rejects, statePath, token }: CopyDeps, change: Partial<State>): Promise<void> {
  Object.assign(state, change, { rejected: rejects.list(), token: token() });
  await writeState(statePath, state);
}

interface Transactions {
  /** All transactions before it have ended. Those of savepoints, which a list of running ones lacks, come after their own. */
  readonly horizon: bigint;
  /** The first one that has not begun. */
  readonly next: bigint;
  readonly now: number;
}

async function readTransactions(snapshot: Snapshot): Promise<Transactions> {
  const [row] = await snapshot.query(
    `SELECT txid_snapshot_xmin(s)::text, txid_snapshot_xmax(s)::text, floor(extract(epoch FROM now()) * 1000)::bigint::text
     FROM txid_current_snapshot() s`,
  );
  const [horizon, next, now] = row as [string, string, string];
  return { horizon: BigInt(horizon), next: BigInt(next), now: Number(now) };
}
