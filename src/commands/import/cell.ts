import { toCanonicalJson } from './canonical-json.ts';
import { isObject, type JsonObject } from './event-input.ts';
import { rowError, toShown } from './row-problem.ts';

export const cellTypes = ['auto', 'string', 'number', 'boolean', 'json', 'seconds', 'millis'] as const;
/** seconds and millis are for targets that hold a time; the others are for properties, traits and context. */
export type CellType = (typeof cellTypes)[number];

/** A number that reads back as it was written: no leading zero ("01234" is a postcode) and no lost digit. */
const plainNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;
const anyNumber = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const truths = new Map([
  ['true', true],
  ['false', false],
  ['yes', true],
  ['no', false],
  ['t', true],
  ['f', false],
  ['y', true],
  ['n', false],
  ['1', true],
  ['0', false],
]);

/** A property's value. Values that come from JSON have their type already and are kept unless another one is asked for. */
export function parseCell(value: unknown, type: CellType, column: string): unknown {
  switch (type) {
    case 'string':
      return typeof value === 'object' ? toCanonicalJson(value) : String(value);
    case 'number':
      return toNumber(value, column);
    case 'boolean': {
      const truth = typeof value === 'object' ? undefined : truths.get(String(value).trim().toLowerCase());
      if (truth === undefined)
        throw rowError('CELL_TYPE', `expected true or false in ${column}, got ${toShown(value)}`);
      return truth;
    }
    case 'json':
      return typeof value === 'string' ? toJson(value, column) : value;
    default:
      return typeof value === 'string' ? guess(value) : value;
  }
}

/** Ids and names: text as it stands, numbers as they are written. */
export function toText(value: unknown, column: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value).toString() : String(value);
  if (typeof value === 'boolean') return String(value);
  throw rowError('CELL_TYPE', `expected text or a number in ${column}, got ${toShown(value)}`);
}

/** An object, also when it is written as JSON text; undefined when it is neither. */
export function toObject(value: unknown): JsonObject | undefined {
  if (isObject(value)) return value;
  if (typeof value !== 'string' || !value.trimStart().startsWith('{')) return undefined;
  try {
    const parsed: unknown = JSON.parse(value);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function toNumber(value: unknown, column: string): number {
  const number =
    typeof value === 'number'
      ? value
      : typeof value === 'string' && anyNumber.test(value.trim())
        ? Number(value)
        : Number.NaN;
  if (!Number.isFinite(number)) throw rowError('CELL_TYPE', `expected a number in ${column}, got ${toShown(value)}`);
  return number;
}

function toJson(text: string, column: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw rowError('CELL_TYPE', `expected JSON in ${column}, got ${toShown(text)}`);
  }
}

function guess(text: string): unknown {
  if (plainNumber.test(text)) {
    const digits = text.replace(/\D/g, '').replace(/^0+/, '').length;
    return digits <= 15 && text !== '-0' ? Number(text) : text;
  }
  const lower = text.length <= 5 ? text.toLowerCase() : '';
  if (lower === 'true') return true;
  if (lower === 'false') return false;
  return text;
}
