import { parse, validate } from 'graphql';
import { createFastLane } from '../../src/gateway/fast-lane.ts';
import { magic } from './lane-documents.ts';
import { learnTwice, plain, runBoth } from './lane-oracle.ts';
import { laneSchema } from './lane-schema.ts';

type Trap = readonly [what: string, query: string, ...variables: (Record<string, unknown> | undefined)[]];

const traps: readonly Trap[] = [
  ['code in a text', `{ echo(text: "${magic}globalThis.owned=1") }`, undefined],
  ['code in a key of JSON', `{ echo(json: { ${magic}1: 1 }) }`, undefined],
  ['a variable in a literal of ours', 'query ($p: Int) { echo(json: { price: $p, list: [$p] }) }', { p: 3 }, {}],
  ['a prototype in a literal of ours', '{ echo(json: { __proto__: { a: 1 } }) }', undefined],
  ['a prototype among the answers', '{ __proto__: echo(int: 1) }', undefined],
  [
    'an inherited name of a variable',
    'query ($constructor: String!) { echo(text: $constructor) }',
    {},
    { constructor: 'x' },
  ],
  ['a list for an object', 'query ($l: Leaf) { echo(leaf: $l) }', { l: [] }, { l: [{ int: 1 }] }],
  ['a list for an object, deeper', 'query ($s: Strict) { echo(strict: $s) }', { s: { event: 'a', choices: [[]] } }],
  ['two fields of one', 'query ($c: Choice) { echo(choice: $c) }', { c: { text: 'a', number: 1 } }, { c: {} }],
  [
    'null as the one field',
    'query ($c: Choice) { echo(choice: $c) }',
    { c: { text: null } },
    { c: { text: 'a', leaf: null } },
  ],
  [
    'null in a list of ones',
    'query ($c: [Choice!]) { echo(choices: $c) }',
    { c: [{ text: 'a' }, { text: null }] },
    { c: { text: 'a' } },
  ],
  [
    'a nullable variable as the one field',
    'query ($n: Int) { echo(choices: { number: $n }) }',
    { n: null },
    {},
    { n: 1 },
  ],
  ['an absent variable in a literal', 'query ($t: String) { echo(leaf: { text: $t }) }', {}, { t: null }, { t: 'a' }],
  ['an absent variable in a list', 'query ($t: String) { echo(texts: ["a", $t]) }', {}, { t: null }],
  ['null where a default stands', 'query ($n: Int = 5) { need(int: $n) echo(need: $n) }', { n: null }, {}, { n: 1 }],
  ['a default that is no JSON', 'query ($m: Moment = "2026-01-01T00:00:00Z") { echo(moment: $m) }', {}],
  ['a required variable with a default', 'query ($n: Int! = 5) { need(int: $n) }', {}, { n: 6 }],
  ['a required field with a default', 'query ($n: Needy) { echo(needy: $n) }', { n: {} }, { n: { need: 8 } }],
  ['minus zero', '{ echo(float: -0, int: -0) }', undefined],
  ['an overflow', '{ echo(float: 1e400) }', undefined],
  [
    'a type within itself',
    'query ($t: Tree) { echo(tree: $t) }',
    { t: { children: [{ value: 1 }, { children: [] }] } },
    { t: { children: { value: 1 } } },
    { t: { children: [{ value: 'a' }] } },
    { t: { children: [], more: 1 } },
    { t: [] },
    { t: null },
    {},
  ],
  ['a type within itself, required', 'query ($t: Tree!) { echo(tree: $t) }', { t: { value: 1 } }, { t: null }, {}],
  [
    'a default of a type within itself',
    'query ($t: Tree = { value: 5 }) { echo(tree: $t) }',
    { t: null },
    {},
    { t: {} },
  ],
  [
    'beside a type within itself',
    'query ($t: Tree, $n: Int, $l: Leaf) { echo(tree: $t, int: $n, leaf: $l) }',
    { t: { value: 1 }, n: 2, l: {} },
    { n: 2 },
    { t: { value: 1 }, n: 'a' },
    { t: { value: 1 }, l: [] },
  ],
  ['a directive', 'query ($b: Boolean!) { echo(int: 1) @skip(if: $b) }', { b: true }, { b: false }],
  [
    'one fragment, two conditions',
    'query ($a: Boolean!, $b: Boolean!) { x: node { ...F @include(if: $a) } y: node { ...F @include(if: $b) } } fragment F on Node { name }',
    { a: true, b: false },
    { a: false, b: true },
  ],
  ['two failures below one field', '{ node { list { required name } } }', undefined],
  [
    'a mutation after one that does not fit',
    'mutation ($s: Strict = { event: "d" }) { echo(strict: $s) step }',
    { s: null },
    {},
  ],
];

test.each(traps.map(([what, query, ...variables]) => [what, { query, variables }] as const))(
  '%s is answered as graphql-js answers it',
  async (_, { query, variables }) => {
    const lane = createFastLane(laneSchema);
    const document = parse(query);
    expect(validate(laneSchema, document)).toEqual([]);
    learnTwice(lane, { query }, document);
    for (const values of variables) {
      const { answer, expected, ours } = await runBoth(lane, laneSchema, document, { query, variables: values });
      if (answer) expect(plain(answer)).toEqual(plain(expected));
      else expect(ours).toBe(0);
    }
    expect(globalThis).not.toHaveProperty('owned');
  },
);

const fits: readonly (readonly [string, string, Record<string, unknown>])[] = [
  ['aliases of one field', 'query ($a: Int, $b: Int) { a: echo(int: $a) b: echo(int: $b) }', { a: 1, b: 2 }],
  ['a field asked for twice', '{ node(depth: 1) { name } node(depth: 1) { maybe { name at } } }', {}],
  ['fragments', '{ node { ...A ...B } } fragment A on Node { name ...B } fragment B on Node { list { at color } }', {}],
  [
    'variables in a literal',
    'query ($e: String!, $m: Moment) { echo(strict: { event: $e, at: $m }) }',
    { e: 'a', m: '2026-03-01T00:00:00Z' },
  ],
  ['null for what may be null', 'query ($l: Leaf, $i: Int) { echo(leaf: $l, first: $i) }', { l: null, i: null }],
  ['nothing for what may be absent', 'query ($l: Leaf, $i: Int) { echo(leaf: $l, first: $i) }', {}],
  ['one value for a list', 'query ($i: [Int!], $m: [[Int]]) { echo(ints: $i, matrix: $m) }', { i: 3, m: 4 }],
  ['a number for an ID', 'query ($i: ID) { echo(id: $i) }', { i: 9007199254740991 }],
  ['an error among answers', '{ fail(message: "no") { name } node { name failing } echo(int: 1) }', {}],
  ['errors alone', 'mutation { fail { name } b: fail(message: "b") { name } }', {}],
  ['a bug', '{ broken }', {}],
  ['__typename', '{ __typename a: node { __typename } }', {}],
];

test.each(fits)('%s: executed compiled, and alike', async (_, query, variables) => {
  const lane = createFastLane(laneSchema);
  const document = parse(query);
  learnTwice(lane, { query }, document);
  const { answer, expected, ours, theirs } = await runBoth(lane, laneSchema, document, { query, variables });
  expect(answer).not.toBeNull();
  expect(plain(answer as object)).toEqual(plain(expected));
  expect(ours).toBe(theirs);
});
