import { TallygateError } from '../errors.ts';
import { type Property, parseProperty, toNumber } from './property.ts';
import { always, docPath, docValue, join, type Sql, sql, value } from './sql.ts';

export type FilterOp =
  | 'EQ'
  | 'NEQ'
  | 'GT'
  | 'GTE'
  | 'LT'
  | 'LTE'
  | 'IN'
  | 'NOT_IN'
  | 'CONTAINS'
  | 'NOT_CONTAINS'
  | 'STARTS_WITH'
  | 'ENDS_WITH'
  | 'MATCHES'
  | 'EXISTS'
  | 'NOT_EXISTS';

export interface FilterInput {
  readonly and?: readonly FilterInput[] | null | undefined;
  readonly or?: readonly FilterInput[] | null | undefined;
  readonly not?: FilterInput | null | undefined;
  readonly property?: string | null | undefined;
  readonly op?: FilterOp | null | undefined;
  readonly value?: unknown;
}

const mostComparisons = 200;
const deepest = 12;
const mostValues = 1000;
const longestValue = 10_000;

/**
 * The one translation of filters: a condition that is 1 or 0 for every event, never NULL, so that `not` is the opposite.
 * Throws INVALID_FILTER with the place of what is wrong.
 */
export function toCondition(filter: FilterInput | null | undefined): Sql {
  if (filter === null || filter === undefined) return always;
  const budget = { comparisons: 0 };
  return translate(filter, 'filter', 0, budget);
}

