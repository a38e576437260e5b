import { setTimeout as sleep } from 'node:timers/promises';
import { isTallygateError, TallygateError } from '../../errors.ts';
import type { EventInput, EventResult, Send } from './event-input.ts';

export interface DeliveryOptions {
  readonly send: Send;
  /** Give up when nothing was taken for this long, in milliseconds. */
  readonly patienceMs: number;
  /** Stops waiting between tries. */
  readonly signal?: AbortSignal;
  /** Told before each wait. */
  readonly onRetry?: (events: number, waitMs: number, reason: string) => void;
  /** Longest wait that was not asked for by the other side, in milliseconds. */
  readonly longestWaitMs?: number;
}

/** The final answer for one event: RETRY is never one. */
export type Outcome = Omit<EventResult, 'index'>;

/**
 * Delivers batches until every event has its final answer, sending again what was not taken, under the same ids, so that
 * an answer that got lost does no harm. Rejects when the other side refuses for good, or patience ends.
 */
export function createDelivery(options: DeliveryOptions) {
  const { send, patienceMs, signal, onRetry, longestWaitMs = 10_000 } = options;
  let lastTaken = Date.now();
  let lanes = 0;

  async function settle(events: readonly EventInput[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = new Array(events.length);
    let pending = events.map((_, index) => index);
    for (let round = 0; pending.length > 0; round++) {
      const { answered, left, wait } = await attempt(events, pending);
      for (const [index, outcome] of answered) outcomes[index] = outcome;
      if (answered.size > 0) {
        lastTaken = Date.now();
        round = Math.min(round, 1);
      }
      pending = left;
      if (!wait) continue;
      if (Date.now() - lastTaken > patienceMs) throw wait.error;
      // Full jitter above a floor, so that lanes that failed together do not come back together.
      const backoff = Math.min(longestWaitMs, 200 * 2 ** Math.min(round, 10));
      const waitMs = Math.round(Math.max(wait.retryAfterMs ?? 0, backoff * (0.5 + Math.random() / 2)));
      onRetry?.(pending.length, waitMs, wait.error.message);
      await sleep(waitMs, undefined, signal ? { signal } : {});
    }
    return outcomes;
  }

  async function attempt(events: readonly EventInput[], pending: readonly number[]) {
    const answered = new Map<number, Outcome>();
    try {
      const results = await send(pending.map((index) => events[index] as EventInput));
      const left: number[] = [];
      let away = 0;
      let reason = 'the log did not take them';
      for (const [place, { index: _, ...outcome }] of results.entries()) {
        const index = pending[place] as number;
        if (outcome.status === 'RETRY') {
          away++;
          reason = outcome.errors[0]?.message ?? reason;
        }
        if (outcome.status === 'RETRY') left.push(index);
        else answered.set(index, outcome);
      }
      if (away === 0) return { answered, left };
      const error = new TallygateError('LOG_UNAVAILABLE', `${away} events were not taken: ${reason}`);
      return { answered, left, wait: { error, retryAfterMs: undefined } };
    } catch (thrown) {
      if (!isTallygateError(thrown)) throw thrown;
      if (thrown.retriable) {
        return { answered, left: [...pending], wait: { error: thrown, retryAfterMs: thrown.retryAfterMs } };
      }
      return refuse(events, pending, thrown);
    }
  }

  /** A request that was refused whole for the sake of some events goes again without them. */
  async function refuse(events: readonly EventInput[], pending: readonly number[], error: TallygateError) {
    const answered = new Map<number, Outcome>();
    const reject = (index: number) => answered.set(index, toRejection(events[index] as EventInput, error));
    const named = error.details.events;
    if (Array.isArray(named) && named.length > 0 && named.every((place) => pending[place] !== undefined)) {
      for (const place of named) reject(pending[place] as number);
      return { answered, left: pending.filter((index) => !answered.has(index)) };
    }
    if (error.code !== 'PAYLOAD_TOO_LARGE') throw error;
    if (pending.length === 1) {
      reject(pending[0] as number);
      return { answered, left: [] };
    }
    const middle = Math.ceil(pending.length / 2);
    for (const half of [pending.slice(0, middle), pending.slice(middle)]) {
      const outcomes = await settle(half.map((index) => events[index] as EventInput));
      half.forEach((index, place) => {
        answered.set(index, outcomes[place] as Outcome);
      });
    }
    return { answered, left: [] };
  }

  return async (events: readonly EventInput[]): Promise<readonly Outcome[]> => {
    // Time in which nothing was to be sent is no lack of progress.
    if (lanes === 0) lastTaken = Date.now();
    lanes++;
    try {
      return await settle(events);
    } finally {
      lanes--;
    }
  };
}

function toRejection(event: EventInput, { code, message }: TallygateError): Outcome {
  const fields = Object.values(event)[0];
  return { messageId: fields?.messageId ?? '', status: 'REJECTED', errors: [{ code, path: [], message }] };
}
