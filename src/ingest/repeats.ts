import type { RecordFacts } from '../events/record-facts.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { DedupBudget } from './dedup-budget.ts';
import { type Facts, unreadable } from './facts.ts';
import { createSlotKey, isSamePayload, slotWords, toHour, toHourStart, toSeenHour } from './id-slot.ts';
import { createKnownIds } from './known-ids.ts';
import { createPacer } from './pacer.ts';
import { readStarts, rebuildKnown } from './rebuild.ts';
import { type Found, lookUp, type PairStreams, type Positions, toIdKey } from './repeat-lookup.ts';

/** A conflict is a repeat with something else in it than the first one had. */
export type Verdict = 'new' | 'repeat' | 'conflict';

/**
 * Which records of a pair of lanes came before. An id is a project's messageId; of its records those count that were
 * stored or kept aside, not those that were repeats themselves.
 *
 * A live record is a repeat when such a one stands below `asOf` in either lane, or earlier in the batch, and was received
 * at most the window before it, in whole hours. A history record is a repeat, however old the first one is, when their
 * event times are at most a day apart.
 *
 * Verdicts depend on the warehouse below `asOf` and on the batch alone: whoever decides a batch again decides the same,
 * unless the window had to be shortened for want of memory.
 */
export interface Repeats {
  /**
   * Verdicts in the order of the records of one lane; null for what cannot be read. Asks the warehouse before it remembers
   * anything, so that a call that failed can be made again; one that did not must not be.
   */
  judge(
    lane: 'live' | 'history',
    asOf: Positions,
    facts: Facts,
    signal: AbortSignal,
  ): Promise<readonly (Verdict | null)[]>;
  /**
   * As judge, for live records ahead of their turn: those before them may not be in the warehouse yet. Null, with nothing
   * remembered, when it would have to be asked.
   */
  judgeAhead(facts: Facts): Promise<readonly (Verdict | null)[] | null>;
  /** What facts have to be read with. */
  readonly slotKey: string;
  /** Gives back its memory. */
  close(): void;
  readonly size: number;
  readonly bytes: number;
  /** Hours that the window covers; less than asked for when memory is short. */
  readonly hours: number;
}

