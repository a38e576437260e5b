/** Of the Kafka protocol: what the proxy has to know to tell one request, and its answer, from another. */
export const apiKey = { produce: 0, fetch: 1, metadata: 3, offsetCommit: 8, joinGroup: 11, heartbeat: 12 } as const;

export interface KafkaFrame {
  readonly direction: 'request' | 'response';
  /** Of the request, also in the frame of its answer; -1 when the request is not known. */
  readonly apiKey: number;
  readonly bytes: Buffer;
}

/** Cuts the two streams of one connection into frames, and finds for each answer what was asked. */
export function createFrameReader() {
  const asked = new Map<number, number>();
  const rest: Record<KafkaFrame['direction'], Buffer> = { request: Buffer.alloc(0), response: Buffer.alloc(0) };
  return {
    read(direction: KafkaFrame['direction'], chunk: Buffer): KafkaFrame[] {
      let buffer: Buffer = rest[direction].length === 0 ? chunk : Buffer.concat([rest[direction], chunk]);
      const frames: KafkaFrame[] = [];
      // 4 bytes of length, which do not count themselves; then of a request key, version and correlation id.
      while (buffer.length >= 4 && buffer.length >= 4 + buffer.readInt32BE(0)) {
        const bytes = buffer.subarray(0, 4 + buffer.readInt32BE(0));
        buffer = buffer.subarray(bytes.length);
        frames.push({ direction, apiKey: toApiKey(direction, bytes), bytes });
      }
      rest[direction] = buffer;
      return frames;
    },
  };

  function toApiKey(direction: KafkaFrame['direction'], bytes: Buffer): number {
    if (direction === 'request') {
      const key = bytes.readInt16BE(4);
      asked.set(bytes.readInt32BE(8), key);
      return key;
    }
    const correlation = bytes.readInt32BE(4);
    const key = asked.get(correlation) ?? -1;
    asked.delete(correlation);
    return key;
  }
}
