import type { EventError, JsonObject } from './event.ts';
import { limits } from './event.ts';

/** Newer than TypeScript's library. */
const { rawJSON, isRawJSON } = JSON as unknown as {
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): boolean;
};

/** The warehouse's integers end here; larger ones are written with an exponent, which makes them floating-point. */
const firstFloat = 2 ** 64;

/** What a walk over a JSON value found: fine as it is, fine after mending, or not storable. */
type Finding = 'fine' | 'mend' | EventError;

/**
 * Looks for what JSON.stringify would write and the warehouse could not read: integers of 2^64 and more, texts cut in
 * the middle of a character (both are mended), infinite numbers and bottomless nesting (both are errors).
 */
export function inspectJson(value: JsonObject, root: string): Finding {
  return inspect(value, root, 0);
}

function inspect(value: unknown, key: string, depth: number): Finding {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? 'fine' : 'mend';
    case 'number':
      if (!Number.isFinite(value))
        return problem(key, 'expected a number that fits 64-bit floating point, got one beyond it');
      return Math.abs(value) >= firstFloat / 2 ? 'mend' : 'fine';
    case 'object': {
      if (value === null) return 'fine';
      if (depth >= limits.depth) return problem(key, `expected nesting of at most ${limits.depth} levels, got more`);
      let finding: Finding = 'fine';
      if (Array.isArray(value)) {
        for (let i = 0; i < value.length; i++) {
          const found = inspect(value[i], String(i), depth + 1);
          if (typeof found === 'object') return { ...found, path: [key, ...found.path] };
          if (found === 'mend') finding = found;
        }
        return finding;
      }
      for (const name in value) {
        if (!name.isWellFormed()) finding = 'mend';
        const found = inspect((value as JsonObject)[name], name, depth + 1);
        if (typeof found === 'object') return { ...found, path: [key, ...found.path] };
        if (found === 'mend') finding = found;
      }
      return finding;
    }
    default:
      return 'fine';
  }
}

function problem(key: string, message: string): EventError {
  return { code: 'INVALID_VALUE', path: [key], message };
}

/** A copy in which broken characters are U+FFFD and integers too large for 64 bits are floating-point. */
export function mendJson(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value === 'number') return Math.abs(value) >= firstFloat / 2 ? rawJSON(value.toExponential()) : value;
  if (Array.isArray(value)) return value.map(mendJson);
  if (typeof value === 'object' && value !== null) {
    // A null prototype keeps a property named __proto__ a property.
    const copy: Record<string, unknown> = Object.create(null);
    for (const [name, item] of Object.entries(value)) copy[name.toWellFormed()] = mendJson(item);
    return copy;
  }
  return value;
}

/** Whether some list in it, at any depth, holds a list or an object. */
export function hasDeepList(value: unknown): boolean {
  if (!isDeep(value)) return false;
  if (Array.isArray(value)) return value.some(isDeep);
  for (const name in value) if (hasDeepList((value as JsonObject)[name])) return true;
  return false;
}

/** For JSON.stringify, which calls it from the outside in: a list's lists and objects are written as texts of JSON. */
export function flattenList(_name: string, value: unknown): unknown {
  return Array.isArray(value) ? value.map((item) => (isDeep(item) ? JSON.stringify(item) : item)) : value;
}

function isDeep(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !isRawJSON(value);
}
