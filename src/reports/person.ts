import { TallygateError } from '../errors.ts';
import { type EventPage, type EventsInput, readPage } from './events.ts';
import type { FreshnessInput } from './moment.ts';
import { parseCursor } from './page.ts';
import { allTime, type Plan, person, personOf, rowsIn, timeMs } from './plan.ts';
import type { ReportMeta, Session } from './session.ts';
import { allOf, type Sql, sql, value } from './sql.ts';

// ---- parameters

export interface PersonInput {
  readonly id: string;
  readonly freshness?: FreshnessInput | null | undefined;
}

export type TimelineInput = Omit<EventsInput, 'freshness'>;

export interface Person {
  readonly userIds: readonly string[];
  readonly anonymousIds: readonly string[];
  readonly traits: Record<string, unknown>;
  readonly firstSeen: Date;
  readonly lastSeen: Date;
  readonly eventCount: number;
  timeline(input: TimelineInput): Promise<EventPage>;
  readonly meta: ReportMeta;
}

const longestId = 200;
const mostIds = 1000;
const mostTellers = 10_000;

export function runPerson(session: Session, { id, freshness }: PersonInput): Promise<Person | null> {
  return session.report(freshness, async (moment) => {
    if (id.length === 0 || id.length > longestId)
      throw new TallygateError('INVALID_INPUT', `id: expected 1 to ${longestId} characters, got ${id.length}`);
    const known = await session.load(moment, planIds(id.toWellFormed()));
    const ids = (known.rows as unknown as readonly IdRow[]).map((row) => row.id);
    if (ids.length === 0) return null;
    const isMeant = sql`person IN (SELECT toUInt64(arrayJoin(${value('Array(String)', ids)})))`;
    const [found, told] = await Promise.all([
      session.load(moment, planFacts(isMeant)),
      session.load(moment, planTraits(isMeant)),
    ]);
    const facts = found.rows[0] as unknown as FactsRow;
    if (Number(facts.n) === 0) return null;
    const meta = session.toMeta(
      moment,
      [known, found, told].map((cell) => ({ cell, buckets: 1 })),
      { warnings: toWarnings(facts, told.rows.length) },
    );
    return {
      userIds: facts.user_ids.slice(0, mostIds),
      anonymousIds: facts.anonymous_ids.slice(0, mostIds),
      traits: toTraits(told.rows.slice(0, mostTellers) as unknown as TraitsRow[]),
      firstSeen: new Date(Number(facts.first)),
      lastSeen: new Date(Number(facts.last)),
      eventCount: Number(facts.n),
      async timeline(input) {
        if (input.after && parseCursor(input.after).snapshot !== moment.snapshot)
          throw new TallygateError(
            'INVALID_INPUT',
            "after: expected a cursor of the person's snapshot, got one of another: ask with freshness.at of the first page's meta.snapshot",
          );
        return readPage(session, moment, input, isMeant);
      },
      meta,
    };
  });
}

function toWarnings({ user_ids, anonymous_ids }: FactsRow, tellers: number): string[] {
  return [
    ...(user_ids.length > mostIds ? [`userIds: only ${mostIds} are shown`] : []),
    ...(anonymous_ids.length > mostIds ? [`anonymousIds: only ${mostIds} are shown`] : []),
    ...(tellers > mostTellers ? [`traits: only the newest ${mostTellers} identify events were looked at`] : []),
  ];
}

// ---- row

interface FactsRow {
  readonly user_ids: readonly string[];
  readonly anonymous_ids: readonly string[];
  readonly first: string;
  readonly last: string;
  readonly n: string;
}

interface IdRow {
  readonly id: string;
}

interface TraitsRow {
  readonly data: string;
}

// ---- SQL

/** All ids, as they stand in the table, of whoever has the id: events of a person are found by them alone. */
function planIds(id: string): Plan {
  const wanted = value('String', id);
  const edges = sql`SELECT child, ${personOf(sql`child`)} AS owner FROM identity_edges WHERE ${rowsIn(allTime)}`;
  return {
    label: 'person_ids',
    select: sql`SELECT DISTINCT toString(arrayJoin([holder, child])) AS id FROM (
        SELECT ${person} AS holder FROM events WHERE ${rowsIn(allTime)} AND (user_id = ${wanted} OR anonymous_id = ${wanted})
        ORDER BY multiIf(user_id = ${wanted}, 0, user_id = '', 1, 2), ${timeMs}, message_id LIMIT 1) AS found
      LEFT JOIN (${edges}) AS edges ON edges.owner = found.holder ORDER BY id`,
  };
}

function planFacts(isMeant: Sql): Plan {
  const ids = (column: Sql) =>
    sql`arraySort(groupUniqArrayIf(${{ strings: [String(mostIds + 1)], values: [] }})(${column}, ${column} != ''))`;
  return {
    label: 'person',
    select: sql`SELECT ${ids(sql`user_id`)} AS user_ids, ${ids(sql`anonymous_id`)} AS anonymous_ids,
        min(${timeMs}) AS first, max(${timeMs}) AS last, count() AS n
      FROM events WHERE ${allOf([rowsIn(allTime), isMeant])}`,
  };
}

function planTraits(isMeant: Sql): Plan {
  return {
    label: 'person',
    select: sql`SELECT data FROM events WHERE ${allOf([rowsIn(allTime), sql`event = '$identify'`, isMeant])}
      ORDER BY ${timeMs} DESC, message_id DESC LIMIT ${value('UInt32', mostTellers + 1)}`,
  };
}

// ---- mapping

type Told = { [name: string]: unknown };

/** Of rows from the newest on. Without a prototype, so that a trait named __proto__ is one. */
function toTraits(rows: readonly TraitsRow[]): Told {
  const traits: Told = Object.create(null);
  for (const { data } of [...rows].reverse()) tell(traits, (JSON.parse(data) as { traits?: Told }).traits ?? {});
  return traits;
}

/** What is said later takes the place of what was said before; objects are merged, and what says nothing changes nothing. */
function tell(traits: Told, said: Told): void {
  for (const [name, value] of Object.entries(said)) {
    if (value === null) continue;
    if (!isObject(value)) {
      traits[name] = value;
      continue;
    }
    const known = traits[name];
    const inner = isObject(known) ? known : (Object.create(null) as Told);
    tell(inner, value);
    // One that holds nothing says nothing.
    if (Object.keys(inner).length > 0) traits[name] = inner;
  }
}

function isObject(of: unknown): of is Told {
  return typeof of === 'object' && of !== null && !Array.isArray(of);
}
