import type { Encoder, FormatOptions } from '../format.ts';
import type { Cell, Column } from '../table.ts';

/** RFC 4180: CRLF, quotes doubled. A cell without a value is empty, and the empty text is `""`. */
export function createCsv({ columns, isContinued, spreadsheet }: FormatOptions): Encoder {
  return {
    begin: () => (isContinued ? null : Buffer.from(`${columns.map(({ name }) => name).join(',')}\r\n`)),
    rows: (rows) => {
      let text = '';
      for (const row of rows) {
        for (let i = 0; i < columns.length; i++) {
          if (i > 0) text += ',';
          text += toCell(columns[i] as Column, row[i] ?? null, spreadsheet);
        }
        text += '\r\n';
      }
      return Buffer.from(text);
    },
    end: () => null,
  };
}

/** What a spreadsheet takes for a formula: https://owasp.org/www-community/attacks/CSV_Injection */
const formula = /^[=+\-@\t\r\n]/;

function toCell({ type }: Column, cell: Cell, spreadsheet: boolean): string {
  if (cell === null) return '';
  if (type === 'time') return new Date(cell as number).toISOString();
  if (typeof cell !== 'string') return String(cell);
  const text = spreadsheet && formula.test(cell) ? `'${cell}` : cell;
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
