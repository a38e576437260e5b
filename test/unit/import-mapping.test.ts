import { readFileSync } from 'node:fs';
import { checkColumns, describeColumns, namesByField } from '../../src/commands/import/columns.ts';
import { type MappingFlags, parseMapping } from '../../src/commands/import/mapping.ts';
import { createMessageIds } from '../../src/commands/import/message-id.ts';
import { toRowProblem } from '../../src/commands/import/row-problem.ts';
import { createToEvent, toEventInput } from '../../src/commands/import/to-event.ts';

function map(record: Record<string, unknown>, flags: MappingFlags = {}, json = false): unknown {
  const toEvent = createToEvent(parseMapping(flags));
  const row = { line: 1, names: Object.keys(record), values: Object.values(record), typed: json };
  try {
    return JSON.parse(JSON.stringify(toEventInput(toEvent(row, json, createMessageIds()))));
  } catch (thrown) {
    const problem = toRowProblem(thrown);
    if (!problem) throw thrown;
    return problem.code;
  }
}

const at = '2024-03-13T10:21:14.000Z';
const messageId = expect.stringMatching(/^imp_[\w-]{27}$/) as unknown as string;
const flat = { event: 'Order', user_id: 'u1', timestamp: at };

test('columns are known by their names, and the others become properties', () => {
  expect(
    map({ Event_Name: 'Order', 'User ID': '7', ts: '1710325274', price: '9.50', zip: '01234', gift: 'true', note: '' }),
  ).toEqual({
    track: {
      event: 'Order',
      userId: '7',
      timestamp: at,
      messageId,
      properties: { price: 9.5, zip: '01234', gift: true },
    },
  });
});

test('values of JSON keep their types, unless another one is asked for', () => {
  const record = { ...flat, zip: '12345', count: '7', price: 9.5, gift: 'true' };
  expect(map(record, { map: ['properties.count=count:number'] }, true)).toMatchObject({
    track: { properties: { zip: '12345', count: 7, price: 9.5, gift: 'true' } },
  });
  expect(map(record)).toMatchObject({ track: { properties: { zip: 12345, count: 7, price: 9.5, gift: true } } });
});

test('of two columns for one target the better name wins, and the other stays a property', () => {
  expect(map({ ...flat, date: '2020-01-01', user: 'someone' })).toEqual({
    track: {
      event: 'Order',
      userId: 'u1',
      timestamp: at,
      messageId,
      properties: { date: '2020-01-01', user: 'someone' },
    },
  });
});

test('a type, name, category or sent_at that is an ordinary column stays one', () => {
  expect(
    map({
      ...flat,
      type: 'book',
      name: 'Tea',
      category: 'food',
      sent_at: 'x',
      context: 'mobile',
      version: '2',
      event_id: '5',
    }),
  ).toEqual({
    track: {
      event: 'Order',
      userId: 'u1',
      timestamp: at,
      messageId,
      properties: {
        type: 'book',
        name: 'Tea',
        category: 'food',
        sent_at: 'x',
        context: 'mobile',
        version: 2,
        event_id: 5,
      },
    },
  });
});

test('maps, constants and dropped columns', () => {
  const flags = {
    map: [
      'event=what',
      'userId=who',
      'timestamp=when:millis',
      'properties.price=cost:number',
      'properties.item.sku=sku:string',
      'context.ip=ip',
      'properties.tags=tags:json',
    ],
    set: ['properties.source=file', 'context.campaign.name=spring'],
    otherColumns: 'drop' as const,
    nulls: ['\\N'],
  };
  const row = {
    what: 'Order',
    who: '7',
    when: '1710325274000',
    cost: '12.00',
    sku: '0042',
    ip: '::1',
    tags: '["a"]',
    other: 'x',
  };
  expect(map(row, flags)).toEqual({
    track: {
      event: 'Order',
      userId: '7',
      timestamp: at,
      messageId,
      properties: { price: 12, item: { sku: '0042' }, tags: ['a'], source: 'file' },
      context: { ip: '::1', campaign: { name: 'spring' } },
    },
  });
  expect(map({ ...row, cost: '\\N' }, flags)).toMatchObject({
    track: { properties: { source: 'file', item: { sku: '0042' } } },
  });
  expect(map({ ...row, cost: 'twelve' }, flags)).toBe('CELL_TYPE');
});

