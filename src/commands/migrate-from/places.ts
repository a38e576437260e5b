import { type EventKind, eventKinds, reservedNames } from '../../events/event.ts';
import { type Assignment, resolveColumns } from '../import/columns.ts';
import type { Field, Mapping, TimeField } from '../import/mapping.ts';
import { quoteText } from './quote.ts';
import { type Column, type Table, toColumnSql } from './table.ts';

/** When and what a row is, as SQL over the row `t`: what both sides are counted by. */
export interface Places {
  readonly time: string;
  readonly event: string;
}

const texts = new Set(['text', 'varchar', 'citext', 'name']);
const numbers = new Set(['int2', 'int4', 'int8', 'numeric']);

/**
 * The mapping's time and event name in SQL; undefined where SQL would not surely read them as the mapping does (times
 * that are written as text, or numbers without a unit), so that rows have to be counted by reading them.
 */
export function toPlaces(table: Table, mapping: Mapping): Places | undefined {
  const names = table.columns.map(({ name }) => name);
  const { assignments } = resolveColumns(names, mapping, false);
  const find = (field: Field) => {
    const assignment = assignments.find(({ target }) => target.field === field && target.path.length === 0);
    const column = assignment && (table.columns[assignment.index] as Column);
    return assignment && column ? { assignment, column } : undefined;
  };
  const constantOf = (field: Field): unknown =>
    mapping.constants.find(({ target }) => target.field === field && target.path.length === 0)?.value;

  const times = new Map<TimeField, string>();
  for (const field of ['timestamp', 'originalTimestamp', 'sentAt', 'receivedAt'] as const) {
    if (constantOf(field) !== undefined) return undefined;
    const found = find(field);
    if (!found) continue;
    const time = toTime(found.assignment, found.column, mapping.timezone);
    if (time === undefined) return undefined;
    times.set(field, time);
  }
  const [original, sent, received] = [times.get('originalTimestamp'), times.get('sentAt'), times.get('receivedAt')];
  const corrected = original && sent && received ? [`(${received} - (${sent} - ${original}))`] : [];
  const candidates = [times.get('timestamp'), ...corrected, original, sent, received].filter(
    (time) => time !== undefined,
  );
  if (candidates.length === 0) return undefined;

  const nameOf = (field: 'event' | 'type'): string | undefined => {
    const constant = constantOf(field);
    if (constant !== undefined) return quoteText(String(constant));
    const found = find(field);
    return found ? toName(found.assignment, found.column, mapping.nulls) : 'NULL';
  };
  const type = nameOf('type');
  const event = nameOf('event');
  if (type === undefined || event === undefined) return undefined;
  const toEvent = (kind: EventKind) => (kind === 'track' ? event : quoteText(reservedNames[kind]));
  const kinds = eventKinds.map((kind) => `WHEN ${quoteText(kind)} THEN ${toEvent(kind)}`).join(' ');
  return {
    time: `coalesce(${candidates.join(', ')})`,
    event:
      type === 'NULL' ? toEvent(mapping.kind) : `CASE lower(btrim(${type})) ${kinds} ELSE ${toEvent(mapping.kind)} END`,
  };
}

function toTime({ inside, type }: Assignment, column: Column, timezone: string): string | undefined {
  if (inside.length > 0) return undefined;
  const value = toColumnSql(column);
  // An offset instead of a zone means the opposite to PostgreSQL.
  const zone = /^[+-]/.test(timezone) ? undefined : quoteText(timezone);
  if (type === 'seconds' || type === 'millis') {
    if (!numbers.has(column.base)) return undefined;
    const [most, factor] = type === 'seconds' ? ['253402300799', '1000'] : ['253402300799999', '1'];
    const millis = `floor(${value}::numeric * ${factor})::double precision`;
    return `CASE WHEN abs(${value}::numeric) <= ${most} THEN 'epoch'::timestamptz + ${millis} * interval '1 millisecond' END`;
  }
  if (column.base === 'timestamptz') return value;
  if (zone === undefined) return undefined;
  if (column.base === 'timestamp') return `(${value} AT TIME ZONE ${zone})`;
  return column.base === 'date' ? `(${value}::timestamp AT TIME ZONE ${zone})` : undefined;
}

function toName({ inside }: Assignment, column: Column, nulls: ReadonlySet<string>): string | undefined {
  const json = column.base === 'json' || column.base === 'jsonb';
  const plain = texts.has(column.base) || column.category === 'E' || ['int2', 'int4', 'int8'].includes(column.base);
  if (inside.length > 0 ? !json : !plain) return undefined;
  const value = `${toColumnSql(column, inside)}::text`;
  const nothing = ['', ...nulls].map(quoteText).join(', ');
  return `(CASE WHEN ${value} NOT IN (${nothing}) THEN ${value} END)`;
}
