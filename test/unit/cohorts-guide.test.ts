import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, validate } from 'graphql';
import { createSchema } from '../../src/gateway/schema.ts';

const guide = readFileSync(join(import.meta.dirname, '../../docs/cohorts.md'), 'utf8');
const documents = [...guide.matchAll(/^```graphql\n([\s\S]*?)^```/gm)].map(([, document]) => document as string);

test('the chapter on cohorts has documents', () => {
  expect(documents.length).toBeGreaterThan(4);
});

test.each(documents)('the schema takes what the chapter on cohorts asks: %s', (document) => {
  expect(validate(createSchema(), parse(document))).toEqual([]);
});
