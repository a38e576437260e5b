import { buildSchema, getIntrospectionQuery, parse } from 'graphql';
import type { Context } from '../../resolvers/context.ts';
import { createFastLane } from '../../src/gateway/fast-lane.ts';
import { createSchema } from '../../src/gateway/schema.ts';
import { full, learnTwice } from './lane-oracle.ts';
import { type Calls, laneSchema } from './lane-schema.ts';

test('mutations of one operation run one after the other', async () => {
  const query = 'mutation { a: step(name: "a") b: fail { name } c: step(name: "c") d: step }';
  const lane = createFastLane(laneSchema);
  learnTwice(lane, { query });
  const calls: Calls = { count: 0 };
  const answer = await lane.execute(full({ query }), calls as unknown as Context);
  expect(answer?.data).toEqual({ a: 'a', b: null, c: 'c', d: null });
  expect(answer?.errors?.map(({ message }) => message)).toEqual(['as asked']);
  expect(calls.count).toBe(4);
});

test('a root of nothing but null is an answer, and nothing is executed again', async () => {
  const query = 'mutation { fail { name } }';
  const lane = createFastLane(laneSchema);
  learnTwice(lane, { query });
  const calls: Calls = { count: 0 };
  expect((await lane.execute(full({ query }), calls as unknown as Context))?.data).toEqual({ fail: null });
  expect(calls.count).toBe(1);
});

describe('what is compiled', () => {
  const context = { count: 0 } as unknown as Context;

  test('not what was seen once', async () => {
    const lane = createFastLane(laneSchema);
    const request = full({ query: '{ echo(int: 1) }' });
    expect(await lane.execute(request, context)).toBeNull();
    lane.learn(request, parse(request.query));
    expect(await lane.execute(request, context)).toBeNull();
    lane.learn(request, parse(request.query));
    expect((await lane.execute(request, context))?.data).toEqual({ echo: '[["first",50],["int",1],["need",3]]' });
  });

  test.each([
    ['a subscription', 'subscription { ticks }', undefined],
    ['an unknown name', 'query A { echo } query B { echo }', 'C'],
    ['no name of two', 'query A { echo } query B { echo }', undefined],
    ['an empty name', 'query A { echo }', ''],
    ['introspection', getIntrospectionQuery(), undefined],
    ['the name of a type', '{ __type(name: "Node") { name } }', undefined],
    ['a very long one', `{ ${'echo(text: "a") '.repeat(1200)} }`, undefined],
    ['a very wide one', `{ ${Array.from({ length: 301 }, (_, i) => `a${i}: echo`).join(' ')} }`, undefined],
    [
      'one that is wide through fragments',
      `{ node { ...F0 } } ${Array.from({ length: 12 }, (_, i) => `fragment F${i} on Node { a${i}: maybe { ...F${i + 1} } b${i}: maybe { ...F${i + 1} } }`).join(' ')} fragment F12 on Node { name }`,
      undefined,
    ],
  ])('not %s', async (_, query, operationName) => {
    const lane = createFastLane(laneSchema);
    learnTwice(lane, { query, operationName });
    learnTwice(lane, { query, operationName });
    expect(await lane.execute(full({ query, operationName }), context)).toBeNull();
  });

  test('each operation of a document by its own name', async () => {
    const lane = createFastLane(laneSchema);
    const query = 'query A { echo(int: 1) } query B { echo(int: 2) }';
    learnTwice(lane, { query, operationName: 'A' });
    expect(await lane.execute(full({ query, operationName: 'B' }), context)).toBeNull();
    learnTwice(lane, { query, operationName: 'B' });
    expect((await lane.execute(full({ query, operationName: 'A' }), context))?.data?.echo).toContain('["int",1]');
    expect((await lane.execute(full({ query, operationName: 'B' }), context))?.data?.echo).toContain('["int",2]');
    expect(await lane.execute(full({ query }), context)).toBeNull();
    // A name with a NUL in it, or a document, that together look like a name and a document.
    expect(await lane.execute(full({ query: `A\0${query}` }), context)).toBeNull();
  });

  test('for one schema: the same text means something else to another', async () => {
    const query = '{ echo }';
    const other = buildSchema('type Query { echo: Int }');
    const lanes = [createFastLane(laneSchema), createFastLane(other)] as const;
    for (const lane of lanes) learnTwice(lane, { query });
    expect((await lanes[0].execute(full({ query }), context))?.data).toEqual({ echo: '[["first",50],["need",3]]' });
    expect((await lanes[1].execute(full({ query }), context))?.data).toEqual({ echo: null });
  });

  test('the least recently used go first, however many documents come', async () => {
    const lane = createFastLane(laneSchema);
    const kept = full({ query: '{ kept: echo }' });
    learnTwice(lane, kept);
    const made = Array.from({ length: 400 }, (_, i) => full({ query: `{ a${i}: echo }` }));
    let compiled = 0;
    for (const request of made) {
      learnTwice(lane, request);
      if (await lane.execute(request, context)) compiled++;
      expect(await lane.execute(kept, context)).not.toBeNull();
    }
    expect(compiled).toBe(400);
    let left = 0;
    for (const request of made) if (await lane.execute(request, context)) left++;
    expect(left).toBe(199);
    // Documents that never come back push nothing out.
    for (let i = 0; i < 3000; i++) lane.learn(full({ query: `{ b${i}: echo }` }), parse('{ echo }'));
    expect(await lane.execute(kept, context)).not.toBeNull();
    // And what was pushed out comes in again.
    const out = made[0] as ReturnType<typeof full>;
    learnTwice(lane, out);
    expect(await lane.execute(out, context)).not.toBeNull();
  });

  test('quickly, whatever the types are: EventFilter contains itself', () => {
    const lane = createFastLane(createSchema());
    const started = performance.now();
    learnTwice(lane, { query: 'query ($i: TrendInput!, $f: EventFilter) { trend(input: $i) { buckets } }' });
    expect(performance.now() - started).toBeLessThan(500);
  });

  test('with variables that contain themselves, once they fit', async () => {
    const lane = createFastLane(laneSchema);
    const query = 'query ($t: Tree!) { echo(tree: $t) }';
    learnTwice(lane, { query });
    const ask = (t: unknown) => lane.execute({ ...full({ query }), variables: { t } }, context);
    expect((await ask({ children: [{ value: 1 }] }))?.data?.echo).toContain('["value",1]');
    expect(await ask({ children: [{ value: 'a' }] })).toBeNull();
    expect(await ask({ children: [{ value: 1 }], more: 1 })).toBeNull();
  });
});
