import { isTallygateError, toMessage } from '../../errors.ts';
import type { PositionVector } from '../../events/position.ts';
import { parseStoredTime } from '../../events/record.ts';
import { toTouched } from '../../events/touch.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { type FilterInput, toCondition } from '../filter/filter.ts';
import type { Moment } from '../moment/moment.ts';
import { type CompletedRow, readEveryMs, type WatermarkReader } from '../moment/watermark.ts';
import { allTime, type Plan, person, type Row, rowsIn, toNewer } from '../plan.ts';
import type { TimeRange } from '../range.ts';
import type { Session } from '../session.ts';
import { allOf, always, type Sql, sql, value } from '../sql.ts';
import { type EventRow, toEvent, toEventColumns } from './events.ts';
import type { FeedMemory } from './feed-memory.ts';
import { createSharedFeeds, type SharedFeed } from './feed-table.ts';
import type { Pulse } from './pulse.ts';
import { createEventQueue, type EventBatch, type EventQueue, type LiveEvents } from './queue.ts';

/** The project's events as they are stored: everybody who asks with the same filter shares one reading. */
export interface LiveEventsFeeds {
  /** `withPerson`: whether the reader wants to know who did it, which takes a look at all merges. Rejects when the filter is wrong. */
  open(
    project: string,
    filter: FilterInput | null | undefined,
    withPerson: boolean,
    signal: AbortSignal,
  ): Promise<AsyncIterableIterator<LiveEvents | Error>>;
  /** Asks a session for what a reading takes when nothing is new: for what the filter has to know beside the events themselves. */
  readNothing(session: Session, filter: FilterInput | null | undefined, withPerson: boolean): Promise<void>;
}

