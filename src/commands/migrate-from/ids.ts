import { hash } from 'node:crypto';
import { limits } from '../../events/event.ts';

/** Characters of the part that all ids of one table share. */
const longestPrefix = 50;

/** What the ids of rows without a messageId begin with: the table, or a hash of a name that is too long. */
export function toIdPrefix(identity: string): string {
  const prefix = `${identity}:`;
  return prefix.length <= longestPrefix ? prefix : `pg-${hash('sha256', identity, 'base64url')}:`;
}

/** One row, one id, in every run: the same key of the same table. */
export function toMessageId(prefix: string, key: readonly string[]): string {
  const text = key.length === 1 ? (key[0] as string) : JSON.stringify(key);
  const id = `${prefix}${text}`;
  return id.length <= limits.messageId ? id : `${prefix}#${hash('sha256', text, 'base64url')}`;
}