interface RepeatsDeps {
  readonly warehouse: Warehouse;
  readonly streams: PairStreams;
  readonly asOf: Positions;
  readonly windowHours: number;
  readonly budget: DedupBudget;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * A row that is imported again has the time that it had; a day leaves room for one that was mapped with another zone. It
 * is bounded so that the warehouse reads the days of a batch, not all of the project's past.
 */
export const historyTimeMs = 86_400_000;

/** Records between two looks at the clock. */
const stride = 128;

/** The window as of these positions, read from the warehouse. */
export async function openRepeats(deps: RepeatsDeps): Promise<Repeats> {
  const { warehouse, streams, windowHours, budget, metrics, logger, signal } = deps;
  const started = performance.now();
  const key = createSlotKey();
  const known = createKnownIds(windowHours);
  const leave = budget.join(known);
  try {
    await rebuildKnown(known, { warehouse, streams, asOf: deps.asOf, windowHours, budget, key, logger, signal });
  } catch (thrown) {
    leave();
    throw thrown;
  }
  const seconds = (performance.now() - started) / 1000;
  metrics.dedupRebuildSeconds.observe(seconds);
  logger.info({ ...streams, ...deps.asOf, ids: known.ids, seconds }, 'the window of repeats is read');

  let starts: { readonly since: number; readonly positions: Positions } | null = null;
  /** Where the window of a record begins in the log; the same for a whole hour. */
  const toStarts = async (asOf: Positions, since: number, within: AbortSignal): Promise<Positions> => {
    if (starts?.since !== since)
      starts = { since, positions: await readStarts(warehouse, streams, asOf, since, within) };
    return starts.positions;
  };

  const judgeLive = async (asOf: Positions | null, facts: Facts, within: AbortSignal) => {
    const pause = createPacer();
    const { slots, owner } = facts;
    const suspects: RecordFacts[] = [];
    const hours = { lowest: Number.MAX_SAFE_INTEGER, highest: 0 };
    for (let i = 0; i < facts.length; i++) {
      if (i % stride === 0) await pause();
      if (owner[i] === unreadable) continue;
      const at = i * slotWords;
      const hour = toSeenHour(slots[at + 3] as number);
      hours.lowest = Math.min(hours.lowest, hour);
      hours.highest = Math.max(hours.highest, hour);
      const seen = known.find(slots, at);
      if ((seen === 0 || hour - toSeenHour(seen) > windowHours) && known.suspects(slots, at, hour))
        suspects.push(facts.at(i) as RecordFacts);
    }
    let found: ReadonlyMap<string, readonly Found[]> = new Map();
    if (suspects.length > 0) {
      if (asOf === null) return null;
      const since = toHourStart(Math.min(...suspects.map(({ receivedAt }) => toHour(receivedAt))) - windowHours);
      const from = await toStarts(asOf, since, within);
      metrics.dedupLookups.inc({ lane: 'live' }, suspects.length);
      found = await lookUp(warehouse, streams, suspects, { asOf, from, since, around: null }, within);
    }
    if (hours.highest > 0) known.advance(hours.lowest, hours.highest);
    const verdicts = new Array<Verdict | null>(facts.length).fill(null);
    for (let i = 0; i < facts.length; i++) {
      if (i % stride === 0) await pause();
      if (owner[i] === unreadable) continue;
      const at = i * slotWords;
      const own = slots[at + 3] as number;
      const hour = toSeenHour(own);
      const seen = known.find(slots, at);
      if (seen !== 0 && hour - toSeenHour(seen) <= windowHours) {
        verdicts[i] = isSamePayload(seen, own) ? 'repeat' : 'conflict';
        continue;
      }
      const first = found.size === 0 ? null : toLiveFirst(found.get(toFactsKey(facts.at(i))), hour);
      if (first === null) {
        known.addLive(slots, at);
        verdicts[i] = 'new';
      } else verdicts[i] = isSamePayload(first.fingerprint, own) ? 'repeat' : 'conflict';
    }
    return verdicts;
  };

  /** The one that the table would know: the last live one of the window; without one the last of the history. */
  const toLiveFirst = (found: readonly Found[] | undefined, hour: number): Found | null => {
    let best: Found | null = null;
    for (const one of found ?? []) {
      if (hour - toHour(one.receivedAt) > windowHours) continue;
      if (best === null || isBefore(one, best)) best = one;
    }
    return best;
  };

  const judgeHistory = async (asOf: Positions, facts: Facts, within: AbortSignal) => {
    const pause = createPacer();
    const read = Array.from(facts.owner, (_, i) => facts.at(i));
    const sought = read.filter((fact) => fact !== null);
    metrics.dedupLookups.inc({ lane: 'history' }, sought.length);
    const everything = { asOf, from: { live: 0, history: 0 }, since: 0, around: historyTimeMs };
    const found = await lookUp(warehouse, streams, sought, everything, within);
    const verdicts: (Verdict | null)[] = [];
    const hours = sought.map(({ receivedAt }) => toHour(receivedAt));
    if (hours.length > 0)
      known.advance(
        hours.reduce((a, b) => Math.min(a, b)),
        hours.reduce((a, b) => Math.max(a, b)),
      );
    for (const [i, fact] of read.entries()) {
      if (i % stride === 0) await pause();
      if (fact === null) {
        verdicts.push(null);
        continue;
      }
      const id = toIdKey(fact.project, fact.messageId);
      const before = found.get(id) ?? [];
      const first = toHistoryFirst(before, fact.time);
      if (first !== null) {
        verdicts.push(first.fingerprint === fact.fingerprint ? 'repeat' : 'conflict');
        continue;
      }
      verdicts.push('new');
      found.set(id, [...before, toFound(fact, asOf.history + i)]);
      known.addHistory(facts.slots, i * slotWords);
    }
    return verdicts;
  };

  return {
    async judge(lane, asOf, facts, within) {
      await budget.settled();
      const verdicts = await known.exclusive(() =>
        lane === 'live' ? judgeLive(asOf, facts, within) : judgeHistory(asOf, facts, within),
      );
      return verdicts as (Verdict | null)[];
    },
    async judgeAhead(facts) {
      await budget.settled();
      return known.exclusive(() => judgeLive(null, facts, signal));
    },
    slotKey: key,
    close: leave,
    get size() {
      return known.ids;
    },
    get bytes() {
      return known.tableBytes + known.filterBytes;
    },
    get hours() {
      return known.hours;
    },
  };
}

function toFactsKey(facts: RecordFacts | null): string {
  return facts === null ? '' : toIdKey(facts.project, facts.messageId);
}

function isBefore(a: Found, b: Found): boolean {
  if (a.live !== b.live) return a.live;
  const later = toHour(a.receivedAt) - toHour(b.receivedAt);
  return later !== 0 ? later > 0 : a.offset < b.offset;
}

/** The first in the order of positions, live ones before. Dead letters have no time that means anything. */
function toHistoryFirst(found: readonly Found[], time: number): Found | null {
  let best: Found | null = null;
  for (const one of found) {
    if (one.time !== null && Math.abs(one.time - time) > historyTimeMs) continue;
    if (best === null || (one.live === best.live ? one.offset < best.offset : one.live)) best = one;
  }
  return best;
}

/** What the warehouse will have of a history record that is new. */
function toFound({ dead, fingerprint, receivedAt, time }: RecordFacts, offset: number): Found {
  return { live: false, offset, receivedAt, time: dead === null ? time : null, fingerprint };
}
