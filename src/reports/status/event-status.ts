import { TallygateError } from '../../errors.ts';
import { type PositionVector, toStreamOf } from '../../events/position.ts';
import { parseStoredTime, readRecord } from '../../events/record.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { readEveryMs, type WatermarkReader } from '../moment/watermark.ts';
import type { Session } from '../session.ts';
import { sql, toStatement, value } from '../sql.ts';

export type EventState = 'STORED' | 'DEAD_LETTERED' | 'IN_FLIGHT' | 'UNKNOWN';

export interface EventTrace {
  readonly messageId: string;
  readonly state: EventState;
  readonly receivedAt: Date | null;
  readonly deduplicated: number;
  readonly conflicts: number;
  readonly reason: { readonly code: string; readonly message: string } | null;
}

interface TraceRow {
  readonly message_id: string;
  readonly state: 'STORED' | 'DEAD_LETTERED' | 'REPEAT';
  readonly received_at: string;
  readonly code: string;
  readonly message: string;
  readonly n: string;
  readonly conflicts: string;
}

const mostIds = 1000;
/** Records of the log that are looked through for events on their way; more lag than that and they stay unknown. */
const mostRecords = 50_000;

export async function runEventStatus(
  session: Session,
  watermark: WatermarkReader,
  log: EventLog,
  messageIds: readonly string[],
): Promise<EventTrace[]> {
  if (messageIds.length > mostIds)
    throw new TallygateError('INVALID_INPUT', `messageIds: expected at most ${mostIds}, got ${messageIds.length}`);
  const ids = [...new Set(messageIds)];
  const of = sql`project = ${value('String', session.project)} AND message_id IN ${value('Array(String)', ids)}`;
  // The watermark first: what is below it is in the tables, what is above it is looked for in the log.
  const { vector, epoch } = await watermark.read(readEveryMs);
  const { rows } = await session.query<TraceRow & Record<string, unknown>>(
    toStatement(sql`SELECT message_id, 'STORED' AS state, min(received_at) AS received_at, '' AS code, '' AS message, count() AS n, 0 AS conflicts FROM events WHERE ${of} GROUP BY message_id
      UNION ALL SELECT message_id, 'DEAD_LETTERED', min(received_at), any(toString(code)), any(message), count(), 0 FROM dead_letters WHERE ${of} GROUP BY message_id
      UNION ALL SELECT message_id, 'REPEAT', min(received_at), '', '', count(), countIf(conflict) FROM repeats WHERE ${of} GROUP BY message_id`),
    { label: 'event-status' },
  );
  const found = Map.groupBy(rows, ({ message_id }) => message_id);
  const missing = new Set(ids.filter((id) => !found.get(id)?.some(({ state }) => state !== 'REPEAT')));
  const flying =
    missing.size === 0 ? new Map<string, number>() : await readInFlight(log, session.project, missing, vector, epoch);
  return messageIds.map((messageId) => {
    const traces = found.get(messageId) ?? [];
    const fate =
      traces.find(({ state }) => state === 'STORED') ?? traces.find(({ state }) => state === 'DEAD_LETTERED');
    const repeats = traces.find(({ state }) => state === 'REPEAT');
    const deduplicated = Number(repeats?.n ?? 0);
    const conflicts = Number(repeats?.conflicts ?? 0);
    const inFlight = flying.get(messageId);
    if (!fate)
      return {
        messageId,
        state: inFlight === undefined ? 'UNKNOWN' : 'IN_FLIGHT',
        receivedAt: inFlight === undefined ? null : new Date(inFlight),
        deduplicated,
        conflicts,
        reason: null,
      };
    return {
      messageId,
      state: fate.state as EventState,
      receivedAt: new Date(parseStoredTime(fate.received_at)),
      deduplicated,
      conflicts,
      reason: fate.state === 'DEAD_LETTERED' ? { code: fate.code, message: fate.message } : null,
    };
  });
}

async function readInFlight(
  log: EventLog,
  project: string,
  ids: ReadonlySet<string>,
  vector: PositionVector,
  epoch: number,
): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const parts = (await log.inspect()).map(({ end }, partition) => ({
    partition,
    from: (vector.get(toStreamOf(epoch, partition)) ?? -1) + 1,
    to: end - 1,
  }));
  if (parts.reduce((sum, { from, to }) => sum + Math.max(0, to - from + 1), 0) > mostRecords) return found;
  for (const { partition, from, to } of parts) {
    if (to < from) continue;
    for await (const chunk of log.read(partition, from, to)) {
      for (const { bytes, start, end } of chunk) {
        const facts = readRecord(bytes, start, end);
        if (facts?.project === project && ids.has(facts.messageId) && !found.has(facts.messageId))
          found.set(facts.messageId, facts.receivedAt);
      }
    }
  }
  return found;
}
