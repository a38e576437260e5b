import { isTallygateError, TallygateError, toMessage } from '../errors.ts';
import { liveLane, type Stream, toStream } from '../events/position.ts';
import type { Commit, Consumption, EventLog, LogRecord, PartitionLease } from '../ports/event-log.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { decideBatch, toToken } from './batch.ts';
import {
  type CompletedRange,
  type OffsetRange,
  readCompleted,
  readEpoch,
  readFirstSince,
  readLastCompleted,
  toGaps,
} from './ledger.ts';
import { rebuildWindow } from './rebuild.ts';
import type { RepeatWindow } from './repeat-window.ts';
import { createStore } from './store.ts';

export interface SinkOptions {
  readonly group: string;
  readonly batchRows: number;
  readonly batchBytes: number;
  /** Longest time to collect rows for one insert, in milliseconds; also the shortest time between two of them. */
  readonly lingerMs: number;
  readonly windowHours: number;
  /**
   * Check at the start of a lease that what was stored of late is there, from the log. For a warehouse on this machine's
   * disk, which may lose what it has acknowledged when the power goes.
   */
  readonly verifyRecent: boolean;
  /** First pause before another try of what failed, in milliseconds. Default: 100. */
  readonly retryMs?: number;
}

interface SinkDeps {
  readonly log: EventLog;
  readonly warehouse: Warehouse;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly options: SinkOptions;
}

/** What was stored this long before the last row of the ledger is taken to be on the disk, in milliseconds. */
const verifiedMs = 3_600_000;
/** The first rows after a quiet time wait no longer than this, in milliseconds. */
const shortLinger = 200;

/** Moves records from the log into the warehouse, each once. See docs/architecture.md for the protocol. */
export function startSink({ log, warehouse, metrics, logger, options }: SinkDeps): Promise<Consumption> {
  const store = createStore({ warehouse, metrics, logger, retryMs: options.retryMs ?? 100 });

  const runLease = async (lease: PartitionLease): Promise<void> => {
    const persist = <T>(what: string, attempt: () => Promise<T>) => store.persist(lease, what, attempt);
    const epoch = await persist('the epoch', () => readEpoch(warehouse));
    const stream = toStream({ epoch, lane: liveLane, partition: lease.partition });
    const completed = await persist('the ledger', () => readLastCompleted(warehouse, stream));
    await persist('the log', () => assertSameLog(log, lease, stream, completed));

    const { next, end } = lease.committed;
    const verifyFrom = options.verifyRecent ? await firstToVerify(lease, stream, next - 1) : null;
    const started = performance.now();
    const window = await persist('the window of repeats', () =>
      rebuildWindow(warehouse, stream, verifyFrom ?? next, options.windowHours),
    );
    metrics.dedupRebuildSeconds.observe((performance.now() - started) / 1000);
    logger.info(
      { partition: lease.partition, next, end, ids: window.size, ms: Math.round(performance.now() - started) },
      'consuming a partition',
    );
    if (verifyFrom !== null) await verifyRecent(lease, stream, { first: verifyFrom, last: next - 1 }, window);
    await consume(lease, stream, window, completed?.last ?? -1);
  };

  const consume = async (lease: PartitionLease, stream: Stream, window: RepeatWindow, completed: number) => {
    const commit = (wanted: Commit) => store.persist(lease, 'a commit', () => lease.commit(wanted));
    let { next, end } = lease.committed;
    const limits = { maxRecords: options.batchRows, maxBytes: options.batchBytes, waitMs: 1000 };
    while (end !== null && next <= end) {
      // Somebody meant to store exactly next..end and may have: the batch has to have the same bounds.
      const records = await takeRange(lease, next, end);
      if (records.length === 0) return;
      const batch = decideBatch(stream, records, window);
      await store.storeBatch(lease, batch, records, true);
      next = batch.last + 1;
    }
    let lastInsert = 0;
    let open = end !== null;
    for (;;) {
      const lingerMs = Math.max(Math.min(shortLinger, options.lingerMs), options.lingerMs - (Date.now() - lastInsert));
      const taken = await lease.take({ ...limits, lingerMs });
      const records = taken.filter(({ offset }) => offset > completed);
      if (records.length === 0) {
        if (open || taken.length > 0) {
          await commit({ next: taken.length > 0 ? taken[taken.length - 1]!.offset + 1 : next, end: null });
          open = false;
        }
        if (lease.stopping.aborted) return;
        continue;
      }
      lastInsert = Date.now();
      const first = records[0]!.offset;
      const last = records[records.length - 1]!.offset;
      await commit({ next: first, end: last });
      open = true;
      const batch = decideBatch(stream, records, window);
      await store.storeBatch(lease, batch, records, false);
      metrics.dedupIds.set(window.size);
      next = last + 1;
    }
  };

  /** Where to begin: the log may hold a week, but what was stored an hour ago has long been on the disk. */
  const firstToVerify = async (lease: PartitionLease, stream: Stream, last: number): Promise<number | null> => {
    const retained = await firstRetained(log, lease.partition, last);
    const recent = await store.persist(lease, 'the ledger', () => readFirstSince(warehouse, stream, verifiedMs));
    return retained === null || recent > last ? null : Math.max(retained, recent);
  };

  /** What was stored since is decided again, and added where it is missing. */
  const verifyRecent = async (lease: PartitionLease, stream: Stream, range: OffsetRange, window: RepeatWindow) => {
    const done = await store.persist(lease, 'the ledger', () => readCompleted(warehouse, stream, range.first));
    const gaps = toGaps(range, done).flatMap((gap) => split(gap, options.batchRows));
    const known = done.filter(({ first, last }) => first <= range.last && last >= range.first);
    const parts = [
      ...known.map((r) => ({ ...r, complete: true })),
      ...gaps.map((r) => ({ ...r, complete: false })),
    ].sort((a, b) => a.first - b.first);
    for (const part of parts) {
      if (lease.stopping.aborted) return;
      const records: LogRecord[] = [];
      for await (const chunk of log.read(
        lease.partition,
        Math.max(part.first, range.first),
        Math.min(part.last, range.last),
      ))
        records.push(...chunk);
      if (records.length === 0) continue;
      const batch = decideBatch(stream, records, window);
      if (part.complete) await store.repairBatch(lease, batch);
      else await store.storeBatch(lease, batch, records, true);
    }
  };

  return log.consume(options.group, async (lease) => {
    try {
      await runLease(lease);
    } catch (thrown) {
      if (lease.lost.aborted || (isTallygateError(thrown) && thrown.code === 'LEASE_LOST')) {
        logger.info({ partition: lease.partition }, 'a partition went to another sink');
        return;
      }
      if (lease.stopping.aborted) {
        logger.warn(
          { partition: lease.partition, error: toMessage(thrown) },
          'stopped in the middle of a batch; the next start replays it',
        );
        return;
      }
      throw thrown;
    }
  });
}

