import { TallygateError } from '../../errors.ts';
import { type Property, parseProperty, toText } from '../filter/property.ts';
import { type Sql, sql, value } from '../sql.ts';
import { type Bins, type BinsInput, parseBins, toBinIndex, toBinText } from './bins.ts';
import { compareKeys, otherKey, parseLimit, textKey, toKey, toShownKey } from './key.ts';

export interface BreakdownInput {
  readonly property: string;
  readonly limit?: number | null | undefined;
  readonly includeOther?: boolean | null | undefined;
  readonly bins?: BinsInput | null | undefined;
}

/** By values: those most frequent have a line each. */
export interface ValueBreakdown {
  readonly key: Sql;
  readonly limit: number;
  readonly includeOther: boolean;
}

export interface Breakdown {
  readonly property: Property;
  readonly limit: number;
  readonly includeOther: boolean;
  readonly bins: Bins | null;
}

/** One whose lines are known. */
export interface ShownBreakdown extends Breakdown {
  /** Keys of the values that have lines: a list, or a statement that finds it; or every value has one. None with bins. */
  readonly shown: readonly string[] | Sql | 'every';
}

/** What a line stands for in each breakdown: '' without the property, '=value' for a value or the index of a bin, '~' for all beyond the limit. */
export type LineKey = readonly string[];

const mostBreakdowns = 3;

/** Throws INVALID_INPUT. */
export function parseValueBreakdown({ property, limit, includeOther, bins }: BreakdownInput): ValueBreakdown {
  if (bins)
    throw new TallygateError('INVALID_INPUT', 'breakdown.bins: expected none, since only a trend has them, got bins');
  return {
    key: toKey(property),
    limit: parseLimit(limit ?? 10, 'breakdown.limit'),
    includeOther: includeOther ?? true,
  };
}

/** Throws INVALID_INPUT. */
export function parseBreakdowns(inputs: readonly BreakdownInput[] | null | undefined): Breakdown[] {
  const given = inputs ?? [];
  if (given.length > mostBreakdowns)
    throw new TallygateError(
      'INVALID_INPUT',
      `breakdown: expected at most ${mostBreakdowns} of them, got ${given.length}`,
    );
  return given.map((input, i) => {
    const at = `breakdown[${i}]`;
    const limit = parseLimit(input.limit ?? 10, `${at}.limit`);
    const property = parseProperty(input.property);
    const bins = input.bins ? parseBins(input.bins, property, at) : null;
    return { property, limit, includeOther: input.includeOther ?? true, bins };
  });
}

/** As many values of a bucket are all counted, and what is shown is chosen afterwards. */
export const fewValues = 256;
/** Bytes of values that travel as parameters of a statement. What is larger is found by the statement itself. */
const mostShownBytes = 16 * 1024;

/** The statement that finds the most frequent values: rows with their `key`. `chosenBy`: the condition of the events. */
export function selectShown({ property, limit }: Breakdown, chosenBy: Sql): Sql {
  return sql`SELECT key FROM (SELECT ${textKey(sql`text`)} AS key, count() AS events
      FROM (SELECT ${toText(property)} AS text FROM events WHERE ${chosenBy}) GROUP BY text ORDER BY events DESC, key LIMIT ${value('UInt32', limit)})`;
}

/** With the values that were found. In the order of code points: which are more frequent than others is not what a statement is about. */
export function withShown(breakdown: Breakdown, chosenBy: Sql, found: readonly string[]): ShownBreakdown {
  const bytes = found.reduce((sum, key) => sum + Buffer.byteLength(key), 0);
  const shown = [...found].sort(compareKeys);
  return { ...breakdown, shown: bytes > mostShownBytes ? selectShown(breakdown, chosenBy) : shown };
}

/** Breakdowns in a statement: for each one a column d0, d1, d2 with a small number that stands for the value. */
export interface Columns {
  /** What stands in front of the statement, after WITH. */
  readonly declarations: readonly Sql[];
  /** d0, d1 */
  readonly names: readonly Sql[];
  /** ... AS d0, ... AS d1 */
  readonly indexes: readonly Sql[];
  /** Keys of the line, made of d0 and d1. */
  readonly keys: readonly Sql[];
}

