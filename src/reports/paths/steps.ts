import { TallygateError } from '../../errors.ts';
import { parseProperty, toText } from '../filter/property.ts';
import { pagePath } from '../sessions/runs.ts';
import { allOf, join, type Sql, sql, value } from '../sql.ts';

/** What the steps of paths are called. */

export interface PathRule {
  readonly event?: string | null | undefined;
  readonly property?: string | null | undefined;
  readonly matches?: string | null | undefined;
  readonly name?: string | null | undefined;
}

const mostRules = 50;
const longestPattern = 1000;

const screenName = sql`ifNull(nullIf(${toText(parseProperty('properties.name'))}, ''), toString(event))`;
/** Where no rule fits: the page of a page, the name of a screen, the event's name of all others. */
const usualName = sql`multiIf(kind = 'page', ifNull(${pagePath}, toString(event)), kind = 'screen', ${screenName}, toString(event))`;

/** The first rule that fits an event names its step. */
export function toStepName(rules: readonly PathRule[]): Sql {
  if (rules.length === 0) return usualName;
  if (rules.length > mostRules)
    throw new TallygateError('INVALID_INPUT', `rules: expected at most ${mostRules}, got ${rules.length}`);
  const cases = rules.map((rule, i) => toCase(rule, `rules[${i}]`));
  return sql`multiIf(${join(cases, ', ')}, ${usualName})`;
}

/** A condition and the name. */
function toCase({ event, property, matches, name }: PathRule, at: string): Sql {
  if (!property && typeof name !== 'string')
    throw new TallygateError('INVALID_INPUT', `${at}: expected a property or a name, got neither`);
  if (matches && matches.length > longestPattern)
    throw new TallygateError(
      'INVALID_INPUT',
      `${at}.matches: expected at most ${longestPattern} characters, got ${matches.length}`,
    );
  const text = property ? toText(parseProperty(property)) : usualName;
  const conditions = [
    ...(event ? [sql`event = ${value('String', event)}`] : []),
    ...(property ? [sql`${text} IS NOT NULL`] : []),
    // As RE2 has it, a dot is no line feed.
    ...(typeof matches === 'string' ? [sql`ifNull(match(${text}, ${value('String', `(?-s)${matches}`)}), 0)`] : []),
  ];
  const result = typeof name === 'string' ? sql`${value('String', name)}` : sql`ifNull(${text}, '')`;
  return sql`${allOf(conditions)}, ${result}`;
}
