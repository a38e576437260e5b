import type { EventError } from '../events/event.ts';

/**
 * What a gateway answered, by project, key and minute of receipt, until the next report of it is taken. Every event of a
 * request that was answered is counted once: accepted, dead-lettered, rejected or asked to be sent again.
 */
export interface Receipts {
  /**
   * A request that came at this moment (milliseconds since 1970). Its answer must be closed, in any case; `null` when
   * there was none. Until then no report speaks for the time from this moment on.
   */
  open(sender: Sender, receivedAt: number): (answered: readonly Answered[] | null) => void;
  /** Everything that was counted since the last call. */
  take(now: number): Taken;
}

interface Sender {
  readonly project: string;
  readonly keyId: string;
}

type Outcome = (typeof outcomes)[keyof typeof outcomes];

export interface Answered {
  readonly status: keyof typeof outcomes;
  readonly errors: readonly Pick<EventError, 'code'>[];
}

export interface Count {
  readonly project: string;
  readonly keyId: string;
  /** Its beginning, in milliseconds since 1970. */
  readonly minute: number;
  readonly outcome: Outcome;
  /** Of an event that is not accepted: the code of its first error. */
  readonly code: string;
  events: number;
}

export interface Taken {
  readonly counts: readonly Count[];
  /** All requests that came before are in these counts or in earlier ones; milliseconds since 1970. */
  readonly coversTo: number;
  /** Counts of these times (from <= t < to) were thrown away: too many waited. */
  readonly lost: { readonly from: number; readonly to: number } | null;
}

const minuteMs = 60_000;
const outcomes = {
  ACCEPTED: 'accepted',
  DEAD_LETTERED: 'dead_lettered',
  REJECTED: 'rejected',
  RETRY: 'retry',
} as const;

/** `mostCounts`: how many different ones may wait; beyond that the oldest minute is thrown away. */
export function createReceipts(mostCounts = 20_000): Receipts {
  let minutes = new Map<number, Map<string, Count>>();
  let waiting = 0;
  let lost: { from: number; to: number } | null = null;
  const unanswered = new Set<{ readonly receivedAt: number }>();
  let coversTo = Number.NEGATIVE_INFINITY;

  const dropOldest = () => {
    const oldest = Math.min(...minutes.keys());
    waiting -= minutes.get(oldest)?.size ?? 0;
    minutes.delete(oldest);
    lost = {
      from: Math.min(lost?.from ?? Number.POSITIVE_INFINITY, oldest),
      to: Math.max(lost?.to ?? 0, oldest + minuteMs),
    };
  };

  const countOf = ({ project, keyId }: Sender, minute: number, outcome: Outcome, code: string): Count => {
    const key = `${project} ${keyId} ${outcome} ${code}`;
    const known = minutes.get(minute)?.get(key);
    if (known) return known;
    if (waiting >= mostCounts) dropOldest();
    let counts = minutes.get(minute);
    if (!counts) {
      counts = new Map();
      minutes.set(minute, counts);
    }
    const count = { project, keyId, minute, outcome, code, events: 0 };
    counts.set(key, count);
    waiting++;
    return count;
  };

  return {
    open(sender, receivedAt) {
      const request = { receivedAt };
      unanswered.add(request);
      return (answered) => {
        if (!unanswered.delete(request) || answered === null) return;
        const minute = Math.floor(receivedAt / minuteMs) * minuteMs;
        let last: Count | null = null;
        for (const { status, errors } of answered) {
          const outcome = outcomes[status];
          const code = outcome === 'accepted' ? '' : (errors[0]?.code ?? '');
          if (last === null || last.outcome !== outcome || last.code !== code)
            last = countOf(sender, minute, outcome, code);
          last.events++;
        }
      };
    },
    take(now) {
      let oldest = now;
      for (const { receivedAt } of unanswered) oldest = Math.min(oldest, receivedAt);
      // A clock that was set back takes nothing back that was said.
      coversTo = Math.max(coversTo, oldest);
      const taken = { counts: [...minutes.values()].flatMap((counts) => [...counts.values()]), coversTo, lost };
      minutes = new Map();
      waiting = 0;
      lost = null;
      return taken;
    },
  };
}
