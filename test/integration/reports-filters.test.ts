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
  '{"a":1}',
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
    ...about(
      ['BETWEEN'],
      [
        [0, 10],
        [10, 0],
        [2.5, 2.5],
        ['a', 'b'],
        ['b', 'a'],
        ['', '😀'],
        [-1, 2 ** 63],
      ],
    ),
    ...about(['HAS_ANY', 'HAS_ALL'], [['a'], ['a', 'ab'], ['a', 1], [1], [1, 2.5], [10, '10'], [2 ** 63], ['x', true]]),
    ...about(
      ['EQ', 'NEQ', 'CONTAINS', 'STARTS_WITH', 'ENDS_WITH', 'MATCHES'],
      ['a', 'A', 'Ab', 'É', 'TRUE', '', "IT'S"],
    ).map((filter) => ({ ...filter, ignoreCase: true })),
    { property: 'v', op: 'IN', value: ['AB', 'TRUE', 10], ignoreCase: true },
    { property: 'v', op: 'NOT_IN', value: ['AB'], ignoreCase: true },
  ];
  await holds(project, facts, filters, token);
});

test('texts that hold a moment are compared by time, and only those', async () => {
  const moments = [
    '2026-03-29T01:00:00Z',
    '2026-03-29T01:00Z',
    '2026-03-29 03:00:00+02:00',
    '2026-03-29t01:00:00.000999z',
    '2026-03-29T00:59:59.999Z',
    '2026-03-29T01:00:00.001Z',
    '2026-03-28T13:30:00-1130',
    '1969-12-31T23:59:59.999Z',
    '1924-02-29T00:00:00.123456789Z',
    '1900-01-01T00:00:00+05:00',
    '2299-12-31T23:59:59.999Z',
    '1899-12-31T23:59:59Z',
    '2300-01-01T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2026-03-29T24:00:00Z',
    '2026-03-29T01:00:60Z',
    '2026-03-29T01:00:00',
    '2026-03-29',
    ' 2026-03-29T01:00:00Z',
    '2026-03-29T01:00:00Z\n',
    'yesterday',
    '1774746000',
    1774746000,
    1774746000000,
    ['2026-03-29T01:00:00Z'],
  ];
  const batch = toBatch(moments.map((v) => ({ v })));
  const project = service.openProject();
  const { token } = await project.send(batch);
  const operands = [
    '2026-03-29T01:00:00Z',
    '1969-12-31T23:59:59.999Z',
    '1900-01-01T00:00:00Z',
    '2299-12-31T23:59:59.999Z',
  ];
  const filters = (['BEFORE', 'AT_OR_BEFORE', 'AFTER', 'AT_OR_AFTER'] as const).flatMap((op) =>
    ['v', '$timestamp', '$event', 'never'].flatMap((property) => operands.map((value) => ({ property, op, value }))),
  );
  await holds(project, toFacts([batch]), filters, token);
});

test('properties of persons and groups, as of the event and as of now', async () => {
  const said = [
    { plan: 'free', n: 1, tags: ['a'], a: { b: 'x' } },
    { plan: 'pro', n: 2 ** 53, tags: ['a', 'b'] },
    { plan: null, n: 0.1 + 0.2, other: true },
    { plan: 'Pro', a: 'scalar' },
    { plan: true, n: '2' },
  ];
  const who = ['u1', 'u2', 'u3'];
  // Two tell something at each even moment, and somebody does something at every moment.
  const events = Array.from({ length: 40 }, (_, i) => {
    const at = {
      userId: who[i % 3] as string,
      messageId: `m${i}`,
      timestamp: new Date(receivedAt + Math.floor(i / 4)),
    };
    const traits = said[(i * 7) % said.length] as never;
    if (i % 4 === 0) return { kind: 'identify' as const, input: { ...at, traits } };
    if (i % 4 === 1) return { kind: 'group' as const, input: { ...at, groupId: `g${i % 2}`, traits } };
    return { kind: 'track' as const, input: { ...at, event: 'e', context: i % 3 === 0 ? { groupId: 'g1' } : {} } };
  });
  const batch: SentBatch = { receivedAt, events };
  const project = service.openProject();
  const { token } = await project.send(batch);
  const filters = ['person', 'personLatest', 'group', 'groupLatest'].flatMap((root): Filter[] => [
    ...['free', 'pro', true, 2].map((value) => ({ property: `${root}.plan`, value })),
    { property: `${root}.plan`, op: 'NEQ', value: 'free' },
    { property: `${root}.plan`, value: 'PRO', ignoreCase: true },
    { property: `${root}.plan`, op: 'NOT_IN', value: ['free', 'pro'] },
    { property: `${root}.plan`, op: 'EXISTS' },
    { property: `${root}.never`, op: 'NOT_EXISTS' },
    { property: `${root}.n`, op: 'BETWEEN', value: [0.1 + 0.2, 1] },
    { property: `${root}.n`, value: 2 ** 53 },
    { property: `${root}.tags`, op: 'HAS_ALL', value: ['a', 'b'] },
    { property: `${root}.a.b`, value: 'x' },
    { property: `${root}.a`, op: 'EXISTS' },
    {
      not: {
        and: [
          { property: `${root}.a`, value: 'scalar' },
          { property: `${root}.n`, op: 'EXISTS' },
        ],
      },
    },
  ]);
  await holds(project, toFacts([batch]), filters, token);
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
    { numRuns: Math.ceil(3 * Number(process.env.ORACLE_RUNS ?? 1)), endOnFailure: true },
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

test('a boolean in a list with texts or numbers stays one', async () => {
  const batch = toBatch([{ v: ['a', true] }, { v: [1, true] }, { v: [true] }, { v: ['true'] }, { v: [1] }]);
  const project = service.openProject();
  const { token } = await project.send(batch);
  const filters: Filter[] = [true, 'true', 1, false].map((value) => ({ property: 'v', op: 'CONTAINS', value }));
  await holds(project, toFacts([batch]), filters, token);
  const { values } = await project.ask().topValues({ range, property: 'v' });
  expect(values.map(({ value }) => value).sort()).toEqual(["['a',true]", "['true']", '[1,true]', '[1]', '[true]']);
});
