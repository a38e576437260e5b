import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorCode, isTallygateError, TallygateError, toMessage } from '../errors.ts';
import type { LogRecord, PartitionLease } from '../ports/event-log.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type Batch, joinLines, type Line, setAside } from './batch.ts';
import { repairEdges } from './edges.ts';
import { insertEvents } from './insert-events.ts';
import { readCompleted, toLedgerLines } from './ledger.ts';
import { readPresent } from './present.ts';
import { repairRollup } from './rollup.ts';

/**
 * Puts a decided batch into the warehouse so that it is there once, however often this is tried and whoever tries it:
 * announce, insert under the batch's token, complete. docs/architecture.md says why each step is there.
 */
export interface Store {
  /**
   * `replayed`: somebody may have tried before, so read back what is there and add what is missing. Resolves with whether
   * each insert succeeded at once: then nobody reads the lines any more. `onInsert` is called when the engine has the work.
   */
  storeBatch(
    lease: PartitionLease,
    batch: Batch,
    records: readonly LogRecord[],
    replayed: boolean,
    onInsert?: () => void,
  ): Promise<boolean>;
  /** Tries until it succeeds, the lease is lost, or it fails while the lease is stopping. */
  persist<T>(lease: PartitionLease, what: string, attempt: () => Promise<T>): Promise<T>;
}

interface StoreDeps {
  readonly warehouse: Warehouse;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** First pause before another try, in milliseconds; it doubles up to 5 s. */
  readonly retryMs: number;
  /** Called whenever an attempt has come to an end, well or not. */
  readonly onAttempt: () => void;
  /** Hours that the window of repeats covers now. */
  readonly windowHours: () => number;
}

/** One batch on its way, and whether somebody, or an earlier try, may have left it half stored. */
interface Work {
  readonly lease: PartitionLease;
  readonly attempt: { doubtful: boolean };
}

type Table = 'events' | 'dead_letters' | 'repeats' | 'tombstones';

const longestPause = 5000;
const repairs = 25;
/** Trying again changes nothing. */
const final = new Set<ErrorCode>(['BAD_ROWS', 'LEASE_LOST', 'LOG_REPLACED']);

