import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';

/**
 * The numbers of the example data set, by loops over its lines. Shares no line with the product, so that both being
 * wrong in the same way is unlikely.
 */
export interface EcomEvent {
  readonly user: string;
  readonly session: string;
  readonly event: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly platform: string;
  readonly acquisition_channel: string;
  readonly user_cohort: string;
  readonly user_lifecycle: string;
}

export type Counts = Readonly<Record<string, number>>;

export interface EcomSummary {
  readonly events: number;
  readonly users: number;
  readonly sessions: number;
  readonly first: string;
  readonly last: string;
  readonly byEvent: Counts;
  readonly usersByEvent: Counts;
  /** Days of the time zone, as 2024-03-13. */
  readonly byDay: Counts;
  readonly usersByDay: Counts;
  readonly byEventAndDay: Readonly<Record<string, Counts>>;
  readonly byPlatform: Counts;
  readonly byChannel: Counts;
}

export async function readEcom(path: string): Promise<EcomEvent[]> {
  const text = gunzipSync(await readFile(path)).toString('utf8');
  const [header, ...lines] = text.split('\n').filter((line) => line !== '');
  const expected = 'user_id,session_id,event,timestamp,platform,acquisition_channel,user_cohort,user_lifecycle';
  if (header !== expected || text.includes('"'))
    throw new Error(`expected the header ${expected} and no quotes, got ${header}`);
  return lines.map((line) => {
    const [user, session, event, timestamp, platform, acquisition_channel, user_cohort, user_lifecycle] = line.split(
      ',',
    ) as [string, string, string, string, string, string, string, string];
    const time = Date.parse(`${timestamp.replace(' ', 'T')}Z`);
    return { user, session, event, time, platform, acquisition_channel, user_cohort, user_lifecycle };
  });
}

export async function summarise(path: string, timezone = 'UTC'): Promise<EcomSummary> {
  const events = await readEcom(path);
  const toDay = dayOf(timezone);
  const days = events.map(({ time }) => toDay(time));
  const byEventAndDay: Record<string, Record<string, number>> = {};
  for (const [index, { event }] of events.entries()) {
    const day = days[index] as string;
    byEventAndDay[event] ??= {};
    byEventAndDay[event][day] = (byEventAndDay[event][day] ?? 0) + 1;
  }
  const times = events.map(({ time }) => time);
  return {
    events: events.length,
    users: new Set(events.map(({ user }) => user)).size,
    sessions: new Set(events.map(({ session }) => session)).size,
    first: new Date(Math.min(...times)).toISOString(),
    last: new Date(Math.max(...times)).toISOString(),
    byEvent: count(events.map(({ event }) => event)),
    usersByEvent: countDistinct(events.map(({ event, user }) => [event, user])),
    byDay: count(days),
    usersByDay: countDistinct(events.map(({ user }, index) => [days[index] as string, user])),
    byEventAndDay,
    byPlatform: count(events.map(({ platform }) => platform)),
    byChannel: count(events.map(({ acquisition_channel }) => acquisition_channel)),
  };
}

/**
 * Users who did the first k steps in order, for each k, the k-th at most windowSeconds after the first. Events of one
 * instant count in the order of the steps.
 */
export function countFunnel(events: readonly EcomEvent[], steps: readonly string[], windowSeconds: number): number[] {
  const reached = steps.map(() => 0);
  for (const own of groupBy(events, ({ user }) => user).values()) {
    const order = own.toSorted((a, b) => a.time - b.time || steps.indexOf(a.event) - steps.indexOf(b.event));
    // The latest start of a chain of the first k + 1 steps so far: of two chains, the later start can only do better.
    const starts: (number | undefined)[] = steps.map(() => undefined);
    for (const { event, time } of order) {
      const step = steps.indexOf(event);
      if (step < 0) continue;
      const start = step === 0 ? time : starts[step - 1];
      if (start === undefined || time - start > windowSeconds * 1000) continue;
      starts[step] = Math.max(starts[step] ?? start, start);
    }
    for (const [step, start] of starts.entries()) if (start !== undefined) (reached[step] as number)++;
  }
  return reached;
}

/**
 * By day of a user's first `cohortEvent`: how many users there are, and how many of them did `returnEvent` on day 0, 1,
 * ... after it. On day 0 only what is not before the first event counts.
 */
export function countRetention(
  events: readonly EcomEvent[],
  cohortEvent: string,
  returnEvent: string,
  periods: number,
): Record<string, { size: number; counts: number[] }> {
  const toDay = dayOf('UTC');
  const cohorts: Record<string, { size: number; counts: number[] }> = {};
  for (const own of groupBy(events, ({ user }) => user).values()) {
    const starts = own.filter(({ event }) => event === cohortEvent).map(({ time }) => time);
    if (starts.length === 0) continue;
    const start = Math.min(...starts);
    cohorts[toDay(start)] ??= { size: 0, counts: Array(periods).fill(0) };
    const cohort = cohorts[toDay(start)] as { size: number; counts: number[] };
    cohort.size++;
    const returns = own.filter(({ event, time }) => event === returnEvent && time >= start);
    const offsets = new Set(returns.map(({ time }) => Math.floor(time / 86_400_000) - Math.floor(start / 86_400_000)));
    for (const offset of offsets) if (offset < periods) (cohort.counts[offset] as number)++;
  }
  return cohorts;
}

/** The calendar day of a moment, by the engine's own Intl. */
function dayOf(timezone: string): (time: number) => string {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  return (time) => format.format(time);
}

function count(keys: readonly string[]): Counts {
  const counts: Record<string, number> = {};
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}

function countDistinct(pairs: readonly (readonly [string, string])[]): Counts {
  const members = groupBy(pairs, ([key]) => key);
  return Object.fromEntries([...members].map(([key, own]) => [key, new Set(own.map(([, member]) => member)).size]));
}

function groupBy<T>(items: readonly T[], toKey: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(toKey(item));
    if (group) group.push(item);
    else groups.set(toKey(item), [item]);
  }
  return groups;
}
