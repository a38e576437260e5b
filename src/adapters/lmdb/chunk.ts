import type { LogRecord } from '../../ports/event-log.ts';

/**
 * Records are kept in chunks: those of one partition that were appended in one commit, at most 256 KiB together unless
 * a single record is larger. Fewer, larger entries make appending, reading and trimming cheap.
 *
 * Key: partition (16 bits), offset of the first record (48 bits), big-endian, so that keys sort by position. Value:
 * layout version (8 bits) and 3 bytes of zero, number of records (32), time of the append in ms since 1970 (float 64),
 * length of each record (32 each), the records. Little-endian.
 */
const layoutVersion = 1;
const headerBytes = 16;
const chunkBytes = 256 * 1024;

export interface Chunk {
  readonly first: number;
  readonly count: number;
  readonly appendedAt: number;
  readonly bytes: Buffer;
}

export function toKey(partition: number, offset: number): Buffer {
  const key = Buffer.allocUnsafe(8);
  key.writeUInt16BE(partition, 0);
  key.writeUIntBE(offset, 2, 6);
  return key;
}

export function toFirstOffset(key: Uint8Array): number {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).readUIntBE(2, 6);
}

/** Calls `put` for each chunk that the values make, in order. */
export function writeChunks(
  values: readonly Buffer[],
  first: number,
  appendedAt: number,
  put: (first: number, chunk: Buffer) => void,
): void {
  let from = 0;
  let bytes = 0;
  for (let i = 0; i < values.length; i++) {
    const length = (values[i] as Buffer).length;
    if (i > from && bytes + length > chunkBytes) {
      put(first + from, toChunk(values, from, i, bytes, appendedAt));
      from = i;
      bytes = 0;
    }
    bytes += length;
  }
  if (values.length > from) put(first + from, toChunk(values, from, values.length, bytes, appendedAt));
}

function toChunk(values: readonly Buffer[], from: number, to: number, bytes: number, appendedAt: number): Buffer {
  const count = to - from;
  let at = headerBytes + count * 4;
  const chunk = Buffer.allocUnsafe(at + bytes);
  chunk.writeUInt32LE(layoutVersion, 0);
  chunk.writeUInt32LE(count, 4);
  chunk.writeDoubleLE(appendedAt, 8);
  for (let i = 0; i < count; i++) {
    const value = values[from + i] as Buffer;
    chunk.writeUInt32LE(value.length, headerBytes + i * 4);
    at += value.copy(chunk, at);
  }
  return chunk;
}

export function parseChunk(first: number, stored: Uint8Array): Chunk {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  const version = bytes.readUInt32LE(0);
  if (version !== layoutVersion) {
    throw new Error(`expected the event log's chunks in layout ${layoutVersion}, got ${version} at offset ${first}`);
  }
  return { first, count: bytes.readUInt32LE(4), appendedAt: bytes.readDoubleLE(8), bytes };
}

/** Hands the chunk's records from `offset` on to `accept`, until it answers false. */
export function eachRecord(chunk: Chunk, offset: number, accept: (record: LogRecord) => boolean): void {
  const { first, count, bytes } = chunk;
  let at = headerBytes + count * 4;
  for (let i = 0; i < count; i++) {
    const length = bytes.readUInt32LE(headerBytes + i * 4);
    if (first + i >= offset && !accept({ offset: first + i, bytes, start: at, end: at + length })) return;
    at += length;
  }
}
