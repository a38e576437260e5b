import { hash } from 'node:crypto';
import type { PositionVector, Stream } from '../events/position.ts';
import { createTouchTest } from '../events/touch.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { Correction } from './corrections.ts';
import type { TimeRange } from './range.ts';
import type { CompletedRow, WatermarkReader } from './watermark.ts';

/**
 * Which data an answer depends on: for each stream the last batch, up to the snapshot, that touched the range. Two
 * answers of the same shape and version are the same, so the version is part of a cached answer's key. One number would
 * not do: two gateways can hold snapshots of which neither is newer.
 */
export interface Versions {
  versionOf(project: string, range: TimeRange, snapshot: PositionVector, signal: AbortSignal): Promise<string>;
}

type Touches = Map<number, Map<Stream, number>>;

interface Loaded {
  readonly touches: Touches;
  /** Rows that came while the history was being read. */
  pending: CompletedRow[] | null;
  ready: Promise<void>;
}

export function createVersions(warehouse: Warehouse, watermark: WatermarkReader): Versions {
  const projects = new Map<string, Loaded>();
  /** The vector that `projects` describes. */
  let described: PositionVector | null = null;
  let memo = new Map<string, string>();

  watermark.onCompleted((rows) => {
    memo = new Map();
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

  const fromMemory = ({ touches }: Loaded, range: TimeRange, snapshot: PositionVector): string | null => {
    const isTouched = createTouchTest(range.from, range.to);
    const latest = new Map<Stream, number>();
    for (const [touch, streams] of touches) {
      if (!isTouched(touch)) continue;
      for (const [stream, last] of streams) if (last > (latest.get(stream) ?? -1)) latest.set(stream, last);
    }
    // A batch newer than the snapshot hides the older one that the snapshot has.
    for (const [stream, last] of latest) if (last > (snapshot.get(stream) ?? -1)) return null;
    return toVersion(latest);
  };

  const fromLedger = async (
    project: string,
    range: TimeRange,
    snapshot: PositionVector,
    signal: AbortSignal,
  ): Promise<string> => {
    const isTouched = createTouchTest(range.from, range.to);
    const bounds = [...snapshot]
      .map(([stream, last]) => `(log_stream = ${stream} AND last_offset <= ${last})`)
      .join(' OR ');
    if (bounds === '') return toVersion(new Map());
    const { rows } = await warehouse.query<{ touch: number; log_stream: number; last: string }>(
      {
        sql: `SELECT touch, log_stream, max(last_offset) AS last FROM ledger ARRAY JOIN touches AS touch
              WHERE phase = 'completed' AND project = {project:String} AND (${bounds}) GROUP BY touch, log_stream`,
        params: { project },
      },
      { label: 'versions', lane: 'ledger', project, signal, limits: { resultRows: 20_000_000 } },
    );
    const latest = new Map<Stream, number>();
    for (const { touch, log_stream, last } of rows) {
      if (isTouched(touch)) latest.set(log_stream, Math.max(latest.get(log_stream) ?? -1, Number(last)));
    }
    return toVersion(latest);
  };

  return {
    async versionOf(project, range, snapshot, signal) {
      if (snapshot !== described) {
        described = snapshot;
        memo = new Map();
      }
      const memoKey = `${project}|${range.from}|${range.to}`;
      const known = memo.get(memoKey);
      if (known !== undefined) return withCorrections(known, watermark.correction(project));
      // Before the version: a correction that comes meanwhile makes another key, not a wrong one.
      const correction = watermark.correction(project);
      const loaded = projects.get(project) ?? load(project);
      if (loaded.pending) await loaded.ready;
      const version = fromMemory(loaded, range, snapshot) ?? (await fromLedger(project, range, snapshot, signal));
      if (snapshot === described) memo.set(memoKey, version);
      return withCorrections(version, correction);
    },
  };
}

function apply(touches: Touches, { stream, last, touches: touched }: CompletedRow): void {
  for (const touch of touched) {
    let streams = touches.get(touch);
    if (!streams) {
      streams = new Map();
      touches.set(touch, streams);
    }
    if (last > (streams.get(stream) ?? -1)) streams.set(stream, last);
  }
}

function toVersion(latest: ReadonlyMap<Stream, number>): string {
  const sorted = [...latest].sort(([a], [b]) => a - b);
  return hash('sha256', JSON.stringify(sorted), 'base64url').slice(0, 22);
}

/** Positions do not tell what was taken out or put back; while it is being done, an answer has a name that nobody asks for again. */
function withCorrections(version: string, { count, isOpen }: Correction): string {
  if (isOpen) return `${version}.${crypto.randomUUID()}`;
  return count === 0 ? version : `${version}.${count}`;
}
