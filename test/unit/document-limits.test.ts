import { buildSchema, getIntrospectionQuery, parse, specifiedRules, validate } from 'graphql';
import { assertShallow, limitDocument } from '../../src/gateway/document-limits.ts';

const schema = buildSchema('type Query { node: Node, n: Int } type Node { node: Node, n: Int }');
const judge = (query: string) =>
  validate(schema, parse(query), [...specifiedRules, limitDocument]).map(({ message }) => message);
const nest = (depth: number) => `${'node { '.repeat(depth - 1)}n${' }'.repeat(depth - 1)}`;

test('twelve levels are fine, however they are written', () => {
  expect(judge(`{ ${nest(12)} }`)).toEqual([]);
  expect(judge(`{ ...A } fragment A on Query { ... on Query { ${nest(12)} } }`)).toEqual([]);
  expect(judge(`{ ${nest(13)} }`)).toEqual(['expected an operation of at most 12 levels, got 13']);
  expect(judge(`{ node { ...A } } fragment A on Node { ${nest(12)} }`)).toEqual([
    'expected an operation of at most 12 levels, got 13',
  ]);
});

test('sixty fields of Query are fine, fragments included', () => {
  const fields = (n: number) => Array.from({ length: n }, (_, i) => `a${i}: n`).join(' ');
  expect(judge(`{ ${fields(60)} }`)).toEqual([]);
  expect(judge(`{ ...A ...A ...A } fragment A on Query { ${fields(20)} }`)).toEqual([]);
  expect(judge(`{ ...A ...A ...A n } fragment A on Query { ${fields(20)} }`)).toEqual([
    'expected at most 60 fields of Query or Mutation in one operation, got 61',
  ]);
  expect(judge(`{ ${fields(50)} ${Array.from({ length: 11 }, (_, i) => `t${i}: __typename`).join(' ')} }`)).toEqual([
    'expected at most 60 fields of Query or Mutation in one operation, got 61',
  ]);
});

test('fragments count as often as they are spread', () => {
  const doubling = (n: number) =>
    `{ node { ...F0 } } ${Array.from({ length: n }, (_, i) => `fragment F${i} on Node { ...F${i + 1} ...F${i + 1} }`).join(' ')} fragment F${n} on Node { n }`;
  expect(judge(doubling(10))).toEqual([]);
  expect(judge(doubling(11))).toEqual(['expected an operation of at most 1500 fields, got 2049']);
});

test('introspection may be as deep and as wide as its tools make it, and not many times over', () => {
  const whole = getIntrospectionQuery({ oneOf: true, inputValueDeprecation: true, specifiedByUrl: true });
  expect(judge(whole)).toEqual([]);
  const body = (name: string) =>
    `${name}: __schema { types { ${Array.from({ length: 40 }, (_, i) => `d${i}: description`).join(' ')} } }`;
  expect(judge(`{ ${Array.from({ length: 14 }, (_, i) => body(`a${i}`)).join(' ')} }`)).toEqual([]);
  expect(judge(`{ ${Array.from({ length: 15 }, (_, i) => body(`a${i}`)).join(' ')} }`)).toEqual([
    'expected an introspection of at most 600 fields, got 615',
  ]);
});

test('circles and fragments that lack end at once, whatever they would double to', () => {
  const chain = (leaf: string) =>
    `{ ...F0 } ${Array.from({ length: 60 }, (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`).join(' ')} fragment F60 on Query { ${leaf} }`;
  for (const leaf of ['...F0', '...Missing']) {
    const started = performance.now();
    expect(judge(chain(leaf)).length).toBeGreaterThan(0);
    expect(performance.now() - started).toBeLessThan(500);
  }
});

describe('before a document is parsed', () => {
  const deep = 'expected a document that is nested at most 100 levels, got more';
  test.each([
    ['selections', '{a'.repeat(100) + '}'.repeat(100), '{a'.repeat(101) + '}'.repeat(101)],
    ['lists', '['.repeat(100), '['.repeat(101)],
    ['arguments', 'a('.repeat(100), 'a('.repeat(101)],
    ['all of them', '{a([{'.repeat(25), `${'{a([{'.repeat(25)}(`],
  ])('nesting of %s is counted', (_, fine, tooDeep) => {
    expect(() => assertShallow(fine)).not.toThrow();
    expect(() => assertShallow(tooDeep)).toThrow(deep);
  });

  test('what closes again does not count, nor do brackets in texts and comments', () => {
    const brackets = '{'.repeat(1000);
    for (const fine of [
      '{ a } '.repeat(1000),
      `{ a(b: "${brackets}") }`,
      `{ a(b: "\\"${brackets}") }`,
      `{ a(b: """ "${brackets}" \\""" ${brackets} """) }`,
      `# ${brackets}\n{ a }`,
      `{ a(b: "" c: """""" d: "${brackets}") }`,
    ])
      expect(() => assertShallow(fine)).not.toThrow();
    for (const hidden of [
      `"a" ${brackets}`,
      `"""a""" ${brackets}`,
      `#\n${brackets}`,
      `"\n${brackets}`,
      `"\\\\" ${brackets}`,
    ])
      expect(() => assertShallow(hidden)).toThrow(deep);
  });

  test('spreads are counted', () => {
    expect(() => assertShallow('...A '.repeat(200))).not.toThrow();
    expect(() => assertShallow('...A '.repeat(201))).toThrow(
      'expected a document with at most 200 fragments, got more',
    );
  });
});
