import { TallygateError } from '../../errors.ts';
import type { EventKind } from '../../events/event.ts';
import { parseStoredTime } from '../../events/record.ts';
import type { Cell } from '../cells/cells.ts';
import { type FilterInput, toCondition } from '../filter/filter.ts';
import { findOwners } from '../identity/kin.ts';
import type { FreshnessInput, Moment } from '../moment/moment.ts';
import {
  type Connection,
  encodeCursor,
  invalidCursor,
  type Place,
  parseCursor,
  parseFirst,
  toConnection,
} from '../page.ts';
import { moment as at, type Plan, rowsIn } from '../plan.ts';
import { parseRange, type Range, type RangeInput, type TimeRange } from '../range.ts';
import type { ReportMeta, Session } from '../session.ts';
import { allOf, always, holesOf, type Sql, sql, value } from '../sql.ts';

// ---- parameters

export interface EventsInput {
  readonly filter?: FilterInput | null | undefined;
  readonly range: RangeInput;
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly order?: EventOrder | null | undefined;
  readonly freshness?: FreshnessInput | null | undefined;
}

/** What is looked at of the answer. */
export interface EventsAsked {
  /** Without, `person` is the id that each event names, whoever that is. */
  readonly persons: boolean;
}

const everything: EventsAsked = { persons: true };

export type EventOrder = 'NEWEST' | 'OLDEST';

export type EventType = Uppercase<EventKind>;

export interface StoredEvent {
  readonly messageId: string;
  readonly type: EventType;
  readonly event: string;
  /** As of the snapshot: the same for all ids that are one person. */
  readonly person: string;
  readonly timestamp: Date;
  readonly originalTimestamp: Date | null;
  readonly sentAt: Date | null;
  readonly receivedAt: Date;
  readonly userId: string | null;
  readonly anonymousId: string | null;
  readonly groupId: string | null;
  readonly previousId: string | null;
  readonly properties: Record<string, unknown>;
  readonly context: Record<string, unknown>;
  readonly traits: Record<string, unknown>;
}

export type EventPage = Connection<StoredEvent> & { readonly meta: ReportMeta };

/** Pages after the first show the first one's snapshot: its cursors carry it. */
export async function runEvents(session: Session, input: EventsInput, asked = everything): Promise<EventPage> {
  const place = input.after ? parseCursor(input.after) : null;
  if (place?.snapshot === '') throw invalidCursor();
  if (place && input.freshness?.at && input.freshness.at !== place.snapshot) {
    throw new TallygateError(
      'INVALID_INPUT',
      'expected freshness.at to be left out with after, since the cursor carries its snapshot',
    );
  }
  const freshness = place ? { ...input.freshness, at: place.snapshot } : input.freshness;
  return session.report(freshness, (moment) => readPage(session, moment, input, always, asked));
}

/** A page as of the moment; `which`: of these events only. */
export async function readPage(
  session: Session,
  moment: Moment,
  input: Omit<EventsInput, 'freshness'>,
  which: Sql,
  { persons } = everything,
): Promise<EventPage> {
  const first = parseFirst(input.first);
  const place = input.after ? parseCursor(input.after) : null;
  const range = parseRange(input.range, moment.now);
  const cells: Cell[] = [];
  let rows: readonly EventRow[] = [];
  for (const window of toWindows(input, range, place, which)) {
    const cell = await session.load(moment, planEvents(input, range, place, first + 1, allOf([which, window])));
    cells.push(cell);
    rows = cell.rows as unknown as readonly EventRow[];
    if (rows.length > first) break;
  }
  const named = persons ? rows.slice(0, first).map(({ who }) => who) : [];
  const owners = await findOwners(session, moment, named);
  const page = toConnection(
    rows,
    first,
    input.after,
    (row) => toEvent(row, owners.of),
    (row) =>
      encodeCursor({ time: Number(row.at), stream: row.log_stream, offset: Number(row.log_offset) }, moment.snapshot),
  );
  return {
    ...page,
    meta: session.toMeta(
      moment,
      [...cells, ...owners.cells].map((cell) => ({ cell, buckets: 1 })),
    ),
  };
}

/** Parts of the range that are looked at first. */
const firstParts = [1024, 32];
/** In milliseconds; a shorter part is not worth a statement. */
const shortestPart = 60_000;

