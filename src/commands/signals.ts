import { performance } from 'node:perf_hooks';

/**
 * How long a second signal is taken for the first, in milliseconds: Ctrl-C reaches the whole process group, and `npm`
 * passes what it got on to a child that has it already.
 */
const sameMs = 1000;

/**
 * SIGTERM or SIGINT, once. Whoever sends another has lost patience, and the process is gone at once. It is killed, since an
 * exit would take the embedded engine apart under its working threads, which ends in a segmentation fault.
 */
export function onStopSignal(stop: (signal: NodeJS.Signals) => void): void {
  let first: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (first === undefined) {
      first = performance.now();
      stop(signal);
    } else if (performance.now() - first >= sameMs) endNow();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

/** Ends the process with whatever it does: what was acknowledged is in the log. */
export function endNow(): void {
  process.kill(process.pid, 'SIGKILL');
}
