import { holdsForSession, said } from '../sessions/property.ts';
import { always, docPath, join, type Sql, sql, value } from '../sql.ts';
import { inList } from './list.ts';
import { holdsFor } from './profile.ts';
import { exists, type Property, toNumber } from './property.ts';
import {
  type FilterOp,
  parseBounds,
  parseList,
  parseMoment,
  parseScalar,
  parseText,
  type Scalar,
  show,
  wrong,
} from './values.ts';

export interface Comparison {
  readonly op: FilterOp;
  /** The operator as the client wrote it, for what errors say. */
  readonly asked: FilterOp;
  readonly given: unknown;
  readonly ignoreCase: boolean;
  readonly at: string;
}

const negations: Partial<Record<FilterOp, FilterOp>> = {
  NEQ: 'EQ',
  NOT_IN: 'IN',
  NOT_CONTAINS: 'CONTAINS',
  NOT_EXISTS: 'EXISTS',
};
const orders: Partial<Record<FilterOp, Sql>> = { GT: sql`>`, GTE: sql`>=`, LT: sql`<`, LTE: sql`<=` };
const timeOrders: Partial<Record<FilterOp, Sql>> = {
  BEFORE: sql`<`,
  AT_OR_BEFORE: sql`<=`,
  AFTER: sql`>`,
  AT_OR_AFTER: sql`>=`,
};
const folding = new Set<FilterOp>(['EQ', 'IN', 'CONTAINS', 'STARTS_WITH', 'ENDS_WITH', 'MATCHES']);

/** 1 or 0 for every event. */
export function compare(property: Property, comparison: Comparison): Sql {
  const { op, asked, given, ignoreCase, at } = comparison;
  const positive = negations[op];
  if (positive) return sql`NOT (${compare(property, { ...comparison, op: positive })})`;
  if (ignoreCase && !folding.has(op)) throw wrong(`${at}.ignoreCase`, `expected it to be left out with ${asked}`);
  // The same question, put to the events that tell of the person or the group, or to the session.
  if (property.kind === 'profile')
    return holdsFor(property, exists(property.path), compare({ kind: 'path', path: property.path }, comparison));
  if (property.kind === 'session')
    return holdsForSession(property.of, compare({ kind: property.of.type, column: said }, comparison));
  if (op === 'EXISTS') {
    if (given !== null && given !== undefined)
      throw wrong(`${at}.value`, `expected no value for ${asked}, got ${show(given)}`);
    return isThere(property);
  }
  if (given === null || given === undefined)
    throw wrong(`${at}.value`, `expected a value for ${asked}, got none; EXISTS and NOT_EXISTS ask for presence`);
  const order = orders[op];
  if (order) return compareOrder(property, order, op, given, at);
  const timeOrder = timeOrders[op];
  if (timeOrder) return compareTimes(property, timeOrder, parseMoment(given, op, at));
  const text = fold(toText(property), ignoreCase);
  const operand = () => fold(sql`${value('String', parseText(given, op, at))}`, ignoreCase);
  switch (op) {
    case 'BETWEEN': {
      const [least, greatest] = parseBounds(given, op, at);
      return sql`(${compareOrder(property, sql`>=`, op, least, at)} AND ${compareOrder(property, sql`<=`, op, greatest, at)})`;
    }
    case 'EQ':
      return isOneOf(property, [parseScalar(given, asked, at)], ignoreCase, op, at);
    case 'IN':
      return isOneOf(property, parseList(given, asked, at), ignoreCase, op, at);
    case 'CONTAINS': {
      const item = parseScalar(given, asked, at);
      const inText = typeof item === 'string' ? [holds(sql`position(${text}, ${operand()}) > 0`)] : [];
      return anyOf([...inText, ...(property.kind === 'path' ? [inList(property.path, item, ignoreCase)] : [])]);
    }
    case 'HAS_ANY':
    case 'HAS_ALL': {
      const items = parseList(given, op, at);
      if (property.kind !== 'path') return sql`0`;
      return sql`(${join(
        items.map((item) => inList(property.path, item, false)),
        op === 'HAS_ANY' ? ' OR ' : ' AND ',
      )})`;
    }
    case 'STARTS_WITH':
      return holds(sql`startsWith(${text}, ${operand()})`);
    case 'ENDS_WITH':
      return holds(sql`endsWith(${text}, ${operand()})`);
    default:
      return holds(
        sql`match(${toText(property)}, ${value('String', toPattern(parseText(given, op, at), ignoreCase))})`,
      );
  }
}

