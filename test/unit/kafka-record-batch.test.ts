import { createRequire } from 'node:module';
import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { encodeRecordBatch } from '../../src/adapters/kafka/record-batch.ts';
import { registerZstd } from '../../src/adapters/kafka/zstd-codec.ts';
import type { NewRecord } from '../../src/ports/event-log.ts';

const load = createRequire(import.meta.url);
const Decoder = load('kafkajs/src/protocol/decoder.js');
const decodeBatch = load('kafkajs/src/protocol/recordBatch/v0/decoder.js');
const encodeRecord = load('kafkajs/src/protocol/recordBatch/record/v0/index.js');
const { RecordBatch } = load('kafkajs/src/protocol/recordBatch/v0/index.js');
const Long = load('kafkajs/src/utils/long.js');

/** What kafkajs's own producer sends for the same records. */
async function encodeByKafkajs(records: readonly NewRecord[], timestamp: number, compression: number): Promise<Buffer> {
  const encoder = await RecordBatch({
    compression,
    records: records.map(({ key, value }, i) => encodeRecord({ key, value, offsetDelta: i, timestampDelta: 0 })),
    firstTimestamp: timestamp,
    maxTimestamp: timestamp,
    producerId: Long.fromInt(-1),
    producerEpoch: 0,
    firstSequence: 0,
    lastOffsetDelta: records.length - 1,
  });
  return encoder.buffer;
}

const key = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom('', 'a|u|1', 'å|u|', '😀'.repeat(40)),
);
const value = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  // Where lengths need one byte more.
  fc.constantFrom(0, 1, 62, 63, 64, 65, 8190, 8191, 8192, 8193, 20_000).map((length) => Buffer.alloc(length, 'é')),
);
const records = fc.array(fc.record({ key, value }), { minLength: 1, maxLength: 90 });
const timestamp = fc.integer({ min: 0, max: 4_102_444_800_000 });

test('a batch is byte for byte what kafkajs makes of the same records', async () => {
  await fc.assert(
    fc.asyncProperty(records, timestamp, async (some, time) => {
      const ours = await encodeRecordBatch(some, { timestamp: time, compressed: false });
      const theirs = await encodeByKafkajs(some, time, kafkajs.CompressionTypes.None);
      expect(ours.equals(theirs)).toBe(true);
    }),
    { numRuns: 80 },
  );
});

test("kafkajs's decoder reads back what went in, compressed or not", async () => {
  registerZstd();
  await fc.assert(
    fc.asyncProperty(records, timestamp, fc.boolean(), async (some, time, compressed) => {
      const batch = await encodeRecordBatch(some, { timestamp: time, compressed });
      const { records: decoded, lastOffsetDelta, ...rest } = await decodeBatch(new Decoder(batch));
      expect(lastOffsetDelta).toBe(some.length - 1);
      expect(rest).toMatchObject({ firstTimestamp: String(time), producerId: '-1', isControlBatch: false });
      expect(decoded.map(({ key: k, value: v }: { key: Buffer; value: Buffer }) => [String(k), v])).toEqual(
        some.map(({ key: k, value: v }) => [Buffer.from(k).toString(), v]),
      );
      expect(decoded.map(({ offset }: { offset: string }) => Number(offset))).toEqual(some.map((_, i) => i));
    }),
    { numRuns: 40 },
  );
});

test('lengths of megabytes and thousands of records', async () => {
  const large = [
    { key: 'k', value: Buffer.alloc(2_000_000, 'x') },
    ...Array.from({ length: 9000 }, () => ({ key: 'k', value: Buffer.from('v') })),
  ];
  const ours = await encodeRecordBatch(large, { timestamp: 7, compressed: false });
  expect(ours.equals(await encodeByKafkajs(large, 7, kafkajs.CompressionTypes.None))).toBe(true);
  const packed = await encodeRecordBatch(large, { timestamp: 7, compressed: true });
  expect(packed.length).toBeLessThan(ours.length / 20);
});
