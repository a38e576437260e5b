import { TallygateError } from '../../errors.ts';
import { quoteName, quoteText, toPlainName } from './quote.ts';
import type { Snapshot } from './source.ts';

export interface Column {
  readonly name: string;
  /** As SQL has it, with length and so on: what a parameter is cast to. */
  readonly type: string;
  /** Name of the base type: text, int8, timestamptz. */
  readonly base: string;
  /** pg_type.typcategory: S for texts, E for enums, N for numbers. */
  readonly category: string;
}

export interface Table {
  /** For SQL. */
  readonly sql: string;
  /** For people: public.events. */
  readonly name: string;
  /** Names the rows in the whole world, as far as that can be known: shop.public.events. */
  readonly identity: string;
  readonly columns: readonly Column[];
  /** Order the copy, and are different for each row. */
  readonly key: readonly Column[];
  /** Name a row whatever the copy is ordered by: the primary key, or else `key`. */
  readonly rowId: readonly Column[];
  /** False when each chunk would have to sort the table. */
  readonly hasKeyIndex: boolean;
}

/** What --table and --key name. Throws INVALID_INPUT. */
export async function describeTable(
  snapshot: Snapshot,
  asked: string,
  askedKey: readonly string[] | undefined,
): Promise<Table> {
  const [found] = await snapshot.query(
    `SELECT c.oid::text, c.relkind::text, n.nspname::text, c.relname::text, current_database()::text
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)`,
    [toSqlName(asked)],
  );
  if (!found) {
    throw new TallygateError(
      'INVALID_INPUT',
      `--table: expected a table that is there, got ${asked}; ${await describeTables(snapshot)}`,
    );
  }
  const [oid, kind, schema, relation, database] = found as [string, string, string, string, string];
  const name = `${toPlainName(schema)}.${toPlainName(relation)}`;
  if (kind !== 'r' && kind !== 'p') {
    const what = { v: 'a view', m: 'a materialized view', f: 'a foreign table' }[kind] ?? 'something else';
    throw new TallygateError(
      'INVALID_INPUT',
      `--table: expected a table, whose rows say which transaction wrote them, got ${what}, ${name}; narrow a table with --where instead`,
    );
  }
  const columns = (
    await snapshot.query(
      `SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), b.typname::text, b.typcategory::text
       FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
       JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
       WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
      [oid],
    )
  ).map((row) => {
    const [column, type, base, category] = row as [string, string, string, string];
    return { name: column, type, base, category };
  });
  const keys = await findKey(snapshot, oid, name, columns, askedKey);
  return {
    sql: `${quoteName(schema)}.${quoteName(relation)}`,
    name,
    identity: `${toPlainName(database)}.${name}`,
    columns,
    ...keys,
  };
}

/** Rows that the statistics promise for a condition; undefined where there are none. */
export async function estimateRows(snapshot: Snapshot, { sql }: Table, where: string): Promise<number | undefined> {
  const [row] = await snapshot.query(`EXPLAIN (FORMAT JSON) SELECT 1 FROM ${sql} WHERE (${where}\n)`);
  const plan: unknown = JSON.parse(row?.[0] ?? '[]');
  const rows = Array.isArray(plan) ? Number(plan[0]?.Plan?.['Plan Rows']) : Number.NaN;
  return Number.isFinite(rows) ? rows : undefined;
}

/** Names without quotes are taken as they stand, capitals included: public.Events is "public"."Events". */
function toSqlName(asked: string): string {
  const parts = asked.match(/"(?:[^"]|"")+"|[^."]+/g) ?? [];
  if (parts.length === 0 || parts.length > 2 || parts.join('.') !== asked) {
    throw new TallygateError('INVALID_INPUT', `--table: expected a name such as events or public.events, got ${asked}`);
  }
  return parts.map((part) => (part.startsWith('"') ? part : quoteName(part))).join('.');
}

async function describeTables(snapshot: Snapshot): Promise<string> {
  const rows = await snapshot.query(
    `SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
     ORDER BY c.reltuples DESC, 1, 2 LIMIT 20`,
  );
  const names = rows.map(([schema, relation]) => `${toPlainName(schema as string)}.${toPlainName(relation as string)}`);
  return names.length > 0 ? `there are ${names.join(', ')}` : 'there is none that this user can see';
}

async function findKey(
  snapshot: Snapshot,
  oid: string,
  table: string,
  columns: readonly Column[],
  asked: readonly string[] | undefined,
): Promise<Pick<Table, 'key' | 'rowId' | 'hasKeyIndex'>> {
  // Whole unique indexes over columns that cannot be null, and other indexes; INCLUDEd columns do not count.
  const rows = await snapshot.query(
    `SELECT i.indisprimary::text, (i.indisunique AND i.indpred IS NULL AND bool_and(a.attnotnull))::text, (i.indpred IS NULL)::text,
       json_agg(a.attname ORDER BY k.place)::text
     FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(number, place)
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
     WHERE i.indrelid = $1::oid AND i.indisvalid AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
     GROUP BY i.indexrelid, i.indisprimary, i.indisunique, i.indpred, i.indnkeyatts`,
    [oid],
  );
  const indexes = rows.map(([primary, unique, whole, names]) => ({
    primary: primary === 'true',
    unique: unique === 'true',
    whole: whole === 'true',
    names: JSON.parse(names as string) as string[],
  }));
  const primary = indexes.find((index) => index.primary)?.names;
  const names = asked ?? primary;
  if (!names) {
    throw new TallygateError(
      'INVALID_INPUT',
      `${table}: expected a primary key, got a table without one; name columns with --key that no two rows share (a unique index, not null)`,
    );
  }
  const toColumn = (name: string): Column => {
    const column = columns.find((known) => known.name === name);
    if (column) return column;
    const there = columns.map((known) => known.name).join(', ');
    throw new TallygateError('INVALID_INPUT', `--key: expected columns of ${table}, got ${name}; there are ${there}`);
  };
  const key = names.map(toColumn);
  if (!indexes.some(({ unique, names: of }) => unique && of.every((name) => names.includes(name)))) {
    throw new TallygateError(
      'INVALID_INPUT',
      `--key: expected columns that no two rows of ${table} share, with a unique index over them, or over some of them, and not null; got ${names.join(', ')}`,
    );
  }
  return {
    key,
    rowId: primary ? primary.map(toColumn) : key,
    hasKeyIndex: indexes.some(({ whole, names: of }) => whole && names.every((name, i) => of[i] === name)),
  };
}

/** A column of the row `t`, for SQL. */
export function toColumnSql({ name }: Pick<Column, 'name'>, path: readonly string[] = []): string {
  const column = `t.${quoteName(name)}`;
  return path.length === 0 ? column : `(${column} #>> ARRAY[${path.map(quoteText).join(', ')}])`;
}
