import { setTimeout as sleep } from 'node:timers/promises';
import { createHistory, type History, type Outcome } from './history.ts';
import type { Random } from './random.ts';

export const projects = ['alpha', 'beta', 'gamma'] as const;
export const writeKeyOf = (project: string): string => `wk_${project}`;
export const readTokenOf = (project: string): string => `rt_${project}`;

export interface LoadOptions {
  /** Addresses of the gateways; asked anew for each request. */
  readonly urls: () => readonly string[];
  readonly random: Random;
  /** Requests under way at once. */
  readonly workers?: number;
  /** Mean pause of a worker between two requests, in milliseconds. */
  readonly pauseMs?: number;
}

export interface Load {
  readonly history: History;
  /** Resolves when so many more ids have been acknowledged; rejects when that takes longer than `seconds`. */
  more(acknowledged: number, seconds?: number): Promise<void>;
  /** Sends nothing again of what was sent until now. */
  forget(): void;
  /** Resolves when nothing is under way; nothing more is sent until resume(). */
  pause(): Promise<void>;
  resume(): void;
  /** Sends no more new ids, tries again what was refused, and resolves when all requests are answered. */
  stop(): Promise<void>;
  /** Waits for nothing: for when the run has failed. */
  abandon(): void;
}

interface Event {
  readonly project: string;
  readonly input: Readonly<Record<string, unknown>> & { readonly messageId: string };
}

const single = 'mutation ($input: TrackInput!) { track(input: $input) { result { messageId status } token } }';
const batch =
  'mutation ($input: TrackBatchInput!) { trackBatch(input: $input) { results { messageId status } token } }';

/** Longest wait for an answer, in milliseconds: the gateway's own deadline for the log is 10 s. */
const patienceMs = 25_000;
const day = 86_400_000;
/** Outcome of an event by the status that the gateway gives it. */
const outcomes: Readonly<Record<string, Outcome>> = {
  ACCEPTED: 'acknowledged',
  DEAD_LETTERED: 'deadLettered',
  REJECTED: 'rejected',
  RETRY: 'unknown',
};

/**
 * Clients of several projects: single events and batches, new ids, the same ids again on purpose, and again when they were
 * refused, now and then an event that is bad or too far ahead. What was not acknowledged is tried again most of the time.
 */
export function startLoad({ urls, random, workers = 5, pauseMs = 30 }: LoadOptions): Load {
  const history = createHistory();
  const done: Event[] = [];
  const refused: Event[] = [];
  let counter = 0;
  let running = true;
  let underWay = 0;
  const abandoned = new AbortController();
  let paused: PromiseWithResolvers<void> | undefined;

  function makeEvent(project: string): Event {
    const messageId = `m-${++counter}`;
    const input = {
      messageId,
      event: random.pick(['Viewed', 'Added', 'Bought']),
      userId: `u${random.below(150)}`,
      // The past, as an import has it: what comes by either lane is known by its time, too.
      timestamp: new Date(Date.now() - random.between(1, 180) * 60_000).toISOString(),
      properties: { n: counter, price: random.below(10_000) / 100, text: 'x'.repeat(random.below(60)) },
    };
    if (random.chance(0.01)) return { project, input: { ...input, userId: undefined } };
    // More than a day ahead: acknowledged and set aside.
    if (random.chance(0.01))
      return { project, input: { ...input, timestamp: new Date(Date.now() + 30 * day).toISOString() } };
    return { project, input };
  }

  function nextEvent(project: string): Event {
    const again = (list: Event[]) => {
      const at = list.findIndex((event) => event.project === project);
      return at === -1 ? undefined : list.splice(at, 1)[0];
    };
    const due = random.chance(0.5) ? again(refused) : undefined;
    if (due) return due;
    const known = done.length > 0 && random.chance(0.07) ? done[random.below(done.length)] : undefined;
    return known?.project === project ? known : makeEvent(project);
  }

  function settle(event: Event, outcome: Outcome): void {
    history.record(event.project, event.input.messageId, outcome);
    if (outcome === 'unknown' && random.chance(0.9)) refused.push(event);
    if (outcome !== 'acknowledged') return;
    if (done.length < 2000) done.push(event);
    else done[random.below(done.length)] = event;
  }

  async function send(events: readonly Event[]): Promise<void> {
    const { project } = events[0]!;
    const isSingle = events.length === 1;
    // As an import beside live tracking does; what comes again may come by the other lane.
    const lane = random.chance(0.15) ? 'HISTORY' : 'LIVE';
    const body = isSingle
      ? { query: single, variables: { input: events[0]!.input } }
      : { query: batch, variables: { input: { events: events.map(({ input }) => ({ track: input })), lane } } };
    const results = await request(random.pick(urls()), project, body, abandoned.signal).catch(() => null);
    for (const [i, event] of events.entries())
      settle(event, results === null ? 'unknown' : (outcomes[results[i]?.status ?? 'RETRY'] ?? 'unknown'));
    if (results === null) await sleep(200);
  }

  async function work(): Promise<void> {
    while (running) {
      await paused?.promise;
      if (!running) return;
      underWay++;
      const project = random.pick(projects);
      const size = random.chance(0.6) ? 1 : random.between(2, 30);
      await send(Array.from({ length: size }, () => nextEvent(project)));
      underWay--;
      await sleep(random.below(2 * pauseMs));
    }
  }

  const working = Array.from({ length: workers }, work);

  return {
    history,
    async more(acknowledged, seconds = 60) {
      const wanted = history.acknowledged + acknowledged;
      for (const until = Date.now() + seconds * 1000; history.acknowledged < wanted; await sleep(50)) {
        if (Date.now() > until)
          throw new Error(
            `expected ${acknowledged} more ids to be acknowledged within ${seconds} s, got ${acknowledged - (wanted - history.acknowledged)}; tries: ${JSON.stringify(history.tries)}`,
          );
      }
    },
    forget() {
      done.length = 0;
      refused.length = 0;
    },
    async pause() {
      paused ??= Promise.withResolvers();
      while (underWay > 0) await sleep(20);
    },
    resume() {
      paused?.resolve();
      paused = undefined;
    },
    abandon() {
      running = false;
      this.resume();
      abandoned.abort();
    },
    async stop() {
      running = false;
      this.resume();
      await Promise.all(working);
      for (let tries = 0; tries < 3 && refused.length > 0; tries++)
        for (const project of projects) {
          const events = refused.filter((event) => event.project === project);
          for (let i = 0; i < events.length; i += 200) await send(events.slice(i, i + 200));
          for (const event of events) refused.splice(refused.indexOf(event), 1);
        }
    },
  };
}

interface Result {
  readonly messageId: string;
  readonly status: string;
}

/** The results of one mutation; null when nothing is known of any of its events. */
async function request(
  url: string,
  project: string,
  body: object,
  abandoned: AbortSignal,
): Promise<readonly Result[] | null> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${writeKeyOf(project)}` },
    body: JSON.stringify(body),
    signal: AbortSignal.any([AbortSignal.timeout(patienceMs), abandoned]),
  });
  const { data } = (await response.json()) as {
    data?: { track?: { result: Result } | null; trackBatch?: { results: Result[] } | null } | null;
  };
  if (data?.track) return [data.track.result];
  return data?.trackBatch?.results ?? null;
}
