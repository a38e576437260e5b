import { TallygateError } from '../../errors.ts';
import {
  covers,
  historyLane,
  joinVectors,
  type PositionVector,
  toStream,
  toStreamParts,
} from '../../events/position.ts';
import { parseConsistencyToken, parseSnapshotToken, type SnapshotFacts, toSnapshotToken } from '../../events/tokens.ts';
import type { ReportTrace } from '../explain/cells.ts';
import type { MomentFacts } from '../explain/moment.ts';
import type { Correction } from './corrections.ts';
import { leastHeldMs } from './held-readings.ts';
import { readEveryMs, usualAgeMs, type WatermarkReader } from './watermark.ts';

export interface FreshnessInput {
  readonly after?: string | null | undefined;
  readonly maxWaitMs?: number | null | undefined;
  readonly maxAgeMs?: number | null | undefined;
  readonly at?: string | null | undefined;
}

export type Consistency = 'NOT_ASKED' | 'SATISFIED' | 'TIMED_OUT';

/** The one moment that all reports of an operation describe. Times are milliseconds since 1970. */
export interface Moment {
  readonly vector: PositionVector;
  readonly asOf: number;
  /** What relative ranges are resolved with. */
  readonly now: number;
  readonly snapshot: string;
  readonly consistency: Consistency;
  readonly fresh: boolean;
  /** What is odd about it, for `meta.warnings`. */
  readonly warnings: readonly string[];
  /** Of the report that was given it, where somebody asked for an explanation. */
  readonly trace?: ReportTrace;
}

const longestWaitMs = 30_000;

/** From the wishes of all reports of an operation. Throws INVALID_INPUT and INVALID_TOKEN. */
export async function resolveMoment(
  inputs: readonly FreshnessInput[],
  project: string,
  watermark: WatermarkReader,
  signal: AbortSignal,
  clock: () => number,
  explain?: (facts: MomentFacts) => void,
): Promise<Moment> {
  const ats = new Set(inputs.flatMap(({ at }) => (at ? [at] : [])));
  if (ats.size > 1)
    throw new TallygateError(
      'INVALID_INPUT',
      `expected one freshness.at for all reports of an operation, got ${ats.size} different ones`,
    );
  const ages = inputs.flatMap(({ maxAgeMs }) => (typeof maxAgeMs === 'number' ? [maxAgeMs] : []));
  if (ages.some((age) => age < 0))
    throw new TallygateError('INVALID_INPUT', `expected freshness.maxAgeMs of at least 0, got ${Math.min(...ages)}`);
  const waits = inputs.map(({ maxWaitMs }) => maxWaitMs ?? 2000);
  if (waits.some((wait) => wait < 0 || wait > longestWaitMs)) {
    throw new TallygateError(
      'INVALID_INPUT',
      `expected freshness.maxWaitMs of 0 to ${longestWaitMs}, got ${waits.find((w) => w < 0 || w > longestWaitMs)}`,
    );
  }
  const deadline = clock() + Math.max(0, ...waits);
  const after = inputs.flatMap(({ after }) => (after ? [parseConsistencyToken(after)] : []));
  const [at] = ats;
  const snapshot: SnapshotFacts | null = at ? parseSnapshotToken(at) : null;
  const oldest = ages.length > 0 ? Math.min(...ages) : usualAgeMs;
  // Whoever waits for what was written wants the newest.
  const isHeld = ages.length > 0 && oldest >= leastHeldMs && after.length === 0;
  let present = await (isHeld ? watermark.hold(oldest) : watermark.read(oldest));

  const wanted = joinVectors([
    ...after.map((vector) => inEpoch(vector, present.epoch)),
    ...(snapshot ? [snapshot.vector] : []),
  ]);
  let consistency: Consistency = after.length > 0 ? 'SATISFIED' : 'NOT_ASKED';
  const begun = clock();
  if (!covers(present.vector, wanted)) {
    const reached = await watermark.waitFor(wanted, deadline, signal);
    present = await watermark.read(readEveryMs);
    if (!reached && !covers(present.vector, wanted)) {
      if (snapshot && !covers(present.vector, snapshot.vector)) {
        throw new TallygateError(
          'INVALID_TOKEN',
          'expected freshness.at of a snapshot that the warehouse has, got one that it has not reached',
        );
      }
      consistency = 'TIMED_OUT';
    }
  }
  const tell = (moment: Moment): Moment => {
    if (!explain) return moment;
    const { readAt, vector } = present;
    const lacking = new Map([...wanted].filter(([stream, offset]) => (vector.get(stream) ?? -1) < offset));
    const isSnapshot = snapshot !== null;
    const chosenAt = clock();
    const waitedMs = chosenAt - begun;
    explain({ ...moment, at: chosenAt, inputs, isSnapshot, readAt, lacking, waitedMs, ...watermark.behind() });
    return moment;
  };
  if (snapshot) {
    if (after.length > 0)
      consistency = covers(snapshot.vector, joinVectors(after.map((v) => inEpoch(v, present.epoch))))
        ? 'SATISFIED'
        : 'TIMED_OUT';
    return tell({
      ...snapshot,
      snapshot: at as string,
      consistency,
      fresh: oldest === 0,
      warnings: toSnapshotWarnings(watermark.correction(project), snapshot.asOf),
    });
  }
  const { vector, asOf, readAt } = present;
  // Of a reading that is held, all of the moment is: equal questions are equal to the millisecond.
  const now = isHeld ? readAt : clock();
  const token = toSnapshotToken({ vector, asOf, now });
  return tell({
    vector,
    asOf,
    now,
    snapshot: token,
    consistency,
    fresh: oldest === 0,
    warnings: toWarnings(watermark),
  });
}

/** asOf speaks of live events; history is on its way for as long as it takes. */
function toWarnings(watermark: WatermarkReader): string[] {
  const imported = watermark.lag().reduce((sum, { lane, lag }) => (lane === historyLane ? sum + lag : sum), 0);
  return imported === 0
    ? []
    : [`${imported} imported records (of all projects) are on their way and not in this answer`];
}

/** What was taken out since is missing from an older moment, too. */
function toSnapshotWarnings({ removedAt, deletedAt }: Correction, asOf: number): string[] {
  return [
    ...(removedAt > asOf
      ? ['events that were sent twice were removed since this snapshot: its numbers are without them']
      : []),
    ...(deletedAt > asOf ? ['persons were deleted since this snapshot: its numbers are without them'] : []),
  ];
}

/** Consistency tokens are made without knowing the epoch. */
function inEpoch(vector: PositionVector, epoch: number): PositionVector {
  return new Map([...vector].map(([stream, offset]) => [toStream({ ...toStreamParts(stream), epoch }), offset]));
}
