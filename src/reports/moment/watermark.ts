import { toMessage } from '../../errors.ts';
import {
  covers,
  fromLogPartition,
  laneNames,
  liveLane,
  type PositionVector,
  type Stream,
  toStreamOf,
  toStreamParts,
} from '../../events/position.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { type Correction, readCorrections, uncorrected } from './corrections.ts';
import { createHeldReadings } from './held-readings.ts';

/** How far the warehouse has come. A new object whenever it moves. */
export interface Watermark {
  /** Last completed offset of each stream. */
  readonly vector: PositionVector;
  /** Every live event acknowledged before it is included; milliseconds since 1970. 0 until it is known. */
  readonly asOf: number;
  readonly epoch: number;
  /** When this was read; milliseconds since 1970. */
  readonly readAt: number;
  readonly corrections: ReadonlyMap<string, Correction>;
}

/** A range of the log that became complete, as far as one project is concerned. */
export interface CompletedRow {
  readonly project: string;
  readonly stream: Stream;
  readonly first: number;
  readonly last: number;
  readonly touches: readonly number[];
}

export interface WatermarkReader {
  /** The newest reading that is at most maxAgeMs old; reads when there is none. Rejects with WAREHOUSE_UNAVAILABLE. */
  read(maxAgeMs: number): Promise<Watermark>;
  /** The same reading for as long as it is at most maxAgeMs old. Rejects with WAREHOUSE_UNAVAILABLE. */
  hold(maxAgeMs: number): Promise<Watermark>;
  /** Resolves true as soon as the vector is covered, false at the deadline (milliseconds since 1970). */
  waitFor(vector: PositionVector, deadline: number, signal: AbortSignal): Promise<boolean>;
  /** Called with everything that a reading finds completed, before the reading is handed out; null: more than is worth listing. */
  onCompleted(listener: (rows: readonly CompletedRow[] | null) => void): void;
  /** Records that the log has and the warehouse has not, by partition, as of the last reading. */
  lag(): readonly { readonly lane: number; readonly partition: number; readonly lag: number }[];
  /** The same, and since when the log has not told its ends (null when it does): why asOf is no later. */
  behind(): { readonly lag: ReturnType<WatermarkReader['lag']>; readonly endsUnknownSince: number | null };
  /** As of the last reading. */
  correction(project: string): Correction;
  stop(): void;
}

interface WatermarkDeps {
  readonly log: EventLog;
  readonly warehouse: Warehouse;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock?: () => number;
}

interface LedgerRow {
  readonly project: string;
  readonly log_stream: number;
  readonly first_offset: string;
  readonly last_offset: string;
  readonly touches: number[];
}

/** Least time between two readings, in milliseconds; the log and the ledger are never read for each request. */
export const readEveryMs = 250;
/** What a question without a wish takes, in milliseconds: one that waits for no reading, as long as none is late. */
export const usualAgeMs = 2 * readEveryMs;
/** A timer comes a little early or late; what is due then need not wait for the next turn. */
const timerSlackMs = 25;
const idleReadMs = 1000;
/** Rows of one reading of the ledger; the next one goes on from there. */
const mostRows = 20_000;
/** How long a hole in the ledger is waited for, in milliseconds: another replica may still be bringing the row. */
const holePatienceMs = 10_000;

