import { TallygateError } from '../../errors.ts';
import type { Session } from '../session.ts';
import { type Sql, sql, toStatement, value } from '../sql.ts';

export interface PersonDeletion {
  readonly id: string;
  readonly state: 'REQUESTED' | 'RUNNING' | 'DONE';
  readonly requestedAt: Date;
  readonly finishedAt: Date | null;
  readonly ids: number | null;
  readonly events: number | null;
  readonly deadLetters: number | null;
}

interface Row {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly reached: PersonDeletion['state'];
  readonly requested: string;
  readonly written: string;
  readonly known: string;
  readonly events: string;
  readonly dead: string;
}

const mostDeletions = 1000;

export async function runDeletion(session: Session, id: string): Promise<PersonDeletion | null> {
  const [deletion] = await readDeletions(session, sql`id = ${value('String', id)}`, 1);
  return deletion ?? null;
}

/** Newest first. Not of a snapshot: who looks here wants to see how far they are now. */
export function runDeletions(session: Session, first: number): Promise<PersonDeletion[]> {
  if (first < 1 || first > mostDeletions)
    throw new TallygateError('INVALID_INPUT', `first: expected 1 to ${mostDeletions}, got ${first}`);
  return readDeletions(session, sql`1`, first);
}

async function readDeletions(session: Session, where: Sql, first: number): Promise<PersonDeletion[]> {
  const { rows } = await session.query<Row>(
    toStatement(sql`SELECT id, upper(toString(max(state))) AS reached, any(toUnixTimestamp64Milli(requested_at)) AS requested,
        max(toUnixTimestamp64Milli(written_at)) AS written, max(length(d.ids)) AS known, max(d.events) AS events, max(d.dead_letters) AS dead
      FROM deletions AS d WHERE project = ${value('String', session.project)} AND ${where}
      GROUP BY id ORDER BY requested DESC, id LIMIT ${value('UInt32', first)}`),
    { label: 'deletions' },
  );
  return rows.map(({ id, reached, requested, written, known, events, dead }) => ({
    id,
    state: reached,
    requestedAt: new Date(Number(requested)),
    finishedAt: reached === 'DONE' ? new Date(Number(written)) : null,
    ids: reached === 'REQUESTED' ? null : Number(known),
    events: reached === 'DONE' ? Number(events) : null,
    deadLetters: reached === 'DONE' ? Number(dead) : null,
  }));
}
