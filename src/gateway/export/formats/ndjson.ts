import type { Encoder, FormatOptions } from '../format.ts';
import type { Cell, Column } from '../table.ts';

/** A line of JSON for each row, every column in it. JSON of an event stands in it as it was sent. */
export function createNdjson({ columns }: FormatOptions): Encoder {
  const names = columns.map(({ name }, i) => `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`);
  return {
    begin: () => null,
    rows: (rows) => {
      let text = '';
      for (const row of rows) {
        for (let i = 0; i < columns.length; i++) text += names[i] + toValue(columns[i] as Column, row[i] ?? null);
        text += '}\n';
      }
      return Buffer.from(text);
    },
    end: () => null,
    failure: (error) => Buffer.from(`${JSON.stringify({ $error: error })}\n`),
  };
}

function toValue({ type }: Column, cell: Cell): string {
  if (cell === null) return 'null';
  // Between values a line may end, and a row may not.
  if (type === 'json') return (cell as string).replaceAll(/[\r\n]/g, ' ');
  return JSON.stringify(type === 'time' ? new Date(cell as number) : cell);
}
