import { isTallygateError, TallygateError } from '../../errors.ts';

/** Why a row is not sent, by the code that the summary, --rejects and docs/importing.md show. */
export const rowProblems = {
  BAD_JSON: 'The line is not JSON.',
  NOT_AN_OBJECT: 'The line is JSON, but not an object.',
  BAD_ENCODING: 'The row is not UTF-8.',
  LINE_TOO_LONG: 'The line is longer than 1 MiB.',
  COLUMN_COUNT: 'The row has more or fewer cells than the header.',
  CELL_TYPE: 'A cell does not fit the type or the target that the mapping gives it.',
  UNKNOWN_TYPE: 'The type is none of track, page, screen, identify, group, alias.',
  EVENT_MISSING: 'A track row has no event name.',
  PERSON_MISSING: 'The row has neither userId nor anonymousId.',
  FIELD_MISSING: 'A group row has no groupId, or an alias row lacks previousId or userId.',
  TIMESTAMP_MISSING: 'The row has no timestamp.',
  TIMESTAMP_INVALID: 'The timestamp is not understood.',
  TOO_DEEP: 'The row nests objects or arrays more than 100 deep.',
  EVENT_TOO_LARGE: 'The event is larger than a request may be.',
} as const;

export type RowProblemCode = keyof typeof rowProblems;

export interface RowProblem {
  readonly code: RowProblemCode;
  readonly message: string;
}

/** What row-level code throws; the pipeline counts it and goes on. */
export function rowError(code: RowProblemCode, message: string): TallygateError {
  return new TallygateError('INVALID_INPUT', message, { details: { rowProblem: code } });
}

/** The row's problem when it is one; anything else that was thrown is not for the row to answer. */
export function toRowProblem(thrown: unknown): RowProblem | undefined {
  if (!isTallygateError(thrown)) return undefined;
  const code = thrown.details.rowProblem;
  return code === undefined ? undefined : { code: code as RowProblemCode, message: thrown.message };
}

/** A value as it may stand in a message. */
export function toShown(value: unknown): string {
  const text = toJsonText(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

/** JSON, also of what has no JSON or nests too deep for it. */
export function toJsonText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return '"(too deep to be shown)"';
  }
}
