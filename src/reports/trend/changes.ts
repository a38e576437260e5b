import { isTallygateError, TallygateError, toMessage } from '../../errors.ts';
import type { PositionVector } from '../../events/position.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { FeedMemory } from '../events/feed-memory.ts';
import { createSharedFeeds, type SharedFeed } from '../events/feed-table.ts';
import type { Pulse } from '../events/pulse.ts';
import type { Correction } from '../moment/corrections.ts';
import { readEveryMs, type WatermarkReader } from '../moment/watermark.ts';
import { parseRange } from '../range.ts';
import type { Session } from '../session.ts';
import { type Dependencies, recordDependencies, type VersionSources } from './dependencies.ts';
import { createTrendGrid, type TrendChange, type TrendGrid } from './grid.ts';
import type { Trend, TrendInput } from './trend.ts';

/** A trend that is told again when it changes: everybody who asks for the same one shares one computation. */
export interface TrendFeeds {
  /** Rejects when the first answer fails. */
  open(project: string, input: TrendInput, signal: AbortSignal): Promise<AsyncIterableIterator<TrendChange | Error>>;
}

interface TrendFeedsDeps {
  readonly pulse: Pulse;
  readonly watermark: WatermarkReader;
  readonly memory: FeedMemory;
  readonly sources: VersionSources;
  openSession(project: string, signal: AbortSignal, sources: VersionSources): Session;
  runTrend(session: Session, input: TrendInput): Promise<Trend>;
  /** Least time between two computations of one trend, in milliseconds. */
  readonly everyMs: number;
  readonly clock: () => number;
  readonly logger: Logger;
}

interface Feed extends SharedFeed {
  readonly project: string;
  readonly input: TrendInput;
  readonly grid: TrendGrid;
  /** Of those who wait for a change. */
  readonly wakers: Set<() => void>;
  error: Error | null;
  isRunning: boolean;
  /** When the last computation began, in milliseconds since 1970. */
  ranAt: number;
  failures: number;
  /** What of the project is known to be in the answer: as of the last look at what it depends on. */
  lookedAt: { readonly vector: PositionVector; readonly correction: Correction } | null;
  dependencies: Dependencies | null;
  fingerprint: string;
  range: string;
  /** Accounted for in memory. */
  bytes: number;
}

/** What the pulse has seen, and not what others are still shown. */
const newest = { maxAgeMs: readEveryMs };
/** Lines times buckets, those to compare with included: megabytes of a message. */
const mostNumbers = 200_000;
/** Of a number that is kept, and of one in a message. */
const bytesOfNumber = 24;
const bytesOfToldNumber = 60;
const bytesOfLine = 400;
/** What depends on more than events, or on a range that ends now, is asked for again after so long. */
const patienceMs = 60_000;
const longestPauseMs = 30_000;

