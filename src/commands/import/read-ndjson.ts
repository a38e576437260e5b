import { isUtf8 } from 'node:buffer';
import { isObject } from './event-input.ts';
import type { Row, UnreadableRow } from './row.ts';
import { type RowProblemCode, toShown } from './row-problem.ts';

/** Bytes of the longest line that is read; of a longer one nothing is kept. */
export const longestLine = 1_048_576;

/** One JSON object a line. Blank lines are passed over; what cannot be read comes out as a problem, not as an error. */
export async function* readNdjson(chunks: AsyncIterable<Buffer>): AsyncGenerator<Row | UnreadableRow> {
  let line = 0;
  for await (const bytes of splitLines(chunks)) {
    line++;
    if (bytes === 'too long') {
      yield toUnreadable(line, 'LINE_TOO_LONG', `expected a line of at most ${longestLine} bytes, got more`, '');
      continue;
    }
    const text = bytes.toString('utf8');
    if (text.trim() === '') continue;
    if (text.includes('\ufffd') && !isUtf8(bytes)) {
      yield toUnreadable(line, 'BAD_ENCODING', 'expected UTF-8, got other bytes', text);
      continue;
    }
    yield parseLine(line, text);
  }
}

function parseLine(line: number, text: string): Row | UnreadableRow {
  let value: unknown;
  try {
    value = parseKeepingDigits(text);
  } catch (error) {
    return toUnreadable(line, 'BAD_JSON', `expected a JSON object on one line: ${(error as Error).message}`, text);
  }
  if (!isObject(value)) {
    return toUnreadable(line, 'NOT_AN_OBJECT', `expected a JSON object on one line, got ${toShown(value)}`, text);
  }
  return { line, names: Object.keys(value), values: Object.values(value), typed: true };
}

type SourceReviver = (key: string, value: unknown, context: { source?: string }) => unknown;

/** Whole numbers whose digits would change, such as ids of 64 bits, become text with all of them. */
const keepDigits: SourceReviver = (_key, value, { source = '' }) =>
  typeof value === 'number' && /^-?\d+$/.test(source) && String(value) !== source && BigInt(value) !== BigInt(source)
    ? source
    : value;

/** Whole numbers that a double cannot hold come out as text. */
export function parseKeepingDigits(text: string): unknown {
  return /\d{16}/.test(text)
    ? JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown)
    : JSON.parse(text);
}

function toUnreadable(line: number, code: RowProblemCode, message: string, text: string): UnreadableRow {
  return { line, problem: { code, message }, raw: text.length > 1000 ? `${text.slice(0, 1000)}...` : text };
}

async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer | 'too long'> {
  let parts: Buffer[] = [];
  let length = 0;
  const take = (part: Buffer) => {
    length += part.length;
    if (length <= longestLine) parts.push(part);
    else parts = [];
  };
  const finish = (): Buffer | 'too long' => {
    const line = length > longestLine ? 'too long' : parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    parts = [];
    length = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      take(chunk.subarray(from, at));
      yield finish();
      from = at + 1;
    }
    if (from < chunk.length) take(chunk.subarray(from));
  }
  if (length > 0) yield finish();
}
