import fc from 'fast-check';
import { type Filter, type Op, passes } from '../oracle/filter.ts';
import { openService, type Project, type Service } from '../oracle/harness.ts';
import { type Fact, type Json, type SentBatch, toFacts } from '../oracle/sent.ts';

/** Every operator on every kind of value with every kind of operand: no luck needed. And names that look like something else. */

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

const receivedAt = Date.UTC(2026, 0, 1, 12);
const range = { from: new Date(receivedAt - 1000), to: new Date(receivedAt + 1000) };

function toBatch(properties: readonly (object | undefined)[]): SentBatch {
  return {
    receivedAt,
    events: properties.map((p, i) => ({
      kind: 'track',
      input: { event: 'e', userId: `u${i % 5}`, messageId: `m${i}`, ...(p ? { properties: p as never } : {}) },
    })),
  };
}

/** The ids of the events that pass each filter, by the service and by the oracle. */
async function holds(project: Project, facts: readonly Fact[], filters: readonly Filter[], token: string) {
  const freshness = { after: token, maxWaitMs: 30_000 };
  for (let i = 0; i < filters.length; i += 40) {
    const request = project.ask();
    await Promise.all(
      filters.slice(i, i + 40).map(async (filter) => {
        const { nodes } = await request.events({ range, filter, first: 1000, freshness });
        const actual = nodes.map(({ messageId }) => messageId).sort();
        const expected = facts.filter((fact) => passes(fact, filter)).map(({ messageId }) => messageId);
        expect({ filter, ids: actual }).toEqual({ filter, ids: expected.sort() });
      }),
    );
  }
}

const texts = [
  '',
  'a',
  'ab',
  'A',
  '10',
  'true',
  'null',
  'é',
  '😀',
  '\uE000',
  "it's",
  'b\\s',
  'n\nx',
  'n\0x',
  '[1]',
  '1',
];
const numbers = [
  0,
  1,
  -1,
  10,
  2.5,
  0.1,
  0.1 + 0.2,
  1e21,
  2 ** 53,
  2 ** 53 - 1,
  2 ** 63,
  -(2 ** 63),
  5e-324,
  1.7976931348623157e308,
];
const scalars = [...texts, ...numbers, true, false];
const lists: Json[] = [
  [],
  ['a'],
  ['a', 'ab'],
  ['1'],
  ['10', 10],
  [1],
  [1, 2.5],
  [10, -1],
  [2 ** 63, 1],
  [0.1 + 0.2],
  ['a', 1],
  [1, null, 'a'],
  [null],
  [[1]],
  [['a'], 1],
  [{ a: 1 }],
  [{ a: 1 }, 1],
  [true],
  [true, null],
  ["it's", 'b\\s'],
  ['n\0x'],
  [''],
  ['true'],
  ['😀'],
];
const objects: Json[] = [{}, { x: null }, { x: 1 }, { x: { y: 'a' } }];
const values: (Json | undefined)[] = [undefined, null, ...scalars, ...lists, ...objects];

test('every operator on every kind of value', async () => {
  const batch = toBatch(values.map((v) => (v === undefined ? undefined : { v })));
  const project = service.openProject();
  const { token } = await project.send(batch);
  const facts = toFacts([batch]);
  const about = (ops: readonly Op[], operands: readonly Json[]): Filter[] =>
    ops.flatMap((op) => operands.map((value) => ({ property: 'v', op, value })));
  const patterns = [
    'a',
    '^a$',
    'a|1',
    '^$',
    '',
    '.',
    '^.$',
    'n.x',
    '^[^a]+$',
    '\\d',
    '\\\\',
    '\\[',
    'é',
    '(?:a)b',
    "'",
  ];
  const filters: Filter[] = [
    ...about(['EQ', 'NEQ', 'CONTAINS', 'NOT_CONTAINS'], scalars),
    ...about(['GT', 'GTE', 'LT', 'LTE'], [...texts, ...numbers]),
    ...about(['IN', 'NOT_IN'], [...scalars.map((s) => [s]), scalars, texts, numbers, ['10', 10], [true, 1, 'true']]),
    ...about(['STARTS_WITH', 'ENDS_WITH'], texts),
    ...about(['MATCHES'], patterns),
    { property: 'v', op: 'EXISTS' },
    { property: 'v', op: 'NOT_EXISTS' },
    { property: 'v.x', op: 'EXISTS' },
    { property: 'v.x.y', value: 'a' },
    { not: { property: 'v', op: 'GT', value: 1 } },
  ];
  await holds(project, facts, filters, token);
});

