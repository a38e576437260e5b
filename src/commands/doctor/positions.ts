import type { Config } from '../../config.ts';
import { toStreamOf } from '../../events/position.ts';
import { readEpoch, readLastCompleted } from '../../ingest/ledger.ts';
import type { Warehouse } from '../../ports/warehouse.ts';
import { openWarehouse } from '../../roles/backends.ts';
import { createSilentLogger } from '../../telemetry/logger.ts';
import { createMetrics } from '../../telemetry/metrics.ts';
import { type Finding, ok, problem, toReason, withinMs } from './finding.ts';

/** Longest time of all that is asked. */
const mostMs = 4000;

/** Whether the log is the one that the ledger tells of, and what of it is not stored yet. */
export async function checkPositions(
  config: Config,
  ends: readonly number[],
  begins: readonly number[] | null,
): Promise<Finding> {
  const about = 'positions';
  const warehouse = await openWarehouse(config, { logger: createSilentLogger(), metrics: createMetrics() });
  try {
    if (config.CLICKHOUSE_URL === undefined) await warehouse.migrate();
    const [epoch, completed] = await withinMs(mostMs, readPositions(warehouse, ends.length));
    return judgePositions(epoch, completed, ends, begins);
  } catch (thrown) {
    return problem(about, `the ledger cannot be read: ${toReason(thrown)}`);
  } finally {
    await warehouse.close();
  }
}

async function readPositions(warehouse: Warehouse, partitions: number): Promise<[number, number[]]> {
  const epoch = await readEpoch(warehouse);
  const completed: number[] = [];
  for (let partition = 0; partition < partitions; partition++)
    completed.push((await readLastCompleted(warehouse, toStreamOf(epoch, partition)))?.last ?? -1);
  return [epoch, completed];
}

/** `completed`: the last stored position of each partition, -1 when there is none. */
export function judgePositions(
  epoch: number,
  completed: readonly number[],
  ends: readonly number[],
  begins: readonly number[] | null,
): Finding {
  const about = 'positions';
  const replaced = completed.flatMap((last, partition) => (last >= (ends[partition] as number) ? [partition] : []));
  if (replaced.length > 0) {
    const [first] = replaced as [number];
    return problem(
      about,
      `LOG_REPLACED: the ledger has positions up to ${completed[first]} of partition ${first}, the log ends before ${ends[first]}: it was replaced or reset. If the old log is gone for good, run "tallygate migrate --new-epoch"; until then the sink stores nothing`,
    );
  }
  const gone = (begins ?? []).reduce(
    (sum, begin, partition) => sum + Math.max(0, begin - ((completed[partition] as number) + 1)),
    0,
  );
  if (gone > 0)
    return problem(
      about,
      `${gone} records were removed from the log before they were stored: they are lost. Keep a sink running, and let the topic keep events for longer`,
    );
  const waiting = ends.reduce((sum, end, partition) => sum + end - 1 - (completed[partition] as number), 0);
  return ok(about, `log and ledger fit (epoch ${epoch}), ${waiting} records are not stored yet`);
}