export function createWatermarkReader({
  log,
  warehouse,
  logger,
  metrics,
  clock = Date.now,
}: WatermarkDeps): WatermarkReader {
  let current: Watermark = {
    vector: new Map(),
    asOf: 0,
    epoch: 0,
    readAt: Number.NEGATIVE_INFINITY,
    corrections: new Map(),
  };
  let reading: Promise<Watermark> | null = null;
  let lastAsked = 0;
  let ends: readonly number[] = [];
  let endsUnknownSince: number | null = null;
  const unreached: { at: number; ends: readonly number[] }[] = [];
  const holes = new Map<Stream, number>();
  const listeners: ((rows: readonly CompletedRow[] | null) => void)[] = [];
  const waiters = new Set<() => void>();

  const readOnce = async (): Promise<Watermark> => {
    const at = clock();
    try {
      ends = (await log.inspect()).map(({ end }) => end);
      endsUnknownSince = null;
      unreached.push({ at, ends });
    } catch (thrown) {
      endsUnknownSince ??= at;
      // Without the log nothing new is acknowledged either; asOf stands still until it is back.
      logger.debug({ error: toMessage(thrown) }, 'the end of the log is not known now');
    }
    const [corrections, { vector, rows, epoch }] = await Promise.all([
      readCorrections(warehouse),
      readLedger(current.vector),
    ]);
    let asOf = current.asOf;
    while (unreached.length > 0) {
      const oldest = unreached[0]!;
      if (!reaches(vector, epoch, oldest.ends)) break;
      asOf = Math.max(asOf, oldest.at);
      unreached.shift();
    }
    // Keep the newest chances; the oldest is the next one to come true.
    if (unreached.length > 1000) unreached.splice(1, unreached.length - 500);
    if (rows === null || rows.length > 0) for (const listener of listeners) listener(rows);
    current = {
      vector: rows?.length === 0 ? current.vector : vector,
      asOf,
      epoch,
      readAt: at,
      corrections,
    };
    if (asOf > 0) metrics.watermarkAge.set((clock() - asOf) / 1000);
    for (const { lane, partition, lag } of lagOf())
      metrics.sinkLag.set({ lane: laneNames[lane as 0 | 1], partition }, lag);
    for (const wake of waiters) wake();
    return current;
  };

  const readLedger = async (
    known: PositionVector,
  ): Promise<{ vector: PositionVector; rows: CompletedRow[] | null; epoch: number }> => {
    if (known.size === 0) return readWhole();
    const streams = [...known]
      .map(([stream, last]) => `(log_stream = ${stream} AND last_offset > ${last})`)
      .join(' OR ');
    const { rows } = await warehouse.query<LedgerRow>(
      {
        sql: `SELECT project, log_stream, first_offset, last_offset, touches FROM ledger
              WHERE phase = 'completed' AND (${streams} OR log_stream NOT IN (${[...known.keys()].join(',')}))
              ORDER BY log_stream, last_offset LIMIT ${mostRows}`,
      },
      { label: 'ledger', lane: 'ledger', limits: { resultRows: mostRows + 1 } },
    );
    const whole = toWholeRanges(rows);
    if (whole === null) return readWhole();
    const vector = new Map(known);
    const completed: CompletedRow[] = [];
    const held = new Set<Stream>();
    for (const row of whole) {
      const stream = row.log_stream;
      const first = Number(row.first_offset);
      const last = Number(row.last_offset);
      const before = vector.get(stream);
      if (before !== undefined && first > before + 1 && !maySkip(stream, before, first)) held.add(stream);
      if (held.has(stream)) continue;
      vector.set(stream, Math.max(before ?? -1, last));
      completed.push({ project: row.project, stream, first, last, touches: row.touches });
    }
    const epoch = [...vector.keys()].reduce(
      (newest, stream) => Math.max(newest, toStreamParts(stream).epoch),
      current.epoch,
    );
    return { vector, rows: completed, epoch };
  };

  /** A row that is missing before this one may be on its way; after a while it is taken for a hole of the log itself. */
  const maySkip = (stream: Stream, before: number, first: number): boolean => {
    const since = holes.get(stream) ?? clock();
    holes.set(stream, since);
    if (clock() - since < holePatienceMs) return false;
    holes.delete(stream);
    logger.error(
      { stream, from: before + 1, to: first - 1 },
      'the ledger has a hole: the log lost these positions before they were stored, or "tallygate doctor" can tell more',
    );
    return true;
  };

  const readWhole = async () => {
    const { rows } = await warehouse.query<{ log_stream: number; last: string }>(
      { sql: "SELECT log_stream, max(last_offset) AS last FROM ledger WHERE phase = 'completed' GROUP BY log_stream" },
      { label: 'ledger', lane: 'ledger' },
    );
    const { rows: epochs } = await warehouse.query<{ epoch: number }>(
      { sql: 'SELECT max(epoch) AS epoch FROM log_epochs' },
      { label: 'epoch', lane: 'ledger' },
    );
    return {
      vector: new Map(rows.map(({ log_stream, last }) => [log_stream, Number(last)])),
      rows: null,
      epoch: epochs[0]?.epoch ?? 0,
    };
  };

  const lagOf = () =>
    ends.map((end, logPartition) => {
      const last = current.vector.get(toStreamOf(current.epoch, logPartition)) ?? -1;
      return { ...fromLogPartition(logPartition), lag: Math.max(0, end - 1 - last) };
    });

  const read = async (maxAgeMs: number): Promise<Watermark> => {
    lastAsked = clock();
    if (clock() - current.readAt <= Math.max(maxAgeMs, 0) && maxAgeMs > 0) return current;
    if (reading) {
      // The reading under way may have begun before the caller's events were acknowledged.
      await reading.catch(() => {});
      if (maxAgeMs > 0 && clock() - current.readAt <= maxAgeMs) return current;
    }
    reading ??= readOnce().finally(() => {
      reading = null;
    });
    return reading;
  };

  const timer = setInterval(() => {
    const age = clock() - current.readAt;
    const due = clock() - lastAsked < 60_000 || waiters.size > 0 ? readEveryMs : idleReadMs;
    if (age >= due - timerSlackMs && !reading) {
      reading = readOnce().finally(() => {
        reading = null;
      });
      reading.catch((thrown) => logger.debug({ error: toMessage(thrown) }, 'the ledger could not be read'));
    }
  }, readEveryMs);
  timer.unref();

  return {
    read,
    hold: createHeldReadings(read, clock),
    async waitFor(vector, deadline, signal) {
      while (!covers(current.vector, vector)) {
        const left = deadline - clock();
        if (left <= 0 || signal.aborted) return false;
        lastAsked = clock();
        await new Promise<void>((resolve) => {
          const wake = () => {
            clearTimeout(timeout);
            waiters.delete(wake);
            signal.removeEventListener('abort', wake);
            resolve();
          };
          const timeout = setTimeout(wake, left);
          waiters.add(wake);
          signal.addEventListener('abort', wake, { once: true });
        });
      }
      return true;
    },
    onCompleted: (listener) => {
      listeners.push(listener);
    },
    lag: lagOf,
    behind: () => ({ lag: lagOf(), endsUnknownSince }),
    correction: (project) => current.corrections.get(project) ?? uncorrected,
    stop: () => clearInterval(timer),
  };
}

/** True when every live event below the ends is completed. History has its own lag, and holds nobody up. */
function reaches(vector: PositionVector, epoch: number, ends: readonly number[]): boolean {
  return ends.every(
    (end, logPartition) =>
      end === 0 ||
      fromLogPartition(logPartition).lane !== liveLane ||
      (vector.get(toStreamOf(epoch, logPartition)) ?? -1) >= end - 1,
  );
}

/** Rows of whole ranges: where a reading was cut off, the last one may lack rows, and is left to the next. null: it is all of it. */
function toWholeRanges(rows: readonly LedgerRow[]): readonly LedgerRow[] | null {
  const last = rows[mostRows - 1];
  if (last === undefined) return rows;
  const whole = rows.filter(
    ({ log_stream, last_offset }) => log_stream !== last.log_stream || last_offset !== last.last_offset,
  );
  return whole.length > 0 ? whole : null;
}
