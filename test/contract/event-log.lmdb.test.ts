import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbLog } from '../../src/adapters/lmdb/open-lmdb-log.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { holdsTheEventLogContract } from './event-log.ts';
import { partitionCount } from './event-log-rig.ts';

/**
 * Where the embedded log differs from Kafka, and why:
 * - one process has it, and a group has one consumer: there is nobody to share partitions with, so a second one is
 *   refused (STORE_IN_USE), and a lease is lost only when its consumption ends;
 * - records stay until every group has committed them, whatever their age: nobody else would keep them.
 */
describe('the embedded event log', () => {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  holdsTheEventLogContract(() => {
    const made = mkdtemp(join(tmpdir(), 'tallygate-log-'));
    let last: Promise<{ close(): Promise<void> }> | undefined;
    return {
      // One process, one open log: opening it again closes the one before.
      async open({ maxQueuedBytes = 64 * 1024 * 1024 } = {}) {
        const path = await made;
        folders.push(path);
        await (await last)?.close();
        const log = openLmdbLog({
          path,
          partitions: partitionCount,
          retentionMs: 3_600_000,
          maxQueuedBytes,
          logger: createSilentLogger(),
          metrics: createMetrics(),
        });
        last = log;
        return log;
      },
    };
  });
});
