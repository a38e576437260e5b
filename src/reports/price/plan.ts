import { type Plan, withAround } from '../plan.ts';
import type { TimeRange } from '../range.ts';
import type { Sql } from '../sql.ts';

/** What a statement would read, told from the statement alone. */

/** Events that one SELECT of it goes through: those of the names (null: of all) in the range. */
export interface Scan extends TimeRange {
  readonly names: ReadonlySet<string> | null;
}

export interface Work {
  readonly label: string;
  readonly scans: readonly Scan[];
  /** What a row costs, where a row that is only counted costs 1. */
  readonly factor: number;
  /** What makes it more than 1. */
  readonly because: readonly string[];
}

const mostPaths = 6;

export function toWork({ label, select }: Pick<Plan, 'label' | 'select'>): Work {
  const settled = withAround(select);
  const text = toText(settled);
  const scans = new Map(
    settled.values.flatMap((value, i) =>
      'hole' in value && value.hole === 'rows' ? toScan(text, settled, i, value) : [],
    ),
  );
  const paths = new Set(text.match(/doc(?:\.`(?:[^`\\]|\\.)*`)+/g) ?? []).size;
  const groupsPersons = settled.values.some((value) => 'hole' in value && value.hole === 'person');
  const parts: readonly (readonly [number, string])[] = [
    [0.5 * Math.min(paths, mostPaths), `${paths} JSON ${paths === 1 ? 'path' : 'paths'}`],
    [/uniqExact|groupUniqArray|DISTINCT/.test(text) || groupsPersons ? 1 : 0, 'persons or different values'],
    [/arraySort\(|arraySplit\(|sequence|OVER \(/.test(text) ? 2 : 0, "each person's events in order"],
    [/quantile/.test(text) ? 1 : 0, 'percentiles'],
  ];
  const felt = parts.filter(([factor]) => factor > 0);
  return {
    label,
    scans: [...scans.values()],
    factor: felt.reduce((sum, [factor]) => sum + factor, 1),
    because: felt.map(([, why]) => why),
  };
}

/** Where values and holes stand: their numbers in brackets that SQL has not. */
function toText({ strings, values }: Sql, until = values.length): string {
  return strings.slice(0, until + 1).reduce((text, part, i) => text + part + (i < until ? `⟦${i}⟧` : ''), '');
}

/** With its SELECT, by which it is told from others: one that stands in a statement twice is run once. */
function toScan(text: string, select: Sql, place: number, { from, to }: TimeRange): [string, Scan][] {
  const { values } = select;
  const at = toText(select, place).length;
  // The innermost one whose condition reaches so far.
  const found = [...text.slice(0, at).matchAll(/FROM (\w+) (?:PREWHERE|WHERE) /g)]
    .map(({ 0: { length }, 1: table, index }) => ({
      table,
      index,
      length,
      condition: toCondition(text, index + length),
    }))
    .findLast(({ index, length, condition }) => index + length + condition.length > at);
  // Another table than that of the events has few rows beside it.
  if (found?.table !== 'events') return [];
  const { condition } = found;
  const start = Math.max(0, text.slice(0, found.index).lastIndexOf('SELECT '));
  const own = text.slice(start, found.index + found.length) + condition;
  const key = own.replaceAll(/⟦(\d+)⟧/g, (_, i) => JSON.stringify(values[Number(i)]));
  return [[`${key} ${from} ${to}`, { from, to, names: toNames(condition, values) }]];
}

/** The condition that begins here, up to what ends it. */
function toCondition(text: string, start: number): string {
  const rest = text.slice(start);
  const ends = placesOf(rest, /^(GROUP BY|ORDER BY|LIMIT|HAVING|WINDOW|UNION|\))/);
  return rest.slice(0, ends[0] ?? rest.length).trimEnd();
}

/** The names that an event must have for the condition to hold: of them alone the engine reads rows. null: any. */
function toNames(condition: string, values: Sql['values']): ReadonlySet<string> | null {
  // Both of PREWHERE and WHERE hold.
  const parts = split(condition, 'WHERE').flatMap((part) => split(part, 'AND'));
  if (parts.length > 1) {
    const known = parts.map((part) => toNames(part, values)).filter((names) => names !== null);
    return known.length === 0
      ? null
      : known.reduce((all, names) => new Set([...names].filter((name) => all.has(name))));
  }
  const alternatives = split(condition, 'OR');
  if (alternatives.length > 1) {
    const known = alternatives.map((part) => toNames(part, values));
    return known.includes(null) ? null : new Set(known.flatMap((names) => [...(names as Set<string>)]));
  }
  const inner = withoutBrackets(condition);
  if (inner !== condition) return toNames(inner, values);
  const literal = /^event = '([^'\\]*)'$/.exec(condition);
  if (literal) return new Set([literal[1] as string]);
  const compared = /^event (?:=|IN) ⟦(\d+)⟧$/.exec(condition);
  const part = compared && values[Number(compared[1])];
  if (!part || 'hole' in part) return null;
  return new Set((Array.isArray(part.value) ? part.value : [part.value]).map(String));
}

const separators = { AND: /^\sAND\s/, OR: /^\sOR\s/, WHERE: /^\sWHERE\s/ };

function withoutBrackets(condition: string): string {
  if (!condition.startsWith('(')) return condition;
  const [end] = placesOf(condition.slice(1), /^\)/);
  return end === condition.length - 2 ? condition.slice(1, -1).trim() : condition;
}

function split(condition: string, word: 'AND' | 'OR' | 'WHERE'): string[] {
  const places = placesOf(condition, separators[word]);
  return [...places, condition.length].map((end, i) => {
    const start = i === 0 ? 0 : (places[i - 1] as number) + word.length + 2;
    return condition.slice(start, end).trim();
  });
}

/** Where a pattern begins that stands in no brackets and in no quotes; a bracket that closes none is outermost. */
function placesOf(text: string, pattern: RegExp): number[] {
  const places: number[] = [];
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (depth === 0 && pattern.test(text.slice(i, i + 10))) places.push(i);
    if (c === '(' || c === '[') depth++;
    else if (c === ')' || c === ']') depth--;
    else if (c === "'" || c === '`') {
      do {
        i++;
        if (text[i] === '\\') i++;
      } while (i < text.length && text[i] !== c);
    }
    if (depth < 0) break;
  }
  return places;
}
