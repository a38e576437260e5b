import type { BudgetMember } from './dedup-budget.ts';
import { createHourFilters } from './hour-filters.ts';
import { createIdTable } from './id-table.ts';
import { createPacer } from './pacer.ts';

/**
 * What memory knows of the ids of a pair of lanes. Live ids stand in a table that knows for sure; history ids, and the
 * oldest live ones when memory is short, in filters that only suspect. What memory does not cover, the warehouse is asked
 * for: when something leaves memory is a matter of speed, never of the verdict.
 */
export interface KnownIds extends BudgetMember {
  /** Runs alone: nothing moves between the tables meanwhile. */
  exclusive<T>(work: () => Promise<T>): Promise<T>;
  /** The last word of a live id's slot; 0 when the table does not have it. */
  find(ids: Uint32Array, at: number): number;
  /** Whether the warehouse must be asked for this id, received in `hour` and not found within the window. */
  suspects(ids: Uint32Array, at: number, hour: number): boolean;
  addLive(ids: Uint32Array, at: number): void;
  addHistory(ids: Uint32Array, at: number): void;
  /** A batch begins, whose records were received in these hours: what is too old for it and those before may be left out. */
  advance(lowest: number, highest: number): void;
  /** Says that what was received before `hour` is not in memory. */
  coverFrom(hour: number): void;
}

/** Batches of which the oldest record says what is still needed: one clock that is ahead must not drive everything out. */
const recentBatches = 8;

export function createKnownIds(windowHours: number): KnownIds {
  const table = createIdTable();
  const filters = createHourFilters(windowHours);
  const lows: number[] = [];
  let batches = 0;
  /** Memory knows every id received in this hour or later. */
  let covered = 0;
  /** For want of memory the window begins here: what was received before is not asked for either. */
  let shortened = 0;
  let newest = 0;
  let tail: Promise<unknown> = Promise.resolve();

  const exclusive = <T>(work: () => Promise<T>): Promise<T> => {
    const run = tail.then(work);
    tail = run.catch(() => {});
    return run;
  };

  const countByHour = async (): Promise<Map<number, number>> => {
    const pause = createPacer();
    const hours = new Map<number, number>();
    for (let segment = 0; segment < table.segments; segment++) {
      table.count(segment, hours);
      await pause();
    }
    return hours;
  };

  return {
    exclusive,
    find: (ids, at) => table.find(ids, at),
    suspects(ids, at, hour) {
      const from = Math.max(hour - windowHours, shortened);
      return from < covered || filters.suspects(ids, at, from);
    },
    addLive: (ids, at) => table.set(ids, at),
    addHistory: (ids, at) => filters.add(ids, at),
    advance(lowest, highest) {
      lows[batches++ % recentBatches] = lowest;
      newest = Math.max(newest, highest);
      const needed = Math.min(...lows) - windowHours;
      covered = Math.max(covered, needed);
      table.forgetBefore(needed);
      filters.forgetBefore(needed);
    },
    coverFrom(hour) {
      covered = Math.max(covered, hour);
    },

    countByHour: () => exclusive(countByHour),
    moveBefore: (hour) =>
      exclusive(async () => {
        const pause = createPacer();
        const hours = await countByHour();
        for (const each of hours.keys()) if (each >= hour) hours.delete(each);
        filters.reserve(hours);
        for (let segment = 0; segment < table.segments; segment++) {
          table.sweep(segment, hour, filters.add);
          await pause();
        }
      }),
    shortenTo: (hour) =>
      exclusive(async () => {
        filters.forgetBefore(hour);
        shortened = Math.max(shortened, hour);
      }),
    oldestEnd: () => filters.oldestEnd(),
    get ids() {
      return table.size + filters.size;
    },
    get tableBytes() {
      return table.bytes;
    },
    get filterBytes() {
      return filters.bytes;
    },
    get hours() {
      return shortened === 0 ? windowHours : Math.max(0, Math.min(windowHours, newest - shortened));
    },
  };
}
