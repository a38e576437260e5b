import { TallygateError } from '../errors.ts';

/**
 * Where a record stands: (epoch, lane, partition, offset). The first three make a stream, packed into 32 bits so that a
 * row stores it cheaply: 16 bits of epoch, 2 of lane, 14 of partition. The epoch is raised when a log is replaced by
 * another one whose offsets begin anew; the lane keeps history (imports) apart from live events.
 */
export type Stream = number;

export const liveLane = 0;
/** Imports: stored when live events leave room, so that history never delays them. */
export const historyLane = 1;
/** By lane, as people and metrics call them. */
export const laneNames = ['live', 'history'] as const;

export interface StreamParts {
  readonly epoch: number;
  readonly lane: number;
  readonly partition: number;
}

export function toStream({ epoch, lane, partition }: StreamParts): Stream {
  if (!(epoch >= 0 && epoch < 65_536 && lane >= 0 && lane < 4 && partition >= 0 && partition < 16_384)) {
    throw new RangeError(`expected epoch < 65536, lane < 4, partition < 16384; got ${epoch}, ${lane}, ${partition}`);
  }
  return epoch * 65_536 + lane * 16_384 + partition;
}

/**
 * The log's partitions come in pairs: 2n is the live lane of partition n, 2n + 1 its history lane. A log with one
 * partition has the live lane alone; of an odd number the last one is not written to.
 */
export function toLogPartition(lane: number, partition: number): number {
  return 2 * partition + lane;
}

export function fromLogPartition(logPartition: number): { readonly lane: number; readonly partition: number } {
  return { lane: logPartition & 1, partition: logPartition >> 1 };
}

/** How many partitions events are spread over, for a log with so many of its own. */
export function toPartitions(logPartitions: number): number {
  return Math.max(1, logPartitions >> 1);
}

/** The stream of a partition of the log. */
export function toStreamOf(epoch: number, logPartition: number): Stream {
  return toStream({ epoch, ...fromLogPartition(logPartition) });
}

export function toStreamParts(stream: Stream): StreamParts {
  return { epoch: Math.floor(stream / 65_536), lane: (stream >>> 14) & 3, partition: stream & 16_383 };
}

/** For each stream the last offset that is included; a stream that is not named includes nothing. */
export type PositionVector = ReadonlyMap<Stream, number>;

/** True when everything that `part` stands for is included in `whole`. */
export function covers(whole: PositionVector, part: PositionVector): boolean {
  for (const [stream, offset] of part) if ((whole.get(stream) ?? -1) < offset) return false;
  return true;
}

/** The smallest vector that covers all of them. */
export function joinVectors(vectors: Iterable<PositionVector>): PositionVector {
  const joined = new Map<Stream, number>();
  for (const vector of vectors) {
    for (const [stream, offset] of vector) joined.set(stream, Math.max(joined.get(stream) ?? -1, offset));
  }
  return joined;
}

/** [stream, offset, ...] in ascending order of streams, so that equal vectors have equal forms. */
export function toFlatVector(vector: PositionVector): number[] {
  return [...vector].sort(([a], [b]) => a - b).flat();
}

export function parseFlatVector(flat: unknown): PositionVector {
  const ok = Array.isArray(flat) && flat.length % 2 === 0 && flat.length <= 32_768;
  if (!ok || !flat.every((n) => Number.isSafeInteger(n) && n >= -1)) {
    throw invalidVector();
  }
  const vector = new Map<Stream, number>();
  for (let i = 0; i < flat.length; i += 2) {
    const stream = flat[i] as number;
    if (stream < 0 || stream > 0xffff_ffff) throw invalidVector();
    vector.set(stream, flat[i + 1] as number);
  }
  return vector;
}

function invalidVector(): TallygateError {
  return new TallygateError('INVALID_TOKEN', 'expected a token that this service handed out, got something else');
}