/** As RE2 has it, a dot is no line feed; the engine would let it be one. */
function toPattern(pattern: string, ignoreCase: boolean): string {
  return `${ignoreCase ? '(?i)' : ''}${pattern.includes('.') ? '(?-s)' : ''}${pattern}`;
}

/** NULL, as a comparison with an absent value gives, is no. */
function holds(condition: Sql): Sql {
  return sql`ifNull(${condition}, 0)`;
}

function anyOf(conditions: readonly Sql[]): Sql {
  return conditions.length === 0 ? sql`0` : sql`(${join(conditions, ' OR ')})`;
}

function fold(text: Sql, ignoreCase: boolean): Sql {
  return ignoreCase ? sql`lowerUTF8(${text})` : text;
}

type OfEvent = Exclude<Property, { readonly kind: 'profile' | 'session' }>;

/** The value where it is text; NULL where it is something else. */
function toText(property: OfEvent): Sql {
  switch (property.kind) {
    case 'path':
      return sql`${docPath(property.path)}.:String`;
    case 'text':
      return sql`nullIf(${property.column}, '')`;
    default:
      return sql`CAST(NULL, 'Nullable(String)')`;
  }
}

function isThere(property: OfEvent): Sql {
  switch (property.kind) {
    case 'path':
      return exists(property.path);
    case 'text':
      return sql`${property.column} != ''`;
    default:
      return always;
  }
}

function isOneOf(property: OfEvent, items: readonly Scalar[], ignoreCase: boolean, op: FilterOp, at: string): Sql {
  if (property.kind === 'time')
    return anyOf(items.map((item) => sql`${property.column} = ${moment(parseMoment(item, op, at))}`));
  const texts = items.filter((item) => typeof item === 'string');
  const numbers = items.filter((item) => typeof item === 'number');
  const flags = new Set(items.filter((item) => typeof item === 'boolean'));
  const conditions: Sql[] = [];
  if (texts.length === 1)
    conditions.push(
      holds(sql`${fold(toText(property), ignoreCase)} = ${fold(sql`${value('String', texts[0])}`, ignoreCase)}`),
    );
  else if (texts.length > 1) {
    const list = sql`${value('Array(String)', texts)}`;
    const wanted = ignoreCase ? sql`arrayMap(t -> lowerUTF8(t), ${list})` : list;
    conditions.push(holds(sql`${fold(toText(property), ignoreCase)} IN ${wanted}`));
  }
  if (property.kind !== 'text') {
    if (numbers.length === 1) conditions.push(holds(sql`${toNumber(property)} = ${value('Float64', numbers[0])}`));
    else if (numbers.length > 1)
      conditions.push(
        holds(
          sql`${toNumber(property)} IN arrayMap(x -> toFloat64(x), ${value('Array(String)', numbers.map(String))})`,
        ),
      );
  }
  if (property.kind === 'path')
    for (const flag of flags) conditions.push(holds(sql`${docPath(property.path)}.:Bool = ${value('Bool', flag)}`));
  if (property.kind === 'flag')
    for (const flag of flags) conditions.push(sql`${property.column} = ${value('Bool', flag)}`);
  return anyOf(conditions);
}

function compareOrder(property: OfEvent, order: Sql, op: FilterOp, given: unknown, at: string): Sql {
  if (property.kind === 'time') return compareTimes(property, order, parseMoment(given, op, at));
  const item = parseScalar(given, op, at);
  if (typeof item === 'boolean') throw wrong(`${at}.value`, `expected a number or a text for ${op}, got ${item}`);
  if (typeof item === 'string') return holds(sql`${toText(property)} ${order} ${value('String', item)}`);
  return holds(sql`${toNumber(property)} ${order} ${value('Float64', item)}`);
}

/** RFC 3339 with a zone, in the years that the warehouse can tell apart. */
const momentPattern =
  '^(19|2[0-2])\\d\\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])[Tt ]([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d(\\.\\d{1,9})?)?([Zz]|[+-]([01]\\d|2[0-3]):?[0-5]\\d)$';

/** Times with times, and texts that hold a moment, to the millisecond. Anything else is no. */
function compareTimes(property: OfEvent, order: Sql, time: number): Sql {
  if (property.kind === 'time') return sql`${property.column} ${order} ${moment(time)}`;
  const text = toText(property);
  const parsed = sql`toUnixTimestamp64Milli(parseDateTime64BestEffortOrNull(upper(${text}), 3, 'UTC'))`;
  return holds(sql`match(${text}, ${value('String', momentPattern)}) AND ${parsed} ${order} ${value('Int64', time)}`);
}

function moment(time: number): Sql {
  return sql`fromUnixTimestamp64Milli(${value('Int64', time)}, 'UTC')`;
}
