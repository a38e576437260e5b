import type { EventKind } from '../../events/event.ts';

/** The contract's tracking inputs and results, as a client of trackBatch sees them. */

export type JsonObject = { [key: string]: unknown };

export interface EventFields {
  event?: string;
  name?: string;
  category?: string;
  userId?: string;
  anonymousId?: string;
  groupId?: string;
  previousId?: string;
  messageId?: string;
  timestamp?: string;
  properties?: JsonObject;
  traits?: JsonObject;
  context?: JsonObject;
}

/** Exactly one kind is set, as @oneOf wants it. */
export type EventInput = { readonly [K in EventKind]?: EventFields };

export type EventStatus = 'ACCEPTED' | 'REJECTED' | 'DEAD_LETTERED' | 'RETRY';

export interface EventError {
  readonly code: string;
  readonly path: readonly string[];
  readonly message: string;
}

export interface EventResult {
  /** Place of the event in what was sent. */
  readonly index: number;
  readonly messageId: string;
  readonly status: EventStatus;
  readonly errors: readonly EventError[];
}

/**
 * Hands events over and resolves with one result an event, in order. Rejects with a TallygateError when nothing of them
 * is known to be taken; `retriable` and `retryAfterMs` say whether and when to try again. `details.events` names the
 * indexes of events that made the whole request unacceptable, where that is known.
 */
export type Send = (events: readonly EventInput[]) => Promise<readonly EventResult[]>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