export function createStore({ warehouse, metrics, logger, retryMs, onAttempt, windowHours }: StoreDeps): Store {
  const persist = async <T>(lease: PartitionLease, what: string, attempt: () => Promise<T>): Promise<T> => {
    let pause = retryMs;
    let lastWarning = 0;
    for (;;) {
      if (lease.lost.aborted)
        throw new TallygateError('LEASE_LOST', `partition ${lease.partition} was taken away while storing ${what}`);
      try {
        return await attempt().finally(onAttempt);
      } catch (thrown) {
        if (lease.stopping.aborted || (isTallygateError(thrown) && final.has(thrown.code))) throw thrown;
        if (Date.now() - lastWarning > 30_000) {
          logger.warn({ partition: lease.partition, what, error: toMessage(thrown) }, 'not done yet; trying again');
          lastWarning = Date.now();
        }
        if (pause > 0)
          await sleep(pause, undefined, { signal: AbortSignal.any([lease.lost, lease.stopping]) }).catch(() => {});
        pause = Math.min(pause * 2, longestPause);
      }
    }
  };

  const insert = async ({ lease, attempt }: Work, table: string, lines: Buffer, token: string): Promise<void> => {
    let tries = 0;
    await persist(lease, `${table} ${token}`, () => {
      // The engine may have died with the first try, and remember its token without its rows.
      if (++tries > 1) attempt.doubtful = true;
      return warehouse.insert(table, lines, { token });
    });
  };

  const readBack = async (lease: PartitionLease, { stream, first, last }: Batch): Promise<ReadonlySet<number>> => {
    const { offsets, rows } = await persist(lease, 'reading back', () =>
      readPresent(warehouse, { stream, first, last }),
    );
    if (rows !== offsets.size)
      logger.error({ stream, first, last, rows, positions: offsets.size }, 'positions are stored more than once');
    return offsets;
  };

  const repair = async (work: Work, batch: Batch) => {
    for (let attempt = 1; attempt <= repairs; attempt++) {
      const present = await readBack(work.lease, batch);
      let missing = 0;
      for (const [table, lines] of tablesOf(batch)) {
        const absent = lines.filter(({ offset }) => !present.has(offset));
        if (absent.length === 0) continue;
        missing += absent.length;
        // A deterministic token: a stopped owner that wakes up and inserts under the original one changes nothing.
        await insert(work, table, joinLines(absent), `${batch.token}:repair:${attempt}`);
      }
      if (missing === 0) {
        const { stream, first, last, token } = batch;
        await persist(work.lease, 'the rollup', () =>
          repairRollup({ warehouse, logger }, { stream, first, last }, token),
        );
        await persist(work.lease, 'the edges', () =>
          repairEdges({ warehouse, logger }, { stream, first, last }, token),
        );
        return;
      }
      metrics.sinkRepaired.inc(missing);
      logger.warn(
        { stream: batch.stream, first: batch.first, last: batch.last, missing },
        'a replay found rows missing and stored them',
      );
    }
    throw new TallygateError(
      'INTERNAL',
      `positions ${batch.first} to ${batch.last} of stream ${batch.stream} are still missing after ${repairs} repairs`,
    );
  };

  /** A token alone is not trusted here either: an engine that was killed may remember it, and not the row. */
  const complete = async (work: Work, batch: Batch) => {
    const { lease, attempt } = work;
    const lines = toLedgerLines('completed', batch, windowHours());
    await insert(work, 'ledger', lines, `${batch.token}:completed`);
    for (let n = 1; attempt.doubtful && n <= repairs; n++) {
      const ranges = await persist(lease, 'reading back', () => readCompleted(warehouse, batch.stream, batch.first));
      if (ranges.some(({ first, last }) => first === batch.first && last === batch.last)) return;
      await insert(work, 'ledger', lines, `${batch.token}:completed:repair:${n}`);
    }
  };

  return {
    persist,
    async storeBatch(lease, decided, records, replayed, onInsert) {
      const work: Work = { lease, attempt: { doubtful: replayed } };
      await insert(work, 'ledger', toLedgerLines('announced', decided), `${decided.token}:announced`);
      const started = performance.now();
      const inserting = insertEvents(decided.events, decided.token, (lines, token) =>
        insert(work, 'events', lines, token),
      );
      onInsert?.();
      const refused = await inserting;
      metrics.sinkInsertSeconds.observe((performance.now() - started) / 1000);
      metrics.sinkBatchRows.observe(decided.events.length);
      const batch = refused.size === 0 ? decided : setAside(decided, records, refused);
      for (const [table, lines] of tablesOf(batch)) {
        // A tombstone is nearly always there; what is not is found by reading back, as a replay does.
        if (table !== 'events' && table !== 'tombstones' && lines.length > 0)
          await insert(work, table, joinLines(lines), `${batch.token}:${table}`);
      }
      if (work.attempt.doubtful) await repair(work, batch);
      await complete(work, batch);
      metrics.sinkRows.inc({ outcome: 'stored' }, batch.events.length);
      metrics.sinkRows.inc({ outcome: 'deduplicated' }, batch.repeats.length);
      metrics.sinkRows.inc({ outcome: 'dead_lettered' }, batch.deadLetters.length);
      metrics.dedupConflicts.inc(batch.conflicts);
      return !work.attempt.doubtful;
    },
  };
}

function tablesOf(batch: Batch): [Table, readonly Line[]][] {
  return [
    ['events', batch.events],
    ['dead_letters', batch.deadLetters],
    ['repeats', batch.repeats],
    ['tombstones', batch.tombstones],
  ];
}