function translate(filter: FilterInput, at: string, depth: number, budget: { comparisons: number }): Sql {
  if (depth > deepest) throw wrong(at, `expected nesting of at most ${deepest} levels, got more`);
  const forms = (['and', 'or', 'not', 'property'] as const).filter(
    (form) => filter[form] !== null && filter[form] !== undefined,
  );
  if (forms.length !== 1)
    throw wrong(
      at,
      `expected exactly one of and, or, not, property; got ${forms.length === 0 ? 'none' : forms.join(' and ')}`,
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
  if (++budget.comparisons > mostComparisons)
    throw wrong(at, `expected at most ${mostComparisons} comparisons, got more`);
  return compare(parseProperty(filter.property as string), filter.op ?? 'EQ', filter.value, at);
}

const negations: Partial<Record<FilterOp, FilterOp>> = {
  NEQ: 'EQ',
  NOT_IN: 'IN',
  NOT_CONTAINS: 'CONTAINS',
  NOT_EXISTS: 'EXISTS',
};
const orders: Partial<Record<FilterOp, Sql>> = { GT: sql`>`, GTE: sql`>=`, LT: sql`<`, LTE: sql`<=` };

/** `asked`: the operator as the client wrote it, for what errors say. */
function compare(property: Property, op: FilterOp, given: unknown, at: string, asked = op): Sql {
  const positive = negations[op];
  if (positive) return sql`NOT (${compare(property, positive, given, at, op)})`;
  if (op === 'EXISTS') {
    if (given !== null && given !== undefined)
      throw wrong(`${at}.value`, `expected no value for ${asked}, got ${show(given)}`);
    return exists(property);
  }
  if (given === null || given === undefined)
    throw wrong(`${at}.value`, `expected a value for ${asked}, got none; EXISTS and NOT_EXISTS ask for presence`);
  const order = orders[op];
  if (order) return compareOrder(property, order, op, given, at);
  switch (op) {
    case 'EQ':
      return equals(property, scalar(given, asked, at), at);
    case 'IN': {
      if (!Array.isArray(given) || given.length === 0 || given.length > mostValues)
        throw wrong(
          `${at}.value`,
          `expected a list of 1 to ${mostValues} values for ${asked}, got ${Array.isArray(given) ? `one of ${given.length}` : show(given)}`,
        );
      return isOneOf(
        property,
        given.map((item) => scalar(item, asked, at)),
        at,
      );
    }
    case 'CONTAINS': {
      const item = scalar(given, asked, at);
      const inText =
        typeof item === 'string'
          ? sql`${holds(sql`position(${text(property)}, ${value('String', item)}) > 0`)} OR `
          : sql``;
      return property.kind === 'path'
        ? sql`(${inText}${inList(property.path, item)})`
        : typeof item === 'string'
          ? sql`(${inText}0)`
          : sql`0`;
    }
    case 'STARTS_WITH':
      return holds(sql`startsWith(${text(property)}, ${value('String', textOf(given, op, at))})`);
    case 'ENDS_WITH':
      return holds(sql`endsWith(${text(property)}, ${value('String', textOf(given, op, at))})`);
    default:
      return holds(sql`match(${text(property)}, ${value('String', toPattern(textOf(given, op, at)))})`);
  }
}

/** As RE2 has it, a dot is no line feed; the engine would let it be one. */
function toPattern(pattern: string): string {
  return pattern.includes('.') ? `(?-s)${pattern}` : pattern;
}

/** NULL, as a comparison with an absent value gives, is no. */
function holds(condition: Sql): Sql {
  return sql`ifNull(${condition}, 0)`;
}

/** The value where it is text; NULL where it is something else. */
function text(property: Property): Sql {
  switch (property.kind) {
    case 'path':
      return sql`${docPath(property.path)}.:String`;
    case 'text':
      return sql`nullIf(${property.column}, '')`;
    case 'time':
      return sql`CAST(NULL, 'Nullable(String)')`;
  }
}

function exists(property: Property): Sql {
  switch (property.kind) {
    case 'path': {
      const path = docPath(property.path);
      return sql`(${path} IS NOT NULL OR toString(${asObject(path)}) != '{}')`;
    }
    case 'text':
      return sql`${property.column} != ''`;
    case 'time':
      return always;
  }
}

/** doc.`a`.`b` as the object below it: doc.^`a`.`b`. */
function asObject(path: Sql): Sql {
  return { strings: [(path.strings[0] as string).replace('doc.', 'doc.^')], values: [] };
}

type Scalar = string | number | boolean;

function equals(property: Property, item: Scalar, at: string): Sql {
  if (property.kind === 'time') return sql`${property.column} = ${moment(item, 'EQ', at)}`;
  if (typeof item === 'string') return holds(sql`${text(property)} = ${value('String', item)}`);
  if (property.kind === 'text') return sql`0`;
  if (typeof item === 'number') return holds(sql`${toNumber(property)} = ${value('Float64', item)}`);
  return holds(sql`${docPath(property.path)}.:Bool = ${value('Bool', item)}`);
}

function isOneOf(property: Property, items: readonly Scalar[], at: string): Sql {
  if (property.kind === 'time')
    return sql`(${join(
      items.map((item) => equals(property, item, at)),
      ' OR ',
    )})`;
  const texts = items.filter((item) => typeof item === 'string');
  const numbers = items.filter((item) => typeof item === 'number');
  const pieces: Sql[] = [];
  if (texts.length > 0) pieces.push(holds(sql`${text(property)} IN ${value('Array(String)', texts)}`));
  if (numbers.length > 0 && property.kind === 'path')
    pieces.push(
      holds(sql`${toNumber(property)} IN arrayMap(x -> toFloat64(x), ${value('Array(String)', numbers.map(String))})`),
    );
  for (const flag of new Set(items.filter((item) => typeof item === 'boolean')))
    pieces.push(equals(property, flag, at));
  return pieces.length === 0 ? sql`0` : sql`(${join(pieces, ' OR ')})`;
}

/** A list is stored under the type of its elements, or of each one by itself where they differ. */
function inList(path: readonly string[], item: Scalar): Sql {
  const listOf = (type: string) => docValue(path, `Array(${type})`);
  const mixedHas = (condition: Sql) => sql`arrayExists(e -> ifNull(${condition}, 0), ${listOf('Dynamic')})`;
  switch (typeof item) {
    case 'string': {
      const wanted = value('String', item);
      return sql`(has(${listOf('Nullable(String)')}, ${wanted}) OR ${mixedHas(sql`dynamicElement(e, 'String') = ${wanted}`)})`;
    }
    case 'boolean': {
      const wanted = value('Bool', item);
      return sql`(has(${listOf('Nullable(Bool)')}, ${wanted}) OR ${mixedHas(sql`dynamicElement(e, 'Bool') = ${wanted}`)})`;
    }
    default: {
      const wanted = value('Float64', item);
      const whole = sql`arrayExists(e -> ifNull(toFloat64(e) = ${wanted}, 0), ${listOf('Nullable(Int64)')})`;
      const mixed = sql`coalesce(dynamicElement(e, 'Float64'), toFloat64(dynamicElement(e, 'Int64'))) = ${wanted}`;
      return sql`(has(${listOf('Nullable(Float64)')}, ${wanted}) OR ${whole} OR ${mixedHas(mixed)})`;
    }
  }
}

function compareOrder(property: Property, order: Sql, op: FilterOp, given: unknown, at: string): Sql {
  const item = scalar(given, op, at);
  if (property.kind === 'time') return sql`${property.column} ${order} ${moment(item, op, at)}`;
  if (typeof item === 'boolean') throw wrong(`${at}.value`, `expected a number or a text for ${op}, got ${item}`);
  if (typeof item === 'string') return holds(sql`${text(property)} ${order} ${value('String', item)}`);
  return property.kind === 'text' ? sql`0` : holds(sql`${toNumber(property)} ${order} ${value('Float64', item)}`);
}

/** Date, time and zone: without a zone it would be the server's. */
const rfc3339 = /^(\d{4}-\d\d)-(\d\d)[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)$/;

function parseMoment(text: string): number {
  const [, month, day] = rfc3339.exec(text) ?? [];
  // JavaScript lets the 30th of February be in March.
  const exists = new Date(`${month}-${day}T00:00:00Z`).getUTCDate() === Number(day);
  return exists ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
}

function moment(item: Scalar, op: FilterOp, at: string): Sql {
  const time = typeof item === 'string' ? parseMoment(item) : Number.NaN;
  if (Number.isNaN(time))
    throw wrong(
      `${at}.value`,
      `expected a moment such as "2026-03-01T12:00:00Z" for ${op} of a time, got ${show(item)}`,
    );
  return sql`fromUnixTimestamp64Milli(${value('Int64', time)}, 'UTC')`;
}

function scalar(given: unknown, op: FilterOp, at: string): Scalar {
  if (typeof given === 'boolean' || (typeof given === 'number' && Number.isFinite(given))) return given;
  if (typeof given === 'string' && given.length <= longestValue) return given.toWellFormed();
  throw wrong(
    `${at}.value`,
    `expected a text of at most ${longestValue} characters, a number or a boolean for ${op}, got ${show(given)}`,
  );
}

function textOf(given: unknown, op: FilterOp, at: string): string {
  if (typeof given === 'string') return scalar(given, op, at) as string;
  throw wrong(`${at}.value`, `expected a text for ${op}, got ${show(given)}`);
}

function show(given: unknown): string {
  const shown = JSON.stringify(given) ?? String(given);
  return shown.length > 60 ? `${shown.slice(0, 60)}...` : shown;
}

function wrong(at: string, message: string): TallygateError {
  return new TallygateError('INVALID_FILTER', `${at}: ${message}`);
}
