import { setTimeout as sleep } from 'node:timers/promises';
import { toMessage } from '../../errors.ts';

export type State = 'ok' | 'warning' | 'problem';

/** One line of the doctor's answer. A warning lets everything run; a problem keeps something from working, or from being safe. */
export interface Finding {
  readonly state: State;
  /** What was looked at: settings, Kafka topic ... */
  readonly about: string;
  /** What there is or what is wrong, and then what to do. Never a secret. */
  readonly says: string;
}

export function ok(about: string, says: string): Finding {
  return { state: 'ok', about, says };
}

export function warning(about: string, says: string): Finding {
  return { state: 'warning', about, says };
}

export function problem(about: string, says: string): Finding {
  return { state: 'problem', about, says };
}

export function toLine({ state, about, says }: Finding): string {
  return `${state.padEnd(8)} ${about.padEnd(18)} ${says}`;
}

/** Rejects when the work takes longer; the work itself may go on. */
export async function withinMs<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  const over = new AbortController();
  const late = sleep(ms, undefined, { signal: over.signal }).then(() => {
    throw new Error(`no answer within ${ms / 1000} s`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
  }
}

/** The sentence of a failure, for the end of a line: without its full stop. */
export function toReason(thrown: unknown): string {
  return toMessage(thrown).replace(/\.$/, '');
}

/** An address as it may be shown. */
export function toShown(address: string): string {
  return address.replace(/\/\/[^/]*@/, '//');
}
