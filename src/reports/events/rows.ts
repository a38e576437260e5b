import { TallygateError } from '../../errors.ts';
import { parseStoredTime } from '../../events/record.ts';
import type { Place } from '../page.ts';
import type { Plan, Row } from '../plan.ts';
import { parseRange } from '../range.ts';
import type { ReportMeta, Session } from '../session.ts';
import { sql, value } from '../sql.ts';
import { type EventRow, type EventsInput, type EventType, isWithin, planEvents, toRest } from './events.ts';

/**
 * All events of a question, page by page and never all at once. A page reads a window of time that was measured by the
 * pages before it: sorting the whole range again for each page would cost by the square of its events.
 */

export type EventRowsInput = Omit<EventsInput, 'first' | 'after'>;

/** An event with its JSON as it came, to the byte. Times are milliseconds since 1970. */
export interface RawEvent {
  readonly messageId: string;
  readonly type: EventType;
  readonly event: string;
  readonly timestamp: number;
  readonly originalTimestamp: number | null;
  readonly sentAt: number | null;
  readonly receivedAt: number;
  readonly userId: string | null;
  readonly anonymousId: string | null;
  readonly groupId: string | null;
  readonly previousId: string | null;
  /** An object with properties, context and traits, as far as there are any. */
  readonly data: string;
  /** Where the event stands in the order of all: what `pages` takes. */
  readonly position: string;
}

export interface EventRows {
  readonly meta: ReportMeta;
  /** From the beginning, or behind a position. Each page is one statement of the same snapshot, of a few MiB. */
  pages(after: string | null): AsyncGenerator<readonly RawEvent[]>;
}

const minute = 60_000;
/** What a page should have, in characters of JSON. */
const wantedCharacters = 4 * 1024 * 1024;
const mostRows = 5000;
const leastRows = 100;
/** Of JSON in a page, and that of one event beyond it. */
const mostBytes = 2 * wantedCharacters;

export function openEventRows(session: Session, input: EventRowsInput): Promise<EventRows> {
  return session.report(input.freshness, async (at) => {
    const range = parseRange(input.range, at.now);
    const isOldest = input.order === 'OLDEST';

    async function* pages(after: string | null): AsyncGenerator<readonly RawEvent[]> {
      let place = after === null ? null : parsePosition(after);
      let left = place === null ? range : toRest(range, place, isOldest);
      let width = 10 * minute;
      let count = 500;
      while (left.from < left.to) {
        const window = isOldest
          ? { from: left.from, to: Math.min(left.to, left.from + width) }
          : { from: Math.max(left.from, left.to - width), to: left.to };
        // What a filter looks at beside the event is that of the whole range.
        const plan = planEvents(input, range, place, count, isWithin(window));
        const rows = await session.read<BoundedRow>(at, bounded(plan, isOldest));
        const last = rows[rows.length - 1];
        if (last) yield rows.map(toRawEvent);
        if (last && (Number(last.found) === count || Number(last.found) > rows.length)) {
          place = toPlace(last);
          const looked = isOldest ? place.time - window.from : window.to - place.time;
          width = Math.max(1, 2 * looked);
          left = toRest(left, place, isOldest);
        } else {
          if (rows.length < count / 2) width *= rows.length < count / 16 ? 16 : 2;
          place = null;
          left = isOldest ? { from: window.to, to: left.to } : { from: left.from, to: window.from };
        }
        if (last) count = toCount(rows, count);
      }
    }

    return { meta: session.toMeta(at, []), pages };
  });
}

interface BoundedRow extends EventRow, Row {
  /** How many rows there were before the bound of their size. */
  readonly found: string;
}

/** Of the plan's rows the first ones, as many as have room: the pages before say nothing about what comes next. */
function bounded({ label, select }: Plan, isOldest: boolean): Plan {
  const direction = isOldest ? sql`ASC` : sql`DESC`;
  const order = sql`at ${direction}, log_stream ${direction}, log_offset ${direction}`;
  return {
    label,
    select: sql`SELECT * EXCEPT before FROM (
        SELECT *, count() OVER () AS found,
          sum(length(data)) OVER (ORDER BY ${order} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) - length(data) AS before
        FROM (${select}))
      WHERE before < ${value('UInt64', mostBytes)} ORDER BY ${order}`,
  };
}

function toCount(rows: readonly EventRow[], count: number): number {
  const characters = rows.reduce((sum, { data }) => sum + data.length + 200, 0);
  const fitting = Math.floor((wantedCharacters * rows.length) / characters);
  return Math.max(leastRows, Math.min(mostRows, 4 * count, fitting));
}

function toPlace(row: EventRow): Place {
  return { time: Number(row.at), stream: row.log_stream, offset: Number(row.log_offset) };
}

export function parsePosition(text: string): Place {
  const found = /^(-?\d{1,16})\.(\d{1,10})\.(\d{1,16})$/.exec(text);
  const [time, stream, offset] = (found?.slice(1) ?? []).map(Number);
  if (!Number.isSafeInteger(time) || !Number.isSafeInteger(offset) || (stream as number) >= 2 ** 32)
    throw new TallygateError(
      'INVALID_CURSOR',
      `expected the position of an event, as 1772366400123.0.42, got ${JSON.stringify(text.slice(0, 60))}`,
    );
  return { time: time as number, stream: stream as number, offset: offset as number };
}

// ---- mapping

function toRawEvent(row: EventRow): RawEvent {
  return {
    messageId: row.message_id,
    type: row.kind.toUpperCase() as EventType,
    event: row.event,
    timestamp: Number(row.at),
    originalTimestamp: row.original_timestamp === null ? null : parseStoredTime(row.original_timestamp),
    sentAt: row.sent_at === null ? null : parseStoredTime(row.sent_at),
    receivedAt: parseStoredTime(row.received_at),
    userId: row.user_id || null,
    anonymousId: row.anonymous_id || null,
    groupId: row.group_id || null,
    previousId: row.previous_id || null,
    data: row.data,
    position: `${row.at}.${row.log_stream}.${row.log_offset}`,
  };
}
