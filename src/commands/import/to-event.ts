import { type EventKind, eventKinds } from '../../events/event.ts';
import { toCanonicalJson } from './canonical-json.ts';
import { type CellType, parseCell, toObject, toText } from './cell.ts';
import { type Assignment, type Plan, resolveColumns } from './columns.ts';
import { type EventFields, type EventInput, isObject, type JsonObject } from './event-input.ts';
import type { Mapping, ObjectField, TextField, TimeField } from './mapping.ts';
import type { MessageIds } from './message-id.ts';
import type { Row } from './row.ts';
import { rowError, toShown } from './row-problem.ts';
import { parseTimestamp } from './timestamp.ts';

export interface MappedEvent {
  readonly kind: EventKind;
  readonly fields: EventFields & { messageId: string; timestamp: string };
  /** Size as JSON, near enough for the bounds of a request. */
  readonly bytes: number;
}

export function toEventInput({ kind, fields }: MappedEvent): EventInput {
  return { [kind]: fields };
}

/** No more than this of one event fits into a request, in bytes. */
const mostBytes = 440_000;
/** Shapes of JSON rows that are remembered with their plan. */
const mostPlans = 1000;

interface Draft {
  kind: EventKind;
  text: Map<TextField, string>;
  times: Map<TimeField, number>;
  objects: Record<ObjectField, JsonObject>;
  /** Columns without a target, and those whose target the kind does not have. */
  rest: JsonObject;
  /** The column that a text came from, to name it by where it becomes an ordinary property. */
  columns: Map<TextField, string>;
  /** Values that come now have types of their own. */
  typed: boolean;
}

/** Rows to events. Throws row errors (row-problem.ts), and INVALID_INPUT when a file lacks a mapped column. */
export function createToEvent(mapping: Mapping) {
  const planByNames = new WeakMap<readonly string[], Plan>();
  const planByKeys = new Map<string, Plan>();

  function planOf({ names }: Row, json: boolean): Plan {
    if (!json) return remember(planByNames, names, () => resolveColumns(names, mapping, false));
    if (planByKeys.size >= mostPlans) planByKeys.clear();
    return remember(planByKeys, names.join('\0'), () => resolveColumns(names, mapping, true));
  }

  return (row: Row, json: boolean, ids: MessageIds): MappedEvent => {
    const draft: Draft = {
      kind: mapping.kind,
      text: new Map(),
      times: new Map(),
      objects: { properties: toBag(), traits: toBag(), context: toBag() },
      rest: toBag(),
      columns: new Map(),
      typed: false,
    };
    for (const { target, value } of mapping.constants) {
      const label = [target.field, ...target.path].join('.');
      assign(draft, { index: 0, inside: [], column: label, target, type: 'auto', byName: false }, value, mapping);
    }
    draft.typed = row.typed === true;
    for (const assignment of planOf(row, json).assignments) {
      let value = row.values[assignment.index];
      for (const key of assignment.inside)
        value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
      const empty = value === undefined || value === null || value === '' || mapping.nulls.has(value as string);
      if (!empty) assign(draft, assignment, value, mapping);
    }
    const timestamp = new Date(toTime(draft)).toISOString();
    const fields = toFields(draft, mapping);
    const content = toCanonicalJson({ [draft.kind]: { ...fields, timestamp } });
    const bytes = Buffer.byteLength(content);
    if (bytes > mostBytes) {
      throw rowError('EVENT_TOO_LARGE', `expected an event of at most ${mostBytes} bytes, got ${bytes}`);
    }
    const messageId = draft.text.get('messageId') ?? ids.next(content, row.line);
    return { kind: draft.kind, fields: { ...fields, timestamp, messageId }, bytes: bytes + messageId.length + 20 };
  };
}

function assign(draft: Draft, to: Assignment, value: unknown, mapping: Mapping): void {
  const { field, path } = to.target;
  switch (field) {
    case 'rest':
      draft.rest[path[0] as string] = toValue(draft, value, to.type, to.column);
      return;
    case 'type': {
      const kind = eventKinds.find((known) => known === String(value).trim().toLowerCase());
      if (kind) draft.kind = kind;
      else if (to.byName) putAside(draft, to.column, value, mapping);
      else
        throw rowError(
          'UNKNOWN_TYPE',
          `expected one of ${eventKinds.join(', ')} in ${to.column}, got ${toShown(value)}`,
        );
      return;
    }
    case 'properties':
    case 'traits':
    case 'context': {
      if (path.length > 0) {
        put(draft.objects[field], path, toValue(draft, value, to.type, to.column), to.column);
        return;
      }
      const object = toObject(value);
      if (object) Object.assign(draft.objects[field], object);
      else if (to.byName) putAside(draft, to.column, value, mapping);
      else throw rowError('CELL_TYPE', `expected a JSON object in ${to.column}, got ${toShown(value)}`);
      return;
    }
    case 'timestamp':
    case 'originalTimestamp':
    case 'sentAt':
    case 'receivedAt': {
      const unit = to.type === 'seconds' || to.type === 'millis' ? to.type : 'auto';
      draft.times.set(field, parseTimestamp(value, unit, mapping.timezone, to.column));
      return;
    }
    default:
      draft.text.set(field, toText(value, to.column));
      draft.columns.set(field, to.column);
  }
}

