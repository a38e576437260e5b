import type { Moment } from '../moment/moment.ts';
import { type Connection, encodeListCursor, parseFirst, parseListCursor, toConnection } from '../page.ts';
import type { Plan } from '../plan.ts';
import type { Session } from '../session.ts';
import { allOf, always, type Sql, sql, value } from '../sql.ts';
import { toAttempts } from './attempts.ts';
import { literal } from './chains.ts';
import type { Question } from './input.ts';

export interface PageArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  /** More than clients may ask for at once: see parseFirst. */
  readonly most?: number;
}

export interface FunnelPerson {
  readonly id: string;
  readonly userId: string | null;
  readonly anonymousId: string | null;
}

/** Those of whom `isMeant` holds, a condition on rows of attempts. */
export async function loadPeople(
  session: Session,
  moment: Moment,
  question: Question,
  isMeant: Sql,
  { first, after, most }: PageArgs,
): Promise<Connection<FunnelPerson>> {
  const count = parseFirst(first, most);
  const place = after ? parsePlace(after, moment.snapshot, question) : null;
  const { rows } = await session.load(moment, planPeople(question, isMeant, count, place));
  return toConnection(
    rows as unknown as readonly PersonRow[],
    count,
    after,
    (row) => toPerson(question, row),
    ({ who, began }) => encodeListCursor([who, began], moment.snapshot),
  );
}

// ---- row

interface PersonRow {
  readonly who: string;
  /** Milliseconds since 1970. */
  readonly began: string;
  readonly user_id: string;
  readonly anonymous_id: string;
}

interface Place {
  readonly who: string;
  readonly began: string;
}

// ---- SQL

function planPeople(question: Question, isMeant: Sql, first: number, place: Place | null): Plan {
  const type = question.by.kind === 'property' ? 'String' : 'UInt64';
  const behind = place ? sql`(who, began) > (${value(type, place.who)}, ${value('Int64', place.began)})` : always;
  return {
    label: 'funnel people',
    select: sql`SELECT toString(w) AS who, toString(b) AS began, user_id, anonymous_id FROM (
        SELECT who AS w, began AS b, user_id, anonymous_id FROM (${toAttempts(question, true)})
        WHERE ${allOf([isMeant, behind])} ORDER BY w, b LIMIT ${literal(first + 1)})`,
  };
}

// ---- mapping

function toPerson({ by }: Question, row: PersonRow): FunnelPerson {
  const userId = row.user_id || null;
  const anonymousId = row.anonymous_id || null;
  const person = userId ?? anonymousId ?? row.who;
  const id =
    by.kind === 'property'
      ? row.who
      : by.kind === 'session'
        ? `${person} ${new Date(Number(row.began)).toISOString()}`
        : person;
  return { id, userId, anonymousId };
}

function parsePlace(cursor: string, snapshot: string, { by }: Question): Place {
  const [who = '', began = ''] = parseListCursor(cursor, snapshot, [
    (text) => by.kind === 'property' || /^\d{1,20}$/.test(text),
    (text) => /^-?\d{1,15}$/.test(text),
  ]);
  return { who, began };
}
