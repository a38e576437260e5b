import { LRUCache } from 'lru-cache';
import type { Warehouse } from '../../ports/warehouse.ts';
import { countUpTo } from '../ascending.ts';
import { sql, toStatement, value } from '../sql.ts';

/** How many events a project has of each name and day: what prices are made of. */
export interface EventCounts {
  /** Of these names, or of all (null), in from <= t < to, in milliseconds since 1970. Within a day they count as evenly spread. */
  count(names: ReadonlySet<string> | null, from: number, to: number): number;
}

export interface EventCountsReader {
  /** As they were a minute ago, or longer where reading them takes long. Rejects with WAREHOUSE_UNAVAILABLE. */
  read(project: string): Promise<EventCounts>;
}

interface Kept {
  readonly counts: Promise<EventCounts>;
  freshUntil: number;
  isRefreshing: boolean;
}

const mostNames = 1000;
const mostProjects = 50;
const freshMs = 60_000;
/** Reading takes at most this share of the time: what took three seconds is read again after ten minutes. */
const restFactor = 200;
const longestSeconds = 30;
const hourMs = 3_600_000;

/** From the rollup, which the warehouse keeps while it stores; never from the events. */
export function createEventCounts(warehouse: Warehouse, clock: () => number): EventCountsReader {
  const projects = new LRUCache<string, Kept>({ max: mostProjects });

  const load = async (project: string): Promise<EventCounts> => {
    const options = { label: 'price', lane: 'ledger', project } as const;
    const limits = { seconds: longestSeconds, resultRows: 200_000 };
    const ofProject = sql`project = ${value('String', project)}`;
    const days = sql`toInt32(floor(hour / 24)) AS day, sum(events) AS n, toInt64(min(hour)) * ${value('Int64', hourMs)} AS first, (toInt64(max(hour)) + 1) * ${value('Int64', hourMs)} AS last`;
    const [all, named] = await Promise.all([
      warehouse.query<DayRow>(
        toStatement(sql`SELECT ${days} FROM rollup_hourly WHERE ${ofProject} GROUP BY day HAVING n > 0 ORDER BY day`),
        { ...options, limits },
      ),
      warehouse.query<NameRow>(
        toStatement(sql`SELECT name, groupArray(day) AS days, groupArray(toFloat64(n)) AS counts, groupArray(toFloat64(first)) AS firsts, groupArray(toFloat64(last)) AS lasts
          FROM (SELECT toString(event) AS name, ${days} FROM rollup_hourly WHERE ${ofProject} GROUP BY name, day HAVING n > 0 ORDER BY name, day)
          GROUP BY name ORDER BY sum(n) DESC, name LIMIT ${value('UInt32', mostNames)}`),
        { ...options, limits },
      ),
    ]);
    return toEventCounts(all.rows, named.rows);
  };

  const refresh = (project: string, kept: Kept) => {
    kept.isRefreshing = true;
    const started = clock();
    load(project).then(
      (counts) => keep(project, Promise.resolve(counts), started),
      () => {
        // What is known is good enough until the warehouse answers again.
        kept.freshUntil = clock() + freshMs;
        kept.isRefreshing = false;
      },
    );
  };

  const keep = (project: string, counts: Promise<EventCounts>, started: number): Kept => {
    const kept: Kept = { counts, freshUntil: Number.POSITIVE_INFINITY, isRefreshing: false };
    projects.set(project, kept);
    counts.then(
      () => {
        const now = clock();
        kept.freshUntil = now + Math.max(freshMs, restFactor * (now - started));
      },
      () => {
        if (projects.get(project) === kept) projects.delete(project);
      },
    );
    return kept;
  };

  return {
    read(project) {
      const kept = projects.get(project);
      if (!kept) return keep(project, load(project), clock()).counts;
      if (!kept.isRefreshing && clock() >= kept.freshUntil) refresh(project, kept);
      return kept.counts;
    },
  };
}

// ---- row

interface DayRow {
  readonly day: number;
  readonly n: string;
  /** Where the first hour with events begins and the last one ends. */
  readonly first: string;
  readonly last: string;
}

interface NameRow {
  readonly name: string;
  readonly days: readonly number[];
  readonly counts: readonly number[];
  readonly firsts: readonly number[];
  readonly lasts: readonly number[];
}

/** Days with events, ascending; `before[i]`: events before the i-th of them. */
interface Line {
  readonly firsts: Float64Array;
  readonly lasts: Float64Array;
  readonly before: Float64Array;
}

function toEventCounts(all: readonly DayRow[], named: readonly NameRow[]): EventCounts {
  const whole = toLine(
    all.map(({ n }) => Number(n)),
    all.map(({ first }) => Number(first)),
    all.map(({ last }) => Number(last)),
  );
  const lines = new Map(named.map(({ name, counts, firsts, lasts }) => [name, toLine(counts, firsts, lasts)]));
  // Beyond the names that are kept each has at most as many as the last of these.
  const rarest = named.length < mostNames ? null : (lines.get((named[mostNames - 1] as NameRow).name) as Line);
  return {
    count(names, from, to) {
      if (names === null) return countIn(whole, from, to);
      let sum = 0;
      for (const name of names) {
        const line = lines.get(name);
        if (line) sum += countIn(line, from, to);
        else if (rarest) sum += Math.min(rarest.before[rarest.before.length - 1] as number, countIn(whole, from, to));
      }
      return sum;
    },
  };
}

function toLine(counts: readonly number[], firsts: readonly number[], lasts: readonly number[]): Line {
  const before = new Float64Array(counts.length + 1);
  counts.forEach((n, i) => {
    before[i + 1] = (before[i] as number) + n;
  });
  return { firsts: Float64Array.from(firsts), lasts: Float64Array.from(lasts), before };
}

function countIn(line: Line, from: number, to: number): number {
  return Math.max(0, countBefore(line, to) - countBefore(line, from));
}

function countBefore({ firsts, lasts, before }: Line, time: number): number {
  const place = countUpTo(lasts, time);
  const whole = before[place] as number;
  if (place === firsts.length) return whole;
  const [first, last] = [firsts[place] as number, lasts[place] as number];
  const part = Math.min(1, Math.max(0, (time - first) / (last - first)));
  return whole + part * ((before[place + 1] as number) - whole);
}
