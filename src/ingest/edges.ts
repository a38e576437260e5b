import { TallygateError } from '../errors.ts';
import type { Stream } from '../events/position.ts';
import { toStoredTime } from '../events/record.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { Logger } from '../telemetry/logger.ts';
import { inRange, notDeleted, type StreamRange } from './stream-range.ts';

/** An edge that only one of `events` and `identity_edges` has. Ids are hashes, in decimal digits. */
export interface EdgeDifference {
  readonly project: string;
  readonly child: string;
  readonly parent: string;
  readonly messageId: string;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  readonly offset: number;
  /** Whether the events say so, and the table of edges does not. */
  readonly isMissing: boolean;
}

interface EdgesDeps {
  readonly warehouse: Warehouse;
  readonly logger: Logger;
}

const rounds = 25;

/** As the view says it in 0005_identity.sql. */
const parent = "sipHash64(concat('u', user_id))";
const children = `if(kind = 'identify', [sipHash64(concat('a', anonymous_id))], [sipHash64(concat('u', previous_id)), sipHash64(concat('a', previous_id))])`;
const merges = `user_id != '' AND ((kind = 'identify' AND anonymous_id != '') OR (kind = 'alias' AND previous_id != ''))`;

/** Where `identity_edges` does not say what `events` does at these positions. Rows that are there twice are no difference. */
export async function readEdgeDifferences(warehouse: Warehouse, range: StreamRange): Promise<EdgeDifference[]> {
  const { rows } = await warehouse.query<Record<keyof EdgeDifference, string>>(
    {
      sql: `SELECT project, child, parent, message_id AS messageId, toUnixTimestamp64Milli(received_at) AS receivedAt, log_offset AS offset, max(said) AS isMissing
            FROM (
              SELECT project, child, ${parent} AS parent, message_id, received_at, log_offset, 1 AS said, 0 AS told FROM events
              ARRAY JOIN ${children} AS child WHERE ${inRange} AND ${notDeleted} AND ${merges} AND child != ${parent}
              UNION ALL
              SELECT project, child, parent, message_id, received_at, log_offset, 0, 1 FROM identity_edges WHERE ${inRange})
            GROUP BY project, child, parent, message_id, received_at, log_offset HAVING max(said) != max(told)
            ORDER BY offset, child`,
      params: { ...range },
    },
    { label: 'edges-check', lane: 'sink', limits: { seconds: 600, resultRows: 1_000_000 } },
  );
  return rows.map(({ project, child, parent, messageId, receivedAt, offset, isMissing }) => ({
    project,
    child,
    parent,
    messageId,
    receivedAt: Number(receivedAt),
    offset: Number(offset),
    isMissing: Number(isMissing) === 1,
  }));
}

/**
 * Adds the edges that the events at positions first..last of a stream have and the table has not; resolves with them. An
 * engine that was killed between the table and its view has the one without the other.
 */
export async function repairEdges(
  { warehouse, logger }: EdgesDeps,
  range: StreamRange,
  token: string,
): Promise<EdgeDifference[]> {
  const { stream, first, last } = range;
  const added = new Map<string, EdgeDifference>();
  for (let round = 1; round <= rounds; round++) {
    const differences = await readEdgeDifferences(warehouse, range);
    const missing = differences.filter(({ isMissing }) => isMissing);
    if (missing.length < differences.length)
      logger.error(
        { stream, first, last, surplus: differences.length - missing.length },
        'identity_edges has edges that no event has',
      );
    if (missing.length === 0) return [...added.values()];
    const lines = missing.map((edge) => toLine(stream, edge)).join('');
    await warehouse.insert('identity_edges', Buffer.from(lines), { token: `${token}:edges:${round}` });
    for (const edge of missing) added.set(`${edge.offset}:${edge.child}`, edge);
  }
  throw new TallygateError(
    'INTERNAL',
    `edges of positions ${first} to ${last} of stream ${stream} are still missing after ${rounds} repairs`,
  );
}

function toLine(stream: Stream, { project, child, parent, messageId, receivedAt, offset }: EdgeDifference): string {
  return `${JSON.stringify({
    project,
    child,
    parent,
    received_at: toStoredTime(receivedAt),
    message_id: messageId,
    log_stream: stream,
    log_offset: offset,
  })}\n`;
}
