import { TallygateError } from '../errors.ts';
import { docPath, type Sql, sql } from './sql.ts';

/** What a filter, a breakdown or a measure can name. */
export type Property =
  | { readonly kind: 'path'; readonly path: readonly string[] }
  | { readonly kind: 'text'; readonly column: Sql }
  | { readonly kind: 'time'; readonly column: Sql };

const fields: Readonly<Record<string, Property>> = {
  $event: { kind: 'text', column: sql`toString(event)` },
  $type: { kind: 'text', column: sql`upper(toString(kind))` },
  $userId: { kind: 'text', column: sql`user_id` },
  $anonymousId: { kind: 'text', column: sql`anonymous_id` },
  $groupId: { kind: 'text', column: sql`group_id` },
  $messageId: { kind: 'text', column: sql`message_id` },
  $timestamp: { kind: 'time', column: sql`time` },
  $receivedAt: { kind: 'time', column: sql`received_at` },
};

const roots = new Set(['properties', 'context', 'traits']);
const longestName = 2000;
/** What follows it is a type to the engine, however it is quoted. */
const typeMark = ':`';

/** Reads a property's name: see EventFilter in the SDL. Throws INVALID_INPUT. */
export function parseProperty(name: string): Property {
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (field) return field;
  if (name.length === 0 || name.length > longestName) {
    throw new TallygateError(
      'INVALID_INPUT',
      `expected a property's name of 1 to ${longestName} characters, got ${name.length}`,
    );
  }
  const parts = name.split('.');
  if (parts.some((part) => part === '' || part.startsWith(typeMark))) {
    throw new TallygateError(
      'INVALID_INPUT',
      `expected a property's name whose parts, between the dots, neither are empty nor begin with ${typeMark}, got ${show(name)}`,
    );
  }
  return { kind: 'path', path: roots.has(parts[0] as string) && parts.length > 1 ? parts : ['properties', ...parts] };
}

function show(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}...` : name);
}

/** Its value as text; NULL when it is absent. */
export function toText(property: Property): Sql {
  switch (property.kind) {
    case 'text':
      return sql`nullIf(${property.column}, '')`;
    case 'time':
      return sql`toNullable(concat(replaceOne(toString(${property.column}), ' ', 'T'), 'Z'))`;
    case 'path':
      return sql`CAST(${docPath(property.path)}, 'Nullable(String)')`;
  }
}

/** Its value where it is a number; NULL where it is anything else. Never text that looks like one. */
export function toNumber(property: Property): Sql {
  if (property.kind !== 'path') return sql`CAST(NULL, 'Nullable(Float64)')`;
  const path = docPath(property.path);
  return sql`coalesce(${path}.:Float64, toFloat64(${path}.:Int64), toFloat64(${path}.:UInt64))`;
}
