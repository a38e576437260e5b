import { TallygateError } from '../errors.ts';
import type { Statement } from '../ports/warehouse.ts';

/**
 * SQL in pieces. Only three things can stand in a template: another piece, a value with its ClickHouse type (it travels
 * as a parameter, never as text), and a path into the JSON column (quoted). A plain string cannot, so no input can.
 */
export interface Sql {
  readonly strings: readonly string[];
  readonly values: readonly (Value | Hole)[];
}

interface Value {
  readonly type: string;
  readonly value: unknown;
}

/**
 * What is only known when a snapshot is: the project's rows that it has (`from` and `to` say which of them matter: milliseconds
 * since 1970, half-open; `timezone`: of the question), whom an id stands for, what the clock on the wall shows, and who is
 * in a cohort; and what is looked at around the events of the question, which depends on their range.
 */
export type Hole =
  | { readonly hole: 'rows'; readonly from: number; readonly to: number; readonly timezone?: string }
  | { readonly hole: 'person'; readonly id: Sql }
  | { readonly hole: 'zone' }
  /** Whether the event's person is a member; `at`: the place in the question that names the cohort. */
  | { readonly hole: 'cohort'; readonly name: string; readonly at: string }
  | { readonly hole: 'around'; readonly toSql: (range: { readonly from: number; readonly to: number }) => Sql };

export function sql(strings: TemplateStringsArray, ...parts: readonly (Sql | Value | Hole)[]): Sql {
  return assemble(strings.raw, parts);
}

function assemble(texts: readonly string[], parts: readonly (Sql | Value | Hole)[]): Sql {
  const strings: string[] = [texts[0] as string];
  const values: (Value | Hole)[] = [];
  const append = (text: string) => {
    strings[strings.length - 1] += text;
  };
  parts.forEach((part, i) => {
    if ('strings' in part) {
      append(part.strings[0] as string);
      part.values.forEach((value, j) => {
        values.push(value);
        strings.push(part.strings[j + 1] as string);
      });
    } else {
      values.push(part);
      strings.push('');
    }
    append(texts[i + 1] as string);
  });
  return { strings, values };
}

/** A value of a ClickHouse type. The type is written by us, in the code. */
export function value(type: string, of: unknown): Value {
  // As text: the in-process engine refuses to bind whole numbers beyond 2^53.
  return { type, value: type === 'Float64' ? String(of) : of };
}

export function join(pieces: readonly Sql[], separator: string): Sql {
  if (pieces.length === 0) return sql``;
  const texts = ['', ...pieces.slice(1).map(() => separator), ''];
  return assemble(texts, pieces);
}

/** Fills each hole. */
export function fill({ strings, values }: Sql, toSql: (hole: Hole) => Sql): Sql {
  return assemble(
    strings,
    values.map((part) => ('hole' in part ? toSql(part) : part)),
  );
}

export function holesOf({ values }: Sql): Hole[] {
  return values.filter((part) => 'hole' in part);
}

export const always: Sql = sql`1`;

/** All of them hold. */
export function allOf(conditions: readonly Sql[]): Sql {
  const real = conditions.filter((c) => c !== always);
  return real.length === 0 ? always : join(real, ' AND ');
}

/** A path into the column `doc`, each part quoted: doc.`properties`.`price`. */
export function docPath(path: readonly string[]): Sql {
  return { strings: [`doc.${path.map(quote).join('.')}`], values: [] };
}

/** What stands at a path where it is of a type, NULL or empty where it is not: doc.`properties`.`tags`.:`Array(Nullable(String))`. The type is ours. */
export function docValue(path: readonly string[], type: string): Sql {
  return { strings: [`${docPath(path).strings[0]}.:\`${type}\``], values: [] };
}

/** A part of a path as ClickHouse's lexer reads it back. */
function quote(part: string): string {
  return `\`${part.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}

/** Bytes; the engine reads 262,144 of a statement, and the warehouse adds its settings. */
const longestStatement = 250_000;

/**
 * Values are numbered in order of their appearance, equal ones once, so that equal pieces make equal statements, and pieces
 * that stand in one twice are the same expression. Throws QUERY_TOO_EXPENSIVE when they would make one that the engine does
 * not read.
 */
export function toStatement({ strings, values }: Sql): Statement {
  const params: Record<string, unknown> = {};
  const names = new Map<string, string>();
  let text = strings[0] as string;
  values.forEach((part, i) => {
    if ('hole' in part) throw new Error(`expected a statement without holes, got one for ${part.hole}`);
    const identity = `${part.type} ${JSON.stringify(part.value)}`;
    const name = names.get(identity) ?? `p${names.size}`;
    names.set(identity, name);
    params[name] = part.value;
    text += `{${name}:${part.type}}${strings[i + 1]}`;
  });
  const bytes = Buffer.byteLength(text);
  if (bytes > longestStatement) {
    throw new TallygateError(
      'QUERY_TOO_EXPENSIVE',
      `expected filters that make a statement of at most ${longestStatement} bytes, got ${bytes}: ask with fewer comparisons or shorter names`,
      { details: { limit: 'size of the statement' } },
    );
  }
  return { sql: text, params };
}
