/**
 * Parameters for the engine in this process, as a statement that stands in front of the one that uses them. Its own binding
 * would do, but runs one statement at a time in the whole process, so that a slow report would hold up everything.
 * The text of a value is that of ClickHouse's HTTP interface: https://clickhouse.com/docs/interfaces/http#cli-queries-with-parameters
 */
export function toParameterStatements(params: Readonly<Record<string, unknown>>): string {
  const each = Object.entries(params).map(
    ([name, value]) => `param_${assertName(name)} = ${toLiteral(toParameterText(value))}`,
  );
  // All in one: each statement in front costs a tenth of a millisecond.
  return each.length === 0 ? '' : `SET ${each.join(', ')}; `;
}

function toParameterText(value: unknown): string {
  if (value === null || value === undefined) return '\\N';
  if (typeof value === 'string') return escapeText(value);
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return `[${value.map(toElement).join(',')}]`;
  throw new TypeError(`expected a text, a number, a boolean or a list of them as a parameter, got ${typeof value}`);
}

function toElement(value: unknown): string {
  if (value === null) return 'NULL';
  return typeof value === 'string' ? `'${escapeText(value)}'` : toParameterText(value);
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', "'": "\\'", '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function escapeText(text: string): string {
  return text.replace(/[\\'\t\n\r]/g, (character) => escapes[character] as string);
}

/** A text as SQL. */
function toLiteral(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function assertName(name: string): string {
  if (!/^\w{1,60}$/.test(name)) throw new RangeError(`expected a parameter's name, got ${JSON.stringify(name)}`);
  return name;
}