export function createTrendFeeds(deps: TrendFeedsDeps): TrendFeeds {
  const { pulse, watermark, memory, sources, openSession, runTrend, everyMs, clock, logger } = deps;
  const feeds = createSharedFeeds<Feed>({
    pulse,
    onPulse({ vector }) {
      for (const one of feeds.all()) if (isDue(one)) void runAgain(one, vector);
    },
    begin: (feed) =>
      run(feed).finally(() => {
        feed.isRunning = false;
      }),
    onForget(feed) {
      memory.keep(-feed.bytes);
      feed.bytes = 0;
    },
  });

  const run = async (feed: Feed): Promise<void> => {
    feed.ranAt = clock();
    const { project, input, controller } = feed;
    const dependencies = recordDependencies(sources);
    const correction = watermark.correction(project);
    const session = openSession(project, controller.signal, dependencies.sources);
    // The moment that the trend is of, which all reports of a session share.
    const at = session.report(newest, async (moment) => moment);
    const [trend, { vector, now }] = await Promise.all([runTrend(session, input), at]);
    const numbers = trend.series.reduce(
      (sum, { values, previous }) => sum + values.length + (previous?.values.length ?? 0),
      0,
    );
    if (numbers > mostNumbers)
      throw new TallygateError(
        'TOO_MANY_BUCKETS',
        `expected at most ${mostNumbers} numbers (lines times buckets) in a subscription, got ${numbers}: ask for a shorter range, a coarser interval or a smaller breakdown.limit`,
      );
    feed.fingerprint = await dependencies.fingerprint(project, vector, controller.signal);
    feed.dependencies = dependencies;
    feed.lookedAt = { vector, correction };
    feed.range = toRangeName(input, now);
    const bytes = numbers * bytesOfNumber + trend.series.length * bytesOfLine;
    if (!memory.keep(bytes - feed.bytes))
      throw new TallygateError(
        'QUERY_TOO_EXPENSIVE',
        `expected trends of subscribers that take no more than SUBSCRIPTION_MEMORY_MB together, got one of ${numbers} numbers beside the others: ask for a smaller one, or another instance`,
        { details: { limit: 'memory of subscriptions' } },
      );
    feed.bytes = bytes;
    if (feed.grid.apply(trend)) for (const wake of feed.wakers) wake();
  };

  /** Whether the answer may have become another one. */
  const isOld = async (feed: Feed, vector: PositionVector): Promise<boolean> => {
    const { project, input, controller, lookedAt } = feed;
    const dependencies = feed.dependencies as Dependencies;
    const correction = watermark.correction(project);
    if (toRangeName(input, clock()) !== feed.range) return true;
    const endsNow = !input.range.last && !input.range.to;
    if ((endsNow || dependencies.hasCohorts()) && clock() - feed.ranAt >= patienceMs) return true;
    // While events are being taken out every answer has a name of its own.
    if (correction.isOpen) return false;
    if (lookedAt?.vector === vector && lookedAt.correction.count === correction.count) return false;
    const fingerprint = await dependencies.fingerprint(project, vector, controller.signal);
    feed.lookedAt = { vector, correction };
    return fingerprint !== feed.fingerprint;
  };

  const runAgain = async (feed: Feed, vector: PositionVector) => {
    feed.isRunning = true;
    try {
      if (!(await isOld(feed, vector))) return;
      await run(feed);
      feed.failures = 0;
    } catch (thrown) {
      if (feed.controller.signal.aborted) return;
      if (isTallygateError(thrown) && thrown.retriable) {
        feed.failures++;
        // Not looked at: whatever it was that came is looked for again.
        feed.lookedAt = null;
        feed.ranAt = clock();
        logger.debug({ project: feed.project, error: toMessage(thrown) }, 'a trend is not told anew yet');
        return;
      }
      feed.error = thrown instanceof Error ? thrown : new Error(String(thrown));
      for (const wake of feed.wakers) wake();
      feeds.forget(feed);
    } finally {
      feed.isRunning = false;
    }
  };

  const isDue = ({ isRunning, ranAt, failures }: Feed) =>
    !isRunning && clock() - ranAt >= Math.min(longestPauseMs, everyMs * 2 ** Math.min(failures, 10));

  const toFeed = (project: string, input: TrendInput): Feed => ({
    project,
    input,
    controller: new AbortController(),
    grid: createTrendGrid(),
    wakers: new Set(),
    readers: 0,
    begun: Promise.resolve(),
    error: null,
    isRunning: true,
    ranAt: 0,
    failures: 0,
    lookedAt: null,
    dependencies: null,
    fingerprint: '',
    range: '',
    bytes: 0,
  });

  return {
    async open(project, input, signal) {
      if (input.freshness)
        throw new TallygateError(
          'INVALID_INPUT',
          'expected no freshness in trendChanges, which tells of the present, got one: ask trend for another moment',
        );
      const key = JSON.stringify([project, input]);
      const { feed, leave } = await feeds.join(key, () => toFeed(project, input), signal);
      return createReader(feed, memory, signal, leave);
    },
  };
}

/** The units of a range change with time: "1h" begins elsewhere a minute later. */
function toRangeName({ range }: TrendInput, now: number): string {
  if (!range.last) return '';
  const { from, to } = parseRange(range, now);
  return `${from} ${to}`;
}

/** What a reader has not been told is what has changed since its version: a slow one is told the latest, and nothing waits for it. */
function createReader(
  feed: Feed,
  memory: FeedMemory,
  signal: AbortSignal,
  leave: () => void,
): AsyncIterableIterator<TrendChange | Error> {
  let told = 0;
  let handed = 0;
  let isOver = false;
  let wake = () => {};
  const waker = () => wake();
  feed.wakers.add(waker);

  const end = () => {
    if (isOver) return;
    isOver = true;
    signal.removeEventListener('abort', end);
    feed.wakers.delete(waker);
    memory.release(handed);
    handed = 0;
    leave();
    wake();
  };
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });

  const messages: AsyncIterableIterator<TrendChange | Error> = {
    async next() {
      const sent = handed;
      handed = 0;
      memory.release(sent);
      while (!isOver && feed.error === null && feed.grid.version() === told)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      if (!isOver && feed.error === null) {
        const given = await memory.room(sizeOf(feed.grid.since(told)), signal);
        if (isOver) memory.release(given);
        else handed = given;
      }
      if (isOver) return { done: true, value: undefined };
      if (feed.error !== null) {
        const value = feed.error;
        end();
        return { done: false, value };
      }
      const value = feed.grid.since(told);
      told = feed.grid.version();
      return { done: false, value };
    },
    async return() {
      end();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => messages,
  };
  return messages;
}

function sizeOf({ series, buckets }: TrendChange): number {
  const numbers = series.reduce((sum, line) => sum + line.values.length + (line.previous?.values.length ?? 0), 0);
  return numbers * bytesOfToldNumber + series.length * bytesOfLine + (buckets?.length ?? 0) * bytesOfToldNumber;
}