test('a property may have any name, and the name is only a name', async () => {
  const pieces = [
    'a',
    'b',
    '.',
    '`',
    '\\',
    "'",
    '"',
    ':',
    '^',
    '@',
    '\n',
    '\0',
    '\t',
    '%',
    '1',
    '-',
    'Int64',
    '[]',
    '*',
    '$',
    '{p0:String}',
    ';',
    '--',
    '/*',
    ' ',
    '?',
    ':`Int64`',
    '^`a`',
    'é',
    '😀',
    '#',
    '_',
    'doc',
    'size0',
    'null',
    ') OR 1=1 --',
    "' OR ''='",
  ];
  const name = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 4 }).map((p) => p.join(''));
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(name, { minLength: 20, maxLength: 60, size: 'max' }), async (names) => {
      const batch = toBatch(names.map((n, i) => Object.fromEntries([[n, i]])));
      const project = service.openProject();
      const { token } = await project.send(batch);
      // Names that the API refuses are stored all the same; they are just not asked for.
      const asked = names.flatMap((n, i) =>
        n.split('.').some((part) => part === '' || part.startsWith(':`')) ? [] : [[n, i] as const],
      );
      await holds(
        project,
        toFacts([batch]),
        asked.flatMap(([property, value]) => [
          { property, value },
          { property, op: 'EXISTS' as const },
        ]),
        token,
      );
    }),
    { numRuns: Math.ceil(3 * Number(process.env.ORACLE_RUNS ?? 1)) },
  );
}, 300_000);

test('more names than the warehouse has columns for', async () => {
  const kinds: Json[] = ['a', 'x', 1, 2.5, true, ['a', 'b'], [1, 2], [1, 'a'], { deep: 'a' }, 1e21];
  const names = Array.from({ length: 2400 }, (_, i) => `name ${i}`);
  const batch = toBatch(
    Array.from({ length: 80 }, (_, e) =>
      Object.fromEntries(names.filter((_, i) => i % 40 === e % 40).map((n, i) => [n, kinds[(i + e) % kinds.length]])),
    ),
  );
  const project = service.openProject();
  const { token } = await project.send(batch);
  const filters = names
    .filter((_, i) => i % 61 === 0)
    .flatMap((property): Filter[] => [
      { property, value: 'a' },
      { property, op: 'EXISTS' },
      { property, op: 'GTE', value: 1 },
      { property, op: 'CONTAINS', value: 'a' },
      { property, op: 'CONTAINS', value: 1 },
      { property: `${property}.deep`, value: 'a' },
    ]);
  await holds(project, toFacts([batch]), filters, token);
}, 60_000);

// See insertSettings of the warehouse: input_format_json_read_bools_as_numbers and _as_strings.
test.failing('a boolean in a list with texts or numbers stays one', async () => {
  const batch = toBatch([{ v: ['a', true] }, { v: [1, true] }, { v: [true] }, { v: ['true'] }, { v: [1] }]);
  const project = service.openProject();
  const { token } = await project.send(batch);
  const filters: Filter[] = [true, 'true', 1, false].map((value) => ({ property: 'v', op: 'CONTAINS', value }));
  await holds(project, toFacts([batch]), filters, token);
});