async function takeRange(lease: PartitionLease, first: number, last: number): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  let next = first;
  while (next <= last) {
    const taken = await lease.take({
      maxRecords: last - next + 1,
      maxBytes: Number.MAX_SAFE_INTEGER,
      lingerMs: 0,
      waitMs: 1000,
      upTo: last,
    });
    if (taken.length === 0 && lease.stopping.aborted) return [];
    for (const record of taken) records.push(record);
    if (taken.length > 0) next = taken[taken.length - 1]!.offset + 1;
  }
  return records;
}

/**
 * Offsets that the ledger knows and the log has not reached, or that hold something else there, belong to another log:
 * storing on, or skipping what is stored already, would lose events in silence.
 */
async function assertSameLog(
  log: EventLog,
  { partition, committed }: PartitionLease,
  stream: Stream,
  completed: CompletedRange | null,
): Promise<void> {
  if (completed === null) return;
  const end = (await log.ends())[partition] ?? 0;
  let is = completed.last < end;
  // The group has forgotten how far it was, or has been led back: what the ledger has will be skipped, if it is the same.
  if (is && committed.end === null && committed.next <= completed.last) {
    const records: LogRecord[] = [];
    for await (const chunk of log.read(partition, completed.first, completed.last)) records.push(...chunk);
    is = records.length > 0 && toToken(stream, records) === completed.token;
  }
  if (is) return;
  throw new TallygateError(
    'LOG_REPLACED',
    `the warehouse has positions up to ${completed.last} of stream ${stream}, but the log, which ends before ${end}, has other records or none there: it was replaced or reset. Run "tallygate migrate --new-epoch" to count its positions anew`,
  );
}

async function firstRetained(log: EventLog, partition: number, last: number): Promise<number | null> {
  if (last < 0) return null;
  for await (const chunk of log.read(partition, 0, last)) if (chunk.length > 0) return chunk[0]!.offset;
  return null;
}

function split({ first, last }: OffsetRange, size: number): OffsetRange[] {
  const parts: OffsetRange[] = [];
  for (let from = first; from <= last; from += size) parts.push({ first: from, last: Math.min(from + size - 1, last) });
  return parts;
}
