import { laneNames, type PositionVector, toStreamParts } from '../../events/position.ts';
import { iso } from '../range.ts';

interface Wishes {
  readonly after?: string | null | undefined;
  readonly maxWaitMs?: number | null | undefined;
  readonly maxAgeMs?: number | null | undefined;
  readonly at?: string | null | undefined;
}

/** Of which moment the numbers are, and why of none later. Times are ISO 8601, durations milliseconds. */
export interface ExplainedMoment {
  /** Every live event acknowledged before it is in the numbers; null: not known yet. */
  readonly asOf: string | null;
  /** How old that is when the moment was chosen. */
  readonly ageMs: number | null;
  /** What relative ranges were resolved with. */
  readonly now: string;
  readonly consistency: string;
  /** The wishes of the operation's reports, without tokens. */
  readonly freshness: readonly { readonly [wish: string]: number | boolean }[];
  /** The ledger is read a few times a second, not for each request: how old the reading was. */
  readonly readingAgeMs: number | null;
  /** How long `after` was waited for. */
  readonly waitedMs: number;
  /** In sentences, the weightiest first. */
  readonly why: readonly string[];
  /** Last position of each stream that is included. */
  readonly positions: readonly StreamPosition[];
}

export interface StreamPosition {
  readonly epoch: number;
  readonly lane: string;
  readonly partition: number;
  readonly offset: number;
}

/** Milliseconds since 1970 where it is a time. */
export interface MomentFacts {
  readonly asOf: number;
  readonly now: number;
  /** When it was chosen, whatever `now` is of a snapshot handed in. */
  readonly at: number;
  readonly vector: PositionVector;
  readonly consistency: string;
  readonly inputs: readonly Wishes[];
  readonly isSnapshot: boolean;
  readonly readAt: number;
  /** Positions asked for by `after` that it lacks. */
  readonly lacking: PositionVector;
  readonly waitedMs: number;
  readonly lag: readonly { readonly lane: number; readonly partition: number; readonly lag: number }[];
  /** Since when the log has not told its ends; null when it does. */
  readonly endsUnknownSince: number | null;
}

const mostNamed = 5;

export function toExplainedMoment(facts: MomentFacts): ExplainedMoment {
  const { asOf, now, at, vector, consistency, inputs, readAt, waitedMs } = facts;
  return {
    asOf: asOf > 0 ? iso(asOf) : null,
    ageMs: asOf > 0 ? at - asOf : null,
    now: iso(now),
    consistency,
    freshness: inputs.map(toWishes),
    readingAgeMs: Number.isFinite(readAt) ? at - readAt : null,
    waitedMs: Math.round(waitedMs),
    why: toReasons(facts),
    positions: [...vector].sort(([a], [b]) => a - b).map(toPosition),
  };
}

function toReasons(facts: MomentFacts): string[] {
  const { asOf, at, consistency, isSnapshot, readAt, lacking, waitedMs, lag, endsUnknownSince, inputs } = facts;
  if (isSnapshot)
    return [
      'freshness.at asked for this snapshot: nothing that came later is in it',
      ...(consistency === 'TIMED_OUT' ? ['it does not have everything that freshness.after asks for'] : []),
    ];
  const waitingFor = [...lacking].map(toPosition);
  const behind = lag.filter((one) => one.lag > 0);
  const live = behind.filter(({ lane }) => laneNames[lane as 0 | 1] === 'live');
  const history = behind.filter(({ lane }) => laneNames[lane as 0 | 1] === 'history');
  const allowed = Math.max(0, ...inputs.map(({ maxAgeMs }) => maxAgeMs ?? 0));
  return [
    ...(consistency === 'TIMED_OUT'
      ? [
          `waited ${Math.round(waitedMs)} ms for freshness.after, and the warehouse has not reached ${some(waitingFor, ({ lane, partition, offset }) => `${lane} partition ${partition} position ${offset}`)}`,
        ]
      : waitedMs >= 1 && consistency === 'SATISFIED'
        ? [`waited ${Math.round(waitedMs)} ms until the warehouse had what freshness.after asks for`]
        : []),
    ...(endsUnknownSince === null
      ? []
      : [`the log has not told its ends since ${iso(endsUnknownSince)}: asOf stands still until it does`]),
    ...(live.length === 0
      ? []
      : [
          `of the live lane, ${some(live, ({ partition, lag: n }) => `partition ${partition} has ${n} ${n === 1 ? 'record' : 'records'}`)} (of all projects) not stored yet: asOf goes on when they are`,
        ]),
    ...(history.length === 0
      ? []
      : [
          `${history.reduce((sum, one) => sum + one.lag, 0)} imported records (of all projects) are not stored yet; asOf does not wait for them`,
        ]),
    ...(asOf === 0 ? ['the gateway has just started: no reading has reached the ends of the log yet'] : []),
    `the ledger was last read ${Math.max(0, at - readAt)} ms before${allowed > 0 ? `, and freshness.maxAgeMs allows ${allowed}` : ''}`,
  ];
}

/** Tokens are long, and say nothing to a reader. */
function toWishes({ after, maxWaitMs, maxAgeMs, at }: Wishes): { [wish: string]: number | boolean } {
  return {
    ...(after ? { after: true } : {}),
    ...(at ? { at: true } : {}),
    ...(typeof maxWaitMs === 'number' ? { maxWaitMs } : {}),
    ...(typeof maxAgeMs === 'number' ? { maxAgeMs } : {}),
  };
}

function some<T>(all: readonly T[], show: (one: T) => string): string {
  const more = all.length - mostNamed;
  return `${all.slice(0, mostNamed).map(show).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function toPosition([stream, offset]: readonly [number, number]): StreamPosition {
  const { epoch, lane, partition } = toStreamParts(stream);
  return { epoch, lane: laneNames[lane as 0 | 1] ?? String(lane), partition, offset };
}
