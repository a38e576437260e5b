import { TallygateError } from '../errors.ts';
import type { EventLog } from '../ports/event-log.ts';

export interface StallWatch {
  /** Something has come to an end; `next` says for each partition of the log from where on records wait. */
  onStep(next: ReadonlyMap<number, number>): void;
  /** Rejects with SINK_STALLED when records wait and no step came to an end for too long. Never resolves. */
  readonly stalled: Promise<never>;
  stop(): void;
}

/**
 * A backend that is away makes steps fail, which is a sign of life: they are tried again, and a new process could do no
 * better. What is watched for is a step that never ends, which a new process mends.
 */
export function createStallWatch(log: EventLog, stallMs: number): StallWatch {
  const stalled = Promise.withResolvers<never>();
  stalled.promise.catch(() => {});
  let waiting: ReadonlyMap<number, number> = new Map();
  let lastStep = performance.now();

  const look = async () => {
    const quietMs = performance.now() - lastStep;
    if (quietMs < stallMs) return;
    const states = await log.inspect();
    const lag = [...waiting].reduce(
      (sum, [partition, next]) => sum + Math.max(0, (states[partition]?.end ?? 0) - next),
      0,
    );
    if (lag === 0 || performance.now() - lastStep < stallMs) return;
    const message = `expected progress, since ${lag} records wait, but no step of the sink came to an end for ${Math.round(quietMs / 1000)} s`;
    stalled.reject(new TallygateError('SINK_STALLED', message));
  };
  const timer = setInterval(() => {
    // Without the log nobody knows whether something waits.
    look().catch(() => {});
  }, stallMs / 4);
  timer.unref();

  return {
    onStep(next) {
      waiting = next;
      lastStep = performance.now();
    },
    stalled: stalled.promise,
    stop: () => clearInterval(timer),
  };
}
