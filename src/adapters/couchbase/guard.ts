import { setTimeout as sleep } from 'node:timers/promises';
import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';

export interface GuardOptions {
  /** Rejects while the backend is away. */
  readonly probe: () => Promise<void>;
  readonly onOpen: (cause: unknown) => void;
  readonly onClosed: () => void;
  /** How long it may be open before it counts as lost. */
  readonly lostAfterMs: number;
  readonly signal: AbortSignal;
}

/** A breaker that users of the backend never wait for, and never have to try out. */
export interface Guard {
  isClosed(): boolean;
  /** Runs work and counts a rejection against the backend. Only while closed. */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Resolves when the backend has been away for so long that a new connection is worth more than another probe. */
  readonly lost: Promise<void>;
}

const failuresToOpen = 3;
const probeMs = { first: 100, most: 5000 };
/** Closed for so long, and an earlier failure is forgotten. */
const steadyMs = 30_000;

/** Opens after three failures in a row; closes when a probe in the background succeeds. */
export function createGuard({ probe, onOpen, onClosed, lostAfterMs, signal }: GuardOptions): Guard {
  // No time until half open: while it is open, the probe alone executes, and it keeps its own time.
  const breaker = circuitBreaker(handleAll, { breaker: new ConsecutiveBreaker(failuresToOpen), halfOpenAfter: 0 });
  const { promise: lost, resolve: giveUp } = Promise.withResolvers<void>();
  let pause = probeMs.first;
  let closedAt = Number.NEGATIVE_INFINITY;
  let recovering = false;

  breaker.onBreak((reason) => {
    if (recovering) return;
    recovering = true;
    onOpen('error' in reason ? reason.error : undefined);
    void recover();
  });

  async function recover(): Promise<void> {
    const openedAt = performance.now();
    // One that answers probes and then fails again is probed less and less often.
    if (openedAt - closedAt > steadyMs) pause = probeMs.first;
    while (!signal.aborted) {
      await sleep(pause * (0.75 + Math.random() / 2), undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      pause = Math.min(pause * 2, probeMs.most);
      await breaker.execute(probe).catch(() => undefined);
      if (signal.aborted) return;
      if (breaker.state === CircuitState.Closed) {
        closedAt = performance.now();
        recovering = false;
        return onClosed();
      }
      if (performance.now() - openedAt > lostAfterMs) return giveUp();
    }
  }

  return { isClosed: () => breaker.state === CircuitState.Closed, run: (work) => breaker.execute(work), lost };
}
