import { createIdFilter, type IdFilter } from './id-filter.ts';
import { toSeenHour } from './id-slot.ts';

/** Filters of ids by when they were received: of a few hours each, so that asking them all does not take long. */
export interface HourFilters {
  add(ids: Uint32Array, at: number): void;
  /** Whether the id may have been received in `fromHour` or later. */
  suspects(ids: Uint32Array, at: number, fromHour: number): boolean;
  /** Makes room for so many ids by hour. */
  reserve(hours: ReadonlyMap<number, number>): void;
  /** Gives up filters that hold nothing of `hour` or later. */
  forgetBefore(hour: number): void;
  /** The first hour after those of the oldest filter; null without one. */
  oldestEnd(): number | null;
  readonly size: number;
  readonly bytes: number;
}

const filtersOfWindow = 8;

export function createHourFilters(windowHours: number): HourFilters {
  const span = Math.ceil(windowHours / filtersOfWindow);
  const filters = new Map<number, IdFilter>();

  const filterOf = (hour: number): IdFilter => {
    const number = Math.floor(hour / span);
    let filter = filters.get(number);
    if (!filter) {
      filter = createIdFilter();
      filters.set(number, filter);
    }
    return filter;
  };
  const sum = (of: (filter: IdFilter) => number) => {
    let total = 0;
    for (const filter of filters.values()) total += of(filter);
    return total;
  };

  return {
    add: (ids, at) => filterOf(toSeenHour(ids[at + 3] as number)).add(ids, at),
    suspects(ids, at, fromHour) {
      for (const [number, filter] of filters) if ((number + 1) * span > fromHour && filter.has(ids, at)) return true;
      return false;
    },
    reserve(hours) {
      const spans = new Map<number, number>();
      for (const [hour, ids] of hours) {
        const number = Math.floor(hour / span);
        spans.set(number, (spans.get(number) ?? 0) + ids);
      }
      for (const [number, ids] of spans) filterOf(number * span).reserve(ids);
    },
    forgetBefore(hour) {
      for (const number of filters.keys()) if ((number + 1) * span <= hour) filters.delete(number);
    },
    oldestEnd: () => (filters.size === 0 ? null : (Math.min(...filters.keys()) + 1) * span),
    get size() {
      return sum((filter) => filter.size);
    },
    get bytes() {
      return sum((filter) => filter.bytes);
    },
  };
}
