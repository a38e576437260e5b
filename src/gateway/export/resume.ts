import { hash } from 'node:crypto';
import { TallygateError } from '../../errors.ts';

/**
 * What continues an export: which question it was, of which snapshot, and behind a colon where. Like all tokens it is
 * opaque, holds nothing secret and is not trusted.
 */
export interface Resumption {
  readonly snapshot: string;
  /** A position, or a number of rows; null for the beginning. */
  readonly after: string | null;
}

/** A table and its parameters as they were written, in any order. */
export function toQuestion(table: string, parameters: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1));
  return hash('sha256', JSON.stringify([table, sorted]), 'base64url').slice(0, 22);
}

export function toResume(question: string, snapshot: string): string {
  return `${question}.${snapshot}`;
}

export function parseResume(text: string, question: string): Resumption {
  const [token = '', after, ...more] = text.split(':');
  const found = /^([\w-]{22})\.([\w-]+)$/.exec(token);
  if (found === null || more.length > 0) throw invalid('a token that an export handed out', 'something else');
  if (found[1] !== question) throw invalid('the parameters of the export that handed out this token', 'others');
  return { snapshot: found[2] as string, after: after === undefined || after === '' || after === '0' ? null : after };
}

/** For tables whose rows have no positions. */
export function parseRowCount(after: string | null): number {
  if (after === null) return 0;
  if (!/^\d{1,15}$/.test(after))
    throw invalid('the number of rows that are there already', JSON.stringify(after.slice(0, 60)));
  return Number(after);
}

function invalid(expected: string, got: string): TallygateError {
  return new TallygateError('INVALID_TOKEN', `resume: expected ${expected}, got ${got}`);
}