test('a mapping file says the same as flags, and flags win', () => {
  const file = JSON.stringify({
    columns: { event: 'what', 'properties.price': { column: 'cost', type: 'number' } },
    constants: { userId: 'everyone' },
    timezone: 'Europe/Berlin',
  });
  const row = { what: 'Order', kind: 'Sale', cost: '5', date: '2024-07-01' };
  expect(map(row, { file })).toMatchObject({
    track: { event: 'Order', userId: 'everyone', timestamp: '2024-06-30T22:00:00.000Z' },
  });
  expect(map(row, { file, map: ['event=kind'], set: ['userId=nobody'], timezone: 'UTC' })).toMatchObject({
    track: {
      event: 'Sale',
      userId: 'nobody',
      timestamp: '2024-07-01T00:00:00.000Z',
      properties: { price: 5, what: 'Order' },
    },
  });
});

test.each<[MappingFlags, string]>([
  [{ map: ['price=cost'] }, '--map: expected a target out of event, userId'],
  [{ map: ['userId.x=cost'] }, 'got "userId.x"'],
  [{ map: ['properties.__proto__.x=cost'] }, 'got "properties.__proto__.x"'],
  [{ map: ['cost'] }, '--map: expected target=column or target=column:type, got "cost"'],
  [{ map: ['userId=id:number'] }, '--map: expected one of the types auto, string for userId, got number'],
  [
    { map: ['properties.a=b:millis'] },
    '--map: expected one of the types auto, string, number, boolean, json for properties.a',
  ],
  [{ set: ['messageId=1'] }, 'expected a column for messageId, got one value for all rows'],
  [{ kind: 'click' }, '--kind: expected one of track, page, screen, identify, group, alias, got click'],
  [{ timezone: 'Mars' }, 'expected an IANA time zone'],
  [{ file: '{' }, '--mapping: expected JSON'],
  [{ file: '{"column":{}}' }, '--mapping: the file: Unrecognized key: "column"'],
  [{ file: '{"columns":{"event":{"column":"a","type":"date"}}}' }, '--mapping: columns.event'],
  [{ file: '{"columns":{"event":"a"},"constants":{"event":"b"}}' }, 'expected a column or a value for event, got both'],
])('%j is refused with a sentence', (flags, sentence) => {
  expect(() => parseMapping(flags)).toThrow(sentence);
});

const segment = {
  type: 'track',
  event: 'Order',
  userId: 'u',
  anonymousId: 'a',
  messageId: 'm',
  timestamp: at,
  properties: { price: 5 },
  context: { ip: '::1' },
};

test("Segment's own shape goes through as it is, without what its transport adds", () => {
  const { type: _, ...fields } = segment;
  expect(
    map({ ...segment, integrations: { All: true }, channel: 'server', version: 2, writeKey: 'k' }, {}, true),
  ).toEqual({ track: fields });
});

test('each kind has its fields, and the others go where Segment has them', () => {
  const common = { userId: 'u', timestamp: at };
  expect(map({ type: 'page', name: 'Home', category: 'Docs', ...common, properties: { url: '/' } }, {}, true)).toEqual({
    page: { name: 'Home', category: 'Docs', ...common, messageId, properties: { url: '/' } },
  });
  expect(map({ type: 'identify', ...common, traits: { plan: 'pro' }, extra: 1 }, {}, true)).toEqual({
    identify: { ...common, messageId, traits: { plan: 'pro', extra: 1 } },
  });
  expect(map({ type: 'group', groupId: 'g', ...common, traits: { size: 5 } }, {}, true)).toEqual({
    group: { groupId: 'g', ...common, messageId, traits: { size: 5 } },
  });
  expect(map({ type: 'alias', previousId: 'p', ...common }, {}, true)).toEqual({
    alias: { previousId: 'p', ...common, messageId },
  });
  expect(map({ type: 'track', event: 'Order', groupId: 'g', traits: { plan: 'pro' }, ...common }, {}, true)).toEqual({
    track: { event: 'Order', ...common, messageId, context: { groupId: 'g', traits: { plan: 'pro' } } },
  });
});

