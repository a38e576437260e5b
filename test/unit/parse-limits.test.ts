import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbLog } from '../../src/adapters/lmdb/open-lmdb-log.ts';
import { limits } from '../../src/events/event.ts';
import { createTracker } from '../../src/ingest/tracker.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { readEnds } from '../contract/event-log-rig.ts';

const metrics = createMetrics();
const sender = { project: 'shop', keyId: 'abcd1234' };
let folder: string;
let log: EventLog;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tallygate-'));
  log = await openLmdbLog({
    path: folder,
    retentionMs: 3_600_000,
    maxQueuedBytes: 64e6,
    logger: createSilentLogger(),
    metrics,
  });
});
afterAll(async () => {
  await log.close();
  rmSync(folder, { recursive: true, force: true });
});

const tracker = () => createTracker({ log, metrics, retentionDays: undefined, clock: () => Date.UTC(2026, 2, 1) });
const page = (text: string) => ({
  kind: 'page' as const,
  input: { userId: 'u', messageId: 'm', properties: { text } },
});

async function lengthOfLast(): Promise<number> {
  const [end] = (await readEnds(log)) as [number];
  for await (const chunk of log.read(0, end - 1, end - 1)) for (const { start, end: to } of chunk) return to - start;
  throw new Error('expected a record');
}

test.each([
  ['letters', 'x', 1],
  ['letters of several bytes', '日', 3],
  ['what JSON escapes', '\u0001', 6],
])('an event of 32 KB is taken and one a character longer is not, counted in bytes: %s', async (_, letter, bytes) => {
  await tracker().track(sender, [page('')]);
  const room = limits.eventBytes - (await lengthOfLast());
  const fits = letter.repeat(Math.floor(room / bytes)) + 'x'.repeat(room % bytes);
  const before = await readEnds(log);
  const taken = await tracker().track(sender, [page(fits)]);
  expect(taken.results[0]).toMatchObject({ status: 'ACCEPTED', errors: [] });
  expect(await lengthOfLast()).toBe(limits.eventBytes);

  const refused = await tracker().track(sender, [page(`${fits}x`), page('small')]);
  expect(refused.results).toEqual([
    {
      index: 0,
      messageId: 'm',
      status: 'REJECTED',
      errors: [{ code: 'EVENT_TOO_LARGE', path: [], message: 'expected an event of at most 32768 bytes, got 32769' }],
    },
    { index: 1, messageId: 'm', status: 'ACCEPTED', errors: [] },
  ]);
  expect((await readEnds(log))[0]).toBe((before[0] as number) + 2);
});
