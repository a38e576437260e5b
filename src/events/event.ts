/** What an event is, before and after parsing. */

export const eventKinds = ['track', 'page', 'screen', 'identify', 'group', 'alias'] as const;
export type EventKind = (typeof eventKinds)[number];

export type JsonObject = Readonly<Record<string, unknown>>;

type Optional<T> = T | null | undefined;

/** An event as a client sends it; every kind has some of these fields. Strings and objects are typed, nothing else is checked. */
export interface EventInput {
  readonly event?: Optional<string>;
  readonly name?: Optional<string>;
  readonly category?: Optional<string>;
  readonly userId?: Optional<string>;
  readonly anonymousId?: Optional<string>;
  readonly groupId?: Optional<string>;
  readonly previousId?: Optional<string>;
  readonly messageId?: Optional<string>;
  readonly timestamp?: Optional<Date>;
  readonly sentAt?: Optional<Date>;
  readonly properties?: Optional<JsonObject>;
  readonly traits?: Optional<JsonObject>;
  readonly context?: Optional<JsonObject>;
}

/** What the gateway knows beside the event itself. */
export interface Arrival {
  readonly project: string;
  /** Which write key it came with: a public short name of the key, never the key. */
  readonly keyId: string;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  readonly retentionDays: number | undefined;
}

/** An event that will be stored. Times are milliseconds since 1970. */
export interface TrackedEvent {
  readonly kind: EventKind;
  readonly event: string;
  readonly messageId: string;
  readonly userId: string;
  readonly anonymousId: string;
  readonly groupId: string;
  readonly previousId: string;
  readonly time: number;
  readonly originalTimestamp: number | null;
  readonly sentAt: number | null;
  readonly properties: JsonObject | null;
  readonly traits: JsonObject | null;
  readonly context: JsonObject | null;
  /** Set when it is to be kept aside. */
  readonly dead: EventError | null;
}

/** Codes are documented in the SDL's EventErrorCode. */
export type EventErrorCode =
  | 'PERSON_MISSING'
  | 'INVALID_LENGTH'
  | 'RESERVED_EVENT'
  | 'INVALID_VALUE'
  | 'EVENT_TOO_LARGE'
  | 'TIMESTAMP_IN_FUTURE'
  | 'TIMESTAMP_TOO_OLD'
  | 'TIMESTAMP_OUT_OF_RANGE'
  | 'LOG_UNAVAILABLE'
  | 'LOG_OVERLOADED';

export interface EventError {
  readonly code: EventErrorCode;
  readonly path: readonly string[];
  readonly message: string;
}

export const limits = {
  eventBytes: 32 * 1024,
  /** Of a request's body, the operation aside. */
  batchBytes: 500 * 1024,
  batchEvents: 2500,
  messageId: 100,
  name: 200,
  depth: 32,
  /** How far the clock of a client may be ahead, in milliseconds. */
  future: 24 * 3600 * 1000,
} as const;

/** What DateTime64(3) of ClickHouse can hold; milliseconds since 1970. */
export const earliestTime = Date.UTC(1900, 0, 1);
export const latestTime = Date.UTC(2300, 0, 1) - 1;

/** Event names of the kinds that have none of their own. */
export const reservedNames: Readonly<Record<Exclude<EventKind, 'track'>, string>> = {
  page: '$page',
  screen: '$screen',
  identify: '$identify',
  group: '$group',
  alias: '$alias',
};
