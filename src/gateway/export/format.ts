import type { Column, Row } from './table.ts';

/** What stands in a file beside its rows, where the format has a place for it. */
export interface FileFacts {
  readonly snapshot: string;
  readonly asOf: Date;
  /** Continues at the beginning of the file. */
  readonly resume: string;
}

export interface FormatOptions {
  readonly columns: readonly Column[];
  readonly facts: FileFacts;
  /** Whether rows follow those of another file. */
  readonly isContinued: boolean;
  /** Whether texts that a spreadsheet would take for formulas are made texts. */
  readonly spreadsheet: boolean;
}

/** Writes one file; what it gives out is written at once. */
export interface Encoder {
  begin(): Uint8Array | null;
  /** null while it waits for more. */
  rows(rows: readonly Row[]): Uint8Array | null;
  /** `resume`: continues behind the last row. */
  end(resume: string): Uint8Array | null;
  /** A last line that says why the file is not complete, where the format has room for one. */
  failure?(error: Readonly<Record<string, unknown>>): Uint8Array;
}

export interface Format {
  readonly mediaType: string;
  /** What writes a format is loaded when it is asked for. */
  open(options: FormatOptions): Promise<Encoder>;
}
