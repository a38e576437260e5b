import { setTimeout as sleep } from 'node:timers/promises';
import { toMessage } from '../../errors.ts';
import { toStreamParts } from '../../events/position.ts';
import type { CorrectableWarehouse } from '../../ports/warehouse.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { readCompletedEnds, readEpoch } from '../ledger.ts';
import { eraseDeletion } from './erase.ts';
import { type Deletion, readOpenDeletions } from './records.ts';

interface WorkerDeps {
  readonly warehouse: CorrectableWarehouse;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** How often to look for new ones, in milliseconds. */
  readonly everyMs?: number;
}

const failedMs = 5000;

/**
 * Does deletions one after the other, in the order of their requests, until the signal. One worker at a time does: the
 * sink that has the first partition. Two that overlap for a moment do the same steps, each of which is there once.
 */
export async function runDeletions(
  { warehouse, logger, metrics, everyMs = 1000 }: WorkerDeps,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    let pause = everyMs;
    try {
      const open = await readOpenDeletions(warehouse);
      metrics.deletionsOpen.set(open.length);
      for (const [i, deletion] of open.entries()) {
        // What waits behind it is about later positions still.
        if (signal.aborted || !(await isCovered(warehouse, deletion))) break;
        const started = performance.now();
        const counts = await eraseDeletion({ warehouse, logger, signal }, deletion);
        metrics.deletionsOpen.set(open.length - i - 1);
        metrics.deletedRows.inc({ table: 'events' }, counts.events);
        metrics.deletedRows.inc({ table: 'dead_letters' }, counts.deadLetters);
        const seconds = Math.round(performance.now() - started) / 1000;
        logger.info({ deletion: deletion.id, project: deletion.project, ...counts, seconds }, 'deleted a person');
      }
    } catch (thrown) {
      if (signal.aborted) return;
      logger.warn({ error: toMessage(thrown) }, 'deletions of persons are not done yet; trying again');
      pause = Math.max(pause, failedMs);
    }
    await sleep(pause, undefined, { signal }).catch(() => {});
  }
}

/** Whether the ledger has all that it is about. To logs before the present one nothing is added any more. */
async function isCovered(warehouse: CorrectableWarehouse, { vector }: Deletion): Promise<boolean> {
  const epoch = await readEpoch(warehouse);
  const ends = await readCompletedEnds(warehouse);
  return [...vector].every(([stream, last]) => toStreamParts(stream).epoch < epoch || (ends.get(stream) ?? -1) >= last);
}
