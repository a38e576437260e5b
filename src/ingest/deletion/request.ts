import { TallygateError } from '../../errors.ts';
import { type Stream, toStreamOf } from '../../events/position.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import { readCompletedEnds, readEpoch } from '../ledger.ts';
import type { Sender } from '../tracker.ts';
import { type Deletion, writeState } from './records.ts';

export interface Deletions {
  /**
   * Asks for the deletion of whoever has the id: of everything that was acknowledged before this call. Durable when it
   * resolves; a sink does it. Rejects with LOG_UNAVAILABLE or WAREHOUSE_UNAVAILABLE (both retriable): ask again then.
   */
  request(sender: Sender, personId: string): Promise<Deletion>;
}

interface DeletionsDeps {
  readonly log: EventLog;
  readonly warehouse: Warehouse;
  readonly clock?: () => number;
}

const longestId = 200;

export function createDeletions({ log, warehouse, clock = Date.now }: DeletionsDeps): Deletions {
  return {
    async request({ project, keyId }, personId) {
      if (personId.length === 0 || personId.length > longestId)
        throw new TallygateError('INVALID_INPUT', `id: expected 1 to ${longestId} characters, got ${personId.length}`);
      const vector = await readEverything(log, warehouse);
      const { rows } = await warehouse.query<{ known: string; anonymous: string }>(
        {
          sql: `SELECT sipHash64(concat('u', {id:String})) AS known, sipHash64(concat('a', {id:String})) AS anonymous`,
          params: { id: personId.toWellFormed() },
        },
        { label: 'deletions', lane: 'sink' },
      );
      const { known, anonymous } = rows[0]!;
      const deletion: Deletion = {
        id: crypto.randomUUID(),
        project,
        keyId,
        state: 'requested',
        requestedAt: clock(),
        vector,
        asked: [known, anonymous],
      };
      await writeState(warehouse, deletion, 'requested');
      return deletion;
    },
  };
}

/** The last position of each stream that there is, of logs before this one, too. */
async function readEverything(log: EventLog, warehouse: Warehouse): Promise<Map<Stream, number>> {
  const epoch = await readEpoch(warehouse);
  const ends = await readCompletedEnds(warehouse);
  for (const [partition, { end }] of (await log.inspect()).entries()) {
    const stream = toStreamOf(epoch, partition);
    const last = Math.max(end - 1, ends.get(stream) ?? -1);
    if (last >= 0) ends.set(stream, last);
  }
  return ends;
}
