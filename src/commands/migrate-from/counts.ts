import { TallygateError } from '../../errors.ts';
import type { Courier } from './courier.ts';
import type { Places } from './places.ts';
import { type Selection, toFromSql, toMillisSql, toRowsSql, toSourceRow } from './rows.ts';
import type { Snapshot } from './source.ts';
import type { State } from './state.ts';

export const dayMs = 24 * 3600 * 1000;
/** More groups than this are a mapping that takes each row's value for a name. */
const mostGroups = 1_000_000;

/** Events by day and name. */
export interface Counts {
  add(day: number | null, event: string | null, count: number): void;
  get(day: number | null, event: string | null): number;
  /** Days since 1970, in UTC. */
  entries(): { readonly day: number | null; readonly event: string | null; readonly count: number }[];
  readonly size: number;
}

export function createCounts(): Counts {
  const counts = new Map<string, number>();
  const toKey = (day: number | null, event: string | null) => JSON.stringify([day, event]);
  return {
    add(day, event, count) {
      const key = toKey(day, event);
      counts.set(key, (counts.get(key) ?? 0) + count);
      if (counts.size > mostGroups) {
        throw new TallygateError(
          'INVALID_INPUT',
          `expected at most ${mostGroups} days and event names to compare, got more: check which column is the event's name`,
        );
      }
    },
    get: (day, event) => counts.get(toKey(day, event)) ?? 0,
    entries: () =>
      [...counts].map(([key, count]) => {
        const [day, event] = JSON.parse(key) as [number | null, string | null];
        return { day, event, count };
      }),
    get size() {
      return counts.size;
    },
  };
}

export interface SourceCount {
  readonly selection: Selection;
  /** undefined: rows are read and counted one by one. */
  readonly places: Places | undefined;
  readonly courier: Courier;
  /** Rows of this moment and later are left out; milliseconds since 1970. */
  readonly before: number;
}

/** The table's rows by day and event, as the snapshot has them. */
export async function countSource(
  snapshot: Snapshot,
  { selection, places, courier, before }: SourceCount,
): Promise<Counts> {
  const counts = createCounts();
  if (!places) {
    for await (const part of snapshot.stream(toRowsSql(selection, 'TRUE'))) {
      for (const cells of part) {
        const place = courier.place(toSourceRow(cells, selection.table));
        if (place && place.millis < before) counts.add(toDay(place.millis), place.event, 1);
      }
    }
    return counts;
  }
  const { table, where, time, event } = selection;
  const sql = `SELECT floor(ms / ${dayMs}.0)::bigint::text, name, count(*)::text
    FROM (SELECT ${toMillisSql(time)} AS ms, (${event})::text AS name FROM ${toFromSql(table, where)}) counted
    WHERE ms IS NULL OR ms < ${before} GROUP BY 1, 2`;
  for await (const part of snapshot.stream(sql)) {
    for (const [day, name, count] of part) counts.add(toNumber(day), name ?? null, Number(count));
  }
  return counts;
}

/** Rows of the table that cannot be on the other side. */
export function countRejects(
  rejected: State['rejected'],
  { places, before }: Pick<SourceCount, 'places' | 'before'>,
): Counts {
  const counts = createCounts();
  for (const [, millis, event] of rejected) {
    // Rows that are no events are counted by SQL alone.
    if (millis === null ? places !== undefined : millis < before) counts.add(toNumber(millis, dayMs), event, 1);
  }
  return counts;
}

export function toDay(millis: number): number {
  return Math.floor(millis / dayMs);
}

function toNumber(value: string | number | null | undefined, unit = 1): number | null {
  return value === null || value === undefined ? null : Math.floor(Number(value) / unit);
}
