import { parseStoredTime } from '../../events/record.ts';
import { type Connection, encodeCursor, parseCursor, parseFirst, toConnection } from '../page.ts';
import { moment } from '../plan.ts';
import type { Session } from '../session.ts';
import { sql, toStatement, value } from '../sql.ts';

export interface DeadLettersInput {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

export interface DeadLetter {
  readonly messageId: string;
  readonly receivedAt: Date;
  readonly reason: { readonly code: string; readonly message: string };
  readonly record: string;
}

interface DeadLetterRow {
  readonly message_id: string;
  readonly at: string;
  readonly received_at: string;
  readonly code: string;
  readonly message: string;
  readonly record: string;
  readonly log_stream: number;
  readonly log_offset: string;
}

/** Not cached and not of a snapshot: who looks here wants to see what is wrong now. */
export async function runDeadLetters(
  session: Session,
  { first, after }: DeadLettersInput,
): Promise<Connection<DeadLetter>> {
  const asked = parseFirst(first);
  const place = after ? parseCursor(after) : null;
  const behind = place
    ? sql`(received_at, log_stream, log_offset) < (${moment(place.time)}, ${value('UInt32', place.stream)}, ${value('UInt64', place.offset)})`
    : sql`1`;
  const { rows } = await session.query<DeadLetterRow & Record<string, unknown>>(
    toStatement(sql`SELECT message_id, toUnixTimestamp64Milli(received_at) AS at, received_at, code, message, record, log_stream, log_offset
      FROM dead_letters WHERE project = ${value('String', session.project)} AND ${behind}
      ORDER BY received_at DESC, log_stream DESC, log_offset DESC LIMIT ${value('UInt32', asked + 1)}`),
    { label: 'dead-letters' },
  );
  return toConnection(
    rows,
    asked,
    after,
    ({ message_id, received_at, code, message, record }) => ({
      messageId: message_id,
      receivedAt: new Date(parseStoredTime(received_at)),
      reason: { code, message },
      record,
    }),
    ({ at, log_stream, log_offset }) =>
      encodeCursor({ time: Number(at), stream: log_stream, offset: Number(log_offset) }),
  );
}
