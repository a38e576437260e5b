// Run by event-log-lmdb-room.test.ts on a disk of its own: appends and commits while the disk is filled to the last byte
// and emptied again, several times; prints what happened as JSON.
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLmdbLog } from '../../src/adapters/lmdb/open-lmdb-log.ts';
import { isTallygateError } from '../../src/errors.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

const [disk] = process.argv.slice(2) as [string];
const rounds = 8;

const log = await openLmdbLog({
  path: `${disk}/log`,
  retentionMs: 3_600_000,
  maxQueuedBytes: 64 * 1024 * 1024,
  logger: createSilentLogger(),
  metrics: createMetrics(),
});
const codes = new Set<string>();
let stored = 0;
let running = true;

const toCode = (error: unknown) => {
  codes.add(isTallygateError(error) ? error.code : String(error));
};

const consumption = await log.consume('group', async (lease) => {
  while (!lease.stopping.aborted) {
    const taken = await lease.take({ maxRecords: 100, maxBytes: 1_000_000, lingerMs: 5, waitMs: 100 });
    const last = taken.at(-1);
    if (last) await lease.commit({ next: last.offset + 1, end: null }).catch(toCode);
  }
});
const callers = Array.from({ length: 5 }, async () => {
  while (running) {
    try {
      await log.append(0, [{ key: 'a|u|b', value: Buffer.alloc(500, 'x') }]);
      stored++;
    } catch (error) {
      toCode(error);
    }
    await sleep(5);
  }
});

function fill(): void {
  for (let left = 1; left > 0; left = statfsSync(disk).bavail) {
    const { bavail, bsize } = statfsSync(disk);
    try {
      writeFileSync(`${disk}/filler`, Buffer.alloc(bavail * bsize), { flag: 'a' });
    } catch {
      // What there was room for is written.
    }
  }
}

const more: number[] = [];
for (let round = 0; round < rounds; round++) {
  fill();
  await sleep(600);
  const before = stored;
  rmSync(`${disk}/filler`);
  for (const until = Date.now() + 20_000; stored < before + 20 && Date.now() < until; ) await sleep(20);
  more.push(stored - before);
}
running = false;
await Promise.all(callers);
const [state] = await log.inspect();
await consumption.stop(5000);
await log.close();
process.stdout.write(JSON.stringify({ more, codes: [...codes], stored, end: state?.end }));
