import { TallygateError } from '../../errors.ts';
import { compare } from '../filter/compare.ts';
import { type FilterInput, toCondition } from '../filter/filter.ts';
import { parseProperty } from '../filter/property.ts';
import { type FilterOp, wrong } from '../filter/values.ts';
import { allTime, person, personOf, rowsIn, withAround } from '../plan.ts';
import { parseRange, type RangeInput } from '../range.ts';
import { allOf, fill, holesOf, join, type Sql, sql, value } from '../sql.ts';

/** Who is meant: exactly one of its fields. Dates are texts where it was stored. */
export interface CohortDefinition {
  readonly and?: readonly CohortDefinition[] | null | undefined;
  readonly or?: readonly CohortDefinition[] | null | undefined;
  readonly not?: CohortDefinition | null | undefined;
  readonly did?: CohortBehaviour | null | undefined;
  readonly person?: CohortProperty | null | undefined;
  readonly cohort?: string | null | undefined;
  readonly userIds?: readonly string[] | null | undefined;
  readonly anonymousIds?: readonly string[] | null | undefined;
}

interface CohortBehaviour {
  readonly event?: string | null | undefined;
  readonly filter?: FilterInput | null | undefined;
  readonly atLeast?: number | null | undefined;
  readonly atMost?: number | null | undefined;
  readonly range?:
    | (Omit<RangeInput, 'from' | 'to'> & {
        readonly from?: Date | string | null | undefined;
        readonly to?: Date | string | null | undefined;
      })
    | null
    | undefined;
}

interface CohortProperty {
  readonly property: string;
  readonly op?: FilterOp | null | undefined;
  readonly value?: unknown;
  readonly ignoreCase?: boolean | null | undefined;
  readonly asOf?: Date | string | null | undefined;
}

const forms = ['and', 'or', 'not', 'did', 'person', 'cohort', 'userIds', 'anonymousIds'] as const;
const deepest = 8;
const mostConditions = 50;
const mostTimes = 1_000_000;
const mostIds = 10_000;
const longestId = 200;

/**
 * Whether an event's person is meant: 1 or 0, with holes for the cohorts that it names. `now`: in milliseconds since 1970; what
 * `last` means. Throws INVALID_FILTER, or what is wrong with a range, with the place.
 */
export function toMembership(definition: CohortDefinition, now: number, at = 'definition'): Sql {
  return translate(definition, { now, count: 0 }, at, 0);
}

interface Context {
  readonly now: number;
  count: number;
}

function translate(node: CohortDefinition, context: Context, at: string, depth: number): Sql {
  if (depth > deepest) throw wrong(at, `expected nesting of at most ${deepest} levels, got more`);
  const given = forms.filter((form) => node[form] !== null && node[form] !== undefined);
  if (given.length !== 1)
    throw wrong(
      at,
      `expected exactly one of ${forms.join(', ')}; got ${given.length === 0 ? 'none' : given.join(' and ')}`,
    );
  if (node.not) return sql`NOT (${translate(node.not, context, `${at}.not`, depth + 1)})`;
  for (const [form, separator] of [
    ['and', ' AND '],
    ['or', ' OR '],
  ] as const) {
    const parts = node[form];
    if (!parts) continue;
    if (parts.length === 0) throw wrong(`${at}.${form}`, 'expected at least one of them, got an empty list');
    return sql`(${join(
      parts.map((part, i) => sql`(${translate(part, context, `${at}.${form}[${i}]`, depth + 1)})`),
      separator,
    )})`;
  }
  if (++context.count > mostConditions) throw wrong(at, `expected at most ${mostConditions} conditions, got more`);
  if (node.did) return toDid(node.did, context.now, `${at}.did`);
  if (node.person) return toHas(node.person, `${at}.person`);
  if (node.userIds) return toListed(node.userIds, sql`'u'`, `${at}.userIds`);
  if (node.anonymousIds) return toListed(node.anonymousIds, sql`'a'`, `${at}.anonymousIds`);
  return sql`${{ hole: 'cohort', name: node.cohort as string, at: `${at}.cohort` }}`;
}

