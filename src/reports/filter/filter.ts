import { always, join, type Sql, sql } from '../sql.ts';
import { compare } from './compare.ts';
import { parseProperty } from './property.ts';
import { type FilterOp, wrong } from './values.ts';

export interface FilterInput {
  readonly and?: readonly FilterInput[] | null | undefined;
  readonly or?: readonly FilterInput[] | null | undefined;
  readonly not?: FilterInput | null | undefined;
  readonly cohort?: string | null | undefined;
  readonly property?: string | null | undefined;
  readonly op?: FilterOp | null | undefined;
  readonly value?: unknown;
  readonly ignoreCase?: boolean | null | undefined;
}

const mostComparisons = 200;
/** Each looks through the identify or group events of all time. */
const mostProfiles = 20;
/** Each is a statement of its own within the statement. */
const mostCohorts = 10;
/** Each looks through all sessions in the range. */
const mostSessions = 10;
const deepest = 12;

interface Budget {
  comparisons: number;
  profiles: number;
  cohorts: number;
  sessions: number;
}

/**
 * The one translation of filters: a condition that is 1 or 0 for every event, never NULL, so that `not` is the opposite.
 * Throws INVALID_FILTER with the place of what is wrong.
 */
export function toCondition(filter: FilterInput | null | undefined, at = 'filter'): Sql {
  if (filter === null || filter === undefined) return always;
  return translate(filter, at, 0, { comparisons: 0, profiles: 0, cohorts: 0, sessions: 0 });
}

function translate(filter: FilterInput, at: string, depth: number, budget: Budget): Sql {
  if (depth > deepest) throw wrong(at, `expected nesting of at most ${deepest} levels, got more`);
  const forms = (['and', 'or', 'not', 'cohort', 'property'] as const).filter(
    (form) => filter[form] !== null && filter[form] !== undefined,
  );
  if (forms.length !== 1)
    throw wrong(
      at,
      `expected exactly one of and, or, not, cohort, property; got ${forms.length === 0 ? 'none' : forms.join(' and ')}`,
    );
  if (filter.not) return sql`NOT (${translate(filter.not, `${at}.not`, depth + 1, budget)})`;
  for (const [form, separator] of [
    ['and', ' AND '],
    ['or', ' OR '],
  ] as const) {
    const parts = filter[form];
    if (!parts) continue;
    if (parts.length === 0) throw wrong(`${at}.${form}`, 'expected at least one filter, got an empty list');
    return sql`(${join(
      parts.map((part, i) => sql`(${translate(part, `${at}.${form}[${i}]`, depth + 1, budget)})`),
      separator,
    )})`;
  }
  if (typeof filter.cohort === 'string') {
    if (++budget.cohorts > mostCohorts) throw wrong(at, `expected at most ${mostCohorts} cohorts, got more`);
    return sql`${{ hole: 'cohort', name: filter.cohort, at: `${at}.cohort` }}`;
  }
  if (++budget.comparisons > mostComparisons)
    throw wrong(at, `expected at most ${mostComparisons} comparisons, got more`);
  const property = parseProperty(filter.property as string, `${at}.property`);
  if (property.kind === 'profile' && ++budget.profiles > mostProfiles)
    throw wrong(at, `expected at most ${mostProfiles} comparisons with properties of persons and groups, got more`);
  if (property.kind === 'session' && ++budget.sessions > mostSessions)
    throw wrong(at, `expected at most ${mostSessions} comparisons with properties of sessions, got more`);
  const op = filter.op ?? 'EQ';
  return compare(property, { op, asked: op, given: filter.value, ignoreCase: filter.ignoreCase ?? false, at });
}
