import { TallygateError } from '../errors.ts';
import { earliestTime, latestTime } from './event.ts';
import { type PositionVector, parseFlatVector, toFlatVector } from './position.ts';

/** Opaque to clients: base64url of compact JSON. Nothing in them is secret, and nothing in them is trusted. */

/**
 * What a mutation wrote: for each stream the last offset. The gateway that makes it need not know the log's epoch, so its
 * streams are those of epoch 0; readers put the present epoch in.
 */
export function toConsistencyToken(written: PositionVector): string {
  return Buffer.from(JSON.stringify(toFlatVector(written))).toString('base64url');
}

export function parseConsistencyToken(token: string): PositionVector {
  return parseVector(decode(token));
}

export interface SnapshotFacts {
  readonly vector: PositionVector;
  /** Every event acknowledged before this moment is included; milliseconds since 1970. */
  readonly asOf: number;
  /** The "now" that relative ranges were resolved with; milliseconds since 1970. */
  readonly now: number;
}

export function toSnapshotToken({ vector, asOf, now }: SnapshotFacts): string {
  return Buffer.from(JSON.stringify([asOf, now, toFlatVector(vector)])).toString('base64url');
}

export function parseSnapshotToken(token: string): SnapshotFacts {
  const parts = decode(token);
  if (!Array.isArray(parts) || parts.length !== 3) throw invalid();
  const [asOf, now, flat] = parts as unknown[];
  const vector = parseVector(flat);
  if (!isTime(asOf) || !isTime(now)) throw invalid();
  return { vector, asOf, now };
}

/** Of a token, every offset is one that was written. */
function parseVector(flat: unknown): PositionVector {
  const vector = parseFlatVector(flat);
  for (const offset of vector.values()) if (offset < 0) throw invalid();
  return vector;
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= earliestTime && (value as number) <= latestTime;
}

function decode(token: string): unknown {
  if (token.length > 200_000) throw invalid();
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    throw invalid();
  }
}

function invalid(): TallygateError {
  return new TallygateError('INVALID_TOKEN', 'expected a token that this service handed out, got something else');
}
