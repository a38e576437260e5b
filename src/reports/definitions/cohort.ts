import { TallygateError } from '../../errors.ts';
import { covers } from '../../events/position.ts';
import { parseSnapshotToken, toSnapshotToken } from '../../events/tokens.ts';
import type { FreshnessInput, Moment } from '../moment/moment.ts';
import { type Connection, encodeListCursor, parseFirst, parsePersonCursor, toConnection } from '../page.ts';
import { allTime, type Plan, person, rowsIn } from '../plan.ts';
import type { ReportMeta, Session } from '../session.ts';
import { allOf, always, type Sql, sql, value } from '../sql.ts';
import { type CohortDefinition, namesIn } from './cohort-definition.ts';
import { type CohortContent, type CohortMembers, parseContent } from './cohort-members.ts';
import {
  assertSize,
  type Definition,
  type Definitions,
  type DeleteInput,
  parseName,
  parseVersions,
  type VersionsInput,
} from './definitions.ts';

// ---- parameters

export interface CohortInput {
  readonly name: string;
  readonly freshness?: FreshnessInput | null | undefined;
}

export interface SaveCohortInput {
  readonly name: string;
  readonly description?: string | null | undefined;
  readonly definition: CohortDefinition;
  readonly freeze?: boolean | null | undefined;
  readonly at?: string | null | undefined;
  readonly expectedVersion?: number | null | undefined;
}

export interface Cohort {
  readonly name: string;
  readonly description: string | null;
  readonly version: number;
  readonly savedAt: Date;
  readonly savedBy: string;
  readonly isStatic: boolean;
  readonly frozenAt: Date | null;
  readonly definition: Record<string, unknown>;
  size(): Promise<number>;
  people(page: PeopleInput): Promise<Connection<CohortPerson>>;
  versions(page: VersionsInput): Promise<readonly CohortVersion[]>;
  meta(): Promise<ReportMeta>;
}

export interface CohortPerson {
  readonly id: string;
  readonly userId: string | null;
  readonly anonymousId: string | null;
}

export interface CohortVersion {
  readonly version: number;
  readonly savedAt: Date;
  readonly savedBy: string;
  readonly deleted: boolean;
  readonly definition: Record<string, unknown> | null;
}

