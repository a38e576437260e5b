import { TallygateError } from '../../errors.ts';

export type FilterOp =
  | 'EQ'
  | 'NEQ'
  | 'GT'
  | 'GTE'
  | 'LT'
  | 'LTE'
  | 'BETWEEN'
  | 'BEFORE'
  | 'AT_OR_BEFORE'
  | 'AFTER'
  | 'AT_OR_AFTER'
  | 'IN'
  | 'NOT_IN'
  | 'CONTAINS'
  | 'NOT_CONTAINS'
  | 'HAS_ANY'
  | 'HAS_ALL'
  | 'STARTS_WITH'
  | 'ENDS_WITH'
  | 'MATCHES'
  | 'EXISTS'
  | 'NOT_EXISTS';

/** What filters compare with, as the client wrote it. All of this throws INVALID_FILTER with the place of what is wrong. */

export type Scalar = string | number | boolean;

const mostValues = 1000;
/** Each of them is a condition of its own. */
const mostListed = 100;
const longestValue = 10_000;

export function parseScalar(given: unknown, op: FilterOp, at: string): Scalar {
  if (typeof given === 'boolean' || (typeof given === 'number' && Number.isFinite(given))) return given;
  if (typeof given === 'string' && given.length <= longestValue) return given.toWellFormed();
  throw wrong(
    `${at}.value`,
    `expected a text of at most ${longestValue} characters, a number or a boolean for ${op}, got ${show(given)}`,
  );
}

export function parseText(given: unknown, op: FilterOp, at: string): string {
  if (typeof given === 'string') return parseScalar(given, op, at) as string;
  throw wrong(`${at}.value`, `expected a text for ${op}, got ${show(given)}`);
}

export function parseList(given: unknown, op: FilterOp, at: string): Scalar[] {
  const most = op === 'HAS_ANY' || op === 'HAS_ALL' ? mostListed : mostValues;
  if (!Array.isArray(given) || given.length === 0 || given.length > most)
    throw wrong(
      `${at}.value`,
      `expected a list of 1 to ${most} values for ${op}, got ${Array.isArray(given) ? `one of ${given.length}` : show(given)}`,
    );
  return given.map((item) => parseScalar(item, op, at));
}

/** The least and the greatest value. */
export function parseBounds(given: unknown, op: FilterOp, at: string): [unknown, unknown] {
  if (Array.isArray(given) && given.length === 2 && typeof given[0] === typeof given[1])
    return given as [unknown, unknown];
  throw wrong(`${at}.value`, `expected a list of two numbers, texts or moments for ${op}, got ${show(given)}`);
}

/** Date, time and zone: without a zone it would be the server's. */
const rfc3339 = /^(\d{4}-\d\d)-(\d\d)[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)$/;

/** Milliseconds since 1970. */
export function parseMoment(given: unknown, op: FilterOp, at: string): number {
  const time = typeof given === 'string' ? toTime(given) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw wrong(
    `${at}.value`,
    `expected a moment such as "2026-03-01T12:00:00Z" for ${op} of a time, got ${show(given)}`,
  );
}

function toTime(text: string): number {
  const [, month, day] = rfc3339.exec(text) ?? [];
  // JavaScript lets the 30th of February be in March.
  const exists = new Date(`${month}-${day}T00:00:00Z`).getUTCDate() === Number(day);
  return exists ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
}

export function show(given: unknown): string {
  const shown = JSON.stringify(given) ?? String(given);
  return shown.length > 60 ? `${shown.slice(0, 60)}...` : shown;
}

export function wrong(at: string, message: string): TallygateError {
  return new TallygateError('INVALID_FILTER', `${at}: ${message}`);
}
