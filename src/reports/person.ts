import { TallygateError } from '../errors.ts';
import type { Cell } from './cells/cells.ts';
import { type EventPage, type EventsAsked, type EventsInput, readPage } from './events/events.ts';
import { hashId } from './identity/id-hash.ts';
import { findKin, toIdList } from './identity/kin.ts';
import type { FreshnessInput, Moment } from './moment/moment.ts';
import { parseCursor } from './page.ts';
import { allTime, type Plan, rowsIn, timeMs } from './plan.ts';
import type { ReportMeta, Session } from './session.ts';
import { type Sql, sql, value } from './sql.ts';

// ---- parameters

export interface PersonInput {
  readonly id: string;
  readonly freshness?: FreshnessInput | null | undefined;
}

/** What is looked at of the answer. */
export interface PersonAsked {
  /** Without, traits are empty, and nothing is read for them. */
  readonly traits: boolean;
}

export type TimelineInput = Omit<EventsInput, 'freshness'>;

export interface Person {
  readonly userIds: readonly string[];
  readonly anonymousIds: readonly string[];
  readonly traits: Record<string, unknown>;
  readonly firstSeen: Date;
  readonly lastSeen: Date;
  readonly eventCount: number;
  timeline(input: TimelineInput, asked?: EventsAsked): Promise<EventPage>;
  readonly meta: ReportMeta;
}

const longestId = 200;
const mostIds = 1000;
const mostTellers = 10_000;

export function runPerson(
  session: Session,
  { id, freshness }: PersonInput,
  asked: PersonAsked = { traits: true },
): Promise<Person | null> {
  return session.report(freshness, async (moment) => {
    if (id.length === 0 || id.length > longestId)
      throw new TallygateError('INVALID_INPUT', `id: expected 1 to ${longestId} characters, got ${id.length}`);
    const { kin, cells } = await findPerson(session, moment, id.toWellFormed(), asked);
    if (kin === null) return null;
    const { facts, told, isMeant } = kin;
    const meta = session.toMeta(
      moment,
      cells.map((cell) => ({ cell, buckets: 1 })),
      { warnings: toWarnings(facts, told.length) },
    );
    return {
      userIds: facts.user_ids.slice(0, mostIds),
      anonymousIds: facts.anonymous_ids.slice(0, mostIds),
      traits: toTraits(told.slice(0, mostTellers)),
      firstSeen: new Date(Number(facts.first)),
      lastSeen: new Date(Number(facts.last)),
      eventCount: Number(facts.n),
      async timeline(input, of) {
        if (input.after && parseCursor(input.after).snapshot !== moment.snapshot)
          throw new TallygateError(
            'INVALID_INPUT',
            "after: expected a cursor of the person's snapshot, got one of another: ask with freshness.at of the first page's meta.snapshot",
          );
        return readPage(session, moment, input, isMeant, of);
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

// ---- who is meant

interface Kin {
  /** Of the person's events. */
  readonly isMeant: Sql;
  readonly facts: FactsRow;
  /** From the newest on. */
  readonly told: readonly TraitsRow[];
}

/**
 * Events say who did them by hashes of ids, so nobody looks through the ids themselves: a user's id is tried, and that of a device
 * beside it. Only a device of which every event names a user is found by its own name, and is whoever it names first.
 */
async function findPerson(session: Session, moment: Moment, id: string, asked: PersonAsked) {
  const named = await lookUp(session, moment, [hashId('user', id), hashId('anonymous', id)], asked);
  if (named.kin) return named;
  const cell = await session.load(moment, planFirst(id));
  const first = cell.rows[0]?.id as string | undefined;
  const met = first === undefined ? { kin: null, cells: [] } : await lookUp(session, moment, [first], asked);
  return { kin: met.kin, cells: [...named.cells, cell, ...met.cells] };
}

/** Whoever has the first of the ids that any event has, as the table has them. */
async function lookUp(
  session: Session,
  moment: Moment,
  ids: readonly string[],
  { traits: isTold }: PersonAsked,
): Promise<{ kin: Kin | null; cells: Cell[] }> {
  const { of, cells } = await findKin(session, moment, ids);
  const lists = ids.map((id) => of.get(id) ?? [id]);
  const [found, told] = await Promise.all([
    session.load(moment, planFacts(ids, lists)),
    isTold ? session.load(moment, planTraits(lists)) : null,
  ]);
  const all = [...cells, found, ...(told ? [told] : [])];
  const rows = (found.rows as unknown as readonly FactsRow[]).filter(({ own }) => Number(own) > 0);
  const [facts] = rows.toSorted((a, b) => a.place - b.place);
  if (!facts) return { kin: null, cells: all };
  const traits = ((told?.rows ?? []) as unknown as readonly TraitsRow[]).filter(({ place }) => place === facts.place);
  return { kin: { isMeant: isOneOf(lists[facts.place] as readonly string[]), facts, told: traits }, cells: all };
}

// ---- row

interface FactsRow {
  /** Of the id, whose person it is. */
  readonly place: number;
  /** Events that name the id itself. */
  readonly own: string;
  readonly user_ids: readonly string[];
  readonly anonymous_ids: readonly string[];
  readonly first: string;
  readonly last: string;
  readonly n: string;
}

interface TraitsRow {
  readonly place: number;
  readonly data: string;
}

// ---- SQL

function isOneOf(ids: readonly string[]): Sql {
  return sql`person IN ${toIdList(ids)}`;
}

/** One list for each of the ids, which are the same for ids of one person: then the first. */
function toPlace(lists: readonly (readonly string[])[]): Sql {
  return sql`toUInt8(NOT ${isOneOf(lists[0] as readonly string[])})`;
}

function planFacts(ids: readonly string[], lists: readonly (readonly string[])[]): Plan {
  const each = (column: Sql) =>
    sql`arraySort(groupUniqArrayIf(${{ strings: [String(mostIds + 1)], values: [] }})(${column}, ${column} != ''))`;
  // Before all other columns: hardly any event is the person's.
  return {
    label: 'person',
    select: sql`SELECT ${toPlace(lists)} AS place, countIf(${isOneOf(ids)}) AS own,
        ${each(sql`user_id`)} AS user_ids, ${each(sql`anonymous_id`)} AS anonymous_ids, min(${timeMs}) AS first, max(${timeMs}) AS last, count() AS n
      FROM events PREWHERE ${isOneOf(lists.flat())} WHERE ${rowsIn(allTime)} GROUP BY place`,
  };
}

function planTraits(lists: readonly (readonly string[])[]): Plan {
  return {
    label: 'person',
    select: sql`SELECT ${toPlace(lists)} AS place, data FROM events PREWHERE ${isOneOf(lists.flat())} WHERE ${rowsIn(allTime)} AND event = '$identify'
      ORDER BY ${timeMs} DESC, message_id DESC LIMIT ${value('UInt32', mostTellers + 1)} BY place`,
  };
}

/** Who did the first event of a device, as the table has it. */
function planFirst(id: string): Plan {
  return {
    label: 'person_ids',
    select: sql`SELECT toString(person) AS id FROM events PREWHERE anonymous_id = ${value('String', id)} WHERE ${rowsIn(allTime)}
      ORDER BY ${timeMs}, message_id LIMIT 1`,
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
