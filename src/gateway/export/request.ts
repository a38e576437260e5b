import { closest, distance } from 'fastest-levenshtein';
import { TallygateError } from '../../errors.ts';
import type { Format } from './format.ts';
import { formats } from './formats/index.ts';
import type { Table } from './table.ts';

export interface ExportRequest {
  readonly table: Table;
  readonly format: string;
  readonly writer: Format;
  readonly resume: string | null;
  /** Of this file. */
  readonly mostRows: number;
  readonly spreadsheet: boolean;
  /** What belongs to the report, as it was written. */
  readonly parameters: Readonly<Record<string, string>>;
}

const own = ['resume', 'rows', 'spreadsheet'];

/** A path's last part and its query. Throws NOT_FOUND and BAD_REQUEST. */
export function parseExportRequest(
  tables: readonly Table[],
  namesOf: (table: Table) => readonly string[],
  file: string,
  query: Readonly<Record<string, unknown>>,
): ExportRequest {
  const dot = file.lastIndexOf('.');
  const [name, format] = dot < 0 ? [file, ''] : [file.slice(0, dot), file.slice(dot + 1)];
  const table = tables.find((one) => one.name === name);
  if (!table)
    throw new TallygateError(
      'NOT_FOUND',
      `expected one of the tables ${tables.map((one) => one.name).join(', ')}, got ${JSON.stringify(name.slice(0, 60))}${toHint(
        name,
        tables.map((one) => one.name),
      )}`,
    );
  const writer = Object.hasOwn(formats, format) ? formats[format] : undefined;
  if (!writer)
    throw new TallygateError(
      'NOT_FOUND',
      `expected ${Object.keys(formats)
        .map((one) => `${name}.${one}`)
        .join(', ')}, got ${JSON.stringify(file.slice(0, 80))}`,
    );
  const allowed = namesOf(table);
  const parameters: Record<string, string> = {};
  for (const [parameter, text] of Object.entries(query)) {
    if (typeof text !== 'string')
      throw wrong(`${parameter.slice(0, 60)}: expected it once, got it ${(text as unknown[]).length} times`);
    if (allowed.includes(parameter)) parameters[parameter] = text;
    else if (!own.includes(parameter)) {
      const all = [...allowed, ...own];
      throw wrong(
        `expected parameters among ${all.join(', ')}, got ${JSON.stringify(parameter.slice(0, 60))}${toHint(parameter, all)}`,
      );
    }
  }
  const { resume = null, rows, spreadsheet = 'false' } = query as Readonly<Record<string, string | undefined>>;
  if (rows !== undefined && !/^[1-9]\d{0,14}$/.test(rows))
    throw wrong(`rows: expected a whole number of at least 1, got ${JSON.stringify(rows.slice(0, 60))}`);
  if (spreadsheet !== 'true' && spreadsheet !== 'false')
    throw wrong(`spreadsheet: expected true or false, got ${JSON.stringify(spreadsheet.slice(0, 60))}`);
  if (spreadsheet === 'true' && format !== 'csv')
    throw wrong(`spreadsheet: expected it with csv alone, got it with ${format}`);
  return {
    table,
    format,
    writer,
    resume,
    mostRows: rows === undefined ? Number.POSITIVE_INFINITY : Number(rows),
    spreadsheet: spreadsheet === 'true',
    parameters,
  };
}

function toHint(name: string, known: readonly string[]): string {
  if (name === '' || name.length > 60) return '';
  const near = closest(name, known as string[]);
  return distance(name.toLowerCase(), near.toLowerCase()) <= Math.max(2, name.length / 3)
    ? `: did you mean ${near}?`
    : '';
}

function wrong(message: string): TallygateError {
  return new TallygateError('BAD_REQUEST', message);
}
