import { rmSync } from 'node:fs';
import { createWatermarkReader } from '../../src/reports/moment/watermark.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { makeFolder } from './graphql-site.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

let engine: string;
let bench: SinkBench;
beforeAll(() => {
  engine = makeFolder();
});
afterAll(() => rmSync(engine, { recursive: true, force: true }));
beforeEach(async () => {
  bench = await openSinkBench(engine);
});
afterEach(() => bench.close());

/** A completed range with one row for each of so many keys. */
const complete = (first: number, last: number, keys: number) =>
  bench.damage(
    `INSERT INTO ledger (phase, log_stream, first_offset, last_offset, project, key_id, stored, touches)
     SELECT 'completed', 0, ${first}, ${last}, 'shop', toString(number), 1, [1] FROM numbers(${keys})`,
  );

function openReader() {
  const { log, warehouse } = bench;
  const reader = createWatermarkReader({ log, warehouse, logger: createSilentLogger(), metrics: createMetrics() });
  const heard: (number | null)[] = [];
  reader.onCompleted((rows) => heard.push(rows?.length ?? null));
  return { reader, heard };
}

test('a reading that is cut off in the middle of a range leaves the whole range to the next one', async () => {
  const { reader, heard } = openReader();
  await complete(0, 0, 1);
  expect((await reader.read(0)).vector).toEqual(new Map([[0, 0]]));
  await complete(1, 19_995, 19_995);
  await complete(19_996, 20_005, 10);
  while ((await reader.read(0)).vector.get(0) !== 20_005);
  reader.stop();
  // The first reading takes all there is as it is, and lists nothing.
  expect(heard).toEqual([null, 19_995, 10]);
});

test('a range with more rows than a reading has is not listed, so that nobody takes a part of it for the whole', async () => {
  const { reader, heard } = openReader();
  await complete(0, 0, 1);
  await reader.read(0);
  await complete(1, 20_001, 20_001);
  while ((await reader.read(0)).vector.get(0) !== 20_001);
  reader.stop();
  expect(heard).toEqual([null, null]);
});
