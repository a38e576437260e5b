import fc from 'fast-check';
import {
  type Chunk,
  eachRecord,
  parseChunk,
  toFirstOffset,
  toKey,
  writeChunks,
} from '../../src/adapters/lmdb/chunk.ts';
import { toBytes } from '../../src/ingest/place.ts';
import type { LogRecord } from '../../src/ports/event-log.ts';

function write(values: readonly Buffer[], first: number): Chunk[] {
  const chunks: Chunk[] = [];
  writeChunks(values, first, 1_700_000_000_123.5, (offset, bytes) => chunks.push(parseChunk(offset, bytes)));
  return chunks;
}

function readFrom(chunks: readonly Chunk[], offset: number): LogRecord[] {
  const records: LogRecord[] = [];
  for (const chunk of chunks) eachRecord(chunk, offset, (record) => records.push(record) > 0);
  return records;
}

test('records come back from any offset on, with their offsets', () => {
  const value = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constant(new Uint8Array(100_000)));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 30 }), fc.nat(2 ** 40), fc.nat(35), (bytes, first, skip) => {
      const values = bytes.map((each) => Buffer.from(each));
      const chunks = write(values, first);
      const expected = values.map((each, i) => ({ offset: first + i, value: each })).slice(skip);
      const found = readFrom(chunks, first + skip);
      expect(found.map((record) => record.offset)).toEqual(expected.map((record) => record.offset));
      expect(found.every((record, i) => toBytes(record).equals(expected[i]?.value as Buffer))).toBe(true);
      let next = first;
      for (const chunk of chunks) {
        expect(chunk.first).toBe(next);
        expect(chunk.appendedAt).toBe(1_700_000_000_123.5);
        next += chunk.count;
      }
      expect(next).toBe(first + values.length);
    }),
    { numRuns: 100 },
  );
});

test('chunks are at most 256 KiB, but for a single larger record', () => {
  const sizes = [200_000, 100_000, 50_000, 1_000_000, 10, 10];
  const chunks = write(
    sizes.map((size) => Buffer.alloc(size)),
    7,
  );
  expect(chunks.map(({ first, count }) => [first, count])).toEqual([
    [7, 1],
    [8, 2],
    [10, 1],
    [11, 2],
  ]);
});

test('keys sort by partition, then by offset', () => {
  const position = fc.tuple(fc.nat(16_383), fc.nat({ max: 2 ** 48 - 1 }));
  fc.assert(
    fc.property(position, position, ([p, a], [q, b]) => {
      expect(toFirstOffset(toKey(p, a))).toBe(a);
      expect(Math.sign(Buffer.compare(toKey(p, a), toKey(q, b)))).toBe(Math.sign(p === q ? a - b : p - q));
    }),
  );
});

test('a chunk in another layout is refused', () => {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32LE(9, 0);
  expect(() => parseChunk(5, bytes)).toThrow("expected the event log's chunks in layout 1, got 9 at offset 5");
});
