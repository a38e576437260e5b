import { rowError } from './row-problem.ts';

const deepest = 100;

/** JSON with the keys of every object in code-unit order, so that equal content has one text. Throws TOO_DEEP. */
export function toCanonicalJson(value: unknown, depth = 0): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (depth > deepest) throw rowError('TOO_DEEP', `expected at most ${deepest} levels of nesting, got more`);
  if (Array.isArray(value)) return `[${value.map((element) => toCanonicalJson(element, depth + 1)).join(',')}]`;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${toCanonicalJson(member, depth + 1)}`).join(',')}}`;
}
