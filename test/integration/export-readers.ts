import { tableFromIPC } from 'apache-arrow';
import { parse } from 'csv-parse/sync';
import { parquetReadObjects } from 'hyparquet';
import { formats } from '../../src/gateway/export/formats/index.ts';
import type { Cell, Table } from '../../src/gateway/export/table.ts';

export type FormatName = 'csv' | 'ndjson' | 'arrow' | 'parquet';
export const formatNames = Object.keys(formats) as FormatName[];

/**
 * The rows of a file as its format's own reader finds them, told alike: times as milliseconds, whole numbers as numbers,
 * JSON as the text that stands there.
 */
export async function readRows(format: FormatName, bytes: Buffer, { columns }: Table): Promise<Cell[][]> {
  switch (format) {
    case 'csv': {
      const [head, ...rows] = parse(bytes, {
        cast: (value, { quoting }) => (value === '' && !quoting ? null : value),
      }) as (string | null)[][];
      expect(head).toEqual(columns.map(({ name }) => name));
      return rows.map((row) =>
        row.map((cell, i) => {
          const type = columns[i]!.type;
          if (cell === null || type === 'text' || type === 'json') return cell;
          if (type === 'time') return Date.parse(cell);
          return type === 'boolean' ? cell === 'true' : Number(cell);
        }),
      );
    }
    case 'ndjson':
      return bytes
        .toString()
        .split('\n')
        .slice(0, -1)
        .map((line) => {
          const row = JSON.parse(line) as Record<string, unknown>;
          expect(Object.keys(row)).toEqual(columns.map(({ name }) => name));
          return columns.map(({ name, type }) => {
            const cell = row[name];
            if (type === 'json') return textOf(line, name);
            return type === 'time' && cell !== null ? Date.parse(cell as string) : (cell as Cell);
          });
        });
    case 'arrow': {
      const table = tableFromIPC(bytes);
      expect(table.schema.fields.map(({ name }) => name)).toEqual(columns.map(({ name }) => name));
      return table.toArray().map((row) => columns.map(({ name }) => plain(row[name])));
    }
    case 'parquet': {
      const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
      const rows = await parquetReadObjects({ file });
      return rows.map((row) => columns.map(({ name }) => plain(row[name])));
    }
  }
}

function plain(cell: unknown): Cell {
  if (cell instanceof Date) return cell.getTime();
  return (typeof cell === 'bigint' ? Number(cell) : (cell ?? null)) as Cell;
}

/** What stands behind a name, up to the next member that has a name of ours. */
function textOf(line: string, name: string): string {
  const start = line.indexOf(`,"${name}":`) + name.length + 4;
  let depth = 0;
  for (let i = start, isText = false; ; i++) {
    const c = line[i];
    if (isText) {
      if (c === '\\') i++;
      else if (c === '"') isText = false;
    } else if (c === '"') isText = true;
    else if (c === '{') depth++;
    else if (c === '}' && --depth === 0) return line.slice(start, i + 1);
  }
}
