import { isTallygateError, toMessage } from '../errors.ts';
import { fromLogPartition, liveLane } from '../events/position.ts';
import type { Consumption, EventLog, PartitionLease } from '../ports/event-log.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createDedupBudget } from './dedup-budget.ts';
import { runPair } from './pair.ts';
import type { SinkOptions } from './sink-options.ts';
import { createStallWatch } from './stall-watch.ts';

interface SinkDeps {
  readonly log: EventLog;
  readonly warehouse: Warehouse;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly options: SinkOptions;
  /** Runs in the sink that has the first partition, for as long as it has it: one of a group at a time. */
  readonly whileLeading?: (signal: AbortSignal) => Promise<void>;
}

/** A lease that waits for the other one of its pair. */
interface Waiting {
  readonly lease: PartitionLease;
  readonly met: PromiseWithResolvers<{ readonly run: Promise<void> }>;
}

/** Moves records from the log into the warehouse, each once. See docs/architecture.md for the protocol. */
export function startSink(deps: SinkDeps): Promise<Consumption> {
  const { log, logger, options } = deps;
  const waiting = new Map<number, Waiting>();
  const budget = createDedupBudget({ bytes: options.dedupBytes ?? 512 * 1024 * 1024, metrics: deps.metrics, logger });

  const run = async (live: PartitionLease, history: PartitionLease | null): Promise<void> => {
    const stall = createStallWatch(log, options.stallMs ?? 300_000);
    const over = new AbortController();
    const isFirst = fromLogPartition(live.partition).partition === 0;
    const leading = isFirst ? deps.whileLeading?.(AbortSignal.any([over.signal, live.lost, live.stopping])) : undefined;
    try {
      await Promise.race([runPair({ ...deps, budget, onStep: stall.onStep }, live, history), stall.stalled]);
    } catch (thrown) {
      const partition = fromLogPartition(live.partition).partition;
      if (live.lost.aborted || (isTallygateError(thrown) && thrown.code === 'LEASE_LOST')) {
        logger.info({ partition }, 'a partition went to another sink');
        return;
      }
      if (live.stopping.aborted) {
        logger.warn(
          { partition, error: toMessage(thrown) },
          'stopped in the middle of a batch; the next start replays it',
        );
        return;
      }
      throw thrown;
    } finally {
      stall.stop();
      over.abort();
      // When the partition went to another sink, that one goes on; this one ends behind its statement.
      if (!live.lost.aborted) await leading;
    }
  };

  /** The two leases of a pair begin together, each with a call of its own: the second one to come runs them both. */
  return log.consume(options.group, async (lease) => {
    const { lane, partition } = fromLogPartition(lease.partition);
    const sibling = lease.partition ^ 1;
    if (sibling >= log.partitions()) return run(lease, null);
    const first = waiting.get(partition);
    if (first?.lease.partition === sibling && !first.lease.lost.aborted) {
      waiting.delete(partition);
      const both = lane === liveLane ? run(lease, first.lease) : run(first.lease, lease);
      first.met.resolve({ run: both });
      return both;
    }
    const met = Promise.withResolvers<{ readonly run: Promise<void> }>();
    waiting.set(partition, { lease, met });
    const over = AbortSignal.any([lease.lost, lease.stopping]);
    const gone = new Promise<null>((resolve) => over.addEventListener('abort', () => resolve(null), { once: true }));
    const found = await Promise.race([met.promise, gone]);
    if (waiting.get(partition)?.lease === lease) waiting.delete(partition);
    await found?.run;
  });
}
