import { hash } from 'node:crypto';
import type { PositionVector, Stream } from '../../events/position.ts';
import { toHours, toTouched } from '../../events/touch.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import type { TimeRange } from '../range.ts';
import type { Correction } from './corrections.ts';
import type { CompletedRow, WatermarkReader } from './watermark.ts';

/**
 * Which data an answer depends on: for each stream the last batch, up to the snapshot, that touched the range. Two
 * answers of the same shape and version are the same, so the version is part of a cached answer's key. One number would
 * not do: two gateways can hold snapshots of which neither is newer.
 */
export interface Versions {
  /** In the order of the ranges, which ascend and do not overlap. */
  versionsOf(
    project: string,
    ranges: readonly TimeRange[],
    snapshot: PositionVector,
    signal: AbortSignal,
  ): Promise<readonly string[]>;
}

type Latest = Map<Stream, number>;
type Touches = Map<number, Latest>;

interface Loaded {
  readonly touches: Touches;
  /** Rows that came while the history was being read. */
  pending: CompletedRow[] | null;
  ready: Promise<void>;
}

/** Ranges of one snapshot: about 100 bytes each. */
const mostRemembered = 50_000;

export function createVersions(warehouse: Warehouse, watermark: WatermarkReader): Versions {
  const projects = new Map<string, Loaded>();
  /** Of each snapshot that is still asked of: what has come since does not change them. */
  const memos = new WeakMap<PositionVector, Map<string, string>>();

  watermark.onCompleted((rows) => {
    if (rows === null) projects.clear();
    for (const row of rows ?? []) {
      const loaded = projects.get(row.project);
      if (!loaded) continue;
      if (loaded.pending) loaded.pending.push(row);
      else apply(loaded.touches, row);
    }
  });

  const load = (project: string): Loaded => {
    const loaded: Loaded = { touches: new Map(), pending: [], ready: Promise.resolve() };
    loaded.ready = warehouse
      .query<{ touch: number; log_stream: number; last: string }>(
        {
          sql: `SELECT touch, log_stream, max(last_offset) AS last FROM ledger ARRAY JOIN touches AS touch
                WHERE phase = 'completed' AND project = {project:String} GROUP BY touch, log_stream`,
          params: { project },
        },
        { label: 'versions', lane: 'ledger', project, limits: { resultRows: 20_000_000 } },
      )
      .then(({ rows }) => {
        for (const { touch, log_stream, last } of rows)
          apply(loaded.touches, { project, stream: log_stream, first: 0, last: Number(last), touches: [touch] });
        for (const row of loaded.pending ?? []) apply(loaded.touches, row);
        loaded.pending = null;
      });
    loaded.ready.catch(() => projects.delete(project));
    projects.set(project, loaded);
    return loaded;
  };

  const fromMemory = ({ touches }: Loaded, ranges: readonly TimeRange[], snapshot: PositionVector) => {
    const latest = ranges.map((): Latest => new Map());
    const { first, end } = toHours({ from: ranges[0]!.from, to: ranges[ranges.length - 1]!.to });
    for (const [touch, streams] of touches) {
      // Mostly one bucket of many is asked for: the others are known.
      if (touch >= 0 && (touch < first || touch >= end)) continue;
      for (const i of placesOf(toTouched(touch), ranges))
        for (const [stream, last] of streams) raise(latest[i]!, stream, last);
    }
    return latest.map((streams) => {
      // A batch newer than the snapshot hides the older one that the snapshot has.
      for (const [stream, last] of streams) if (last > (snapshot.get(stream) ?? -1)) return null;
      return toVersion(streams);
    });
  };

  const fromLedger = async (
    project: string,
    ranges: readonly TimeRange[],
    snapshot: PositionVector,
    signal: AbortSignal,
  ): Promise<string[]> => {
    const bounds = [...snapshot]
      .map(([stream, last]) => `(log_stream = ${stream} AND last_offset <= ${last})`)
      .join(' OR ');
    const latest = ranges.map((): Latest => new Map());
    if (bounds !== '') {
      const { rows } = await warehouse.query<{ touch: number; log_stream: number; last: string }>(
        {
          sql: `SELECT touch, log_stream, max(last_offset) AS last FROM ledger ARRAY JOIN touches AS touch
              WHERE phase = 'completed' AND project = {project:String} AND (${bounds}) GROUP BY touch, log_stream`,
          params: { project },
        },
        { label: 'versions', lane: 'ledger', project, signal, limits: { resultRows: 20_000_000 } },
      );
      for (const { touch, log_stream, last } of rows)
        for (const i of placesOf(toTouched(touch), ranges)) raise(latest[i]!, log_stream, Number(last));
    }
    return latest.map(toVersion);
  };

  return {
    async versionsOf(project, ranges, snapshot, signal) {
      let memo = memos.get(snapshot);
      if (memo === undefined || memo.size > mostRemembered) {
        memo = new Map();
        memos.set(snapshot, memo);
      }
      const toMemoKey = ({ from, to }: TimeRange) => `${project}|${from}|${to}`;
      // Before the version: a correction that comes meanwhile makes another key, not a wrong one.
      const correction = watermark.correction(project);
      const keys = ranges.map(toMemoKey);
      const unknown = ranges.filter((_, i) => !memo.has(keys[i] as string));
      if (unknown.length > 0) {
        const loaded = projects.get(project) ?? load(project);
        if (loaded.pending) await loaded.ready;
        const found = fromMemory(loaded, unknown, snapshot);
        const hidden = unknown.filter((_, i) => found[i] === null);
        const older = (hidden.length > 0 ? await fromLedger(project, hidden, snapshot, signal) : []).values();
        for (const [i, range] of unknown.entries())
          memo.set(toMemoKey(range), found[i] ?? (older.next().value as string));
      }
      return keys.map((key) => withCorrections(memo.get(key) as string, correction));
    },
  };
}

/** Places of the ranges, which ascend and do not overlap, that have something of this one. */
export function placesOf({ from, to }: TimeRange, ranges: readonly TimeRange[]): number[] {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle] as TimeRange).to > from) high = middle;
    else low = middle + 1;
  }
  const places: number[] = [];
  for (let i = low; i < ranges.length && (ranges[i] as TimeRange).from < to; i++) places.push(i);
  return places;
}

export function raise(latest: Latest, stream: Stream, last: number): void {
  if (last > (latest.get(stream) ?? -1)) latest.set(stream, last);
}

function apply(touches: Touches, { stream, last, touches: touched }: CompletedRow): void {
  for (const touch of touched) {
    let streams = touches.get(touch);
    if (!streams) {
      streams = new Map();
      touches.set(touch, streams);
    }
    raise(streams, stream, last);
  }
}

/** Of data, by the last position of each stream that touches it. */
export function toVersion(latest: ReadonlyMap<Stream, number>): string {
  const sorted = [...latest].sort(([a], [b]) => a - b);
  return hash('sha256', JSON.stringify(sorted), 'base64url').slice(0, 22);
}

/** Positions do not tell what was taken out or put back; while it is being done, an answer has a name that nobody asks for again. */
function withCorrections(version: string, { count, isOpen }: Correction): string {
  if (isOpen) return `${version}.${crypto.randomUUID()}`;
  return count === 0 ? version : `${version}.${count}`;
}
