import { historyLane, liveLane, type Stream, toStream, toStreamParts } from '../events/position.ts';
import type { RecordFacts } from '../events/record-facts.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import { toHour, toHourStart } from './id-slot.ts';
import { type Found, lookUp, toIdKey } from './repeat-lookup.ts';
import { historyTimeMs, type Verdict } from './repeats.ts';

/** A record that is not in the tables, and what it says of itself. */
export interface Missing {
  readonly offset: number;
  readonly facts: RecordFacts | null;
}

interface First extends Omit<Found, 'offset'> {
  /** Null for one that is missing itself. */
  readonly offset: number | null;
}

const everywhere = { live: Number.MAX_SAFE_INTEGER, history: Number.MAX_SAFE_INTEGER };

/**
 * Judges records that are missing from tables which may hold anything before and behind them: one is a repeat when its id
 * counts at another position of the pair, or came earlier among these. In order of their positions.
 */
export async function judgeMissing(
  warehouse: Warehouse,
  stream: Stream,
  windowHours: number,
  missing: readonly Missing[],
  signal: AbortSignal,
): Promise<(Verdict | null)[]> {
  const parts = toStreamParts(stream);
  const isHistory = parts.lane === historyLane;
  const wanted = missing.flatMap(({ facts }) => (facts === null ? [] : [facts]));
  const oldest = wanted.reduce((least, { receivedAt }) => Math.min(least, receivedAt), Number.MAX_SAFE_INTEGER);
  const known: Map<string, First[]> = await lookUp(
    warehouse,
    { live: toStream({ ...parts, lane: liveLane }), history: toStream({ ...parts, lane: historyLane }) },
    wanted,
    {
      asOf: everywhere,
      from: { live: 0, history: 0 },
      since: isHistory ? 0 : Math.max(0, toHourStart(toHour(oldest) - windowHours)),
      around: isHistory ? historyTimeMs : null,
    },
    signal,
  );
  const isNear = (first: First, { receivedAt, time }: RecordFacts) =>
    isHistory
      ? first.time === null || Math.abs(first.time - time) <= historyTimeMs
      : Math.abs(toHour(first.receivedAt) - toHour(receivedAt)) <= windowHours;
  return missing.map(({ offset, facts }) => {
    if (facts === null) return null;
    const name = toIdKey(facts.project, facts.messageId);
    const firsts = known.get(name) ?? [];
    const first = firsts.find((each) => !(each.live !== isHistory && each.offset === offset) && isNear(each, facts));
    if (first) return first.fingerprint === facts.fingerprint ? 'repeat' : 'conflict';
    known.set(name, [...firsts, toFirst(facts, !isHistory)]);
    return 'new';
  });
}

function toFirst({ receivedAt, time, dead, fingerprint }: RecordFacts, live: boolean): First {
  return { live, offset: null, receivedAt, time: dead === null ? time : null, fingerprint };
}
