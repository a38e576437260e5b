/** What is looked at in the answers to texts that would like to be something else. */

export interface Answer {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

export interface Outcome {
  readonly data: unknown;
  /** Codes of what went wrong. */
  readonly refusals: readonly string[];
}

const clear = new Set([
  'BAD_USER_INPUT',
  'INVALID_INPUT',
  'INVALID_FILTER',
  'INVALID_RANGE',
  'INVALID_CURSOR',
  'INVALID_TOKEN',
  'UNKNOWN_TIMEZONE',
  'TOO_MANY_BUCKETS',
  'NOT_FOUND',
]);
/** The code of a clear refusal, and all of any other. */
export function toRefusal({ extensions, message }: NonNullable<Answer['errors']>[number]): string {
  return extensions?.code && clear.has(extensions.code) ? extensions.code : `${extensions?.code}: ${message}`;
}

export const unclear = ({ refusals }: Outcome) => refusals.filter((code) => !clear.has(code));

/** The answer without the text that was asked for, as it may come back as a label, or in the JSON that a line's key is. */
export function without(text: string, { data }: Outcome): string {
  const once = toEscaped(text);
  return JSON.stringify(data ?? null)
    .replaceAll(toEscaped(once), '<text>')
    .replaceAll(once, '<text>');
}

function toEscaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** A filter whose operator orders or matches tells texts apart that nobody sent. */
const alike = ['EQ', 'NEQ', 'CONTAINS', 'NOT_CONTAINS', 'STARTS_WITH', 'ENDS_WITH'];
export const isAlike = (args: unknown) =>
  [...JSON.stringify(args).matchAll(/"op":"(\w+)"/g)].every(([, op]) => alike.includes(op!));
