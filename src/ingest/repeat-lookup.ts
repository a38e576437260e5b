import { earliestTime, latestTime } from '../events/event.ts';
import type { Stream } from '../events/position.ts';
import type { Warehouse } from '../ports/warehouse.ts';

/** Everything below these offsets of the pair's two streams was decided before. */
export interface Positions {
  readonly live: number;
  readonly history: number;
}

export interface PairStreams {
  readonly live: Stream;
  /** Null for a log with one partition, which has the live lane alone. */
  readonly history: Stream | null;
  /** Of epochs before this one, as far as they are completed: nothing is added to them any more. */
  readonly older?: readonly OlderStream[];
}

export interface OlderStream {
  readonly stream: Stream;
  /** Last completed offset. */
  readonly last: number;
}

/** What the warehouse has under an id. Times are milliseconds since 1970. */
export interface Found {
  readonly live: boolean;
  readonly offset: number;
  readonly receivedAt: number;
  /** Null for dead letters. */
  readonly time: number | null;
  readonly fingerprint: number;
}

interface Sought {
  readonly project: string;
  readonly messageId: string;
  readonly time: number;
}

export interface LookupBounds {
  readonly asOf: Positions;
  /** Positions where to begin. */
  readonly from: Positions;
  /** Least time of receipt, in milliseconds since 1970. */
  readonly since: number;
  /** Most that an event's time may be away from that of the one that is sought, in milliseconds; null for any time. */
  readonly around: number | null;
}

interface Row {
  readonly project: string;
  readonly message_id: string;
  readonly log_stream: number;
  readonly log_offset: string;
  readonly received: string;
  readonly happened: string | null;
  readonly fingerprint: number;
}

/**
 * Of the ids of one statement, as a parameter: a server takes 128 KiB for one (http_max_field_value_size), and the engine in
 * this process 256 KiB of a statement, in which every quote and backslash stands twice.
 */
const mostBytes = 120_000;

const where = `((log_stream = {live:UInt32} AND log_offset >= {liveFrom:UInt64} AND log_offset < {liveTo:UInt64})
    OR (log_stream = {history:UInt32} AND log_offset >= {historyFrom:UInt64} AND log_offset < {historyTo:UInt64})
    OR (log_stream IN {olderStreams:Array(UInt32)}
      AND toInt64(log_offset) <= transform(log_stream, {olderStreams:Array(UInt32)}, {olderLasts:Array(Int64)}, toInt64(-1))))
  AND project IN {projects:Array(String)} AND message_id IN {ids:Array(String)}
  AND received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')`;
const columns = `project, message_id, log_stream, log_offset, toUnixTimestamp64Milli(received_at) AS received, fingerprint`;
const sql = `SELECT ${columns}, toNullable(toUnixTimestamp64Milli(time)) AS happened FROM events WHERE ${where}
    AND time BETWEEN fromUnixTimestamp64Milli({timeFrom:Int64}, 'UTC') AND fromUnixTimestamp64Milli({timeTo:Int64}, 'UTC')
  UNION ALL SELECT ${columns}, NULL AS happened FROM dead_letters WHERE ${where}
  UNION ALL SELECT ${columns}, toUnixTimestamp64Milli(time) AS happened FROM tombstones WHERE ${where}`;

/** What the warehouse has of these ids, by toIdKey. Asks one statement after the other. */
export async function lookUp(
  warehouse: Warehouse,
  { live, history, older = [] }: PairStreams,
  sought: readonly Sought[],
  { asOf, from, since, around }: LookupBounds,
  signal: AbortSignal,
): Promise<Map<string, Found[]>> {
  const found = new Map<string, Found[]>();
  const isEmpty = asOf.live <= from.live && (history === null || asOf.history <= from.history);
  if (isEmpty && older.length === 0) return found;
  for (const chunk of toChunks(around === null ? sought : sought.toSorted((a, b) => a.time - b.time))) {
    const [first, last] = [chunk[0]!.time, chunk[chunk.length - 1]!.time];
    const { rows } = await warehouse.query<Row>(
      {
        sql,
        params: {
          live,
          liveFrom: from.live,
          liveTo: asOf.live,
          history: history ?? live,
          historyFrom: from.history,
          historyTo: history === null ? 0 : asOf.history,
          olderStreams: older.map(({ stream }) => stream),
          olderLasts: older.map(({ last }) => last),
          since,
          timeFrom: around === null ? earliestTime : Math.max(earliestTime, first - around),
          timeTo: around === null ? latestTime : Math.min(latestTime, last + around),
          projects: [...new Set(chunk.map(({ project }) => project))],
          ids: [...new Set(chunk.map(({ messageId }) => messageId))],
        },
      },
      { label: 'lookup', lane: 'sink', limits: { seconds: 300, resultRows: 1_000_000 }, signal },
    );
    for (const row of rows) {
      const key = toIdKey(row.project, row.message_id);
      const one: Found = {
        live: row.log_stream === live,
        offset: Number(row.log_offset),
        receivedAt: Number(row.received),
        time: row.happened === null ? null : Number(row.happened),
        fingerprint: row.fingerprint,
      };
      const known = found.get(key);
      if (known) known.push(one);
      else found.set(key, [one]);
    }
  }
  return found;
}

export function toIdKey(project: string, messageId: string): string {
  return `${project}\0${messageId}`;
}

/** Parts of `sought`, in order, each as large as a statement may be. */
function* toChunks(sought: readonly Sought[]): Iterable<readonly Sought[]> {
  const projects = new Set<string>();
  let first = 0;
  let bytes = 0;
  for (const [i, { project, messageId }] of sought.entries()) {
    const more = toParameterBytes(messageId);
    if (bytes + more + project.length + 3 > mostBytes) {
      yield sought.slice(first, i);
      projects.clear();
      first = i;
      bytes = 0;
    }
    bytes += more + (projects.has(project) ? 0 : project.length + 3);
    projects.add(project);
  }
  if (first < sought.length) yield sought.slice(first);
}

/** At most what an id takes in a list, with its quotes and comma. */
function toParameterBytes(id: string): number {
  return /^[\w.-]*$/.test(id) ? id.length + 3 : Buffer.byteLength(id) * 2 + 3;
}
