import { Temporal } from 'temporal-polyfill';
import { TallygateError } from '../../errors.ts';
import { rowError, toShown } from './row-problem.ts';

export type TimeUnit = 'auto' | 'seconds' | 'millis';

/** Year, month and day in that order, a time if any, an offset if any; every other order of a date is ambiguous. */
const written =
  /^(\d{4})([-/])(\d{2})\2(\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?))?\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$/i;
const compact = /^(19|20|21)(\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?:([01]\d|2[0-3])([0-5]\d)([0-5]\d))?$/;
const numeric = /^-?\d{1,19}(?:\.\d+)?$/;

/** The years 0001 to 9999, in milliseconds: what RFC 3339 can write. */
const earliest = -62_135_596_800_000;
const latest = 253_402_300_799_999;

/** Throws UNKNOWN_TIMEZONE. */
export function parseTimezone(name: string): string {
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name).timeZoneId;
  } catch (cause) {
    throw new TallygateError(
      'UNKNOWN_TIMEZONE',
      `expected an IANA time zone such as Europe/Berlin, got ${toShown(name)}`,
      {
        cause,
      },
    );
  }
}

/**
 * A row's timestamp in milliseconds since 1970. Numbers are seconds, milliseconds, microseconds or nanoseconds by their
 * size; a time without an offset is the zone's, the earlier one where a clock change made it happen twice.
 */
export function parseTimestamp(value: unknown, unit: TimeUnit, timezone: string, column: string): number {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : undefined;
  const millis = text === undefined ? undefined : toMillis(text, unit, timezone);
  if (millis === undefined || !(millis >= earliest && millis <= latest)) {
    throw rowError(
      'TIMESTAMP_INVALID',
      unit === 'auto'
        ? `expected a time such as 2024-03-13T10:21:14Z, 2024-03-13 10:21:14 or unix seconds or milliseconds in ${column}, got ${toShown(value)}`
        : `expected unix ${unit} in ${column}, got ${toShown(value)}`,
    );
  }
  return millis;
}

function toMillis(text: string, unit: TimeUnit, timezone: string): number | undefined {
  if (unit !== 'auto') {
    return numeric.test(text) ? Math.floor(Number(text) * (unit === 'seconds' ? 1000 : 1)) : undefined;
  }
  const short = compact.exec(text);
  if (short) {
    const [, century, year, month, day, hour = '00', minute = '00', second = '00'] = short;
    return toInstant(`${century}${year}-${month}-${day}`, `${hour}:${minute}:${second}`, undefined, timezone);
  }
  if (numeric.test(text)) {
    const number = Number(text);
    const size = Math.abs(number);
    if (size < 1e11) return Math.floor(number * 1000);
    if (size < 1e14) return Math.floor(number);
    return Math.floor(size < 1e17 ? number / 1000 : number / 1e6);
  }
  const match = written.exec(text);
  if (!match) return undefined;
  const [, year, , month, day, time = '00:00', offset] = match;
  return toInstant(`${year}-${month}-${day}`, time, offset, timezone);
}

function toInstant(date: string, time: string, offset: string | undefined, timezone: string): number | undefined {
  try {
    if (offset === undefined) {
      return Temporal.PlainDateTime.from(`${date}T${time}`, { overflow: 'reject' }).toZonedDateTime(timezone)
        .epochMilliseconds;
    }
    return Temporal.Instant.from(`${date}T${time}${/^[+-]/.test(offset) ? offset : 'Z'}`).epochMilliseconds;
  } catch {
    return undefined;
  }
}
