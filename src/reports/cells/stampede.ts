import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import DataLoader from 'dataloader';
import type { Lease, ReportCache } from '../../ports/report-cache.ts';

/** A computation that other processes may be making at the same moment. */
export interface Computation<Answer> {
  /** Names it: whoever computes the same gives the same. */
  readonly key: string;
  /** Where in the cache the answer is kept. */
  readonly keys: readonly string[];
  /** The answer, of what is there now; undefined unless it is all there. */
  read(values: readonly (Buffer | undefined)[]): Answer | undefined;
  compute(): Promise<Answer>;
  /** Resolves when it has been written there, or will not be. Never rejects. */
  keep(answer: Answer): Promise<void>;
  readonly signal: AbortSignal;
}

export interface Stampede {
  /**
   * The answer of whoever computes it first. The others wait for it a bounded time, no longer than its computer lives, and
   * then compute it themselves.
   */
  underLease<Answer>(computation: Computation<Answer>): Promise<Answer>;
}

interface Patience {
  /** Milliseconds that somebody else's answer is waited for. */
  readonly patienceMs?: number;
}

/** A computer that died holds the others up for no longer. */
const leaseSeconds = 3;
const renewMs = 1000;
const pauseMs = { first: 10, most: 100 };

export function createStampede(cache: ReportCache, { patienceMs = 5000 }: Patience = {}): Stampede {
  // What is asked in one tick goes in one call and comes back together, so that it can be computed together.
  const claims = new DataLoader((leases: readonly Lease[]) => cache.claim(leases, leaseSeconds), { cache: false });
  const looks = new DataLoader(
    async (asked: readonly (readonly string[])[]) => {
      const keys = [...new Set(asked.flat())];
      const values = await cache.getMany(keys, { newest: true });
      const found = new Map(keys.map((key, i) => [key, values[i]]));
      return asked.map((some) => some.map((key) => found.get(key)));
    },
    { cache: false },
  );

  const computeUnder = async <Answer>(lease: Lease, { compute, keep }: Computation<Answer>): Promise<Answer> => {
    const timer = setInterval(() => void claims.load(lease), renewMs);
    timer.unref();
    const end = () => {
      clearInterval(timer);
      void cache.release([lease]);
    };
    try {
      const answer = await compute();
      void keep(answer).finally(end);
      return answer;
    } catch (thrown) {
      end();
      throw thrown;
    }
  };

  return {
    async underLease(computation) {
      const { key, keys, read, compute, keep, signal } = computation;
      const lease = { key: toLeaseKey(key), holder: crypto.randomUUID() };
      const deadline = performance.now() + patienceMs;
      for (let pause = pauseMs.first; ; pause = Math.min(pause * 1.6, pauseMs.most)) {
        // In this order: an answer is written before its lease ends.
        const isGranted = await claims.load(lease);
        const answer = read(await looks.load(keys));
        if (answer !== undefined) {
          if (isGranted) void cache.release([lease]);
          return answer;
        }
        if (isGranted) return computeUnder(lease, computation);
        if (performance.now() >= deadline) break;
        await sleep(pause * (0.75 + Math.random() / 2), undefined, { signal });
      }
      const answer = await compute();
      void keep(answer);
      return answer;
    },
  };
}

function toLeaseKey(key: string): string {
  return `tg:lease:${hash('sha256', key, 'base64url')}`;
}
