import fc from 'fast-check';
import { docPath, docValue, join, sql, toStatement, value } from '../../src/reports/sql.ts';

test('a value travels as a parameter, never as text', () => {
  const evil = "'; DROP TABLE events; --";
  const statement = toStatement(sql`SELECT ${value('String', evil)} WHERE x = ${value('UInt32', 7)}`);
  expect(statement).toEqual({ sql: 'SELECT {p0:String} WHERE x = {p1:UInt32}', params: { p0: evil, p1: 7 } });
});

test('pieces nest, and their values are numbered in order of their appearance', () => {
  const inner = sql`a = ${value('String', 'one')}`;
  const both = join([inner, sql`b = ${value('String', 'two')}`], ' OR ');
  expect(toStatement(sql`SELECT ${value('String', 'zero')} WHERE ${both} LIMIT ${value('UInt32', 3)}`)).toEqual({
    sql: 'SELECT {p0:String} WHERE a = {p1:String} OR b = {p2:String} LIMIT {p3:UInt32}',
    params: { p0: 'zero', p1: 'one', p2: 'two', p3: 3 },
  });
});

test('equal pieces make equal statements, whatever their values', () => {
  const of = (of: string) => toStatement(sql`x = ${value('String', of)} AND y = ${value('String', of)}`).sql;
  expect(of('a')).toBe(of("b'"));
});

test('nothing joined is nothing', () => {
  expect(toStatement(sql`[${join([], ', ')}]`)).toEqual({ sql: '[]', params: {} });
  expect(toStatement(join([sql`a`], ', '))).toEqual({ sql: 'a', params: {} });
});

test('floating-point values travel as text, which keeps every bit of them', () => {
  expect(value('Float64', 1e21)).toEqual({ type: 'Float64', value: '1e+21' });
  expect(value('Float64', 2 ** 60)).toEqual({ type: 'Float64', value: '1152921504606847000' });
});

test('a path is quoted part by part', () => {
  expect(docPath(['properties', 'we`ird\\', 'x']).strings).toEqual(['doc.`properties`.`we\\`ird\\\\`.`x`']);
  expect(docValue(['properties', 'tags'], 'Array(String)').strings).toEqual([
    'doc.`properties`.`tags`.:`Array(String)`',
  ]);
});

/** What the engine's lexer makes of quoted parts: none when something else stands between or behind them. */
function readBack(text: string): string[] | null {
  const parts: string[] = [];
  let at = 'doc'.length;
  while (at < text.length) {
    if (text.slice(at, at + 2) !== '.`') return null;
    let part = '';
    for (at += 2; text[at] !== '`'; at++) {
      if (at >= text.length) return null;
      if (text[at] === '\\') at++;
      part += text[at];
    }
    at++;
    parts.push(part);
  }
  return parts;
}

test('however a part of a path is made, it is read back as that part', () => {
  const part = fc
    .array(fc.constantFrom('`', '\\', '.', 'a', "'", '"', '\n', '\0', '😀'), { minLength: 1 })
    .map((p) => p.join(''));
  fc.assert(
    fc.property(fc.array(part, { minLength: 1 }), (path) => {
      expect(readBack(docPath(path).strings[0] as string)).toEqual(path);
    }),
  );
});