function toDid({ event, filter, atLeast, atMost, range }: CohortBehaviour, now: number, at: string): Sql {
  const least = atLeast ?? 1;
  if (least < 1 || least > mostTimes)
    throw wrong(`${at}.atLeast`, `expected 1 to ${mostTimes}, got ${least}; who did it never is not: { did: ... }`);
  if (typeof atMost === 'number' && (atMost < least || atMost > mostTimes))
    throw wrong(`${at}.atMost`, `expected ${least} (atLeast) to ${mostTimes}, got ${atMost}`);
  const within = range ? toRange(range, now, `${at}.range`) : { ...allTime, timezone: 'UTC' };
  const isMeant = toCondition(filter, `${at}.filter`);
  const cohort = holesOf(isMeant).find((hole) => hole.hole === 'cohort');
  if (cohort) throw wrong(cohort.at, 'expected a cohort to stand beside did, in an and, got one within its filter');
  const rows = allOf([rowsIn(within), ...(event ? [sql`event = ${value('String', event)}`] : []), isMeant]);
  const times = allOf([
    sql`times >= ${value('UInt64', least)}`,
    ...(typeof atMost === 'number' ? [sql`times <= ${value('UInt64', atMost)}`] : []),
  ]);
  return inOwnZone(
    sql`${person} IN (SELECT holder FROM (SELECT ${person} AS holder, count() AS times FROM events WHERE ${rows} GROUP BY holder) WHERE ${times})`,
    within.timezone,
  );
}

/** The clock on the wall is that of the definition, whatever report it stands in. */
function inOwnZone(piece: Sql, timezone: string): Sql {
  return fill(withAround(piece), (hole) => {
    if (hole.hole === 'zone') return sql`${value('String', timezone)}`;
    return hole.hole === 'rows' ? sql`${{ hole: 'rows', from: hole.from, to: hole.to }}` : sql`${hole}`;
  });
}

function toRange(range: NonNullable<CohortBehaviour['range']>, now: number, at: string) {
  const moment = (of: Date | string | null | undefined) => (of ? new Date(of) : null);
  try {
    return parseRange({ ...range, from: moment(range.from), to: moment(range.to) }, now);
  } catch (thrown) {
    if (thrown instanceof TallygateError) throw new TallygateError(thrown.code, `${at}: ${thrown.message}`);
    throw thrown;
  }
}

function toHas({ property, op, value: given, ignoreCase, asOf }: CohortProperty, at: string): Sql {
  const named = parseProperty(`personLatest.${property}`);
  if (named.kind !== 'profile') throw wrong(`${at}.property`, 'expected a name, got none');
  const asked = op ?? 'EQ';
  const until = asOf ? { until: new Date(asOf).getTime() } : {};
  return compare({ ...named, ...until }, { op: asked, asked, given, ignoreCase: ignoreCase ?? false, at });
}

/** As the table makes hashes of ids for its column `person`. */
function toListed(ids: readonly string[], kind: Sql, at: string): Sql {
  if (ids.length < 1 || ids.length > mostIds) throw wrong(at, `expected 1 to ${mostIds} ids, got ${ids.length}`);
  const odd = ids.findIndex((id) => id.length < 1 || id.length > longestId);
  if (odd >= 0) throw wrong(`${at}[${odd}]`, `expected 1 to ${longestId} characters, got ${ids[odd]?.length}`);
  const list = sql`${value(
    'Array(String)',
    ids.map((id) => id.toWellFormed()),
  )}`;
  return sql`${person} IN (SELECT ${personOf(sql`sipHash64(concat(${kind}, id))`)} FROM (SELECT arrayJoin(${list}) AS id))`;
}

/** Names of the cohorts that it is made of. */
export function namesIn(definition: CohortDefinition): string[] {
  const inside = [...(definition.and ?? []), ...(definition.or ?? []), ...(definition.not ? [definition.not] : [])];
  return [...(definition.cohort ? [definition.cohort] : []), ...inside.flatMap(namesIn)];
}