interface LiveEventsDeps {
  readonly pulse: Pulse;
  readonly watermark: WatermarkReader;
  readonly memory: FeedMemory;
  openSession(project: string, signal: AbortSignal): Session;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** What is asked for. */
interface Question {
  readonly condition: Sql;
  readonly withPerson: boolean;
}

interface Feed extends SharedFeed, Question {
  readonly project: string;
  readonly queues: Set<EventQueue>;
  /** Up to here everything was read. */
  seen: Moment;
  /** What was completed of the project, and is not read. */
  pending: CompletedRow[];
  /** Readings that look at all of time: what was completed is not listed. */
  unlisted: number;
  isReading: boolean;
}

/** What the pulse has seen, and not what others are still shown. */
const newest = { maxAgeMs: readEveryMs };
/** Whom ids stand for is in the rows already. */
const noOwners: ReadonlyMap<string, string> = new Map();
/** Of one reading: what is beyond, the oldest, is left out and counted. */
const mostEvents = 1000;
const mostCharacters = 1024 * 1024;
const mostPending = 10_000;

export function createLiveEvents({
  pulse,
  watermark,
  memory,
  openSession,
  logger,
  metrics,
}: LiveEventsDeps): LiveEventsFeeds {
  const feeds = createSharedFeeds<Feed>({
    pulse,
    onPulse({ vector }) {
      for (const one of feeds.all())
        if (!one.isReading && vector !== one.seen.vector && (one.pending.length > 0 || one.unlisted > 0))
          void readAgain(one);
    },
    begin: (feed) =>
      begin(feed).finally(() => {
        feed.isReading = false;
      }),
  });

  watermark.onCompleted((rows) => {
    if (feeds.size === 0) return;
    const byProject = Map.groupBy(rows ?? [], ({ project }) => project);
    for (const feed of feeds.all()) {
      const added = byProject.get(feed.project) ?? [];
      // The vector that these make may be that of the next reading, or, if that has begun, of the one after it.
      if (rows === null || feed.pending.length + added.length > mostPending) feed.unlisted = 2;
      else feed.pending.push(...added);
    }
  });

  const begin = async (feed: Feed) => {
    const session = openSession(feed.project, feed.controller.signal);
    await session.report(newest, async (at) => {
      // What is wrong with the filter shows before anything comes.
      await session.read(at, planNew(feed, at.vector, at.vector, allTime));
      feed.seen = at;
    });
  };

  const read = async (feed: Feed) => {
    const session = openSession(feed.project, feed.controller.signal);
    await session.report(newest, async (at) => {
      const isListed = feed.unlisted === 0;
      const range = isListed ? toSpan(feed.pending) : allTime;
      const plan = planNew(feed, feed.seen.vector, at.vector, range);
      const rows = await session.read<NewRow>(at, plan);
      const found = Number(rows[0]?.found ?? 0);
      const all =
        found > mostEvents
          ? await session.read<{ n: string }>(at, countNew(feed, feed.seen.vector, at.vector, range))
          : null;
      const kept = rows.slice(0, mostEvents);
      const left = (all ? Number(all[0]?.n) : found) - kept.length;
      const isIncluded = ({ stream, last }: CompletedRow) => last <= (at.vector.get(stream) ?? -1);
      feed.pending = feed.pending.filter((row) => !isIncluded(row));
      if (!isListed) feed.unlisted--;
      feed.seen = at;
      if (kept.length === 0) return;
      const batch = toBatch(kept, left, at);
      for (const queue of feed.queues) queue.put(batch);
    });
  };

  const readAgain = async (feed: Feed) => {
    feed.isReading = true;
    try {
      await read(feed);
    } catch (thrown) {
      if (feed.controller.signal.aborted) return;
      // What is not read yet is read with the next one.
      if (isTallygateError(thrown) && thrown.retriable) {
        logger.debug({ project: feed.project, error: toMessage(thrown) }, 'new events are not read yet');
        return;
      }
      for (const queue of feed.queues) queue.fail(thrown instanceof Error ? thrown : new Error(String(thrown)));
      feeds.forget(feed);
    } finally {
      feed.isReading = false;
    }
  };

  const toFeed = (of: Question & Pick<Feed, 'project'>): Feed => ({
    ...of,
    controller: new AbortController(),
    queues: new Set(),
    readers: 0,
    begun: Promise.resolve(),
    seen: nothing,
    pending: [],
    unlisted: 0,
    isReading: true,
  });

  return {
    async open(project, filter, withPerson, signal) {
      const condition = toCondition(filter);
      const key = JSON.stringify([project, withPerson, filter ?? null]);
      const { feed, leave } = await feeds.join(key, () => toFeed({ project, condition, withPerson }), signal);
      const queue = createEventQueue({
        start: toBatch([], 0, feed.seen),
        memory,
        signal,
        onLost: (count) => metrics.liveEventsLost.inc(count),
        onEnd() {
          feed.queues.delete(queue);
          leave();
        },
      });
      feed.queues.add(queue);
      return queue.messages;
    },
    async readNothing(session, filter, withPerson) {
      const question = { condition: toCondition(filter), withPerson };
      await session.report(newest, async (at) => {
        await session.read(at, planNew(question, at.vector, at.vector, { from: at.now, to: at.now }));
      });
    },
  };
}

const nothing: Moment = {
  vector: new Map(),
  asOf: 0,
  now: 0,
  snapshot: '',
  consistency: 'NOT_ASKED',
  fresh: false,
  warnings: [],
};

// ---- row

interface NewRow extends EventRow, Row {
  /** How many rows there were before the bound of their size; one more than a batch has when there may be more. */
  readonly found: string;
}

// ---- SQL

/** Newest first: the oldest are left out where there are too many. */
function planNew(question: Question, seen: PositionVector, vector: PositionVector, range: TimeRange): Plan {
  const order = sql`ORDER BY received_at DESC, log_stream DESC, log_offset DESC`;
  const who = question.withPerson ? sql`toString(${person})` : sql`''`;
  return {
    label: 'liveEvents',
    select: sql`SELECT * EXCEPT before FROM (
        SELECT *, count() OVER () AS found,
          sum(length(data)) OVER (${order} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) - length(data) AS before
        FROM (SELECT ${toEventColumns(who)} FROM events WHERE ${toNew(question, seen, vector, range)} ${order} LIMIT ${value('UInt32', mostEvents + 1)}))
      WHERE before < ${value('UInt64', mostCharacters)} ${order}`,
  };
}

function countNew(question: Question, seen: PositionVector, vector: PositionVector, range: TimeRange): Plan {
  return {
    label: 'liveEvents',
    select: sql`SELECT count() AS n FROM events WHERE ${toNew(question, seen, vector, range)}`,
  };
}

/** The index by position finds them, and the range the parts of the table in which they are. */
function toNew({ condition }: Question, seen: PositionVector, vector: PositionVector, range: TimeRange): Sql {
  return allOf([
    rowsIn({ ...range, timezone: 'UTC' }),
    toNewer(seen, vector),
    condition === always ? always : sql`(${condition})`,
  ]);
}

/** From the first to the last hour in which there is any of it. */
function toSpan(rows: readonly CompletedRow[]): TimeRange {
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const touch of rows.flatMap(({ touches }) => touches)) {
    const touched = toTouched(touch);
    from = Math.min(from, touched.from);
    to = Math.max(to, touched.to);
  }
  return from < to ? { from, to } : { from: 0, to: 1 };
}

// ---- mapping

/**
 * In the order of storage: that of its partition for each event, and partitions side by side by when events were received. Clocks of
 * gateways differ, so an event counts as received no earlier than those before it.
 */
function toBatch(rows: readonly EventRow[], left: number, at: Moment): EventBatch {
  const latest = new Map<number, number>();
  const placed = [...rows]
    .sort((a, b) => a.log_stream - b.log_stream || Number(a.log_offset) - Number(b.log_offset))
    .map((row) => {
      const before = latest.get(row.log_stream) ?? Number.NEGATIVE_INFINITY;
      const place = Math.max(parseStoredTime(row.received_at), before);
      latest.set(row.log_stream, place);
      return { row, place };
    });
  // Stable: those of one moment stay as they are.
  placed.sort((a, b) => a.place - b.place);
  return {
    events: placed.map(({ row }) => toEvent(row, noOwners)),
    bytes: placed.map(({ row }) => 500 + 2 * row.data.length),
    left,
    asOf: new Date(at.asOf),
    snapshot: at.snapshot,
  };
}
