import fc from 'fast-check';

/** What clients put into variables: mostly right, often strange, sometimes of a wrong type. */

const strings = fc.string({ unit: 'binary', maxLength: 30 });
const odd = [
  '{"__proto__":{"admin":true},"constructor":{"prototype":1},"toJSON":"x"}',
  '{"big":18446744073709551616,"minus":-0,"tiny":5e-324,"max":1.7976931348623157e308}',
  '{"over":1e400}',
  '{"cut":"\\ud83d","nul":"\\u0000","\\udc00":1}',
  `{"deep":${'['.repeat(40)}${']'.repeat(40)}}`,
  JSON.stringify({ long: 'x'.repeat(33_000) }),
].map((text) => JSON.parse(text) as unknown);
const dates = fc.date({ min: new Date('2025-01-01'), max: new Date('2026-03-03'), noInvalidDate: true });

/** What fits the schema, good or bad, and values of other types beside it. */
const scalars = {
  id: [
    fc.oneof(
      fc.constantFrom('user-1', 'ü', 'a'.repeat(200)),
      strings,
      fc.constantFrom('', 'a'.repeat(201), '\ud800', 'nul\0', 7, 1e21, -0),
    ),
    fc.constantFrom(1.5, true, null, ['x']),
  ],
  time: [
    fc.oneof(
      dates.map((date) => date.toISOString()),
      fc.constantFrom('1850-01-01T00:00:00Z', '2400-01-01T00:00:00Z', '2024-02-29T23:59:60.5+14:00'),
    ),
    fc.constantFrom<unknown>('2026-02-30T00:00:00Z', 'now', 1_772_366_400_000, null, []),
  ],
  object: [
    fc.oneof(
      fc.constantFrom({ price: 12.5, plan: 'pro' }, {}, { deep: { list: [1, null, 'x', { a: false }] } }),
      fc.dictionary(strings, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 }),
      fc.constantFrom(...odd),
    ),
    fc.constantFrom<unknown>(null, [], [{}], 'text', 1),
  ],
  event: [
    fc.oneof(
      fc.constantFrom('Order Completed', 'Signed Up', '$page', 'x'.repeat(200)),
      fc.constantFrom('', 'x'.repeat(201), '\udfff', 'a\0b'),
    ),
    fc.constantFrom<unknown>(5, null, {}),
  ],
  messageId: [
    fc.oneof(
      { weight: 5, arbitrary: fc.uuid() },
      { weight: 1, arbitrary: fc.constantFrom('m'.repeat(100), 'm'.repeat(101), '', 'ü\ud800', 12) },
    ),
    fc.constantFrom<unknown>(null, 1.5, {}),
  ],
} as const satisfies Record<string, readonly [fc.Arbitrary<unknown>, fc.Arbitrary<unknown>]>;

type ScalarName = keyof typeof scalars;

/** One in twenty is of another type. */
const mostly = (name: ScalarName): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 19, arbitrary: scalars[name][0] }, { weight: 1, arbitrary: scalars[name][1] });

export const values = {
  id: mostly('id'),
  time: mostly('time'),
  object: mostly('object'),
  event: mostly('event'),
  messageId: mostly('messageId'),
};

/** Some of the fields; now and then one that is required lacks, or one is there that nobody knows. */
function some(fields: Readonly<Record<string, ScalarName>>, required: readonly string[]): fc.Arbitrary<unknown> {
  const whole = (of: (name: ScalarName) => fc.Arbitrary<unknown>, requiredKeys: readonly string[]) =>
    fc.record(Object.fromEntries(Object.entries(fields).map(([field, name]) => [field, of(name)])), {
      requiredKeys: [...requiredKeys],
    });
  const fitting = (name: ScalarName) => scalars[name][0];
  return fc.oneof(
    { weight: 12, arbitrary: whole(fitting, required) },
    { weight: 4, arbitrary: whole(mostly, required) },
    { weight: 1, arbitrary: whole(fitting, []) },
    { weight: 1, arbitrary: whole(fitting, required).map((value) => ({ ...value, evnt: 'unknown', constructor: 1 })) },
    { weight: 1, arbitrary: fc.constantFrom<unknown>(null, [], 'text', 3, [[]]) },
  );
}

const common = {
  userId: 'id',
  anonymousId: 'id',
  timestamp: 'time',
  sentAt: 'time',
  context: 'object',
  messageId: 'messageId',
} as const;
const named = { ...common, name: 'event', category: 'event', properties: 'object' } as const;

export const inputs = {
  track: some({ ...common, event: 'event', properties: 'object' }, ['event', 'userId']),
  page: some(named, ['userId']),
  screen: some(named, ['anonymousId']),
  identify: some({ ...common, traits: 'object' }, ['userId']),
  group: some({ ...common, groupId: 'id', traits: 'object' }, ['groupId', 'userId']),
  alias: some({ ...common, previousId: 'id' }, ['previousId', 'userId']),
} as const;

const kinds = Object.keys(inputs) as (keyof typeof inputs)[];
const event = fc.oneof(
  { weight: 20, arbitrary: fc.oneof(...kinds.map((kind) => fc.record({ [kind]: inputs[kind] }))) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>({}, null, [], { track: null }, { unknown: {} }) },
  { weight: 1, arbitrary: fc.record({ track: inputs.track, page: inputs.page }) },
);

/** A list, or the one value that a list of one may be written as. */
export const events = fc.oneof(
  { weight: 4, arbitrary: fc.array(event, { maxLength: 3 }) },
  { weight: 1, arbitrary: event },
);

export const batch = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record({ events, sentAt: scalars.time[0], context: scalars.object[0] }, { requiredKeys: ['events'] }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>({}, null, { events: null }, { events: [null] }, { events: 'x' }, []),
  },
);
