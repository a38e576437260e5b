import { TallygateError } from '../../errors.ts';
import type { Breakdown, ShownBreakdown } from '../breakdown/breakdown.ts';
import { textKey } from '../breakdown/key.ts';
import { toText } from '../filter/property.ts';
import { type Sql, sql, value } from '../sql.ts';
import { type Entities, entity } from './entities.ts';

/** A key and whose it is, as one text. */
export function ofEntity(key: Sql, place: Sql = entity): Sql {
  return sql`concat(toString(${place}), ':', ${key})`;
}

/** Where in a list of different texts, from 1, or 0. A list that is not known before the statement runs may be empty, and transform takes none. */
export function placeIn(list: Sql, text: Sql): Sql {
  return sql`transform(${text}, if(empty(${list}), [''], ${list}), if(empty(${list}), [toUInt32(0)], arrayEnumerate(${list})), toUInt32(0))`;
}

/** Numbers of values in a statement have 16 bits. */
const mostValues = 65_535;

/** What a breakdown of each of many entities cannot be. Throws INVALID_INPUT. */
export function assertEdges(breakdowns: readonly Breakdown[], { ids }: Entities): void {
  breakdowns.forEach(({ bins, limit }, i) => {
    const wrong = (message: string) => new TallygateError('INVALID_INPUT', `breakdown[${i}].${message}`);
    if (bins && bins.count !== null)
      throw wrong(
        'bins: expected edges for reports about entities, got count: bins of equal width lie elsewhere for each of them',
      );
    if (!bins && limit * ids.length > mostValues)
      throw wrong(
        `limit: expected at most ${Math.floor(mostValues / ids.length)} for ${ids.length} entities, got ${limit}`,
      );
  });
}

/** Breakdowns by whose an event is and its value, as one text: the values that have lines are those most frequent of each entity. */
export function shownOfEntities(
  { place }: Entities,
  breakdowns: readonly Breakdown[],
  chosenBy: Sql,
): ShownBreakdown[] {
  return breakdowns.map((breakdown) => {
    const { property, limit, bins } = breakdown;
    if (bins) return { ...breakdown, shown: [] };
    const key = textKey(toText(property));
    return {
      ...breakdown,
      property: { kind: 'text', column: ofEntity(key, place) },
      shown: sql`SELECT concat('=', owned) AS key FROM (
        SELECT ${entity}, ${ofEntity(sql`value`)} AS owned, value, count() AS events
        FROM (SELECT ${place} AS ${entity}, ${key} AS value FROM events WHERE ${chosenBy})
        GROUP BY ${entity}, value ORDER BY ${entity}, events DESC, value LIMIT ${value('UInt32', limit)} BY ${entity})`,
    };
  });
}

/** The rows of each entity, as if there was no other; all rows when there are none. */
export function splitLines<Row extends { readonly k: readonly string[] }>(
  entities: Entities | null,
  rows: readonly Row[],
): (readonly Row[])[] {
  if (entities === null) return [rows];
  const places = new Map(entities.breakdown.shown.map((key, i) => [key, i]));
  const groups: Row[][] = entities.ids.map(() => []);
  for (const row of rows) {
    const [own, ...others] = row.k;
    groups[places.get(own as string) ?? -1]?.push({ ...row, k: others.map(toOwnKey) });
  }
  return groups;
}

/** Of `=7:=pro`, as of the bins and of all others, what a breakdown without entities has. */
function toOwnKey(key: string): string {
  return /^=\d+:/.test(key) ? key.slice(key.indexOf(':') + 1) : key;
}
