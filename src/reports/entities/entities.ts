import { TallygateError } from '../../errors.ts';
import type { ShownBreakdown } from '../breakdown/breakdown.ts';
import { textFor } from '../filter/profile.ts';
import { exists, type Property, parseProperty } from '../filter/property.ts';
import { textForSession } from '../sessions/property.ts';
import { allOf, docValue, type Sql, sql, value } from '../sql.ts';

/**
 * Things that events are about, each known by an id in one of their properties. A report about many of them is one statement:
 * its rows say by a small number which one they are of.
 */
export interface Entities {
  /** Different ones, in order. */
  readonly ids: readonly string[];
  /** That an event is of one of them. */
  readonly condition: Sql;
  /** Of which, from 1, where the condition holds. */
  readonly place: Sql;
  /** A line for each of them, in their order. */
  readonly breakdown: ShownBreakdown & { readonly shown: readonly string[] };
  /** That an event is of this one. */
  isOf(id: string): Sql;
}

export const mostEntities = 1000;

/** Throws INVALID_INPUT; `at`: where the property stands. */
export function parseEntityProperty(name: string, at: string): Property {
  const property = parseProperty(name, at);
  const isText = property.kind === 'session' ? property.of.type === 'text' : canBeText.has(property.kind);
  if (!isText)
    throw new TallygateError('INVALID_INPUT', `${at}: expected a property whose values are texts, got ${name}`);
  return property;
}

const canBeText: ReadonlySet<Property['kind']> = new Set(['path', 'text', 'profile']);

export function toEntities(property: Property, some: readonly string[]): Entities {
  // In one order, so that equal questions are equal statements.
  const ids = [...new Set(some)].sort();
  const list = sql`${value('Array(String)', ids)}`;
  const places = sql`${value(
    'Array(UInt16)',
    ids.map((_, i) => i + 1),
  )}`;
  const text = toOwnText(property);
  return {
    ids,
    condition: sql`ifNull(${text} IN ${list}, 0)`,
    place: sql`transform(ifNull(${text}, ''), ${list}, ${places}, toUInt16(0))`,
    breakdown: {
      property: { kind: 'text', column: text },
      limit: ids.length,
      includeOther: false,
      bins: null,
      // No event without a text is of any of them: the key of none is that of the text that is empty.
      shown: ids.map((id) => (id === '' ? '' : `=${id}`)),
    },
    isOf: (id) => sql`ifNull(${text} = ${value('String', id)}, 0)`,
  };
}

/** Its value where it is a text, as the filter EQ compares it; NULL where it is anything else. */
function toOwnText(property: Property): Sql {
  switch (property.kind) {
    case 'path':
      return docValue(property.path, 'String');
    case 'text':
      return sql`nullIf(${property.column}, '')`;
    case 'session':
      return sql`nullIf(${textForSession(property.of)}, '')`;
    case 'profile': {
      const said = textFor(
        property,
        exists(property.path),
        sql`ifNull(concat('=', ${docValue(property.path, 'String')}), '')`,
      );
      return sql`substring(nullIf(${said}, ''), 2)`;
    }
    default:
      throw new Error(`expected a property whose values are texts, got one of kind ${property.kind}`);
  }
}

/** The column that says of which, in a statement grouped by it. */
export const entity = sql`entity`;

export function withEntities(entities: Entities | null, condition: Sql): Sql {
  return entities ? allOf([condition, entities.condition]) : condition;
}

/** The rows of each of them; all rows when there are none. */
export function splitRows<Row extends { readonly entity?: number }>(
  entities: Entities | null,
  rows: readonly Row[],
): (readonly Row[])[] {
  if (entities === null) return [rows];
  const groups: Row[][] = entities.ids.map(() => []);
  for (const row of rows) groups[(row.entity ?? 0) - 1]?.push(row);
  return groups;
}