/** `prefix`: of the columns' names. */
export function toColumns(breakdowns: readonly ShownBreakdown[], prefix = ''): Columns {
  const declarations: Sql[] = [];
  const indexes: Sql[] = [];
  const keys: Sql[] = [];
  const names = breakdowns.map((_, i) => ours(`${prefix}d${i}`));
  breakdowns.forEach(({ property, bins, shown }, i) => {
    const d = names[i] as Sql;
    // Named, and written once: what tells of a person is a long way to go for the engine.
    const found = ours(`${prefix}found${i}`);
    if (bins) {
      indexes.push(sql`${toBinIndex(bins, property, found)} AS ${d}`);
      keys.push(sql`if(${d} = 0, '', concat('=', toString(${d} - 1)))`);
      return;
    }
    if (shown === 'every') {
      // The key is made of each value, not of each row.
      indexes.push(sql`${toText(property)} AS ${d}`);
      keys.push(textKey(d));
      return;
    }
    const isFound = 'strings' in shown;
    const top = isFound ? ours(`${prefix}top${i}`) : sql`${value('Array(String)', shown)}`;
    if (isFound) declarations.push(sql`(SELECT groupArray(key) FROM (${shown})) AS ${top}`);
    // The values become small numbers at once: grouping by texts would cost more than all the rest.
    const place =
      property.kind === 'text' && !isFound
        ? toTextPlace(property.column, shown)
        : toValuePlace(toText(property), found, top, isFound ? toFoundPlaces(top) : toPlaces(shown));
    indexes.push(sql`toUInt16(${place}) AS ${d}`);
    keys.push(sql`if(${d} = 0, ${value('String', otherKey)}, ${top}[${d}])`);
  });
  return { declarations, names, indexes, keys };
}

interface Places {
  readonly texts: Sql;
  readonly places: Sql;
}

/** From 1; 0 for what is not shown. */
function toValuePlace(text: Sql, found: Sql, top: Sql, { texts, places }: Places): Sql {
  // transform takes no empty lists.
  const place = sql`transform(ifNull(${found}, ''), ${texts}, ${places}, 0)`;
  return sql`if(isNull(${text} AS ${found}), indexOf(${top}, ''), ${place})`;
}

/** The same of a column in which an empty text is none: one look is enough. */
function toTextPlace(column: Sql, shown: readonly string[]): Sql {
  const { texts, places } = toPairs(shown.map((key, i) => [key.slice(1), i + 1]));
  return sql`transform(ifNull(${column}, ''), ${texts}, ${places}, 0)`;
}

function toFoundPlaces(top: Sql): Places {
  const texts = sql`arrayMap(key -> substring(key, 2), arrayFilter(key -> key != '', ${top}))`;
  const places = sql`arrayFilter((place, key) -> key != '', arrayEnumerate(${top}), ${top})`;
  return {
    texts: sql`if(empty(${texts}), [''], ${texts})`,
    places: sql`if(empty(${texts}), [0], ${places})`,
  };
}

function toPlaces(shown: readonly string[]): Places {
  return toPairs(shown.flatMap((key, i): [string, number][] => (key === '' ? [] : [[key.slice(1), i + 1]])));
}

function toPairs(pairs: readonly (readonly [string, number])[]): Places {
  const all = pairs.length === 0 ? [['', 0] as const] : pairs;
  return {
    texts: sql`${value(
      'Array(String)',
      all.map(([text]) => text),
    )}`,
    places: sql`${value(
      'Array(UInt16)',
      all.map(([, place]) => place),
    )}`,
  };
}

/** A name that is ours, as SQL. */
export function ours(name: string): Sql {
  return { strings: [name], values: [] };
}

/** Whether it is of a breakdown's values beyond the limit that nobody asked to see. */
export function isLeftOut(breakdowns: readonly Breakdown[], key: LineKey): boolean {
  return key.some((k, i) => k === otherKey && !breakdowns[i]?.includeOther);
}

export function toShownLine(breakdowns: readonly Breakdown[], key: LineKey): string[] {
  return key.map((k, i) => {
    const { bins } = breakdowns[i] as Breakdown;
    return bins && k !== '' ? toBinText(bins, Number(k.slice(1))) : toShownKey(k);
  });
}

export function isOther(key: LineKey): boolean {
  return key.includes(otherKey);
}

/** Bins in their order, the others last, most events first, then by code point, as the warehouse orders what ties. */
export function compareLines(
  breakdowns: readonly Breakdown[],
  a: { readonly key: LineKey; readonly events: number },
  b: { readonly key: LineKey; readonly events: number },
): number {
  for (const [i, { bins }] of breakdowns.entries()) {
    const difference = bins ? toRank(a.key[i] as string) - toRank(b.key[i] as string) : 0;
    if (difference !== 0) return difference;
  }
  return Number(isOther(a.key)) - Number(isOther(b.key)) || b.events - a.events || compareLineKeys(a.key, b.key);
}

/** Without a number comes after all bins. */
function toRank(k: string): number {
  return k === '' ? Number.MAX_SAFE_INTEGER : Number(k.slice(1));
}

function compareLineKeys(a: LineKey, b: LineKey): number {
  for (const [i, text] of a.entries()) {
    const difference = compareKeys(text, b[i] as string);
    if (difference !== 0) return difference;
  }
  return 0;
}