/**
 * Segment's rule, applied here and never again: a history's sentAt must not reach the gateway, which would take the
 * difference to today for clock skew and move the event to now.
 */
function toTime({ times }: Draft): number {
  const timestamp = times.get('timestamp');
  if (timestamp !== undefined) return timestamp;
  const [original, sent, received] = [times.get('originalTimestamp'), times.get('sentAt'), times.get('receivedAt')];
  const time =
    original !== undefined && sent !== undefined && received !== undefined
      ? received - (sent - original)
      : (original ?? sent ?? received);
  if (time === undefined) throw rowError('TIMESTAMP_MISSING', 'expected a timestamp, got none');
  return time;
}

function toFields(draft: Draft, mapping: Mapping): EventFields {
  const { kind, text, objects } = draft;
  const fields: EventFields = {};
  const take = (name: TextField) => {
    const value = text.get(name);
    if (value !== undefined) fields[name] = value;
    return value;
  };
  const instead = (name: TextField) => {
    const value = text.get(name);
    if (value !== undefined) putAside(draft, draft.columns.get(name) as string, value, mapping);
  };
  const user = take('userId');
  const anonymous = take('anonymousId');
  if (user === undefined && anonymous === undefined) {
    throw rowError('PERSON_MISSING', 'expected a userId or an anonymousId, got neither');
  }
  const bagName = kind === 'identify' || kind === 'group' ? 'traits' : kind === 'alias' ? 'context' : 'properties';
  if (kind === 'track') {
    if (take('event') === undefined) throw rowError('EVENT_MISSING', 'expected the name of an event, got none');
  } else instead('event');
  for (const name of ['name', 'category'] as const) (kind === 'page' || kind === 'screen' ? take : instead)(name);
  if (kind === 'group') {
    if (take('groupId') === undefined) throw rowError('FIELD_MISSING', 'expected a groupId, got none');
  } else if (text.has('groupId')) objects.context.groupId ??= text.get('groupId');
  if (kind === 'alias') {
    if (take('previousId') === undefined || user === undefined) {
      throw rowError('FIELD_MISSING', 'expected a previousId and a userId for an alias');
    }
  } else instead('previousId');
  const bag = bagName === 'context' ? objects.context : joinBags(draft, bagName);
  for (const key of Object.keys(draft.rest)) if (bag[key] === undefined) bag[key] = draft.rest[key];
  if (bagName !== 'context' && hasKeys(bag)) fields[bagName] = bag;
  if (hasKeys(objects.context)) fields.context = objects.context;
  return fields;
}

/** The other object goes where Segment has it: traits of a track call are context.traits. */
function joinBags({ objects }: Draft, bagName: 'properties' | 'traits'): JsonObject {
  if (bagName === 'traits') return Object.assign(toBag(), objects.properties, objects.traits);
  if (hasKeys(objects.traits)) objects.context.traits ??= objects.traits;
  return objects.properties;
}

function putAside(draft: Draft, column: string, value: unknown, mapping: Mapping): void {
  if (mapping.otherColumns === 'properties') draft.rest[column] = toValue(draft, value, 'auto', column);
}

function toValue({ typed }: Draft, value: unknown, type: CellType, column: string): unknown {
  return typed && type === 'auto' ? value : parseCell(value, type, column);
}

function put(bag: JsonObject, path: readonly string[], value: unknown, column: string): void {
  let inner = bag;
  for (const key of path.slice(0, -1)) {
    const next = inner[key] ?? toBag();
    if (!isObject(next))
      throw rowError('CELL_TYPE', `expected an object at ${key} to put ${column} into, got ${toShown(next)}`);
    inner[key] = next;
    inner = next;
  }
  inner[path.at(-1) as string] = value;
}

/** Without a prototype, or else a column named __proto__ would vanish. */
function toBag(): JsonObject {
  return Object.create(null);
}

function hasKeys(bag: JsonObject): boolean {
  for (const _ in bag) return true;
  return false;
}

function remember<K, V>(
  memory: { get(key: K): V | undefined; set(key: K, value: V): unknown },
  key: K,
  make: () => V,
): V {
  const known = memory.get(key);
  if (known !== undefined) return known;
  const made = make();
  memory.set(key, made);
  return made;
}
