/**
 * Every error that Tallygate raises on purpose. `code` is stable and documented in docs/errors.md; `retriable` alone
 * decides whether a caller may try again. Anything else that is thrown is a bug and reaches a client as INTERNAL.
 */

interface CodeFacts {
  /** HTTP status of an answer that holds nothing but this error. */
  readonly status: number;
  readonly retriable: boolean;
}

export const errorCodes = {
  UNAUTHENTICATED: { status: 401, retriable: false },
  FORBIDDEN: { status: 403, retriable: false },
  BAD_REQUEST: { status: 400, retriable: false },
  NOT_FOUND: { status: 404, retriable: false },
  CONFLICT: { status: 409, retriable: false },
  METHOD_NOT_ALLOWED: { status: 405, retriable: false },
  NOT_ACCEPTABLE: { status: 406, retriable: false },
  PAYLOAD_TOO_LARGE: { status: 413, retriable: false },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, retriable: false },
  INVALID_RANGE: { status: 400, retriable: false },
  UNKNOWN_TIMEZONE: { status: 400, retriable: false },
  TOO_MANY_BUCKETS: { status: 400, retriable: false },
  INVALID_FILTER: { status: 400, retriable: false },
  INVALID_INPUT: { status: 400, retriable: false },
  INVALID_CURSOR: { status: 400, retriable: false },
  INVALID_TOKEN: { status: 400, retriable: false },
  QUERY_TOO_EXPENSIVE: { status: 400, retriable: false },
  OVER_BUDGET: { status: 400, retriable: false },
  BUDGET_SPENT: { status: 429, retriable: true },
  TOO_MANY_EXPORTS: { status: 429, retriable: true },
  TOO_MANY_SUBSCRIPTIONS: { status: 429, retriable: true },
  LOG_UNAVAILABLE: { status: 503, retriable: true },
  LOG_OVERLOADED: { status: 503, retriable: true },
  OVERLOADED: { status: 503, retriable: true },
  WAREHOUSE_UNAVAILABLE: { status: 503, retriable: true },
  SHUTTING_DOWN: { status: 503, retriable: true },
  CANCELLED: { status: 499, retriable: true },
  LEASE_LOST: { status: 500, retriable: true },
  BAD_ROWS: { status: 500, retriable: false },
  CONFIG_INVALID: { status: 500, retriable: false },
  STORE_IN_USE: { status: 500, retriable: false },
  LOG_REPLACED: { status: 500, retriable: false },
  SOURCE_UNAVAILABLE: { status: 500, retriable: true },
  SINK_STALLED: { status: 500, retriable: true },
  INTERNAL: { status: 500, retriable: false },
} as const satisfies Record<string, CodeFacts>;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorOptions {
  readonly cause?: unknown;
  /** Milliseconds after which a new try makes sense; only with a retriable code. */
  readonly retryAfterMs?: number;
  /** Facts for the client beside the message; never a secret, never a stack. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export class TallygateError extends Error {
  readonly code: ErrorCode;
  readonly retriable: boolean;
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TallygateError';
    this.code = code;
    this.retriable = errorCodes[code].retriable;
    this.status = errorCodes[code].status;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details ?? {};
  }
}

export function isTallygateError(value: unknown): value is TallygateError {
  return value instanceof TallygateError;
}

/** The message of anything that can be thrown. */
export function toMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
