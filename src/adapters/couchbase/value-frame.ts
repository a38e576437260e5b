import { crc32 } from 'node:zlib';

/**
 * What is stored under a key: `TGC`, the version of this layout, then a CRC-32 of key and value (4 bytes, little
 * endian), then the value. The key is in the sum, so that a value which landed under another key is not believed either.
 */
const magic = Buffer.from('TGC\u0001', 'latin1');
const headerBytes = magic.byteLength + 4;

export function toFrame(key: string, value: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + value.byteLength);
  magic.copy(frame);
  frame.writeUInt32LE(crc32(value, crc32(key)), magic.byteLength);
  value.copy(frame, headerBytes);
  return frame;
}

/** The value; undefined when these bytes are not what toFrame made for this key. */
export function parseFrame(key: string, frame: unknown): Buffer | undefined {
  if (!Buffer.isBuffer(frame) || frame.byteLength < headerBytes) return undefined;
  if (magic.compare(frame, 0, magic.byteLength) !== 0) return undefined;
  const value = frame.subarray(headerBytes);
  return frame.readUInt32LE(magic.byteLength) === crc32(value, crc32(key)) ? value : undefined;
}
