import type { Stream } from '../../events/position.ts';
import type { CorrectableWarehouse } from '../../ports/warehouse.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type Cause, endCorrection, readOpenCorrections } from '../corrections.ts';
import { readBlocks } from '../pieces.ts';
import { repairRollup } from '../rollup.ts';
import { type StreamRange, toRangeName } from '../stream-range.ts';
import { resolveIds } from './ids.ts';
import { addTombstones, noteDeleted } from './move.ts';
import { type Deletion, writeState } from './records.ts';
import type { Doomed } from './tombstone.ts';

export interface EraseDeps {
  readonly warehouse: CorrectableWarehouse;
  readonly logger: Logger;
  /** Aborted: rejects behind the step under way. Whoever comes next goes on. */
  readonly signal: AbortSignal;
}

/** Positions that are taken out at a time. */
const most = 20_000;
const blockPositions = 200_000;
const options = { label: 'deletion', lane: 'sink', limits: { seconds: 600, resultRows: 1_000_000 } } as const;

const idsOf = "(SELECT arrayJoin(ids) FROM deletions WHERE id = {id:String} AND state = 'running')";
/** As events.person hashes it. */
const personOfRecord = `sipHash64(if(JSONExtractString(record, 'user_id') != '', concat('u', JSONExtractString(record, 'user_id')), concat('a', JSONExtractString(record, 'anonymous_id'))))`;

/**
 * Does a deletion, whose positions the ledger has to cover, from wherever it was left. Each step is there once however often
 * it is done: who the person is, is written down before anything is removed; and a row stays until its tombstone, the
 * ledger and the rollup say that it is gone, so that it is found again.
 */
export async function eraseDeletion(
  deps: EraseDeps,
  deletion: Deletion,
): Promise<{ events: number; deadLetters: number }> {
  const { warehouse, logger, signal } = deps;
  if (deletion.state === 'requested')
    await writeState(warehouse, deletion, 'running', { ids: await resolveIds(warehouse, deletion) });
  let removed = 0;
  const cause: Cause = `delete:${deletion.id}`;
  for (const [stream, last] of deletion.vector) {
    for (;;) {
      signal.throwIfAborted();
      const doomed = await readDoomed(warehouse, deletion, stream, last);
      if (doomed.length === 0) break;
      await addTombstones(warehouse, stream, { project: deletion.project, deletion: deletion.id }, doomed);
      for (const range of await toRanges(deps, stream, doomed)) {
        signal.throwIfAborted();
        await noteDeleted(warehouse, range, cause);
        await repairRollup({ warehouse, logger }, range, `${cause}:${toRangeName(range)}`, true);
      }
      const offsetsOf = (was: Doomed['was']) => doomed.filter((each) => each.was === was).map(({ offset }) => offset);
      await warehouse.removeEvents(stream, offsetsOf('event'));
      await warehouse.removeDeadLetters(stream, offsetsOf('dead_letter'));
    }
    // Of events that the table has lost.
    const edges = await readEdges(warehouse, deletion, stream, last);
    if (edges.length > 0) await warehouse.removeEvents(stream, edges);
    removed += edges.length;
  }
  for (const range of await readOpenCorrections(warehouse, cause)) await endCorrection(warehouse, range, cause);
  const counts = await readCounts(warehouse, deletion);
  if (removed + counts.events + counts.deadLetters > 0) await warehouse.purge();
  await writeState(warehouse, deletion, 'done', counts);
  return counts;
}

interface Row {
  readonly log_offset: string;
  readonly key_id: string;
  readonly message_id: string;
  readonly fingerprint: number;
  readonly received: string;
  readonly at: string | null;
  readonly was: Doomed['was'];
}

/** The first of the rows that have to go. */
async function readDoomed(
  warehouse: CorrectableWarehouse,
  { id, project }: Deletion,
  stream: Stream,
  last: number,
): Promise<Doomed[]> {
  const columns =
    'log_offset, toString(key_id) AS key_id, message_id, fingerprint, toUnixTimestamp64Milli(received_at) AS received';
  const where = 'project = {project:String} AND log_stream = {stream:UInt32} AND log_offset <= {last:UInt64}';
  const { rows } = await warehouse.query<Row>(
    {
      sql: `SELECT * FROM (
              SELECT ${columns}, toNullable(toUnixTimestamp64Milli(time)) AS at, 'event' AS was FROM events WHERE ${where} AND person IN ${idsOf}
              UNION ALL SELECT ${columns}, NULL AS at, 'dead_letter' AS was FROM dead_letters WHERE ${where} AND ${personOfRecord} IN ${idsOf})
            ORDER BY log_offset, was LIMIT 1 BY log_offset, was LIMIT {most:UInt32}`,
      params: { project, stream, last, id, most },
    },
    options,
  );
  return rows.map((row) => ({
    offset: Number(row.log_offset),
    keyId: row.key_id,
    messageId: row.message_id,
    fingerprint: row.fingerprint,
    receivedAt: Number(row.received),
    time: row.at === null ? null : Number(row.at),
    was: row.was,
  }));
}

/** Positions of edges that the person's own events made, and that are still there. */
async function readEdges(
  warehouse: CorrectableWarehouse,
  { id, project }: Deletion,
  stream: Stream,
  last: number,
): Promise<number[]> {
  const { rows } = await warehouse.query<{ log_offset: string }>(
    {
      sql: `SELECT DISTINCT log_offset FROM identity_edges
            WHERE project = {project:String} AND log_stream = {stream:UInt32} AND log_offset <= {last:UInt64} AND parent IN ${idsOf}`,
      params: { project, stream, last, id },
    },
    options,
  );
  return rows.map(({ log_offset }) => Number(log_offset));
}

/** The ranges of the ledger in which they lie; what the ledger has lost is left to who mends it. */
async function toRanges({ warehouse }: EraseDeps, stream: Stream, doomed: readonly Doomed[]): Promise<StreamRange[]> {
  const ranges: StreamRange[] = [];
  let at = 0;
  while (at < doomed.length) {
    const whole = { stream, first: doomed[at]!.offset, last: doomed[at]!.offset };
    for await (const pieces of readBlocks(warehouse, whole, blockPositions)) {
      for (const { first, last, token } of pieces) {
        const before = at;
        while (at < doomed.length && doomed[at]!.offset <= last) at++;
        if (token !== null && at > before) ranges.push({ stream, first, last });
      }
    }
  }
  return ranges;
}

async function readCounts(warehouse: CorrectableWarehouse, { id, project }: Deletion) {
  const { rows } = await warehouse.query<{ events: string; dead: string }>(
    {
      sql: `SELECT uniqExactIf((log_stream, log_offset), was = 'event') AS events, uniqExactIf((log_stream, log_offset), was = 'dead_letter') AS dead
            FROM tombstones WHERE project = {project:String} AND deletion = {id:String}`,
      params: { project, id },
    },
    options,
  );
  return { events: Number(rows[0]!.events), deadLetters: Number(rows[0]!.dead) };
}
