export interface Lanes {
  /** Resolves when the task has begun, which waits for a free lane. Rejects with the first failure of any task. */
  start(task: () => Promise<void>): Promise<void>;
  /** Resolves when all have ended; rejects with the first failure. */
  drain(): Promise<void>;
  free(): boolean;
}

/** A few tasks at a time, and back-pressure for whoever brings more. */
export function createLanes(width: number): Lanes {
  const running = new Set<Promise<void>>();
  let failure: { readonly reason: unknown } | undefined;
  const check = () => {
    if (failure) throw failure.reason;
  };
  return {
    async start(task) {
      while (running.size >= width) await Promise.race(running);
      check();
      const run: Promise<void> = task()
        .catch((reason: unknown) => {
          failure ??= { reason };
        })
        .finally(() => running.delete(run));
      running.add(run);
    },
    async drain() {
      while (running.size > 0) await Promise.race(running);
      check();
    },
    free: () => running.size < width && !failure,
  };
}
