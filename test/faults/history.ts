/**
 * What a client knows of each id that it has sent. As Jepsen has it: an operation is ok, has failed, or nobody knows. An
 * id has failed only when every try was refused for good; a try that was answered RETRY, 503 or not at all may have
 * been stored.
 */
export interface Sent {
  readonly project: string;
  readonly id: string;
  /** Some try was answered ACCEPTED. */
  acknowledged: boolean;
  /** Some try was answered DEAD_LETTERED. */
  deadLettered: boolean;
  /** Some try may have been stored without an acknowledgement. */
  unknown: boolean;
}

export type Outcome = 'acknowledged' | 'deadLettered' | 'rejected' | 'unknown';

export interface History {
  record(project: string, id: string, outcome: Outcome): void;
  readonly all: ReadonlyMap<string, Sent>;
  /** Ids that were acknowledged, each counted once. */
  readonly acknowledged: number;
  /** Tries, by outcome. */
  readonly tries: Readonly<Record<Outcome, number>>;
}

export const toKey = (project: string, id: string): string => `${project}/${id}`;

export function createHistory(): History {
  const all = new Map<string, Sent>();
  const tries: Record<Outcome, number> = { acknowledged: 0, deadLettered: 0, rejected: 0, unknown: 0 };
  let acknowledged = 0;
  return {
    all,
    tries,
    get acknowledged() {
      return acknowledged;
    },
    record(project, id, outcome) {
      const key = toKey(project, id);
      const sent = all.get(key) ?? { project, id, acknowledged: false, deadLettered: false, unknown: false };
      all.set(key, sent);
      tries[outcome]++;
      if (outcome === 'rejected') return;
      if (outcome === 'acknowledged' && !sent.acknowledged) acknowledged++;
      sent[outcome] = true;
    },
  };
}
