import { TallygateError } from '../../errors.ts';
import type { CellType } from './cell.ts';
import type { ColumnMapping, Field, Mapping, Target } from './mapping.ts';
import { objectFields } from './mapping.ts';

/**
 * Which column goes where when nobody said it: names without case, blanks, _ and -, the best one first. No name is
 * here that means something else in other people's files: a column event_id may be an id of the kind of event, and
 * taking it for the id of the message would count all of its events as one.
 */
export const namesByField: Readonly<Partial<Record<Field, readonly string[]>>> = {
  type: ['type'],
  event: ['event', 'eventname', 'eventtype'],
  userId: ['userid', 'user', 'uid', 'distinctid'],
  anonymousId: ['anonymousid', 'anonid', 'deviceid', 'visitorid'],
  messageId: ['messageid', 'insertid', '$insertid'],
  timestamp: ['timestamp', 'time', 'ts', 'eventtime', 'eventtimestamp', 'datetime', 'occurredat', 'createdat', 'date'],
  originalTimestamp: ['originaltimestamp'],
  sentAt: ['sentat'],
  receivedAt: ['receivedat'],
  name: ['name'],
  category: ['category'],
  groupId: ['groupid'],
  previousId: ['previousid'],
  properties: ['properties', 'eventproperties'],
  traits: ['traits'],
  context: ['context'],
};

/** What Segment's own pipeline adds to an event; about the transport, not about what happened. */
const segmentMachinery = new Set(['integrations', 'channel', 'version', 'writekey', 'projectid', '_metadata']);

const skewFields: ReadonlySet<Field> = new Set(['originalTimestamp', 'sentAt', 'receivedAt']);

const byName = new Map(
  Object.entries(namesByField).flatMap(([field, names]) =>
    names.map((name, rank) => [name, { field: field as Field, rank }] as const),
  ),
);

export interface Assignment {
  readonly index: number;
  /** Below the column's value, for JSON columns such as properties.distinct_id. */
  readonly inside: readonly string[];
  readonly column: string;
  readonly target: Target;
  readonly type: CellType;
  /** Nobody asked for it: where the value does not fit the target, the column is an ordinary one. */
  readonly byName: boolean;
}

export interface Plan {
  /** Whole objects first, then their members, then the rest: later ones win, the rest never does. */
  readonly assignments: readonly Assignment[];
  /** Mapped columns that are not there. */
  readonly missing: readonly string[];
}

/** `json` says that the names are the keys of a JSON object, which may be Segment's own shape. */
export function resolveColumns(names: readonly string[], mapping: Mapping, json: boolean): Plan {
  const assignments: Assignment[] = [];
  const missing: string[] = [];
  const taken = new Set<number>();
  const fields = new Set<string>(
    mapping.constants.filter((c) => c.target.path.length === 0).map((c) => c.target.field),
  );
  for (const wanted of mapping.columns) {
    if (wanted.target.path.length === 0) fields.add(wanted.target.field);
    const found = findColumn(names, wanted);
    if (!found) {
      missing.push(wanted.column);
      continue;
    }
    if (found.inside.length === 0) taken.add(found.index);
    assignments.push({ ...wanted, ...found, byName: false });
  }
  const best = new Map<Field, { index: number; rank: number }>();
  const normal = names.map((name) => name.toLowerCase().replace(/[\s_-]/g, ''));
  normal.forEach((name, index) => {
    const known = byName.get(name);
    if (!known || taken.has(index) || fields.has(known.field)) return;
    const other = best.get(known.field);
    if (!other || known.rank < other.rank) best.set(known.field, { index, rank: known.rank });
  });
  const segment =
    json && (objectFields.some((field) => best.has(field)) || (best.has('type') && best.has('messageId')));
  const timed = best.has('timestamp') || fields.has('timestamp');
  for (const [field, { index }] of best) {
    // Beside a timestamp these are Segment's clock-skew machinery, or else some property of a flat row.
    if (timed && !segment && skewFields.has(field)) continue;
    taken.add(index);
    const target = { field, path: [] };
    assignments.push({ index, inside: [], column: names[index] as string, target, type: 'auto', byName: true });
  }
  names.forEach((column, index) => {
    if (mapping.otherColumns === 'drop') return;
    if (taken.has(index) || (segment && segmentMachinery.has(column.toLowerCase()))) return;
    const target = { field: 'rest' as const, path: [column] };
    assignments.push({ index, inside: [], column, target, type: 'auto', byName: true });
  });
  return { assignments: assignments.sort((a, b) => toOrder(a.target) - toOrder(b.target)), missing };
}

/** Refuses a file that cannot be what the mapping means, before anything of it is sent. */
export function checkColumns(names: readonly string[], mapping: Mapping, file: string): void {
  const { missing, assignments } = resolveColumns(names, mapping, false);
  const found = names.map((name) => JSON.stringify(name)).join(', ');
  const said = (problem: string, hint: string) =>
    new TallygateError('INVALID_INPUT', `${file}: expected ${problem}; its columns are ${found}. ${hint}`);
  if (missing.length > 0) {
    throw said(`${missing.length > 1 ? 'columns' : 'a column'} ${missing.join(', ')}`, 'Check --map and --mapping.');
  }
  const has = new Set<string>([...assignments, ...mapping.constants].map(({ target }) => target.field));
  const hint = `Say which one it is with --map, as in --map event=COLUMN${names.length === 1 ? ', or give --delimiter' : ''}.`;
  if (!has.has('userId') && !has.has('anonymousId')) throw said('a column for userId or anonymousId', hint);
  if (!['timestamp', 'originalTimestamp', 'sentAt', 'receivedAt'].some((field) => has.has(field))) {
    throw said('a column for timestamp', hint);
  }
  if (mapping.kind === 'track' && !has.has('event') && !has.has('type')) throw said('a column for event', hint);
}

function findColumn(names: readonly string[], { column }: ColumnMapping) {
  const index = names.indexOf(column);
  if (index >= 0) return { index, inside: [] };
  const [top, ...inside] = column.split('.');
  const outer = names.indexOf(top as string);
  return outer >= 0 && inside.length > 0 ? { index: outer, inside } : undefined;
}

function toOrder(target: Target): number {
  return target.field === 'rest' ? 2 : target.path.length > 0 ? 1 : 0;
}

/** What becomes of each column, for people. */
export function describeColumns(names: readonly string[], mapping: Mapping): string {
  const { assignments } = resolveColumns(names, mapping, false);
  const named = assignments.filter(({ target }) => target.field !== 'rest');
  const rest = assignments.filter(({ target }) => target.field === 'rest').map(({ column }) => column);
  const parts = named.map(({ column, target }) => `${column} -> ${[target.field, ...target.path].join('.')}`);
  if (rest.length > 0) parts.push(`${rest.join(', ')} -> properties`);
  const used = new Set(assignments.map(({ index }) => index));
  const dropped = names.filter((_, index) => !used.has(index));
  if (dropped.length > 0) parts.push(`${dropped.join(', ')} dropped`);
  return `${parts.join('; ')}; times in ${mapping.timezone}`;
}
