import { setImmediate } from 'node:timers/promises';

/** Longest time to keep the loop, in milliseconds: what is acknowledged meanwhile waits for no more than this. */
const sliceMs = 2;

/** Long work calls this between its parts; it lets everybody else go on when it has been at it for too long. */
export function createPacer(): () => Promise<void> | undefined {
  let started = performance.now();
  return () => {
    if (performance.now() - started < sliceMs) return undefined;
    return setImmediate().then(() => {
      started = performance.now();
    });
  };
}
