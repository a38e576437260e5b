import { compareTexts, type Found, find, type Leaf } from './find.ts';
import type { Fact, Json } from './sent.ts';

export { compareTexts, find, type Leaf, toLeaves } from './find.ts';

/** Filters by the SDL's words: whether an event passes. */

export type Op =
  | 'EQ'
  | 'NEQ'
  | 'GT'
  | 'GTE'
  | 'LT'
  | 'LTE'
  | 'BETWEEN'
  | 'BEFORE'
  | 'AT_OR_BEFORE'
  | 'AFTER'
  | 'AT_OR_AFTER'
  | 'IN'
  | 'NOT_IN'
  | 'CONTAINS'
  | 'NOT_CONTAINS'
  | 'HAS_ANY'
  | 'HAS_ALL'
  | 'STARTS_WITH'
  | 'ENDS_WITH'
  | 'MATCHES'
  | 'EXISTS'
  | 'NOT_EXISTS';

export interface Filter {
  readonly and?: readonly Filter[];
  readonly or?: readonly Filter[];
  readonly not?: Filter;
  readonly cohort?: string;
  readonly property?: string;
  readonly op?: Op;
  readonly value?: Json;
  readonly ignoreCase?: boolean;
}

export function passes(fact: Fact, filter: Filter | undefined): boolean {
  if (filter === undefined) return true;
  if (filter.and) return filter.and.every((part) => passes(fact, part));
  if (filter.or) return filter.or.some((part) => passes(fact, part));
  if (filter.not) return !passes(fact, filter.not);
  if (filter.cohort !== undefined) return fact.cohorts!.get(filter.cohort)!.has(fact.person);
  const found = find(fact, filter.property as string);
  const op = filter.op ?? 'EQ';
  if (!filter.ignoreCase) return compare(found, op, filter.value as Json);
  if (op === 'MATCHES') return compare(found, op, filter.value as Json, 'i');
  const lowered: Found = found.is === 'value' ? { is: 'value', value: toLower(found.value) as Leaf } : found;
  return compare(lowered, op, toLower(filter.value as Json));
}

function toLower(value: Json): Json {
  if (typeof value === 'string') return value.toLowerCase();
  return Array.isArray(value) ? value.map(toLower) : value;
}

function compare(found: Found, op: Op, given: Json, flags = ''): boolean {
  switch (op) {
    case 'NEQ':
      return !compare(found, 'EQ', given);
    case 'NOT_IN':
      return !compare(found, 'IN', given);
    case 'NOT_CONTAINS':
      return !compare(found, 'CONTAINS', given);
    case 'NOT_EXISTS':
      return !compare(found, 'EXISTS', given);
    case 'EXISTS':
      return found.is !== 'absent';
    case 'IN':
      return (given as readonly Json[]).some((item) => compare(found, 'EQ', item));
    case 'EQ':
      if (found.is === 'moment') return found.time === Date.parse(given as string);
      return found.is === 'value' && found.value === given;
    case 'GT':
    case 'GTE':
    case 'LT':
    case 'LTE':
      return isInOrder(found, op, given);
    case 'BETWEEN': {
      const [least, greatest] = given as readonly [Json, Json];
      return isInOrder(found, 'GTE', least) && isInOrder(found, 'LTE', greatest);
    }
    case 'BEFORE':
    case 'AT_OR_BEFORE':
    case 'AFTER':
    case 'AT_OR_AFTER': {
      const time = toMoment(found);
      if (time === undefined) return false;
      const other = Date.parse(given as string);
      return { BEFORE: time < other, AT_OR_BEFORE: time <= other, AFTER: time > other, AT_OR_AFTER: time >= other }[op];
    }
    case 'HAS_ANY':
      return holds(found, given, 'some');
    case 'HAS_ALL':
      return holds(found, given, 'every');
    case 'CONTAINS':
      if (found.is !== 'value') return false;
      if (Array.isArray(found.value)) return found.value.some((item) => item === given);
      return typeof found.value === 'string' && typeof given === 'string' && found.value.includes(given);
    case 'STARTS_WITH':
      return found.is === 'value' && typeof found.value === 'string' && found.value.startsWith(given as string);
    case 'ENDS_WITH':
      return found.is === 'value' && typeof found.value === 'string' && found.value.endsWith(given as string);
    case 'MATCHES':
      return (
        found.is === 'value' && typeof found.value === 'string' && toRegExp(given as string, flags).test(found.value)
      );
  }
}

function isInOrder(found: Found, op: 'GT' | 'GTE' | 'LT' | 'LTE', given: Json): boolean {
  let order: number;
  if (found.is === 'moment') order = found.time - Date.parse(given as string);
  else if (found.is !== 'value') return false;
  else if (typeof found.value === 'number' && typeof given === 'number')
    order = found.value < given ? -1 : found.value > given ? 1 : 0;
  else if (typeof found.value === 'string' && typeof given === 'string') order = compareTexts(found.value, given);
  else return false;
  return op === 'GT' ? order > 0 : op === 'GTE' ? order >= 0 : op === 'LT' ? order < 0 : order <= 0;
}

function holds(found: Found, given: Json, how: 'some' | 'every'): boolean {
  if (found.is !== 'value' || !Array.isArray(found.value)) return false;
  const list = found.value;
  return (given as readonly Json[])[how]((item) => list.some((held) => held === item));
}

/** A time of the event, or a text that is date, time and zone. */
function toMoment(found: Found): number | undefined {
  if (found.is === 'moment') return found.time;
  if (found.is !== 'value' || typeof found.value !== 'string') return undefined;
  const parts =
    /^(\d\d\d\d)-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:[Zz]|([+-])(\d\d):?(\d\d))$/.exec(
      found.value,
    );
  if (!parts) return undefined;
  const [year, month, day, hour, minute, second, , , zoneHour, zoneMinute] = parts
    .slice(1)
    .map((part) => Number(part ?? 0)) as number[] as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const milliseconds = Number((parts[7] ?? '').padEnd(3, '0').slice(0, 3));
  if (year < 1900 || year > 2299 || month < 1 || month > 12 || day < 1) return undefined;
  if (day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return undefined;
  if (hour > 23 || minute > 59 || second > 59 || zoneHour > 23 || zoneMinute > 59) return undefined;
  const offset = (zoneHour * 60 + zoneMinute) * 60_000 * (parts[8] === '-' ? -1 : 1);
  return Date.UTC(year, month - 1, day, hour, minute, second, milliseconds) - offset;
}

/** For the patterns that both languages share; a dot stands for anything but a line feed in RE2. */
function toRegExp(pattern: string, flags: string): RegExp {
  return new RegExp(
    pattern.replaceAll(/\\.|\./gs, (piece) => (piece === '.' ? '[^\\n]' : piece)),
    `u${flags}`,
  );
}
