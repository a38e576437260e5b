import { fromLogPartition, liveLane, type Stream, toStreamOf } from '../events/position.ts';
import type { EventLog, LogRecord, PartitionLease } from '../ports/event-log.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type Batch, decideBatch } from './batch.ts';
import type { DedupBudget } from './dedup-budget.ts';
import { readDeleted } from './deletion/deleted.ts';
import { type Facts, readFacts } from './facts.ts';
import { readEpoch, readLastCompleted, readOlderStreams } from './ledger.ts';
import { createLineMemory } from './line-memory.ts';
import { openRepeats } from './repeats.ts';
import { assertSameLog, isOfEarlierLog } from './same-log.ts';
import type { SinkOptions } from './sink-options.ts';
import { createStore } from './store.ts';
import { createTaker, nextOf, takeRange } from './taker.ts';
import { verifyRecent } from './verify-recent.ts';

interface PairDeps {
  readonly log: EventLog;
  readonly warehouse: Warehouse;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly options: SinkOptions;
  readonly budget: DedupBudget;
  /** Called with every step that has come to an end, well or not, and with what is not stored yet from where on. */
  readonly onStep: (next: ReadonlyMap<number, number>) => void;
}

/** One of the two lanes. */
interface Lane {
  readonly name: 'live' | 'history';
  readonly lease: PartitionLease;
  readonly stream: Stream;
  /** Everything below it is decided and stored. */
  next: number;
  /** The group's commit says less than `next`: it names a range that is being stored, or was the last to be. */
  open: boolean;
  /** The group's commit is none of this log. */
  readonly isVoid: boolean;
}

/** Records that were taken, and what they become as far as it is known. */
interface Prepared {
  readonly lane: Lane;
  readonly records: readonly LogRecord[];
  readonly facts: Facts;
  readonly batch: Batch | null;
}

/** An insert of history holds up live events for no longer than so many records take. */
const historyRows = 10_000;

/**
 * Stores both lanes of a pair, one batch after the other, so that a messageId that comes by both of them meets one window
 * of repeats. Before a range of one lane is opened, the last one of the other lane is closed: so at most one range is
 * open, and what had been decided before it is told by the two lanes' commits alone.
 */
