import fc from 'fast-check';

/** Documents that cost a naive server its time, its memory or its life; each is to be answered soon, with a 4xx or in full. */
const chain = (n: number, leaf: string) =>
  `{ ...F0 } ${Array.from({ length: n }, (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`).join(' ')} fragment F${n} on Query { ${leaf} }`;

export const abusive: Readonly<Record<string, string>> = {
  'a megabyte of comments, less what is over the limit': `#${'x'.repeat(500_000)}\n{ __typename }`,
  'comments without end': '#\n'.repeat(250_000),
  'aliases without end': `{ ${Array.from({ length: 1600 }, (_, i) => `a${i}:ingestion{lag}`).join(' ')} }`,
  'one field, a thousand times': `{ ${'ingestion { asOf lag } '.repeat(800)} }`,
  'fragments that double, over one that lacks': chain(99, '...Missing'),
  'fragments that double, in a circle': chain(99, '...F0'),
  'fragments that double, over a name': chain(99, '__typename'),
  'fragments side by side': `{ ${Array.from({ length: 200 }, (_, i) => `...F${i}`).join(' ')} } ${Array.from({ length: 200 }, (_, i) => `fragment F${i} on Query { ingestion { asOf lag } }`).join(' ')}`,
  'nested selections': '{a'.repeat(1600) + '}'.repeat(1600),
  'nested lists': `{ a(x: ${'['.repeat(2400)}${']'.repeat(2400)}) }`,
  'nested objects': `{ a(x: ${'{a:'.repeat(1600)}1${'}'.repeat(1600)}) }`,
  'nested types': `query ($a: ${'['.repeat(2400)}Int${']'.repeat(2400)}) { a }`,
  'brackets that do not close': '{'.repeat(500_000),
  'texts that do not end': '"'.repeat(500_000),
  'block texts that do not end': `{ a(x: """${'\\"""'.repeat(100_000)}`,
  'circles of introspection':
    '{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }',
  'introspection over and over': `{ ${Array.from({ length: 60 }, (_, i) => `a${i}: __schema { types { fields { args { type { ofType { name } } } type { ofType { name } } } } }`).join(' ')} }`,
  'variables without end': `query (${Array.from({ length: 1200 }, (_, i) => `$a${i}: Int`).join(' ')}) { __typename }`,
  'directives without end': `{ __typename ${'@skip(if: false) '.repeat(700)} }`,
  'unknown names without end': `{ ${Array.from({ length: 2400 }, (_, i) => `tren${i}`).join(' ')} }`,
  'code for the compiler':
    '{ eventStatus(messageIds: ["__MAGIC_DATE__33a9e76d_02e0_4128_8e92_3530ad3da74dprocess.exit(1)"]) { state } }',
};

/** Requests that were right, with some of their bytes changed, left out or doubled. */
export const damaged = fc
  .record({
    body: fc.constantFrom(
      '{"query":"mutation ($input: TrackInput!) { track(input: $input) { token result { status } } }","variables":{"input":{"event":"a","userId":"u","properties":{"n":1e400,"m":18446744073709551616,"z":-0}}}}',
      '{"query":"{ trend(input: { range: { last: \\"2d\\" }, series: [{ event: \\"a\\", filter: { property: \\"n\\", op: GT, value: 3 } }] }) { buckets series { values } } }"}',
      '{"query":"query Q($f: EventFilter) { events(filter: $f, range: { last: \\"2d\\" }) { nodes { event } } }","operationName":"Q","variables":{"f":{"or":[{"property":"a","op":"IN","value":[1,"x"]},{"not":{"property":"b","op":"EXISTS"}}]}}}',
      '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}},"operationName":null}',
    ),
    changes: fc.array(fc.tuple(fc.nat(2 ** 20), fc.constantFrom('drop', 'double', 'set'), fc.nat(255)), {
      maxLength: 6,
    }),
  })
  .map(({ body, changes }) => {
    const bytes = [...Buffer.from(body)];
    for (const [at, what, value] of changes) {
      const i = at % bytes.length;
      if (what === 'drop') bytes.splice(i, 1 + (value % 8));
      else if (what === 'double') bytes.splice(i, 0, ...bytes.slice(i, i + (value % 40)));
      else bytes[i] = value;
    }
    return Buffer.from(bytes);
  });

/** JSON of the right form with anything in it, and anything at all. */
export const anything = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text)),
  fc
    .record(
      {
        query: fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.jsonValue(),
          fc.constantFrom('{ __typename }', 'mutation { track }'),
        ),
        operationName: fc.jsonValue({ maxDepth: 1 }),
        variables: fc.jsonValue({ maxDepth: 3 }),
        extensions: fc.oneof(
          fc.jsonValue({ maxDepth: 2 }),
          fc.record({ persistedQuery: fc.jsonValue({ maxDepth: 2 }) }),
        ),
      },
      { requiredKeys: [] },
    )
    .map((body) => Buffer.from(JSON.stringify(body))),
);
