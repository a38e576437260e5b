import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Warehouse } from '../../src/ports/warehouse.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

let engine: string;
let bench: SinkBench;
beforeAll(async () => {
  engine = await mkdtemp(join(tmpdir(), 'tallygate-stalled-'));
});
afterAll(() => rm(engine, { recursive: true, force: true }));
beforeEach(async () => {
  bench = await openSinkBench(engine);
});
afterEach(() => bench.close());

const record = (id: string) => ({ key: 'k', value: Buffer.from(`{"unreadable":"${id}"}`) });

test('a sink whose step never ends, while records wait, ends with the reason', async () => {
  const hanging: Warehouse = { ...bench.warehouse, insert: () => new Promise(() => {}) };
  await bench.log.append(0, [record('a'), record('b')]);
  const sink = await bench.startSink(hanging, { stallMs: 400 });
  await expect(sink.ended).rejects.toMatchObject({
    code: 'SINK_STALLED',
    message: expect.stringContaining('expected progress, since 2 records wait'),
  });
});

test('a sink that has nothing to do, or whose backend fails again and again, goes on', async () => {
  const idle = await bench.startSink(bench.warehouse, { stallMs: 200 });
  let ended = false;
  const watch = idle.ended.finally(() => {
    ended = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect(ended).toBe(false);
  await idle.stop(5000);
  await watch;

  let refusals = 0;
  const away: Warehouse = {
    ...bench.warehouse,
    insert: async (...args) => {
      // 6 s in all, with pauses of at most 3.2 s.
      if (refusals++ < 7) throw new Error('away');
      return bench.warehouse.insert(...args);
    },
  };
  await bench.log.append(0, [record('c')]);
  const trying = await bench.startSink(away, { stallMs: 5000, retryMs: 50 });
  await bench.untilStored();
  await trying.stop(5000);
  await trying.ended;
  expect(refusals).toBeGreaterThan(7);
}, 60_000);
