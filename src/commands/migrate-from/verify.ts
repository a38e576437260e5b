import { setTimeout as sleep } from 'node:timers/promises';
import { type Comparison, compare } from './compare.ts';
import { type CopyDeps, catchUp } from './copy.ts';
import { countRejects, countSource, toDay } from './counts.ts';
import type { Reporter } from './reporter.ts';
import type { State } from './state.ts';
import { countTarget } from './target.ts';

export interface Verification {
  readonly reporter: Reporter;
  /** Rows of the last so many milliseconds are on their way, and are not compared. */
  readonly settleMs: number;
  /** How long differences may take to go away, in milliseconds. */
  readonly agreeMs: number;
  /** How long Tallygate may take to store what was sent, in milliseconds. */
  readonly storeMs: number;
  readonly idPrefix: string | undefined;
}

/**
 * Compares until both sides agree, differ in the same way twice, or time is up: while the source goes on, a row can be
 * committed there a moment before or after its event is tracked. Each round brings what is new first.
 */
export async function verify(
  state: State,
  deps: CopyDeps,
  { reporter, settleMs, agreeMs, storeMs, idPrefix }: Verification,
): Promise<{ readonly rows: number; readonly comparison: Comparison | null }> {
  const { signal } = deps;
  const pause = (ms: number) => sleep(ms, undefined, signal ? { signal } : {});
  const storedUntil = Date.now() + storeMs;
  let agreedUntil: number | undefined;
  let before: number | undefined;
  let earlier = '';
  let rows = 0;
  for (let round = 1; ; round++) {
    const caughtUp = await catchUp(state, deps, async (snapshot, now) => {
      before ??= now - settleMs;
      return { limit: before, table: await countSource(snapshot, { ...deps, before }) };
    });
    rows += caughtUp.rows;
    const { limit, table } = caughtUp.also;
    const entries = table.entries();
    const days = entries.flatMap(({ day }) => (day === null ? [] : [day]));
    const question = {
      reporter,
      firstDay: days.reduce((first, day) => Math.min(first, day), toDay(limit)),
      before: limit,
      events: [...new Set(entries.flatMap(({ event }) => (event === null ? [] : [event])))].sort(),
      idPrefix,
      token: state.token,
    };
    let tallygate = await countTarget(question);
    while (tallygate === null && Date.now() < storedUntil) {
      await pause(1000);
      tallygate = await countTarget(question);
    }
    if (tallygate === null) return { rows, comparison: null };
    const comparison = compare(table, countRejects(state.rejected, { ...deps, before: limit }), tallygate, limit);
    const shape = JSON.stringify(comparison.differences);
    agreedUntil ??= Date.now() + agreeMs;
    const isFinal = comparison.differences.length === 0 || (shape === earlier && round > 2);
    if (isFinal || Date.now() > agreedUntil) return { rows, comparison };
    earlier = shape;
    await pause(Math.min(500 * round, 5000));
  }
}
