import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { Encoder, FormatOptions } from '../format.ts';
import type { Cell, Column, ColumnType, Row } from '../table.ts';

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];

/** Of a row group: it is held in memory until it is written. */
const mostRows = 100_000;
const mostCharacters = 16 * 1024 * 1024;

/** Apache Parquet. The footer comes last, and a file without it cannot be read. */
export function createParquet({ columns, facts }: FormatOptions): Encoder {
  const bytes = new ByteWriter(64 * 1024);
  const kvMetadata = [
    { key: 'tallygate.snapshot', value: facts.snapshot },
    { key: 'tallygate.asOf', value: facts.asOf.toISOString() },
  ];
  const schema: SchemaElement[] = [{ name: 'row', num_children: columns.length }, ...columns.map(toElement)];
  const writer = new ParquetWriter({ writer: bytes, schema, kvMetadata, createdBy: 'tallygate' });
  let waiting: Row[] = [];
  let characters = 0;

  const take = (): Uint8Array | null => {
    const taken = bytes.index === 0 ? null : bytes.getBytes().slice();
    // Where it stands in the file is counted apart.
    bytes.index = 0;
    return taken;
  };
  const writeGroup = () => {
    if (waiting.length === 0) return;
    const columnData = columns.map(({ name, type }, i) => ({
      name,
      data: waiting.map((row) => toValue(type, row[i] ?? null)),
    }));
    void writer.write({ columnData, rowGroupSize: waiting.length });
    waiting = [];
    characters = 0;
  };

  return {
    begin: take,
    rows: (rows) => {
      for (const row of rows) {
        waiting.push(row);
        for (const cell of row) characters += typeof cell === 'string' ? cell.length : 8;
      }
      if (waiting.length < mostRows && characters < mostCharacters) return null;
      writeGroup();
      return take();
    },
    end: (resume) => {
      writeGroup();
      kvMetadata.push({ key: 'tallygate.resume', value: resume });
      void writer.finish();
      return take();
    },
  };
}

function toElement({ name, type }: Column): SchemaElement {
  return { name, repetition_type: 'OPTIONAL', ...elements[type] };
}

/** JSON is a text here: readers that parse it round its numbers. */
const elements: Readonly<Record<ColumnType, Omit<SchemaElement, 'name'>>> = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  json: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  time: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MILLIS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
  },
  integer: { type: 'INT64' },
  number: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
};

function toValue(type: ColumnType, cell: Cell): unknown {
  if (cell === null) return null;
  if (type === 'time') return new Date(cell as number);
  return type === 'integer' ? BigInt(cell as number) : cell;
}
