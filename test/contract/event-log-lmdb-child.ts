// Run by event-log-lmdb-faults.test.ts, in a process of its own: node event-log-lmdb-child.ts SCENARIO FOLDER
import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLmdbLog } from '../../src/adapters/lmdb/open-lmdb-log.ts';
import { isTallygateError } from '../../src/errors.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { readEnds } from './event-log-rig.ts';

const [scenario, path] = process.argv.slice(2) as [string, string];

const open = () =>
  openLmdbLog({
    path,
    partitions: 2,
    retentionMs: 3_600_000,
    maxQueuedBytes: 64 * 1024 * 1024,
    logger: createSilentLogger(),
    metrics: createMetrics(),
  });

/** Prints "partition offset value" for each append that was acknowledged, until it is killed. */
async function appendUntilKilled(): Promise<void> {
  const log = await open();
  const caller = async (i: number) => {
    for (let n = 0; ; n++) {
      const value = `${process.pid}-${i}-${n}-${'x'.repeat((n * 13) % 500)}`;
      const offset = await log.append(i % 2, [{ key: 'k', value: Buffer.from(value) }]);
      process.stdout.write(`${i % 2} ${offset} ${value}\n`);
    }
  };
  await Promise.all(Array.from({ length: 32 }, (_, i) => caller(i)));
}

async function holdOpen(): Promise<void> {
  await open();
  process.stdout.write('open\n');
  await sleep(600_000);
}

/** Fills a small disk, makes room, goes on; prints what happened as JSON. */
async function fillDisk(): Promise<void> {
  const ballast = `${path}/../ballast`;
  writeFileSync(ballast, Buffer.alloc(3 * 1024 * 1024));
  const log = await open();
  const value = Buffer.alloc(100_000, 'x');
  const codes: string[] = [];
  let stored = 0;
  async function fill(): Promise<void> {
    for (let i = 0; i < 200; i++) {
      try {
        // Two partitions in one commit: neither may get its half when there is no room for both.
        const both = [log.append(0, [{ key: 'k', value }]), log.append(1, [{ key: 'k', value }])];
        const offsets = (await Promise.allSettled(both)).map((r) => (r.status === 'fulfilled' ? r.value : r.reason));
        for (const each of offsets) if (isTallygateError(each)) throw each;
        if (offsets[0] !== stored || offsets[1] !== stored) throw new Error(`expected ${stored}, got ${offsets}`);
        stored++;
      } catch (error) {
        if (!isTallygateError(error)) throw error;
        codes.push(`${error.code} ${error.retriable}`);
        return;
      }
    }
  }
  await fill();
  const beforeRoom = stored;
  await sleep(300);
  await fill();
  rmSync(ballast);
  await sleep(300);
  await fill();
  const ends = await readEnds(log);
  await log.close();
  const again = await open();
  const reopened = await readEnds(again);
  await again.close();
  process.stdout.write(JSON.stringify({ codes, beforeRoom, stored, ends, reopened }));
}

if (scenario === 'append') await appendUntilKilled();
if (scenario === 'hold') await holdOpen();
if (scenario === 'fill') await fillDisk();