/** Conditions of which each takes more of the range, from the end of which the page is: most pages have room in a small part of it. */
function toWindows(
  { filter, order }: Pick<EventsInput, 'filter' | 'order'>,
  range: Range,
  place: Place | null,
  which: Sql,
): Sql[] {
  // What looks at other events as well, or at few, does so once.
  const looksAround = holesOf(toCondition(filter)).some(({ hole }) => hole !== 'zone');
  if (looksAround || which !== always) return [always];
  const isOldest = order === 'OLDEST';
  const left = place === null ? range : toRest(range, place, isOldest);
  const widths = firstParts.map((part) => Math.floor((left.to - left.from) / part));
  const windows = widths
    .filter((width) => width >= shortestPart)
    .map((width) => (isOldest ? { ...left, to: left.from + width } : { ...left, from: left.to - width }));
  return [...windows.map(isWithin), always];
}

/** Of the range, what lies behind the place. Its own instant is in it: others may have it, too. */
export function toRest({ from, to }: TimeRange, { time }: Place, isOldest: boolean): TimeRange {
  return isOldest ? { from: Math.max(from, time), to } : { from, to: Math.min(to, time + 1) };
}

export function isWithin({ from, to }: TimeRange): Sql {
  return sql`time >= ${at(from)} AND time < ${at(to)}`;
}

// ---- row

export interface EventRow {
  readonly message_id: string;
  readonly kind: EventKind;
  readonly event: string;
  /** As it was written: of an id. */
  readonly who: string;
  readonly at: string;
  readonly time: string;
  readonly original_timestamp: string | null;
  readonly sent_at: string | null;
  readonly received_at: string;
  readonly user_id: string;
  readonly anonymous_id: string;
  readonly group_id: string;
  readonly previous_id: string;
  readonly data: string;
  readonly log_stream: number;
  readonly log_offset: string;
}

// ---- SQL

/** Those of EventRow. */
export function toEventColumns(who: Sql): Sql {
  return sql`message_id, kind, event, ${who} AS who, toUnixTimestamp64Milli(time) AS at, time, original_timestamp, sent_at, received_at,
        user_id, anonymous_id, group_id, previous_id, data, log_stream, log_offset`;
}

/** At most `count` of those behind the place. */
export function planEvents(
  { filter, order }: Pick<EventsInput, 'filter' | 'order'>,
  range: Range,
  place: Place | null,
  count: number,
  which: Sql,
): Plan {
  const isOldest = order === 'OLDEST';
  const direction = isOldest ? sql`ASC` : sql`DESC`;
  return {
    label: 'events',
    select: sql`SELECT ${toEventColumns(sql`toString(person)`)} FROM events WHERE ${allOf([rowsIn(range), which, toCondition(filter), place ? behind(place, isOldest) : always])}
      ORDER BY time ${direction}, log_stream ${direction}, log_offset ${direction} LIMIT ${value('UInt32', count)}`,
  };
}

function behind({ time, stream, offset }: Place, isOldest: boolean): Sql {
  const place = sql`(${at(time)}, ${value('UInt32', stream)}, ${value('UInt64', offset)})`;
  return isOldest ? sql`(time, log_stream, log_offset) > ${place}` : sql`(time, log_stream, log_offset) < ${place}`;
}

// ---- mapping

export function toEvent(row: EventRow, owners: ReadonlyMap<string, string>): StoredEvent {
  const data = JSON.parse(row.data) as { [part: string]: Record<string, unknown> };
  return {
    messageId: row.message_id,
    type: row.kind.toUpperCase() as EventType,
    event: row.event,
    person: owners.get(row.who) ?? row.who,
    timestamp: toDate(row.time),
    originalTimestamp: row.original_timestamp === null ? null : toDate(row.original_timestamp),
    sentAt: row.sent_at === null ? null : toDate(row.sent_at),
    receivedAt: toDate(row.received_at),
    userId: row.user_id || null,
    anonymousId: row.anonymous_id || null,
    groupId: row.group_id || null,
    previousId: row.previous_id || null,
    properties: data.properties ?? {},
    context: data.context ?? {},
    traits: data.traits ?? {},
  };
}

function toDate(stored: string): Date {
  return new Date(parseStoredTime(stored));
}
