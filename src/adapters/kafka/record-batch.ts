import type { NewRecord } from '../../ports/event-log.ts';
import { crc32c } from './kafkajs-internals.ts';
import { compressZstd } from './zstd-codec.ts';

/**
 * Kafka's record batch, version 2, made in one buffer: kafkajs makes several buffers for each record, which cost more than all
 * the rest of sending. The bytes are the same (test/unit/kafka-record-batch.test.ts).
 */

/** From the base offset to the number of records. */
const headerBytes = 61;
/** What follows the checksum is what it is made of. */
const checkedFrom = 21;
const zstdCodec = 4;
/** Length, attributes, timestamp, offset, two lengths and the number of headers, each as long as it can get. */
const mostFrameBytes = 5 + 1 + 1 + 5 + 5 + 5 + 1;

export async function encodeRecordBatch(
  records: readonly NewRecord[],
  { timestamp, compressed }: { readonly timestamp: number; readonly compressed: boolean },
): Promise<Buffer> {
  const plain = encodeRecords(records);
  const body = compressed ? await compressZstd(plain) : plain;
  const batch = Buffer.allocUnsafe(headerBytes + body.length);
  batch.writeBigInt64BE(0n, 0);
  batch.writeInt32BE(batch.length - 12, 8);
  // The leader's epoch, which the broker sets, and the version.
  batch.writeInt32BE(0, 12);
  batch.writeInt8(2, 16);
  batch.writeInt16BE(compressed ? zstdCodec : 0, checkedFrom);
  batch.writeInt32BE(records.length - 1, 23);
  batch.writeBigInt64BE(BigInt(timestamp), 27);
  batch.writeBigInt64BE(BigInt(timestamp), 35);
  // No producer id: not idempotent.
  batch.writeBigInt64BE(-1n, 43);
  batch.writeInt16BE(0, 51);
  batch.writeInt32BE(0, 53);
  batch.writeInt32BE(records.length, 57);
  body.copy(batch, headerBytes);
  batch.writeUInt32BE(crc32c(batch.subarray(checkedFrom)), 17);
  return batch;
}

function encodeRecords(records: readonly NewRecord[]): Buffer {
  let most = 0;
  for (const { key, value } of records) most += mostFrameBytes + key.length * 3 + value.length;
  const bytes = Buffer.allocUnsafe(most);
  let at = 0;
  for (let i = 0; i < records.length; i++) {
    const { key, value } = records[i] as NewRecord;
    const keyBytes = Buffer.byteLength(key);
    const length = 3 + varintBytes(i) + varintBytes(keyBytes) + keyBytes + varintBytes(value.length) + value.length;
    at = writeVarint(bytes, at, length);
    // Attributes, and the time after the batch's first.
    bytes[at++] = 0;
    bytes[at++] = 0;
    at = writeVarint(bytes, at, i);
    at = writeVarint(bytes, at, keyBytes);
    at += bytes.write(key, at);
    at = writeVarint(bytes, at, value.length);
    bytes.set(value, at);
    at += value.length;
    // No headers.
    bytes[at++] = 0;
  }
  return bytes.subarray(0, at);
}

/** Of a number that is not negative, in zigzag form: twice its value. */
function varintBytes(value: number): number {
  return value < 0x40 ? 1 : value < 0x2000 ? 2 : value < 0x10_0000 ? 3 : value < 0x800_0000 ? 4 : 5;
}

function writeVarint(bytes: Buffer, from: number, value: number): number {
  let at = from;
  let rest = (value << 1) >>> 0;
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}