test('clock skew is corrected once, and sentAt is not passed on', () => {
  const times = {
    originalTimestamp: '2024-01-01T10:00:00Z',
    sentAt: '2024-01-01T10:00:05Z',
    receivedAt: '2024-01-01T11:00:05Z',
  };
  const { timestamp: _, ...rest } = segment;
  expect(map({ ...rest, ...times }, {}, true)).toMatchObject({ track: { timestamp: '2024-01-01T11:00:00.000Z' } });
  expect(map({ ...segment, ...times }, {}, true)).toEqual({
    track: expect.not.objectContaining({ sentAt: expect.anything() }),
  });
  expect(map({ ...segment, ...times }, {}, true)).toMatchObject({ track: { timestamp: at } });
  expect(map({ ...rest, originalTimestamp: at }, {}, true)).toMatchObject({ track: { timestamp: at } });
});

test('members of JSON columns can be mapped', () => {
  const row = { event: 'Order', properties: { distinct_id: 'd', time: 1_710_325_274, price: 5 } };
  expect(map(row, { map: ['userId=properties.distinct_id', 'timestamp=properties.time:seconds'] }, true)).toMatchObject(
    {
      track: { event: 'Order', userId: 'd', timestamp: at, properties: { price: 5 } },
    },
  );
  expect(map(row, { map: ['userId=properties.constructor', 'timestamp=properties.time'] }, true)).toBe(
    'PERSON_MISSING',
  );
});

test.each<[string, Record<string, unknown>, MappingFlags]>([
  ['EVENT_MISSING', { ...flat, event: '' }, {}],
  ['PERSON_MISSING', { ...flat, user_id: null }, {}],
  ['TIMESTAMP_MISSING', { ...flat, timestamp: '' }, {}],
  ['TIMESTAMP_INVALID', { ...flat, timestamp: 'soon' }, {}],
  ['UNKNOWN_TYPE', { ...flat, what: 'click' }, { map: ['type=what'] }],
  ['FIELD_MISSING', flat, { kind: 'group' }],
  ['FIELD_MISSING', flat, { kind: 'alias' }],
  ['CELL_TYPE', { ...flat, user_id: { id: 1 } }, {}],
  ['CELL_TYPE', { ...flat, bag: 'text' }, { map: ['properties=bag'] }],
  ['CELL_TYPE', { ...flat, properties: { a: 1 }, b: 2 }, { map: ['properties.a.b=b'] }],
  ['EVENT_TOO_LARGE', { ...flat, text: 'x'.repeat(450_000) }, {}],
])('%s', (code, record, flags) => {
  expect(map(record, flags)).toBe(code);
});

test('a file without the columns that are needed is refused before anything is sent', () => {
  const check =
    (names: string[], flags: MappingFlags = {}) =>
    () =>
      checkColumns(names, parseMapping(flags), 'f.csv');
  expect(check(['event', 'user', 'ts'])).not.toThrow();
  expect(check(['user', 'ts'], { kind: 'identify' })).not.toThrow();
  expect(check(['user', 'ts'], { set: ['event=Order'] })).not.toThrow();
  expect(check(['event', 'user', 'ts'], { map: ['userId=usr'] })).toThrow(
    'f.csv: expected a column usr; its columns are "event", "user", "ts"',
  );
  expect(check(['event', 'ts'])).toThrow(
    'f.csv: expected a column for userId or anonymousId; its columns are "event", "ts". Say which one it is with --map',
  );
  expect(check(['event', 'user'])).toThrow('expected a column for timestamp');
  expect(check(['user', 'ts'])).toThrow('expected a column for event');
  expect(check(['event;user;ts'])).toThrow('or give --delimiter');
});

test('people are told where each column goes', () => {
  expect(describeColumns(['event', 'user', 'ts', 'price', 'x'], parseMapping({ timezone: 'Europe/Berlin' }))).toBe(
    'event -> event; user -> userId; ts -> timestamp; price, x -> properties; times in Europe/Berlin',
  );
  expect(
    describeColumns(
      ['event', 'user', 'ts', 'price', 'x'],
      parseMapping({ map: ['properties.cost=price'], otherColumns: 'drop' }),
    ),
  ).toBe('event -> event; user -> userId; ts -> timestamp; price -> properties.cost; x dropped; times in UTC');
});

test('the names of columns are documented, and no others', () => {
  const text = readFileSync(new URL('../../docs/importing.md', import.meta.url), 'utf8');
  const table = text.slice(text.indexOf('| target | names |'), text.indexOf('So Segment'));
  const rows = [...table.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, field, names]) => [field, names?.split(', ')]);
  expect(Object.fromEntries(rows)).toEqual(namesByField);
});