export async function runPair(deps: PairDeps, live: PartitionLease, history: PartitionLease | null): Promise<void> {
  const { log, warehouse, metrics, logger, options } = deps;
  const lanes: Lane[] = [];
  const memory = createLineMemory();
  const onStep = () => deps.onStep(new Map(lanes.map(({ lease, next }) => [lease.partition, next])));
  const store = createStore({
    warehouse,
    metrics,
    logger,
    retryMs: options.retryMs ?? 100,
    onAttempt: onStep,
    windowHours: () => repeats.hours,
  });
  const { persist } = store;
  // What takes many statements is not one long step.
  const watched: Warehouse = {
    ...warehouse,
    query: (statement, queryOptions) => warehouse.query<never>(statement, queryOptions).finally(onStep),
    insert: (...insertion) => warehouse.insert(...insertion).finally(onStep),
  };
  const epoch = await persist(live, 'the epoch', () => readEpoch(warehouse));
  for (const lease of history ? [live, history] : [live]) {
    const stream = toStreamOf(epoch, lease.partition);
    const completed = await persist(lease, 'the ledger', () => readLastCompleted(warehouse, stream));
    await persist(lease, 'the log', () => assertSameLog(log, lease, stream, completed));
    const { next, end } = lease.committed;
    const name = fromLogPartition(lease.partition).lane === liveLane ? 'live' : 'history';
    const isVoid =
      completed === null &&
      next > 0 &&
      (await persist(lease, 'the log', () => isOfEarlierLog(log, warehouse, lease, epoch)));
    if (isVoid) {
      const { begin = 0 } = (await persist(lease, 'the log', () => log.inspect()))[lease.partition] ?? {};
      logger.warn({ partition: lease.partition, next, begin }, 'the commit is of an earlier log: beginning anew');
      lanes.push({ name, lease, stream, next: begin, open: true, isVoid });
      continue;
    }
    // The group may have forgotten how far it was; the ledger has not.
    const stored = end === null ? Math.max(next, (completed?.last ?? -1) + 1) : next;
    lanes.push({ name, lease, stream, next: stored, open: end !== null || next < stored, isVoid });
  }
  const laneOf = (name: Lane['name']) => lanes.find((lane) => lane.name === name);
  const positions = () => ({ live: laneOf('live')!.next, history: laneOf('history')?.next ?? 0 });

  if (options.verifyRecent) {
    for (const { lease, stream, next } of lanes)
      await persist(lease, 'what was stored of late', () =>
        verifyRecent({ ...deps, warehouse: watched, lease, stream, next }),
      );
  }
  const older = await persist(live, 'the ledger', () => readOlderStreams(warehouse, epoch));
  const repeats = await persist(live, 'the window of repeats', () =>
    openRepeats({
      warehouse: watched,
      streams: { live: laneOf('live')!.stream, history: laneOf('history')?.stream ?? null, older },
      asOf: positions(),
      windowHours: options.windowHours,
      budget: deps.budget,
      metrics,
      logger,
      signal: live.lost,
    }),
  );
  try {
    logger.info({ partition: fromLogPartition(live.partition).partition, ...positions() }, 'consuming a partition');
    for (const lane of lanes) {
      if (lane.isVoid) await readUp(lane);
      else if (!(await replay(lane))) return;
    }
    await consume();
  } finally {
    repeats.close();
  }

  async function decide({ lane, records, facts }: Prepared, deleted?: ReadonlyMap<number, string>): Promise<Batch> {
    const asOf = { ...positions(), [lane.name]: records[0]!.offset };
    const verdicts = await persist(lane.lease, 'the lookup of repeats', () =>
      repeats.judge(lane.name, asOf, facts, lane.lease.lost),
    );
    return decideBatch(lane.stream, records, facts, verdicts, memory.take, deleted);
  }

  /** While a batch is being stored, the engine has the work: the next one is decided meanwhile, as far as memory can. */
  async function prepare(lane: Lane, records: readonly LogRecord[]): Promise<Prepared> {
    const facts = await readFacts(records, repeats.slotKey);
    const verdicts = lane.name === 'live' && records.length > 0 ? await repeats.judgeAhead(facts) : null;
    const batch = verdicts && (await decideBatch(lane.stream, records, facts, verdicts, memory.take));
    return { lane, records, facts, batch };
  }

  /**
   * Somebody meant to store exactly next..end and may have: the batch has to have the same bounds. Resolves with whether it
   * is stored; when it is not, we are to stop, and the commit has to stay as it is, since it alone knows the bounds.
   */
  async function replay(lane: Lane): Promise<boolean> {
    const { end } = lane.lease.committed;
    while (end !== null && lane.next <= end) {
      const records = await takeRange(lane.lease, lane.next, end);
      if (records.length === 0) return false;
      const facts = await readFacts(records, repeats.slotKey);
      const deleted = await persist(lane.lease, 'the deletions', () => readDeleted(warehouse, lane.stream, records));
      const batch = await decide({ lane, records, facts, batch: null }, deleted);
      await store.storeBatch(lane.lease, batch, records, true);
      lane.next = batch.last + 1;
    }
    return true;
  }

  /** What a commit that is none of this log would skip; the lease hands out what is behind it. */
  async function readUp(lane: Lane): Promise<void> {
    const { partition, committed, stopping } = lane.lease;
    while (lane.next < committed.next && !stopping.aborted) {
      const last = Math.min(lane.next + options.batchRows, committed.next) - 1;
      const records: LogRecord[] = [];
      await persist(lane.lease, 'the log', async () => {
        records.length = 0;
        for await (const chunk of log.read(partition, lane.next, last)) records.push(...chunk);
      });
      if (records.length === 0) return;
      await storeNext({ lane, records, facts: await readFacts(records, repeats.slotKey), batch: null }, () => {});
    }
  }

  async function close(lane: Lane): Promise<void> {
    await persist(lane.lease, 'a commit', () => lane.lease.commit({ next: lane.next, end: null }));
    lane.open = false;
  }

  /** `onInsert`: it is decided and the engine has it, so the one after it may be decided. */
  async function storeNext(prepared: Prepared, onInsert: () => void): Promise<void> {
    const { lane, records } = prepared;
    for (const other of lanes) if (other !== lane && other.open) await close(other);
    const first = records[0]!.offset;
    const last = records[records.length - 1]!.offset;
    await persist(lane.lease, 'a commit', () => lane.lease.commit({ next: first, end: last }));
    lane.open = true;
    const batch = prepared.batch ?? (await decide(prepared));
    const isClean = await store.storeBatch(lane.lease, batch, records, false, onInsert);
    lane.next = last + 1;
    if (isClean && batch.events[0]) memory.give(batch.events[0].bytes);
  }

  async function consume(): Promise<void> {
    // The live lane stands first: when both have something, it goes first.
    const takers = lanes.map((lane) => {
      const maxRecords = lane.name === 'live' ? options.batchRows : Math.min(historyRows, options.batchRows);
      return createTaker(lane, lane.lease, { maxRecords, maxBytes: options.batchBytes }, options.lingerMs);
    });
    const takeNext = async (): Promise<Prepared | null> => {
      const found = await nextOf(takers);
      if (found === null) return null;
      const { of: lane, taken } = found;
      const isAhead = taken[0]!.offset >= lane.next;
      return prepare(lane, isAhead ? taken : taken.filter(({ offset }) => offset >= lane.next));
    };
    let next = takeNext();
    for (;;) {
      const prepared = await next;
      if (prepared === null || prepared.records.length === 0) {
        memory.clear();
        for (const lane of lanes) if (lane.open) await close(lane);
        if (live.stopping.aborted) break;
        next = takeNext();
        continue;
      }
      await storeNext(prepared, () => {
        next = takeNext();
        next.catch(() => {});
      });
    }
    for (const lane of lanes) if (lane.open) await close(lane);
  }
}
