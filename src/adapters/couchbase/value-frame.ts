import { constants, crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

/**
 * What is stored under a key: `TGC`, how the value is written (1: as it is, 2: zstd), then a CRC-32 of key and what follows
 * (4 bytes, little endian), then the value. The key is in the sum, so that a value which landed under another key is not
 * believed either.
 */
const plain = Buffer.from('TGC\u0001', 'latin1');
const zstd = Buffer.from('TGC\u0002', 'latin1');
const headerBytes = plain.byteLength + 4;
/** Below, there is less to win than the call costs. */
const leastCompressed = 1024;
/** Rows as JSON shrink to a quarter at the fastest level, and hardly more at the others. */
const params = { [constants.ZSTD_c_compressionLevel]: 1 };

export function toFrame(key: string, value: Buffer): Buffer {
  if (value.byteLength >= leastCompressed) {
    const packed = zstdCompressSync(value, { params });
    if (packed.byteLength < value.byteLength) return join(zstd, key, packed);
  }
  return join(plain, key, value);
}

/** The value; undefined when these bytes are not what toFrame made for this key of a value of at most so many bytes. */
export function parseFrame(key: string, frame: unknown, maxOutputLength: number): Buffer | undefined {
  if (!Buffer.isBuffer(frame) || frame.byteLength < headerBytes) return undefined;
  const isPacked = zstd.compare(frame, 0, zstd.byteLength) === 0;
  if (!isPacked && plain.compare(frame, 0, plain.byteLength) !== 0) return undefined;
  const body = frame.subarray(headerBytes);
  if (frame.readUInt32LE(plain.byteLength) !== crc32(body, crc32(key))) return undefined;
  if (!isPacked) return body;
  try {
    return zstdDecompressSync(body, { maxOutputLength });
  } catch {
    return undefined;
  }
}

function join(magic: Buffer, key: string, body: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + body.byteLength);
  magic.copy(frame);
  frame.writeUInt32LE(crc32(body, crc32(key)), magic.byteLength);
  body.copy(frame, headerBytes);
  return frame;
}
