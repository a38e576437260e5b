import { TallygateError } from '../../errors.ts';
import { otherKey, toShownKey } from '../breakdown/key.ts';
import type { Moment } from '../moment/moment.ts';
import { type Connection, encodeListCursor, parseFirst, parsePersonCursor, toConnection } from '../page.ts';
import type { Session } from '../session.ts';
import { allMembers, type PersonRow, planPeople, type RetentionShape } from './plan.ts';

export interface RetentionPeopleInput {
  readonly cohort: Date;
  readonly period?: number | null | undefined;
  readonly breakdown?: readonly string[] | null | undefined;
  readonly isOther?: boolean | null | undefined;
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  /** More than clients may ask for at once: see parseFirst. */
  readonly most?: number;
}

export interface RetentionPerson {
  readonly id: string;
  readonly userId: string | null;
  readonly anonymousId: string | null;
}

/** Persons of a cell of a report that was answered. `keys`: those of its lines, in order. */
export function runRetentionPeople(
  session: Session,
  moment: Moment,
  shape: RetentionShape,
  keys: readonly string[],
  input: RetentionPeopleInput,
): Promise<Connection<RetentionPerson>> {
  return session.report(null, async () => {
    const first = parseFirst(input.first, input.most);
    const after = input.after ? parsePersonCursor(input.after, moment.snapshot) : null;
    const cohort = shape.edges.slice(0, shape.cohorts).indexOf(input.cohort.getTime());
    if (cohort < 0)
      throw invalid(`cohort: expected the start of one of the cohorts, got ${input.cohort.toISOString()}`);
    const period = input.period ?? allMembers;
    if (input.period !== null && input.period !== undefined && (period < 0 || period >= shape.brackets.length))
      throw invalid(`period: expected 0 to ${shape.brackets.length - 1}, got ${period}`);
    const line = toLine(shape, keys, input);
    const cell = await session.load(moment, planPeople(shape, { ...line, cohort, period }, first, after));
    const rows = cell.rows as unknown as readonly PersonRow[];
    return toConnection(rows, first, input.after, toPerson, ({ who }) => encodeListCursor([who], moment.snapshot));
  });
}

function toLine({ breakdown }: RetentionShape, keys: readonly string[], input: RetentionPeopleInput) {
  const isOther = input.isOther ?? false;
  const shown = input.breakdown ?? [];
  if (breakdown === null) {
    if (isOther || shown.length > 0) throw invalid('breakdown: expected none, since the report has none, got one');
    return { keys: [], isOther: false };
  }
  const own = keys.filter((key) => key !== otherKey);
  if (isOther) return { keys: own, isOther };
  const [text] = shown;
  const found = shown.length === 1 ? own.filter((key) => toShownKey(key) === text) : [];
  if (found.length === 0)
    throw invalid(
      `breakdown: expected the breakdown of one of the cohorts, got ${JSON.stringify(shown).slice(0, 100)}`,
    );
  return { keys: found, isOther };
}

// ---- mapping

function toPerson({ who, user, anonymous }: PersonRow): RetentionPerson {
  return { id: user || anonymous || who, userId: user || null, anonymousId: anonymous || null };
}

function invalid(message: string): TallygateError {
  return new TallygateError('INVALID_INPUT', message);
}
