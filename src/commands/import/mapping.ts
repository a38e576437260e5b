import { z } from 'zod';
import { TallygateError } from '../../errors.ts';
import { type EventKind, eventKinds } from '../../events/event.ts';
import { type CellType, cellTypes } from './cell.ts';

import { toShown } from './row-problem.ts';
import { parseTimezone } from './timestamp.ts';

/** Where a cell can go. rest is what is mapped nowhere else: properties, or traits of identify and group. */
export const textFields = [
  'event',
  'userId',
  'anonymousId',
  'messageId',
  'groupId',
  'previousId',
  'name',
  'category',
] as const;
export const timeFields = ['timestamp', 'originalTimestamp', 'sentAt', 'receivedAt'] as const;
export const objectFields = ['properties', 'traits', 'context'] as const;
export type TextField = (typeof textFields)[number];
export type TimeField = (typeof timeFields)[number];
export type ObjectField = (typeof objectFields)[number];
export type Field = TextField | TimeField | ObjectField | 'type';

export interface Target {
  readonly field: Field | 'rest';
  /** Below an object field; empty for the field itself. */
  readonly path: readonly string[];
}

export interface ColumnMapping {
  readonly target: Target;
  readonly column: string;
  readonly type: CellType;
}

export interface Mapping {
  readonly columns: readonly ColumnMapping[];
  /** The same for every row. */
  readonly constants: readonly { readonly target: Target; readonly value: unknown }[];
  readonly otherColumns: 'properties' | 'drop';
  /** The kind of rows that do not say it. */
  readonly kind: EventKind;
  /** Of times without an offset. */
  readonly timezone: string;
  /** Cells that mean "nothing", beside the empty one. */
  readonly nulls: ReadonlySet<string>;
}

const targetNames = [...textFields, ...timeFields, ...objectFields, 'type'] as const;
const columnForm = z.union([
  z.string().min(1),
  z.strictObject({ column: z.string().min(1), type: z.enum(cellTypes).default('auto') }),
]);
const fileForm = z.strictObject({
  columns: z.record(z.string(), columnForm).default({}),
  constants: z.record(z.string(), z.unknown()).default({}),
  otherColumns: z.enum(['properties', 'drop']).optional(),
  kind: z.enum(eventKinds).optional(),
  timezone: z.string().optional(),
  nulls: z.array(z.string()).optional(),
});

export interface MappingFlags {
  /** target=column or target=column:type, as --map has them. */
  readonly map?: readonly string[];
  /** target=value, as --set has them. */
  readonly set?: readonly string[];
  /** The text of the --mapping file; flags win over it. */
  readonly file?: string;
  readonly otherColumns?: 'properties' | 'drop';
  readonly kind?: string;
  readonly timezone?: string;
  readonly nulls?: readonly string[];
}

/** Throws INVALID_INPUT or UNKNOWN_TIMEZONE with a sentence that names the flag or the place in the file. */
export function parseMapping(flags: MappingFlags): Mapping {
  const file = flags.file === undefined ? fileForm.parse({}) : parseMappingFile(flags.file);
  const columns = new Map<string, ColumnMapping>();
  const constants = new Map<string, { target: Target; value: unknown }>();
  for (const [name, to] of Object.entries(file.columns)) {
    const { column, type } = typeof to === 'string' ? { column: to, type: 'auto' as const } : to;
    columns.set(name, toColumnMapping(name, column, type, '--mapping'));
  }
  for (const [name, value] of Object.entries(file.constants)) {
    constants.set(name, { target: parseTarget(name, '--mapping'), value });
  }
  for (const flag of flags.map ?? []) {
    const [name, rest] = splitFlag(flag, '--map', 'target=column or target=column:type');
    const typed = /^(.+):([a-z]+)$/.exec(rest);
    const type = cellTypes.find((known) => known === typed?.[2]);
    columns.set(name, toColumnMapping(name, type ? (typed?.[1] as string) : rest, type ?? 'auto', '--map'));
    constants.delete(name);
  }
  for (const flag of flags.set ?? []) {
    const [name, value] = splitFlag(flag, '--set', 'target=value');
    constants.set(name, { target: parseTarget(name, '--set'), value });
    columns.delete(name);
  }
  if (constants.has('messageId')) {
    throw new TallygateError(
      'INVALID_INPUT',
      'expected a column for messageId, got one value for all rows, which would make them one event',
    );
  }
  const both = [...columns.keys()].find((name) => constants.has(name));
  if (both !== undefined)
    throw new TallygateError('INVALID_INPUT', `expected a column or a value for ${both}, got both`);
  const kind = eventKinds.find((known) => known === (flags.kind ?? file.kind ?? 'track'));
  if (!kind) {
    throw new TallygateError('INVALID_INPUT', `--kind: expected one of ${eventKinds.join(', ')}, got ${flags.kind}`);
  }
  return {
    columns: [...columns.values()],
    constants: [...constants.values()],
    otherColumns: flags.otherColumns ?? file.otherColumns ?? 'properties',
    kind,
    timezone: parseTimezone(flags.timezone ?? file.timezone ?? 'UTC'),
    nulls: new Set(flags.nulls ?? file.nulls ?? []),
  };
}

function parseMappingFile(text: string) {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new TallygateError('INVALID_INPUT', `--mapping: expected JSON: ${(cause as Error).message}`, { cause });
  }
  const parsed = fileForm.safeParse(json);
  if (parsed.success) return parsed.data;
  const mistakes = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`);
  throw new TallygateError('INVALID_INPUT', `--mapping: ${mistakes.join('; ')}`);
}

function splitFlag(flag: string, option: string, form: string): [string, string] {
  const at = flag.indexOf('=');
  if (at < 1 || at === flag.length - 1) {
    throw new TallygateError('INVALID_INPUT', `${option}: expected ${form}, got ${toShown(flag)}`);
  }
  return [flag.slice(0, at), flag.slice(at + 1)];
}

function parseTarget(name: string, option: string): Target {
  const [field, ...path] = name.split('.');
  const known = targetNames.find((target) => target === field);
  const deep = objectFields.some((object) => object === field);
  if (known === undefined || (path.length > 0 && !deep) || path.some((key) => key === '' || key === '__proto__')) {
    throw new TallygateError(
      'INVALID_INPUT',
      `${option}: expected a target out of ${targetNames.join(', ')}, or one such as properties.price, got ${toShown(name)}`,
    );
  }
  return { field: known, path };
}

function toColumnMapping(name: string, column: string, type: CellType, option: string): ColumnMapping {
  const target = parseTarget(name, option);
  const timed = timeFields.some((field) => field === target.field);
  const fits = timed
    ? ['auto', 'seconds', 'millis']
    : target.path.length > 0
      ? cellTypes.slice(0, 5)
      : ['auto', 'string'];
  const whole = objectFields.some((field) => field === target.field) && target.path.length === 0;
  const allowed = whole ? ['auto', 'json'] : fits;
  if (!allowed.includes(type)) {
    throw new TallygateError(
      'INVALID_INPUT',
      `${option}: expected one of the types ${allowed.join(', ')} for ${name}, got ${type}`,
    );
  }
  return { target, column, type };
}
