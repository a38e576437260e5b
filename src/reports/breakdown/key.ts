import { TallygateError } from '../../errors.ts';
import { parseProperty, toText } from '../filter/property.ts';
import { type Sql, sql } from '../sql.ts';

/** What events are told apart by: '=value' for a value, '' without one, '~' for all values beyond a limit. No text is taken for another. */

export const otherKey = '~';

export function toKey(property: string): Sql {
  return textKey(toText(parseProperty(property)));
}

/** Of a text, or NULL. */
export function textKey(text: Sql): Sql {
  return sql`ifNull(concat('=', ${text}), '')`;
}

/** As clients see it. */
export function toShownKey(key: string): string {
  return key === '' ? '(none)' : key === otherKey ? '(other)' : key.slice(1);
}

const most = 1000;

/** How many values, names or pages are shown one by one. */
export function parseLimit(limit: number, at: string, least = 1): number {
  if (limit < least || limit > most)
    throw new TallygateError('INVALID_INPUT', `${at}: expected ${least} to ${most}, got ${limit}`);
  return limit;
}

/** By code point, as the warehouse orders texts: none before all values, and the others after them. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
