import { setTimeout as sleep } from 'node:timers/promises';
import { isTallygateError } from '../../errors.ts';
import { earliestTime } from '../../events/event.ts';
import type { FilterInput } from '../../reports/filter/filter.ts';
import { type Counts, createCounts, dayMs, toDay } from './counts.ts';
import type { Reporter, Trace } from './reporter.ts';

interface Question {
  readonly reporter: Reporter;
  /** Days since 1970 of the first event that there may be. */
  readonly firstDay: number;
  /** Milliseconds since 1970; not included. */
  readonly before: number;
  readonly events: readonly string[];
  /** Only ids that begin so; undefined where rows bring ids of their own. */
  readonly idPrefix: string | undefined;
  /** Everything that it stands for is waited for. */
  readonly token: string | null;
}

const longestDays = 366;
const mostNames = 200;
const mostIds = 1000;

/** Events by day and name as Tallygate reports them; null while it has not stored everything yet. */
export async function countTarget(question: Question): Promise<Counts | null> {
  const { reporter, before, events, idPrefix, token } = question;
  const counts = createCounts();
  const first = Math.max(question.firstDay * dayMs, earliestTime);
  for (let at = 0; at < events.length; at += mostNames) {
    const names = events.slice(at, at + mostNames);
    const conditions: FilterInput[] = [
      { property: '$event', op: 'IN', value: names },
      ...(idPrefix === undefined ? [] : [{ property: '$messageId', op: 'STARTS_WITH' as const, value: idPrefix }]),
    ];
    for (let from = first; from < before; from += longestDays * dayMs) {
      const to = Math.min(before, from + longestDays * dayMs);
      const answer = await untilAvailable(() =>
        reporter.trend({
          range: { from: new Date(from), to: new Date(to), timezone: 'UTC' },
          interval: 'DAY',
          series: [{ label: 'events' }],
          breakdown: [{ property: '$event', limit: mostNames }],
          filter: { and: conditions },
          freshness: { after: token, maxWaitMs: 30_000 },
        }),
      );
      if (answer.meta.consistency === 'TIMED_OUT') return null;
      for (const { breakdown, values } of answer.series) {
        values.forEach((value, i) => {
          if (value) counts.add(toDay(new Date(answer.buckets[i] as string).getTime()), breakdown[0] ?? null, value);
        });
      }
    }
  }
  return counts;
}

/** A report that is away for a moment is asked again a few times. */
async function untilAvailable<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (thrown) {
      if (tries === 8 || !isTallygateError(thrown) || !thrown.retriable) throw thrown;
      await sleep(250 * 2 ** tries);
    }
  }
}

/** What became of events, however many. */
export async function readTraces(reporter: Reporter, messageIds: readonly string[]): Promise<Trace[]> {
  const traces: Trace[] = [];
  for (let at = 0; at < messageIds.length; at += mostIds) {
    traces.push(...(await untilAvailable(() => reporter.traces(messageIds.slice(at, at + mostIds)))));
  }
  return traces;
}
