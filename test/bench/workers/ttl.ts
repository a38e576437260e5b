import { createMemoryCache } from '../../../src/adapters/memory/report-cache.ts';
import type { FreshnessInput } from '../../../src/reports/moment/moment.ts';
import { forgetfulCache } from '../../contract/forgetful-cache.ts';
import { project } from '../report-events.ts';
import { createTraffic, type Tile } from '../traffic.ts';
import { createTtlCache } from '../ttl-cache.ts';
import { serveJobs } from '../worker.ts';
import { type Counts, toText } from './counted.ts';
import { openTtlService } from './ttl-service.ts';

/** Traffic for at most so many seconds, and so many turns. */
export interface TtlJob {
  readonly dir: string;
  readonly merges: boolean;
  readonly historyEvents: number;
  readonly turns: number;
  readonly seconds: number;
  readonly cacheBytes: number;
  readonly ttlMs: number;
  readonly start: number;
  /** By which the clock moves on. */
  readonly turnMs: number;
  readonly eventsOfTurn: number;
  /** Who ask for a dashboard each turn, all at once. */
  readonly clients: number;
}

export interface TtlLine extends Counts {
  readonly name: string;
  /** Of the time from a turn's questions to the last answer, in seconds. */
  readonly seconds: number;
  readonly reports: number;
  /** Of them, without a computation of their own. */
  readonly cached: number;
  readonly buckets: number;
  readonly cachedBuckets: number;
  /** Other than what is computed at the moment of asking. */
  readonly notOfNow: number;
  /** Other than what is computed for the moment that the answer names; of now where it names none. */
  readonly wrong: number;
}

export interface TtlAsked {
  readonly turns: number;
  readonly lines: readonly TtlLine[];
}

interface Answer {
  readonly text: string;
  readonly isCached: boolean;
  readonly buckets: number;
  readonly cachedBuckets: number;
  readonly snapshot: string | null;
}

type Service = Awaited<ReturnType<typeof openTtlService>>;
type Ask = (tiles: readonly Tile[]) => Promise<Answer[]>;
interface Reader {
  readonly name: string;
  readonly ask: Ask;
  take(): Counts;
}

const signal = new AbortController().signal;
/** Computed in any case, as of a reading of its own. */
const computed = { maxAgeMs: 0 } as const;

function createOurs(service: Service, cacheBytes: number, name: string, freshness?: FreshnessInput): Reader {
  const cache = createMemoryCache({ maxBytes: cacheBytes, metrics: service.metrics });
  const { reports, take } = service.openReports(cache);
  const ask: Ask = async (tiles) => {
    const request = reports.begin(project, signal);
    const answers = await Promise.all(tiles.map((tile) => tile.ask(request, freshness)));
    return answers.map(({ shown, meta: { source, cachedBuckets, computedBuckets, snapshot } }) => ({
      text: toText(shown),
      isCached: source === 'CACHE',
      buckets: cachedBuckets + computedBuckets,
      cachedBuckets,
      snapshot,
    }));
  };
  return { name, ask, take };
}

/** What two ask for at the same time is computed once. */
function createTtl(service: Service, { cacheBytes: maxBytes, ttlMs }: TtlJob): Reader {
  const { reports, take } = service.openReports(forgetfulCache);
  const cache = createTtlCache({ maxBytes, ttlMs, clock: service.clock });
  const running = new Map<string, Promise<string>>();
  const compute = (tiles: readonly Tile[]) => {
    const request = reports.begin(project, signal);
    return tiles.map(async (tile) => {
      const { shown } = await tile.ask(request, computed);
      const text = toText(shown);
      cache.set(tile.key, text);
      running.delete(tile.key);
      return text;
    });
  };
  const ask: Ask = async (tiles) => {
    const found = tiles.map(({ key }) => cache.get(key) ?? running.get(key) ?? null);
    const missing = tiles.filter((_, i) => found[i] === null);
    for (const [i, text] of compute(missing).entries()) running.set((missing[i] as Tile).key, text);
    return Promise.all(
      tiles.map(async ({ key }, i) => ({
        text: await (found[i] ?? (running.get(key) as Promise<string>)),
        isCached: typeof found[i] === 'string',
        buckets: 0,
        cachedBuckets: 0,
        snapshot: null,
      })),
    );
  };
  return { name: `whole reports for ${ttlMs / 1000} s`, ask, take };
}

