import { type ExecutionResult, graphql, parse, subscribe } from 'graphql';
import type { Context } from '../../resolvers/context.ts';
import { createPrices } from '../../src/gateway/prices.ts';
import { createSchema } from '../../src/gateway/schema.ts';
import { openService, type Project, type Service } from '../oracle/harness.ts';

/** Whatever follows "Example:" in the docstring of a report's type is asked. */

const schema = createSchema();
const examples = Object.values(schema.getTypeMap()).flatMap(({ name, description }) =>
  [...(description ?? '').matchAll(/^Example: `([^`]+)`/gm)].map(([, query]) => [name, query as string] as const),
);

let service: Service;
let project: Project;
beforeAll(async () => {
  service = await openService();
  project = service.openProject();
  const now = Date.now();
  const common = (i: number) => ({ userId: `u${i % 2}`, messageId: `m${i}`, timestamp: new Date(now - 60_000 + i) });
  const { token } = await project.send({
    receivedAt: now,
    events: [
      { kind: 'page', input: { ...common(0), properties: { path: '/' } } },
      { kind: 'page', input: { ...common(1), properties: { path: '/' } } },
      ...['Sign Up', 'Signed Up', 'Product Viewed', 'Order Completed'].flatMap((event, e) =>
        [2, 3].map((i) => ({
          kind: 'track' as const,
          input: { ...common(e * 2 + i), event, properties: { plan: 'pro', revenue: 10, path: '/product/1' } },
        })),
      ),
      { kind: 'page', input: { ...common(10), properties: { path: '/product/7' } } },
      { kind: 'page', input: { ...common(11), properties: { path: '/product/7' } } },
    ],
  });
  await project.ask().catalog({ after: token, maxWaitMs: 30_000 });
  const definition = { did: { event: 'Order Completed', atLeast: 1, range: { last: '30d' } } };
  await project.ask().saveCohort('k', { name: 'buyers', definition });
  const document = `query ($range: RangeInput = { last: "30d" }) {
    trend(input: { range: $range, series: [{ event: "Order Completed", filter: { cohort: "buyers" } }] }) { series { total } } }`;
  await project.ask().savedReports.save('k', { name: 'orders', document });
});
afterAll(() => service.close());

test('there are examples, of every report that is asked with a range', () => {
  const reports = Object.values(schema.getQueryType()!.getFields()).filter(({ args }) =>
    args.some(({ name }) => name === 'input'),
  );
  expect(reports.length).toBeGreaterThan(4);
  for (const { name, type } of reports)
    expect([name, examples.map(([of]) => of)]).toEqual([name, expect.arrayContaining([String(type)])]);
});

const isSubscription = ([, source]: readonly [string, string]) => source.startsWith('subscription');
const contextOf = () => {
  const caller = { project: project.name, right: 'read', keyId: 'k' } as const;
  const prices = createPrices(schema, service.reports, () => null);
  return { caller, prices, reports: () => project.ask() } as unknown as Context;
};
/** Dates and names aside: a number that is not 0. */
const something = /[:[,][1-9]/;

test.each(examples.filter(isSubscription))(
  'the example of %s is told of what comes: %s',
  async (_, source) => {
    const results = await subscribe({ schema, document: parse(source), contextValue: contextOf() });
    expect(results).not.toHaveProperty('errors');
    let told = '';
    for await (const { data, errors } of results as AsyncGenerator<ExecutionResult>) {
      expect(errors).toBeUndefined();
      if (told === '') {
        const input = { userId: 'u1', event: 'Order Completed', messageId: `told-${source.length}` };
        await project.send({
          receivedAt: Date.now(),
          events: [{ kind: 'track', input: { ...input, timestamp: new Date() } }],
        });
      }
      told += JSON.stringify(data);
      if (/told-|"u1"/.test(told) || something.test(told.replace(/"[^"]*"(?!:)/g, ''))) break;
    }
  },
  60_000,
);

test.each(examples.filter((example) => !isSubscription(example)))(
  'the example of %s is answered, with something in it: %s',
  async (_, source) => {
    const { data, errors } = await graphql({ schema, source: `{ ${source} }`, contextValue: contextOf() });
    expect(errors).toBeUndefined();
    expect(Object.values(data ?? {})).toEqual([expect.any(Object)]);
    expect(JSON.stringify(data)).toMatch(something);
  },
);
