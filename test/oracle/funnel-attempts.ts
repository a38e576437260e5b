/** All attempts of one person at a funnel, by trying: each a list of times, one for each step that was done. */

export interface Exclusion {
  readonly times: readonly number[];
  /** Numbers of steps, from 1. */
  readonly from: number;
  readonly to: number;
}

export interface Table {
  /** Of the person's events, rising. */
  readonly times: readonly number[];
  /** Of each step, whether each event is it. */
  readonly isStep: readonly (readonly boolean[])[];
  readonly windowMs: number;
  readonly exclusions: readonly Exclusion[];
}

/** Chains of different events, none earlier than the one before it. Events of one instant may stand in any order. */
export function attemptsInOrder({ times, isStep, windowMs, exclusions, isStrict }: Table & { isStrict: boolean }) {
  const attempts: number[][] = [];
  const tried = new Set<string>();
  const extend = (chain: readonly number[]): void => {
    const done = chain.map((i) => times[i] as number);
    // What can follow depends on when its steps were, and which events of the last instant are used up.
    const state = `${done} / ${chain.filter((i) => times[i] === done.at(-1)).toSorted((a, b) => a - b)}`;
    if (tried.has(state)) return;
    tried.add(state);
    if (chain.length > 0) attempts.push(done);
    if (chain.length === isStep.length) return;
    for (const [next, time] of times.entries()) {
      if (chain.includes(next) || !isStep[chain.length]![next]) continue;
      if (chain.length > 0) {
        const began = done[0] as number;
        if (time < (done.at(-1) as number) || time - began > windowMs) continue;
        const step = chain.length + 1;
        const isEnded = exclusions.some(
          ({ times: excluded, from, to }) =>
            from < step && step <= to && excluded.some((x) => (done[from - 1] as number) < x && x < time),
        );
        if (isEnded) continue;
        if (isStrict && times.some((other, i) => began < other && other < time && !chain.includes(i))) continue;
      }
      extend([...chain, next]);
    }
  };
  extend([]);
  return attempts;
}

/** Sets of different events, each another step, not further apart than the window. */
export function attemptsInAnyOrder({ times, isStep, windowMs, exclusions }: Table) {
  const attempts: number[][] = [];
  const tried = new Set<string>();
  const extend = (next: number, done: readonly number[], steps: readonly number[]): void => {
    const state = `${next} / ${done} / ${steps.toSorted((a, b) => a - b)}`;
    if (tried.has(state)) return;
    tried.add(state);
    if (done.length > 0) attempts.push([...done]);
    for (let i = next; i < times.length; i++) {
      const time = times[i] as number;
      const began = done[0] ?? time;
      if (time - began > windowMs) return;
      if (exclusions.some(({ times: excluded }) => excluded.some((x) => began < x && x < time))) return;
      for (const [step, is] of isStep.entries())
        if (is[i] && !steps.includes(step)) extend(i + 1, [...done, time], [...steps, step]);
    }
  };
  extend(0, [], []);
  return attempts;
}
