import { isUtf8 } from 'node:buffer';
import { pipeline, Readable } from 'node:stream';
import { type CsvError, type Options, parse } from 'csv-parse';
import { TallygateError } from '../../errors.ts';
import type { Row, UnreadableRow } from './row.ts';
import type { RowProblemCode } from './row-problem.ts';

export interface CsvOptions {
  readonly delimiter: string;
  /** null: quotes are ordinary characters. */
  readonly quote: string | null;
  /** Take a quote inside a cell, or text behind a closing one, as it stands. */
  readonly looseQuotes: boolean;
  /** Names of the columns of a file without a header. */
  readonly columns?: readonly string[];
}

/** Bytes of the longest row. A longer one is nearly always a quote that is never closed. */
const longestRow = 1_048_576;

/**
 * Rows of a CSV or TSV file. `onHeader` sees the names first and may throw. Quotes that do not pair end the whole file
 * with INVALID_INPUT: what follows them cannot be told apart, and rows would vanish inside a cell.
 */
export async function* readCsv(
  file: string,
  chunks: AsyncIterable<Buffer>,
  options: CsvOptions,
  onHeader: (names: readonly string[]) => void,
): AsyncGenerator<Row | UnreadableRow> {
  // An error would end the parser's stream and take the rows with it that wait there; as a skipped record it does not.
  let failure: { readonly error: CsvError; readonly after: number } | undefined;
  const onSkip = (error: CsvError | undefined) => {
    if (error) failure ??= { error, after: parser.info.records };
    return undefined;
  };
  const parser = parse({ ...toParserOptions(options), skip_records_with_error: true, on_skip: onSkip });
  pipeline(Readable.from(chunks), parser, () => {});
  let names = options.columns;
  if (names) onHeader(names);
  let next = 1;
  let count = 0;
  for await (const cells of parser as AsyncIterable<Buffer[]>) {
    if (failure && count >= failure.after) break;
    count++;
    const line = next;
    next += 1 + countLines(cells);
    if (cells.length === 1 && cells[0]?.length === 0) continue;
    const values = cells.map((cell) => cell.toString('utf8'));
    const legible = cells.every((cell, index) => !values[index]?.includes('\ufffd') || isUtf8(cell));
    if (!names) {
      if (!legible) throw new TallygateError('INVALID_INPUT', `${file}: expected a header in UTF-8, got other bytes`);
      names = toNames(file, values);
      onHeader(names);
    } else if (!legible) {
      yield toUnreadable(line, 'BAD_ENCODING', 'expected UTF-8, got other bytes', values);
    } else if (values.length !== names.length) {
      const message = `expected ${names.length} cells as in the header, got ${values.length}`;
      yield toUnreadable(line, 'COLUMN_COUNT', message, values);
    } else yield { line, names, values };
  }
  if (failure) throw toQuoteError(failure.error, file, next);
}

function toParserOptions({ delimiter, quote, looseQuotes }: CsvOptions): Options {
  return {
    delimiter,
    quote,
    escape: quote,
    relax_quotes: looseQuotes,
    relax_column_count: true,
    // Found by itself, the line end would be the first one alone, and a file with both kinds would lose rows.
    record_delimiter: ['\r\n', '\n'],
    max_record_size: longestRow,
    // Buffers, so that bytes that are not UTF-8 are noticed.
    encoding: null,
  } as Options;
}

function toNames(file: string, cells: readonly string[]): readonly string[] {
  const names = cells.map((cell, index) => cell.trim() || `column_${index + 1}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new TallygateError(
      'INVALID_INPUT',
      `${file}: expected each column once, got ${JSON.stringify(twice)} twice in the header`,
    );
  }
  return names;
}

function toQuoteError(error: CsvError, file: string, line: number): TallygateError {
  const at = `the row that begins in line ${line}`;
  const open = error.code === 'CSV_MAX_RECORD_SIZE' || error.code === 'CSV_QUOTE_NOT_CLOSED';
  const message = open
    ? `expected ${at} to end, and its quotes to close, within ${longestRow} bytes. --quote none takes quotes as ordinary characters`
    : `expected quotes around whole cells, or doubled inside one, got another one in ${at}. --loose-quotes takes such quotes as they stand`;
  return new TallygateError('INVALID_INPUT', `${file}: ${message}`, { cause: error });
}

function toUnreadable(line: number, code: RowProblemCode, message: string, cells: readonly string[]): UnreadableRow {
  return { line, problem: { code, message }, raw: cells.join('\t').slice(0, 1000) };
}

/** Only a cell in quotes can hold the end of a line; rows end with one each. */
function countLines(cells: readonly Buffer[]): number {
  let count = 0;
  for (const cell of cells) for (let at = cell.indexOf(10); at >= 0; at = cell.indexOf(10, at + 1)) count++;
  return count;
}
