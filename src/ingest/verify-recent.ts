import type { Stream } from '../events/position.ts';
import type { EventLog, PartitionLease } from '../ports/event-log.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { readFirstSince } from './ledger.ts';
import { restoreRange } from './restore.ts';
import type { SinkOptions } from './sink-options.ts';

/** What was stored this long before the last row of the ledger is taken to be on the disk, in milliseconds. */
const verifiedMs = 3_600_000;

interface RecentDeps {
  readonly log: EventLog;
  readonly warehouse: Warehouse;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly options: SinkOptions;
  readonly lease: PartitionLease;
  readonly stream: Stream;
  /** What is below it was stored, as far as the group knows. */
  readonly next: number;
}

/**
 * Reads back what was stored of late and adds what is missing: a warehouse on this machine's disk may lose what it has
 * acknowledged when the power goes. The log may hold a week, but what was stored an hour ago has long been on the disk.
 */
export async function verifyRecent({ lease, next, ...deps }: RecentDeps): Promise<void> {
  const { log, warehouse, stream, options } = deps;
  const recent = await readFirstSince(warehouse, stream, verifiedMs);
  const begin = (await log.inspect())[lease.partition]?.begin ?? 0;
  const first = Math.max(begin, recent);
  if (first >= next) return;
  await restoreRange(
    { ...deps, windowHours: options.windowHours, signal: AbortSignal.any([lease.lost, lease.stopping]) },
    { logPartition: lease.partition, stream, first, last: next - 1 },
  );
}
