import { TallygateError } from '../../errors.ts';
import type { Commit } from '../../ports/event-log.ts';

/** What stands beside a committed offset. Brokers keep up to 4,096 bytes. */
export function toMetadata({ end }: Commit): string {
  return JSON.stringify({ v: 1, end });
}

/**
 * Undefined when the group has never committed. An offset without metadata was set by a person or another tool: nothing
 * is open then.
 */
export function parseCommit(partition: number, offset: string, metadata: string | null): Commit | undefined {
  const next = Number(offset);
  if (next < 0) return undefined;
  if (metadata === null || metadata === '') return { next, end: null };
  const { v, end } = parseJson(metadata);
  if (v === 1 && (end === null || (Number.isSafeInteger(end) && (end as number) >= next))) {
    return { next, end: end as number | null };
  }
  throw new TallygateError(
    'LOG_REPLACED',
    `expected the commit of partition ${partition} as {"v":1,"end":...}, got ${JSON.stringify(metadata)} at offset ${offset}: another program commits for this group, or a newer version of this one`,
  );
}

function parseJson(text: string): { readonly v?: unknown; readonly end?: unknown } {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
