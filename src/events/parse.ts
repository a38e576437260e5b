import { randomUUID } from 'node:crypto';
import type { Arrival, EventError, EventInput, EventKind, JsonObject, TrackedEvent } from './event.ts';
import { earliestTime, latestTime, limits, reservedNames } from './event.ts';
import { inspectJson, mendJson } from './json.ts';

const day = 24 * 3600 * 1000;

const reserved = new Set(Object.values(reservedNames));

export interface ParsedEvent {
  readonly messageId: string;
  /** null when it is rejected. */
  readonly event: TrackedEvent | null;
  readonly errors: readonly EventError[];
}

const none: readonly EventError[] = [];

/**
 * Checks and normalises one event by the rules of Segment's specification (https://segment.com/docs/connections/spec/common/):
 * who, when, and what. Collects every error rather than the first. Never throws.
 */
export function parseEvent(
  kind: EventKind,
  input: EventInput,
  arrival: Arrival,
  batch?: { sentAt?: Date | null | undefined; context?: JsonObject | null | undefined },
): ParsedEvent {
  let errors: EventError[] | null = null;
  const fail = (error: EventError) => {
    errors = errors === null ? [error] : [...errors, error];
  };

  const text = (field: 'userId' | 'anonymousId' | 'groupId' | 'previousId', longest: number): string => {
    const value = input[field];
    if (value === null || value === undefined) return '';
    if (value.length === 0 || value.length > longest) fail(lengthError(field, value, longest));
    return wellFormed(value);
  };
  const userId = text('userId', limits.name);
  const anonymousId = text('anonymousId', limits.name);
  const previousId = text('previousId', limits.name);
  let groupId = text('groupId', limits.name);
  if (userId === '' && anonymousId === '') {
    fail({ code: 'PERSON_MISSING', path: ['userId'], message: 'expected userId or anonymousId, got neither' });
  }

  let { messageId } = input;
  if (messageId === null || messageId === undefined || messageId === '') messageId = randomUUID();
  else if (messageId.length > limits.messageId) fail(lengthError('messageId', messageId, limits.messageId));
  else messageId = wellFormed(messageId);

  let event: string;
  if (kind === 'track') {
    event = wellFormed(input.event ?? '');
    if (event.length === 0 || event.length > limits.name) fail(lengthError('event', event, limits.name));
    if (reserved.has(event)) {
      fail({
        code: 'RESERVED_EVENT',
        path: ['event'],
        message: `expected a name of your own, got ${event}, which is what ${event.slice(1)} is called in reports`,
      });
    }
  } else event = reservedNames[kind];

  const json = (
    field: 'properties' | 'traits' | 'context',
    value: JsonObject | null | undefined,
  ): JsonObject | null => {
    if (value === null || value === undefined) return null;
    const finding = inspectJson(value, field);
    if (finding === 'fine') return value;
    if (finding === 'mend') return mendJson(value) as JsonObject;
    fail(finding);
    return null;
  };
  const context = json('context', batch?.context ? { ...batch.context, ...input.context } : input.context);
  let properties = json('properties', input.properties);
  if ((input.name || input.category) && (kind === 'page' || kind === 'screen')) {
    const named: Record<string, unknown> = { ...properties };
    if (input.name) named.name = wellFormed(input.name);
    if (input.category) named.category = wellFormed(input.category);
    properties = named;
  }
  const traits = json('traits', input.traits);
  if (groupId === '' && typeof context?.groupId === 'string')
    groupId = context.groupId.slice(0, limits.name).toWellFormed();

  const sent = input.sentAt ?? batch?.sentAt;
  const sentAt = sent ? sent.getTime() : null;
  const originalTimestamp = input.timestamp ? input.timestamp.getTime() : null;
  const time = correctedTime(arrival.receivedAt, sentAt, originalTimestamp);
  if (errors !== null) return { messageId, event: null, errors };

  const dead = judgeTime(time, originalTimestamp, arrival);
  return {
    messageId,
    errors: dead ? [dead] : none,
    event: {
      kind,
      event,
      messageId,
      userId,
      anonymousId,
      groupId,
      previousId,
      time,
      originalTimestamp: storable(originalTimestamp),
      sentAt: storable(sentAt),
      properties,
      traits,
      context,
      dead,
    },
  };
}

/** Segment's rule: the client's clock is off by receivedAt - sentAt. */
export function correctedTime(receivedAt: number, sentAt: number | null, originalTimestamp: number | null): number {
  if (originalTimestamp === null) return receivedAt;
  return sentAt === null ? originalTimestamp : receivedAt - (sentAt - originalTimestamp);
}

function judgeTime(
  time: number,
  originalTimestamp: number | null,
  { receivedAt, retentionDays }: Arrival,
): EventError | null {
  const shown = () =>
    time >= earliestTime && time <= latestTime ? new Date(time).toISOString() : `${time} ms since 1970`;
  const path = [originalTimestamp === null ? 'sentAt' : 'timestamp'];
  if (time < earliestTime || time > latestTime) {
    return { code: 'TIMESTAMP_OUT_OF_RANGE', path, message: `expected a time from 1900 to 2299, got ${shown()}` };
  }
  if (time > receivedAt + limits.future) {
    return {
      code: 'TIMESTAMP_IN_FUTURE',
      path,
      message: `expected a time at most one day ahead of ${new Date(receivedAt).toISOString()}, got ${shown()}`,
    };
  }
  if (retentionDays !== undefined && time < receivedAt - retentionDays * day) {
    return {
      code: 'TIMESTAMP_TOO_OLD',
      path,
      message: `expected a time of the last ${retentionDays} days, got ${shown()}`,
    };
  }
  return null;
}

function storable(time: number | null): number | null {
  return time === null || time < earliestTime || time > latestTime ? null : time;
}

function wellFormed(value: string): string {
  return value.isWellFormed() ? value : value.toWellFormed();
}

function lengthError(field: string, value: string, longest: number): EventError {
  return { code: 'INVALID_LENGTH', path: [field], message: `expected 1 to ${longest} characters, got ${value.length}` };
}
