import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for as long as so many rows may take, so that on average no more than `perSecond` rows are read; undefined: as many as are taken. */
export function createPace(perSecond: number | undefined, signal: AbortSignal | undefined) {
  let freeAt = 0;
  return async (rows: number): Promise<void> => {
    if (perSecond === undefined) return;
    const now = Date.now();
    freeAt = Math.max(freeAt, now) + (rows * 1000) / perSecond;
    const wait = freeAt - now;
    if (wait > 0) await sleep(wait, undefined, signal ? { signal } : {});
  };
}

export type Pace = ReturnType<typeof createPace>;
