import type { PositionVector, Stream } from '../../events/position.ts';
import { toStoredTime } from '../../events/record.ts';
import type { Warehouse } from '../../ports/warehouse.ts';

export type DeletionState = 'requested' | 'running' | 'done';

/** A deletion of a person, as far as it has come. A later state says all that an earlier one does. */
export interface Deletion {
  readonly id: string;
  readonly project: string;
  readonly keyId: string;
  readonly state: DeletionState;
  /** Milliseconds since 1970. */
  readonly requestedAt: number;
  /** It is about records at these positions and before them: all that were acknowledged before the request. */
  readonly vector: PositionVector;
  /** Hashes of the id that was named, in decimal digits: as a known one, and as an anonymous one. */
  readonly asked: readonly [string, string];
}

interface Row {
  readonly id: string;
  readonly project: string;
  readonly key_id: string;
  readonly state: DeletionState;
  readonly requested: string;
  readonly streams: readonly Stream[];
  readonly offsets: readonly string[];
  readonly asked: readonly [string, string];
}

/** What stands beside the facts of a state. Nothing of it is known before. */
export interface Progress {
  /** Hashes of all ids of the person. */
  readonly ids?: readonly string[];
  readonly events?: number;
  readonly deadLetters?: number;
}

const rounds = 25;
const options = { label: 'deletions', lane: 'sink', limits: { seconds: 60 } } as const;

/** Those that are not done, in the order of their requests. */
export async function readOpenDeletions(warehouse: Warehouse): Promise<Deletion[]> {
  const { rows } = await warehouse.query<Row>(
    {
      sql: `SELECT id, any(project) AS project, any(key_id) AS key_id, max(d.state) AS state, any(toUnixTimestamp64Milli(requested_at)) AS requested,
              any(d.streams) AS streams, any(d.offsets) AS offsets, any(d.asked) AS asked
            FROM deletions AS d GROUP BY id HAVING max(d.state) != 'done' ORDER BY requested, id`,
    },
    options,
  );
  return rows.map((row) => ({
    id: row.id,
    project: row.project,
    keyId: row.key_id,
    state: row.state,
    requestedAt: Number(row.requested),
    vector: toVector(row.streams, row.offsets),
    asked: row.asked,
  }));
}

export function toVector(streams: readonly Stream[], offsets: readonly string[]): PositionVector {
  return new Map(streams.map((stream, i) => [stream, Number(offsets[i])]));
}

/** Says that it has reached a state: once, whoever says it how often. */
export async function writeState(
  warehouse: Warehouse,
  deletion: Deletion,
  state: DeletionState,
  { ids = [], events = 0, deadLetters = 0 }: Progress = {},
): Promise<void> {
  const { id, project, keyId, requestedAt, vector, asked } = deletion;
  const row = {
    id,
    state,
    project,
    key_id: keyId,
    requested_at: toStoredTime(requestedAt),
    streams: [...vector.keys()],
    offsets: [...vector.values()],
    asked,
    ids,
    events,
    dead_letters: deadLetters,
  };
  // The engine may have died with a try, and remember its token without its row.
  for (let round = 1; round <= rounds; round++) {
    await warehouse.insert('deletions', Buffer.from(`${JSON.stringify(row)}\n`), {
      token: `deletion:${id}:${state}:${round}`,
    });
    const { rows } = await warehouse.query(
      {
        sql: 'SELECT id FROM deletions WHERE id = {id:String} AND state = {state:String} LIMIT 1',
        params: { id, state },
      },
      options,
    );
    if (rows.length > 0) return;
  }
  throw new Error(`expected to read that deletion ${id} is ${state}, got nothing after ${rounds} tries`);
}
