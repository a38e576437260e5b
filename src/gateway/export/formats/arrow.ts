import {
  Bool,
  type DataType,
  Field,
  Float64,
  Int64,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimestampMillisecond,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import type { Encoder, FormatOptions } from '../format.ts';
import type { Cell, Column, ColumnType, Row } from '../table.ts';

/** Arrow's stream format: the schema, a record batch for each page, and an end mark, without which it is not complete. */
export function createArrow({ columns, facts }: FormatOptions): Encoder {
  const metadata = new Map([
    ['tallygate.snapshot', facts.snapshot],
    ['tallygate.asOf', facts.asOf.toISOString()],
    ['tallygate.resume', facts.resume],
  ]);
  const fields = columns.map(({ name, type }) => new Field(name, types[type], true));
  const schema = new Schema(fields, metadata);
  const beginning = toStream(schema, []);
  return {
    begin: () => beginning.subarray(0, beginning.length - endMark),
    rows: (rows) => {
      const stream = toStream(schema, [toBatch(schema, columns, rows)]);
      return stream.subarray(beginning.length - endMark, stream.length - endMark);
    },
    end: () => beginning.subarray(beginning.length - endMark),
  };
}

const types: Readonly<Record<ColumnType, DataType>> = {
  text: new Utf8(),
  json: new Utf8(),
  time: new TimestampMillisecond('UTC'),
  integer: new Int64(),
  number: new Float64(),
  boolean: new Bool(),
};

/** Bytes: a continuation marker and a length of 0. https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format */
const endMark = 8;

function toStream(schema: Schema, batches: readonly RecordBatch[]): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  for (const batch of batches) writer.write(batch);
  writer.finish();
  return writer.toUint8Array(true);
}

function toBatch(schema: Schema, columns: readonly Column[], rows: readonly Row[]): RecordBatch {
  const children = columns.map(({ type }, i) => {
    const values = rows.map((row) => toValue(type, row[i] ?? null));
    return vectorFromArray(values, types[type]).data[0]!;
  });
  const type = new Struct(schema.fields);
  return new RecordBatch(schema, makeData({ type, length: rows.length, nullCount: 0, children }));
}

function toValue(type: ColumnType, cell: Cell): unknown {
  if (cell === null || type !== 'integer') return cell;
  return BigInt(cell as number);
}
