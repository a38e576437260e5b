import { buildSchema, type GraphQLObjectType, graphql } from 'graphql';
import type { Context } from '../../resolvers/context.ts';
import { asksFor } from '../../resolvers/field.ts';
import { createFastLane } from '../../src/gateway/fast-lane.ts';
import { full, learnTwice } from './lane-oracle.ts';

const schema = buildSchema(
  'type Line { total: Int values: [Int] previous: Line } type Trend { series: [Line] name: String } type Query { trend: Trend other: Line }',
);
let asked: boolean[] = [];
(schema.getQueryType() as GraphQLObjectType).getFields().trend!.resolve = (_parent, _args, _context, info) => {
  asked.push(asksFor(info, ['series', 'total']) || asksFor(info, ['series', 'previous', 'total']));
  return { series: [] };
};

test.each([
  ['{ trend { series { values } } }', false],
  ['{ trend { series { values total } } }', true],
  ['{ trend { series { sum: total } } }', true],
  ['{ trend { series { total: values } } }', false],
  ['{ trend { series { previous { ... on Line { total } } } } }', true],
  ['{ trend { name } other { total } }', false],
  ['{ trend { ...T } } fragment T on Trend { series { ...L } } fragment L on Line { total }', true],
  ['{ trend { ...T } } fragment T on Trend { series { ...L } } fragment L on Line { values }', false],
  ['{ trend { name } trend { series { total } } }', true],
])('whether a total is asked for, by both ways of execution: %s', async (query, expected) => {
  asked = [];
  const { errors } = await graphql({ schema, source: query });
  expect(errors).toBeUndefined();
  const lane = createFastLane(schema);
  learnTwice(lane, { query });
  const answer = await lane.execute(full({ query }), {} as Context);
  expect(answer?.errors).toBeUndefined();
  expect(asked).toEqual([expected, expected]);
});