interface PeopleInput {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

/** What saves and finds them, in one operation. */
export interface Saved {
  readonly session: Session;
  readonly definitions: Definitions;
  readonly members: CohortMembers;
}

/** The engine reads no longer list of ids. */
const largest = 128 * 1024;
const longestDescription = 1000;

export function runCohort(saved: Saved, { name, freshness }: CohortInput): Promise<Cohort> {
  return saved.session.report(freshness, async (moment) =>
    toCohort(saved, moment, await saved.definitions.get(saved.session.project, 'cohort', name)),
  );
}

export function runCohorts(saved: Saved, freshness: FreshnessInput | null | undefined): Promise<Cohort[]> {
  return saved.session.report(freshness, async (moment) =>
    (await saved.definitions.list(saved.session.project, 'cohort')).map((stored) => toCohort(saved, moment, stored)),
  );
}

export function saveCohort(saved: Saved, keyId: string, input: SaveCohortInput): Promise<Cohort> {
  const { session, definitions, members } = saved;
  return session.report(null, async (moment) => {
    const name = parseName(input.name);
    const at = toFrozen(input, moment);
    const content: CohortContent = {
      description: parseDescription(input.description),
      definition: toPlain(input.definition),
      at,
      pins: at === null ? null : await pinAll(saved, input.definition),
    };
    const text = assertSize(JSON.stringify(content), largest, 'definition');
    // What cannot be answered is not saved.
    const isMember = await members.toCondition(session.project, name, content, moment.now, session.signal);
    await session.load(moment, planSize(isMember));
    const stored = await definitions.save(session.project, keyId, {
      kind: 'cohort',
      name,
      expectedVersion: toExpected(input.expectedVersion),
      content: text,
    });
    return toCohort(saved, moment, stored);
  });
}

export async function deleteCohort({ session, definitions }: Saved, keyId: string, input: DeleteInput) {
  const users = (await definitions.list(session.project, 'cohort')).filter(({ name, content }) => {
    const { at, definition } = parseContent(content);
    return at === null && name !== input.name && namesIn(definition).includes(input.name);
  });
  if (users.length > 0) {
    const names = users.slice(0, 5).map(({ name }) => JSON.stringify(name));
    throw new TallygateError(
      'CONFLICT',
      `expected a cohort that no other is made of, got one that is part of ${names.join(', ')}: change or delete those first`,
    );
  }
  const { version } = await definitions.save(session.project, keyId, {
    kind: 'cohort',
    name: input.name,
    expectedVersion: toExpected(input.expectedVersion),
    content: null,
  });
  return { name: input.name, version };
}

function toFrozen({ at, freeze }: SaveCohortInput, moment: Moment): string | null {
  if (!at) return freeze ? toSnapshotToken(moment) : null;
  if (!covers(moment.vector, parseSnapshotToken(at).vector))
    throw new TallygateError(
      'INVALID_TOKEN',
      'at: expected a snapshot that the warehouse has, got one that it has not reached',
    );
  return at;
}

/** 0: there is none; absent: whatever is there. */
export function toExpected(version: number | null | undefined): number | null | undefined {
  if (version === null || version === undefined) return undefined;
  return version === 0 ? null : version;
}

export function parseDescription(description: string | null | undefined): string | null {
  if (description === null || description === undefined || description === '') return null;
  if (description.length > longestDescription)
    throw new TallygateError(
      'INVALID_INPUT',
      `description: expected at most ${longestDescription} characters, got ${description.length}`,
    );
  return description.toWellFormed();
}

/** Versions of all the cohorts that it is made of, so that nothing that is saved later changes who is in it. */
async function pinAll({ session, definitions }: Saved, definition: CohortDefinition): Promise<Record<string, number>> {
  const pins: Record<string, number> = Object.create(null);
  const pin = async (names: readonly string[]): Promise<void> => {
    for (const name of names) {
      if (name in pins) continue;
      // Whoever is not there is found missing, with its place, when it is looked for.
      const stored = (await definitions.list(session.project, 'cohort')).find((other) => other.name === name);
      if (!stored) continue;
      pins[name] = stored.version;
      const content = parseContent(stored.content);
      if (content.at === null) await pin(namesIn(content.definition));
    }
  };
  await pin(namesIn(definition));
  return pins;
}

function toPlain(definition: CohortDefinition): CohortDefinition {
  return JSON.parse(JSON.stringify(definition, (_, part) => part ?? undefined)) as CohortDefinition;
}

// ---- row

interface PersonRow {
  readonly who: string;
  readonly user: string;
  readonly anonymous: string;
}

// ---- SQL

function planSize(isMember: Sql): Plan {
  return {
    label: 'cohort',
    select: sql`SELECT uniqExact(${person}) AS size FROM events WHERE ${allOf([rowsIn(allTime), isMember])}`,
  };
}

function planPeople(isMember: Sql, first: number, after: string | null): Plan {
  const behind = after === null ? always : sql`${person} > ${value('UInt64', after)}`;
  return {
    label: 'cohort people',
    select: sql`SELECT ${person} AS who, minIf(user_id, user_id != '') AS user, minIf(anonymous_id, anonymous_id != '') AS anonymous
      FROM events WHERE ${allOf([rowsIn(allTime), isMember, behind])} GROUP BY who ORDER BY who LIMIT ${value('UInt32', first + 1)}`,
  };
}

// ---- mapping

function toCohort({ session, definitions, members }: Saved, moment: Moment, stored: Definition): Cohort {
  const content = parseContent(stored.content);
  const condition = () => members.toCondition(session.project, stored.name, content, moment.now, session.signal);
  const load = async () => session.load(moment, planSize(await condition()));
  let sized: ReturnType<typeof load> | null = null;
  const loadSize = () => {
    sized ??= session.report(null, load);
    return sized;
  };
  return {
    name: stored.name,
    description: content.description,
    version: stored.version,
    savedAt: new Date(stored.savedAt),
    savedBy: stored.savedBy,
    isStatic: content.at !== null,
    frozenAt: content.at === null ? null : new Date(parseSnapshotToken(content.at).asOf),
    definition: content.definition as Record<string, unknown>,
    size: async () => Number((await loadSize()).rows[0]?.size ?? 0),
    people: ({ first, after }) =>
      session.report(null, async () => {
        const count = parseFirst(first);
        const place = after ? parsePersonCursor(after, moment.snapshot) : null;
        const { rows } = await session.load(moment, planPeople(await condition(), count, place));
        return toConnection(rows as unknown as readonly PersonRow[], count, after, toPerson, ({ who }) =>
          encodeListCursor([who], moment.snapshot),
        );
      }),
    async versions(page) {
      const found = await definitions.versions(session.project, 'cohort', stored.name, parseVersions(page));
      return found.map((version) => ({
        version: version.version,
        savedAt: new Date(version.savedAt),
        savedBy: version.savedBy,
        deleted: version.deleted,
        definition: version.deleted ? null : (parseContent(version.content).definition as Record<string, unknown>),
      }));
    },
    meta: async () => session.toMeta(moment, [{ cell: await loadSize(), buckets: 1 }]),
  };
}

function toPerson({ who, user, anonymous }: PersonRow): CohortPerson {
  return { id: user || anonymous || who, userId: user || null, anonymousId: anonymous || null };
}
