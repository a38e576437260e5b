import { TallygateError } from '../../errors.ts';
import { showName } from '../near.ts';
import { person, zone } from '../plan.ts';
import { type SessionProperty, sessionProperties, textForSession } from '../sessions/property.ts';
import { docPath, type Sql, sql } from '../sql.ts';
import { type Profile, textFor } from './profile.ts';

/** What a filter, a breakdown or a measure can name. */
export type Property =
  | { readonly kind: 'path'; readonly path: readonly string[] }
  | { readonly kind: 'text'; readonly column: Sql }
  | { readonly kind: 'time'; readonly column: Sql }
  | { readonly kind: 'number'; readonly column: Sql }
  | { readonly kind: 'flag'; readonly column: Sql }
  | { readonly kind: 'session'; readonly of: SessionProperty }
  | ({ readonly kind: 'profile' } & Profile);

const fields: Readonly<Record<string, Property>> = {
  $event: { kind: 'text', column: sql`toString(event)` },
  $type: { kind: 'text', column: sql`upper(toString(kind))` },
  $userId: { kind: 'text', column: sql`user_id` },
  $anonymousId: { kind: 'text', column: sql`anonymous_id` },
  $groupId: { kind: 'text', column: sql`group_id` },
  $messageId: { kind: 'text', column: sql`message_id` },
  $timestamp: { kind: 'time', column: sql`time` },
  $receivedAt: { kind: 'time', column: sql`received_at` },
  $person: { kind: 'text', column: sql`toString(${person})` },
  $hour: { kind: 'number', column: sql`toHour(time, ${zone})` },
  $weekday: { kind: 'number', column: sql`toDayOfWeek(time, 0, ${zone})` },
  ...Object.fromEntries(
    Object.entries(sessionProperties).map(([name, of]): [string, Property] => [name, { kind: 'session', of }]),
  ),
};

/** Names of the fields of an event itself, and of its session. */
export const fieldNames: readonly string[] = Object.keys(fields);

const roots = new Set(['properties', 'context', 'traits']);
const profiles: Readonly<Record<string, Pick<Profile, 'of' | 'as'>>> = {
  person: { of: 'person', as: 'AT_EVENT' },
  personLatest: { of: 'person', as: 'LATEST' },
  group: { of: 'group', as: 'AT_EVENT' },
  groupLatest: { of: 'group', as: 'LATEST' },
};
const longestName = 2000;
/** What follows it is a type to the engine, however it is quoted. */
const typeMark = ':`';

/** Reads a property's name: see EventFilter in the SDL. Throws INVALID_INPUT; `at`: the place in the input, where it is known. */
export function parseProperty(name: string, at?: string): Property {
  const place = at === undefined ? '' : `${at}: `;
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (field) return field;
  if (name.length === 0 || name.length > longestName) {
    throw new TallygateError(
      'INVALID_INPUT',
      `${place}expected a property's name of 1 to ${longestName} characters, got ${name.length}`,
    );
  }
  const parts = name.split('.');
  if (parts.some((part) => part === '' || part.startsWith(typeMark))) {
    throw new TallygateError(
      'INVALID_INPUT',
      `${place}expected a property's name whose parts, between the dots, neither are empty nor begin with ${typeMark}, got ${showName(name)}`,
    );
  }
  const [root, ...rest] = parts as [string, ...string[]];
  if (rest.length > 0 && Object.hasOwn(profiles, root))
    return { kind: 'profile', ...(profiles[root] as Pick<Profile, 'of' | 'as'>), path: ['traits', ...rest] };
  return { kind: 'path', path: roots.has(root) && rest.length > 0 ? parts : ['properties', ...parts] };
}

/** Its value as text; NULL when it is absent. */
export function toText(property: Property): Sql {
  switch (property.kind) {
    case 'text':
      return sql`nullIf(${property.column}, '')`;
    case 'time':
      return sql`toNullable(concat(replaceOne(toString(${property.column}), ' ', 'T'), 'Z'))`;
    case 'number':
      return sql`toNullable(toString(${property.column}))`;
    case 'flag':
      return sql`toNullable(if(${property.column}, 'true', 'false'))`;
    case 'session':
      return sql`nullIf(${textForSession(property.of)}, '')`;
    case 'path':
      return sql`CAST(${docPath(property.path)}, 'Nullable(String)')`;
    case 'profile': {
      const text = toText({ kind: 'path', path: property.path });
      const said = textFor(property, exists(property.path), sql`ifNull(concat('=', ${text}), '')`);
      return sql`substring(nullIf(${said}, ''), 2)`;
    }
  }
}

/** Its value where it is a number; NULL where it is anything else. Never text that looks like one. */
export function toNumber(property: Property): Sql {
  switch (property.kind) {
    case 'path': {
      const path = docPath(property.path);
      return sql`coalesce(${path}.:Float64, toFloat64(${path}.:Int64), toFloat64(${path}.:UInt64))`;
    }
    case 'number':
      return sql`toNullable(toFloat64(${property.column}))`;
    case 'session':
      return property.of.type === 'number'
        ? sql`toFloat64OrNull(${textForSession(property.of)})`
        : sql`CAST(NULL, 'Nullable(Float64)')`;
    case 'profile': {
      // As its bits: no digit is lost on the way through text.
      const bits = sql`reinterpretAsUInt64(${toNumber({ kind: 'path', path: property.path })})`;
      const said = textFor(property, exists(property.path), sql`ifNull(toString(${bits}), '')`);
      return sql`reinterpretAsFloat64(toUInt64OrNull(${said}))`;
    }
    default:
      return sql`CAST(NULL, 'Nullable(Float64)')`;
  }
}

/** Whether there is anything at a path: a value, or an object that holds one. */
export function exists(path: readonly string[]): Sql {
  const found = docPath(path);
  return sql`(${found} IS NOT NULL OR toString(${asObject(found)}) != '{}')`;
}

/** doc.`a`.`b` as the object below it: doc.^`a`.`b`. */
function asObject(path: Sql): Sql {
  return { strings: [(path.strings[0] as string).replace('doc.', 'doc.^')], values: [] };
}
