import { quoteName } from './quote.ts';
import { type Column, type Table, toColumnSql } from './table.ts';

/** A row of the table, not looked at yet. */
export interface SourceRow {
  readonly key: readonly string[];
  readonly id: readonly string[];
  /** The columns that are wanted, as JSON. */
  readonly json: string;
  /** When and what, as the counts have it; null where the row has none, or SQL cannot say. */
  readonly millis: number | null;
  readonly event: string | null;
}

export interface Selection {
  readonly table: Table;
  readonly columns: readonly Column[];
  readonly where: string;
  /** Expressions of the row `t`, or NULL: when it happened, and what. */
  readonly time: string;
  readonly event: string;
}

/** The row's time in milliseconds, NULL where it has none. */
export function toMillisSql(time: string): string {
  return `(SELECT CASE WHEN isfinite(x) THEN floor(extract(epoch FROM x) * 1000)::bigint END FROM (SELECT (${time})::timestamptz) AS m(x))`;
}

export function toRowsSql({ table, columns, where, time, event }: Selection, rest: string): string {
  const keys = [...table.key, ...table.rowId].map((column) => `${toColumnSql(column)}::text`).join(', ');
  const wanted = columns.map((column) => toColumnSql(column)).join(', ');
  return `SELECT row_to_json(c)::text, ${toMillisSql(time)}::text, (${event})::text, ${keys}
    FROM ${toFromSql(table, where)} CROSS JOIN LATERAL (SELECT ${wanted}) c WHERE ${rest}`;
}

/** The rows that are meant, as `t`, with the transaction that wrote each as it is now. */
export function toFromSql(table: Table, where: string): string {
  return `(SELECT *, xmin AS ${quoteName(writer)} FROM ${table.sql} WHERE (${where}\n)) t`;
}

const writer = 'tallygate writer';

/** Rows that were written by `horizon` or a later transaction; `next` is the first that has not begun. xmin has 32 bits of 64. */
export function toWrittenSinceSql(horizon: bigint, next: bigint): string {
  return `((${next} - t.${quoteName(writer)}::text::bigint) & 4294967295) <= ${next - horizon}`;
}

export function toSourceRow(cells: readonly (string | null)[], { key: { length } }: Table): SourceRow {
  const [json, millis, event, ...keys] = cells;
  return {
    json: json as string,
    millis: millis === null || millis === undefined ? null : Number(millis),
    event: event ?? null,
    key: keys.slice(0, length) as string[],
    id: keys.slice(length) as string[],
  };
}

/** (a, b) > ($1, $2), with parameters of the columns' own types. */
export function toKeyCondition(key: readonly Column[], operator: '>' | '<=', firstParameter: number): string {
  const columns = key.map((column) => toColumnSql(column)).join(', ');
  const values = key.map(({ type }, i) => `CAST($${firstParameter + i} AS ${type})`).join(', ');
  return `(${columns}) ${operator} (${values})`;
}

export function toKeyOrder(key: readonly Column[], direction: 'ASC' | 'DESC'): string {
  return key.map((column) => `${toColumnSql(column)} ${direction}`).join(', ');
}
