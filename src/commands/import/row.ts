import type { RowProblem } from './row-problem.ts';

/** What a reader hands out. `names` is one and the same array for all rows of a file with a header. */
export interface Row {
  /** The first line of the row, from 1. */
  readonly line: number;
  readonly names: readonly string[];
  readonly values: readonly unknown[];
  /** Values have types of their own, as in JSON: a text that looks like a number is a text. */
  readonly typed?: boolean;
}

export interface UnreadableRow {
  readonly line: number;
  readonly problem: RowProblem;
  /** The beginning of what stands there. */
  readonly raw: string;
}

export function isReadable(row: Row | UnreadableRow): row is Row {
  return !('problem' in row);
}

/** The row as an object, for people. */
export function toCells(row: Row): Record<string, unknown> {
  const cells: Record<string, unknown> = Object.create(null);
  row.names.forEach((name, index) => {
    cells[name] = row.values[index];
  });
  return cells;
}