/** Each of the tiles computed with nothing cached, as of now or of a snapshot; once for each of both. */
function createTruth(service: Service) {
  const { reports, take } = service.openReports(forgetfulCache);
  const known = new Map<string, string>();
  const compute = async (tiles: readonly Tile[], at: string | null, turn: number) => {
    const toKey = ({ key }: Tile) => `${at ?? turn} ${key}`;
    const missing = [...new Map(tiles.map((tile) => [tile.key, tile])).values()].filter((t) => !known.has(toKey(t)));
    if (known.size > 5000) known.clear();
    const request = reports.begin(project, signal);
    await Promise.all(
      missing.map(async (tile) => {
        const { shown } = await tile.ask(request, at === null ? computed : { ...computed, at });
        known.set(toKey(tile), toText(shown));
      }),
    );
    return (tile: Tile) => known.get(toKey(tile)) as string;
  };
  return { compute, take };
}

type Line = { -readonly [Key in keyof TtlLine]: TtlLine[Key] };

const toLine = (name: string): Line => ({
  name,
  seconds: 0,
  statements: 0,
  rowsRead: 0,
  reports: 0,
  cached: 0,
  buckets: 0,
  cachedBuckets: 0,
  notOfNow: 0,
  wrong: 0,
});

function add(line: Line, started: number, { statements, rowsRead }: Counts): void {
  line.seconds += (performance.now() - started) / 1000;
  line.statements += statements;
  line.rowsRead += rowsRead;
}

serveJobs<TtlJob, TtlAsked>(async (job) => {
  const service = await openTtlService(job.dir, job.start);
  const traffic = createTraffic('dashboards', job.merges);
  for (let left = job.historyEvents; left > 0; left -= 5000)
    await service.send(traffic.history(Math.min(left, 5000), job.start));
  const readers = [
    createOurs(service, job.cacheBytes, 'cells'),
    createOurs(service, job.cacheBytes, `cells, maxAgeMs: ${job.ttlMs.toLocaleString('en-US')}`, {
      maxAgeMs: job.ttlMs,
    }),
    createTtl(service, job),
  ];
  const truth = createTruth(service);
  const lines = readers.map(({ name }) => toLine(name));
  const uncached = toLine('nothing cached, each turn as one operation');
  const deadline = performance.now() + job.seconds * 1000;
  let turn = 0;
  for (; turn < job.turns && performance.now() < deadline; turn++) {
    await service.send(traffic.nextEvents(job.eventsOfTurn, service.clock()));
    service.move(job.turnMs);
    const visits = Array.from({ length: job.clients }, () => traffic.nextDashboard());
    truth.take();
    const computing = performance.now();
    const ofNow = await truth.compute(visits.flat(), null, turn);
    add(uncached, computing, truth.take());
    uncached.reports += visits.flat().length;
    for (const [i, { ask, take }] of readers.entries()) {
      const line = lines[i] as Line;
      take();
      const started = performance.now();
      const answers = (await Promise.all(visits.map(ask))).flat();
      add(line, started, take());
      for (const [place, tile] of visits.flat().entries()) {
        const { text, isCached, buckets, cachedBuckets, snapshot } = answers[place] as Answer;
        line.reports++;
        line.buckets += buckets;
        line.cachedBuckets += cachedBuckets;
        if (isCached) line.cached++;
        if (text === ofNow(tile)) continue;
        line.notOfNow++;
        const then = snapshot === null ? ofNow : await truth.compute(visits.flat(), snapshot, turn);
        if (text !== then(tile)) line.wrong++;
      }
    }
  }
  await service.close();
  return { turns: turn, lines: [...lines, uncached] };
});
