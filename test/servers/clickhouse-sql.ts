export interface Statement {
  /** Its first word, in upper case. */
  readonly verb: string;
  /** Where a second statement begins, or -1: the HTTP interface takes one, the engine in-process takes several. */
  readonly second: number;
  /** Of an INSERT with a FORMAT: where the clauses behind the columns begin, and where the data begins. */
  readonly clausesAt: number;
  readonly dataAt: number;
}

const token =
  /'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"|`(?:[^`\\]|\\[\s\S]|``)*`|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\/|[A-Za-z_]\w*|\s+|[\s\S]/g;

/** Reads as much of a statement as its transport needs. What follows FORMAT or VALUES in an INSERT is data. */
export function scanStatement(sql: string): Statement {
  let verb = '';
  let ended = false;
  let depth = 0;
  let clausesAt = -1;
  let format = false;
  const result = (second: number, dataAt: number) => ({ verb, second, clausesAt, dataAt });
  for (const { 0: text, index } of sql.matchAll(token)) {
    if (/^(?:\s|--|\/\*)/.test(text)) continue;
    if (ended) return result(index, -1);
    if (format) return result(-1, index + text.length);
    const word = text.toUpperCase();
    if (/^[A-Z]/.test(word)) verb ||= word;
    if (text === '(') depth++;
    else if (text === ')') depth--;
    else if (text === ';') ended = true;
    else if (verb === 'INSERT' && depth === 0) {
      if (word === 'VALUES') return result(-1, -1);
      if (word === 'SETTINGS' || (word === 'FORMAT' && clausesAt === -1)) clausesAt = index;
      format = word === 'FORMAT';
    }
  }
  return result(-1, -1);
}
