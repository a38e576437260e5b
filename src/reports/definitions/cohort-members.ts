import { isTallygateError, TallygateError } from '../../errors.ts';
import { parseSnapshotToken } from '../../events/tokens.ts';
import { wrong } from '../filter/values.ts';
import { type Identities, toPerson } from '../identity/identity.ts';
import { allTime, type Plan, person, personOf, rowsIn, toScope } from '../plan.ts';
import { allOf, fill, holesOf, type Sql, sql } from '../sql.ts';
import { type CohortDefinition, toMembership } from './cohort-definition.ts';
import type { Definitions } from './definitions.ts';

/** What is stored of a cohort. */
export interface CohortContent {
  readonly description: string | null;
  readonly definition: CohortDefinition;
  /** A snapshot whose members are the members for good; null: of whom it is true now. */
  readonly at: string | null;
  /** Of a static cohort: the versions of the cohorts that it is made of, and that those are made of. */
  readonly pins: Readonly<Record<string, number>> | null;
}

/** Puts who is in a cohort where a statement asks for it. */
export interface CohortMembers {
  /** The plan with all cohorts in it; `now`: of the moment, in milliseconds since 1970. */
  expand(project: string, plan: Plan, now: number, signal: AbortSignal): Promise<Plan>;
  /** Whether an event's person is in a cohort that is not saved, or not yet, under the name. Throws what is wrong with it. */
  toCondition(project: string, name: string, content: CohortContent, now: number, signal: AbortSignal): Promise<Sql>;
}

const deepest = 5;
/** Of one statement, as often as they stand in it. */
const mostConditions = 200;

interface Walk {
  readonly project: string;
  readonly signal: AbortSignal;
  readonly now: number;
  /** Names of the cohorts around, the outermost first. */
  readonly path: readonly string[];
  readonly pins: Readonly<Record<string, number>> | null;
}

export function createCohortMembers(definitions: Definitions, identities: Identities): CohortMembers {
  const expandSql = async (piece: Sql, walk: Walk): Promise<Sql> => {
    const places = new Map<string, string>();
    for (const hole of holesOf(piece))
      if (hole.hole === 'cohort') places.set(hole.name, places.get(hole.name) ?? hole.at);
    if (places.size === 0) return piece;
    const found = new Map<string, Sql>();
    for (const [name, at] of places)
      found.set(name, await toSql(name, await find(name, at, walk), walk, `${at} ${JSON.stringify(name)}`));
    return fill(piece, (hole) => (hole.hole === 'cohort' ? sql`(${found.get(hole.name) as Sql})` : sql`${hole}`));
  };

  const find = async (name: string, at: string, { project, pins }: Walk): Promise<CohortContent> => {
    const pin = pins?.[name];
    if (pin !== undefined) {
      const stored = await definitions.version(project, 'cohort', name, pin);
      if (stored) return parseContent(stored.content);
    }
    try {
      return parseContent((await definitions.get(project, 'cohort', name)).content);
    } catch (thrown) {
      throw isTallygateError(thrown) && thrown.code === 'NOT_FOUND' ? wrong(at, thrown.message) : thrown;
    }
  };

  const toSql = async (name: string, content: CohortContent, walk: Walk, at: string): Promise<Sql> => {
    const path = [...walk.path, name];
    const shown = path.map((part) => JSON.stringify(part)).join(' > ');
    if (walk.path.includes(name)) throw wrong(at, `expected cohorts that do not go round in a circle, got ${shown}`);
    if (path.length > deepest) throw wrong(at, `expected cohorts of cohorts at most ${deepest} deep, got ${shown}`);
    if (content.at === null) return expandSql(toMembership(content.definition, walk.now, at), { ...walk, path });
    const { now } = parseSnapshotToken(content.at);
    const inside = { ...walk, now, path, pins: content.pins };
    return freeze(await expandSql(toMembership(content.definition, now, at), inside), content.at, walk);
  };

  /** Persons as they were known then, and whom their ids stand for now. No event that came since makes a difference. */
  const freeze = async (isMember: Sql, at: string, { project, signal }: Walk): Promise<Sql> => {
    const { vector } = parseSnapshotToken(at);
    const identity = await identities.asOf(project, vector, signal);
    const members = fill(
      sql`SELECT DISTINCT ${person} AS member FROM events WHERE ${allOf([rowsIn(allTime), isMember])}`,
      (hole) => (hole.hole === 'person' ? toPerson(hole.id, identity, project, vector) : toScope(project, vector)),
    );
    return sql`${person} IN (SELECT ${personOf(sql`member`)} FROM (${members}))`;
  };

  const start = (project: string, now: number, signal: AbortSignal): Walk => ({
    project,
    now,
    signal,
    path: [],
    pins: null,
  });

  return {
    async expand(project, plan, now, signal) {
      if (!holesOf(plan.select).some(({ hole }) => hole === 'cohort')) return plan;
      const select = await expandSql(plan.select, start(project, now, signal));
      const subqueries = select.strings.reduce((sum, text) => sum + text.split(' IN (SELECT ').length - 1, 0);
      if (subqueries > mostConditions)
        throw new TallygateError(
          'QUERY_TOO_EXPENSIVE',
          `expected cohorts with at most ${mostConditions} conditions in a report, as often as it names them; got ${subqueries}`,
          { details: { limit: 'conditions of cohorts', allowed: mostConditions } },
        );
      return { ...plan, select };
    },
    toCondition: (project, name, content, now, signal) =>
      toSql(name, content, start(project, now, signal), 'definition'),
  };
}

export function parseContent(content: string): CohortContent {
  return JSON.parse(content) as CohortContent;
}
