import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkEntities } from '../../src/commands/doctor/entities.ts';
import { parseConfig } from '../../src/config.ts';
import { parseEntityTypes, readEntityTypes } from '../../src/gateway/entity-types.ts';
import { readSubgraph } from '../../src/gateway/federation.ts';
import { createSchema, readTypeDefs } from '../../src/gateway/schema.ts';

const isTaken = (name: string) => name === 'Trend';
const good = 'type Product @key(fields: "id") @entity(property: "productId") { id: ID! }';

test('types of a file', () => {
  const text = `# shop\n${good}\n"A page." type Page @entity(property: "context.page.path") @key(fields: "path") { path: String! }`;
  expect(parseEntityTypes(text, isTaken)).toEqual({
    mistakes: [],
    types: [
      { name: 'Product', key: 'id', keyType: 'ID!', property: 'productId' },
      { name: 'Page', key: 'path', keyType: 'String!', property: 'context.page.path' },
    ],
  });
});

test.each([
  ['', '1:1: expected types with @key and @entity, got none'],
  ['# nothing\n', '1:1: expected types with @key and @entity, got none'],
  ['type Product {', '1:15: expected SDL, got a Syntax Error: Expected Name, found <EOF>.'],
  [
    '\n  enum Color { RED }',
    '2:3: expected nothing but types, as in type Product @key(fields: "id") ..., got enum Color { RED }',
  ],
  [good.replace('@key(fields: "id") ', ''), '1:6: Product: expected @key(fields: "id"), got none'],
  [good.replace('"id"', '"id name"'), '1:27: Product @key(fields:): expected the name of one field, got "id name"'],
  [good.replace('fields: "id"', 'fields: 1'), '1:14: Product: expected @key(fields: "id"), got @key(fields: 1)'],
  [`${good.replace('{', '@key(fields: "id") {')}`, '1:64: Product: expected @key(fields: "id"), got 2 of them'],
  [
    good.replace('@entity(property: "productId") ', ''),
    '1:6: Product: expected @entity(property: "productId"), got none',
  ],
  [
    good.replace('productId', 'a..b'),
    '1:51: Product @entity(property:): expected a property\'s name whose parts, between the dots, neither are empty nor begin with :`, got "a..b"',
  ],
  [
    good.replace('productId', '$hour'),
    '1:51: Product @entity(property:): expected a property whose values are texts, got $hour',
  ],
  [
    good.replace('{ id', '@shareable { id'),
    '1:64: Product: expected no directives but @key and @entity, got @shareable',
  ],
  [good.replace('@key', 'implements Node @key'), '1:25: Product: expected no interfaces, got Node'],
  [good.replace('ID!', 'Int!'), '1:70: Product.id: expected ID! or String!, got Int!: ids are texts in events'],
  [
    good.replace('ID!', 'ID! name: String'),
    '1:74: Product.name: expected no field but that of the key, id: what else it has belongs to the service that owns it',
  ],
  [good.replace('{ id: ID! }', '{ key: ID! }'), '1:6: Product: expected the field of its key, id: ID!, got none'],
  [good.replace('Product', 'Trend'), '1:6: expected the name of a type that Tallygate does not have itself, got Trend'],
  [good.replace('Product', '_Product'), '1:6: expected a name that does not begin with _, got _Product'],
  [`${good}\n${good}`, '2:6: expected each type once, got Product again'],
  [
    good.replaceAll('"id"', '"trend"').replace('id: ID', 'trend: ID'),
    '1:69: Product.trend: expected a key that is not named like a report, got trend',
  ],
])('%s: %s', (text, mistake) => {
  expect(parseEntityTypes(text, isTaken).mistakes).toContain(mistake);
});

describe('a file', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallygate-entities-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('with mistakes: all of them are told, with their places', () => {
    const file = join(folder, 'bad.graphql');
    writeFileSync(file, 'type A { id: ID! }\nscalar B\n');
    expect(() => readEntityTypes(file, isTaken)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: `ENTITIES_FILE: 3 mistakes in it:
  - ${file}:1:6: A: expected @key(fields: "id"), got none
  - ${file}:1:6: A: expected @entity(property: "productId"), got none
  - ${file}:2:1: expected nothing but types, as in type Product @key(fields: "id") ..., got scalar B`,
      }),
    );
  });

  test('is looked at by the doctor', () => {
    const file = join(folder, 'looked-at.graphql');
    const check = (text: string | null, more = {}) => {
      if (text !== null) writeFileSync(file, text);
      return checkEntities(
        parseConfig({ FEDERATION: 'true', ENTITIES_FILE: text === null ? join(folder, 'none') : file, ...more }),
      );
    };
    expect(check(good)).toEqual([{ state: 'ok', about: 'ENTITIES_FILE', says: 'Product' }]);
    expect(check('scalar B')).toEqual([
      { state: 'problem', about: 'ENTITIES_FILE', says: expect.stringContaining(':1:1: expected nothing but types') },
    ]);
    expect(check(null)).toEqual([
      { state: 'problem', about: 'ENTITIES_FILE', says: expect.stringContaining('expected a file that can be read') },
    ]);
    expect(checkEntities(parseConfig({}))).toEqual([]);
    expect(() => parseConfig({ ENTITIES_FILE: file })).toThrow(
      'ENTITIES_FILE: expected FEDERATION=true beside it, since nothing else uses it',
    );
  });

  test('that is not there', () => {
    expect(() => readEntityTypes(join(folder, 'none'), isTaken)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('ENTITIES_FILE: expected a file that can be read, got'),
      }),
    );
  });

  test('with the name of a type that is ours', () => {
    const file = join(folder, 'taken.graphql');
    writeFileSync(file, good.replace('Product', 'Funnel'));
    expect(() => readSubgraph({ typeDefs: readTypeDefs(), entitiesFile: file, introspection: true })).toThrow(
      'expected the name of a type that Tallygate does not have itself, got Funnel',
    );
  });
});

test('nothing of a federation is there without one, and a subgraph without entities has its service alone', () => {
  const fields = (schema: ReturnType<typeof createSchema>) => Object.keys(schema.getQueryType()!.getFields());
  expect(fields(createSchema()).filter((name) => name.startsWith('_'))).toEqual([]);
  expect(createSchema().getType('_Any')).toBeUndefined();
  const bare = readSubgraph({ typeDefs: readTypeDefs(), entitiesFile: null, introspection: true });
  expect(fields(createSchema(bare)).filter((name) => name.startsWith('_'))).toEqual(['_service']);
});
