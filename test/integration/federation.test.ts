import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ApolloGateway,
  type GraphQLDataSourceProcessOptions,
  IntrospectAndCompose,
  RemoteGraphQLDataSource,
} from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { makeExecutableSchema } from '@graphql-tools/schema';
import Fastify, { type FastifyInstance } from 'fastify';
import { graphql } from 'graphql';
import { readSubgraph } from '../../src/gateway/federation.ts';
import { readTypeDefs } from '../../src/gateway/schema.ts';
import type { Consumption } from '../../src/ports/event-log.ts';
import { makeFolder, openSite, type Site, secrets } from './graphql-site.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

/** A router in front of Tallygate and of a service that owns products, each of them asked over HTTP. */

const products = Array.from({ length: 50 }, (_, i) => ({ id: `p${i}`, name: `Product ${i}` }));

interface Caller {
  readonly authorization?: string;
}

/** What passes the Authorization header on, as docs/entities.md has it. */
class Passing extends RemoteGraphQLDataSource<Caller> {
  override willSendRequest({ request, context }: GraphQLDataSourceProcessOptions<Caller>) {
    if (context?.authorization) request.http?.headers.set('authorization', context.authorization);
  }
}

let engine: string;
let bench: SinkBench;
let sink: Consumption;
let site: Site;
let hidden: Site;
let shop: FastifyInstance;
let router: ApolloServer<Caller>;
let entitiesFile: string;

beforeAll(async () => {
  engine = makeFolder();
  entitiesFile = join(mkdtempSync(join(tmpdir(), 'tallygate-entities-')), 'entities.graphql');
  writeFileSync(entitiesFile, 'type Product @key(fields: "id") @entity(property: "productId") { id: ID! }');
  bench = await openSinkBench(engine);
  sink = await bench.startSink();
  const open = (introspection: boolean) =>
    openSite({
      warehouse: bench.warehouse,
      log: bench.log,
      introspection,
      subgraph: readSubgraph({ typeDefs: readTypeDefs(), entitiesFile, introspection }),
    });
  site = await open(true);
  hidden = await open(false);
  const now = Date.now();
  const events = products.flatMap(({ id }, i) =>
    Array.from({ length: (i % 3) + 1 }, (_, n) => ({
      track: {
        event: n === 2 ? 'Order Completed' : 'Product Viewed',
        userId: `u${n}`,
        messageId: `${id} ${n}`,
        timestamp: new Date(now - 60_000 * (5 - n)).toISOString(),
        properties: { productId: id, plan: i % 2 ? 'pro' : 'free' },
      },
    })),
  );
  const tracked = await site.post({
    query: 'mutation ($input: TrackBatchInput!) { trackBatch(input: $input) { accepted } }',
    variables: { input: { events } },
  });
  expect(tracked.body.data).toEqual({ trackBatch: { accepted: events.length } });
  await bench.untilStored();
  const total = '{ trend(input: { range: { last: "2d" }, series: [{}] }) { series { total } } }';
  for (const one of [site, hidden])
    while (!(await one.post({ query: total })).text.includes(`"total":${events.length}`)) await sleep(50);

  shop = await openShop();
  const urlOf = (app: FastifyInstance) => `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/graphql`;
  await site.app.listen({ host: '127.0.0.1', port: 0 });
  const gateway = new ApolloGateway({
    supergraphSdl: new IntrospectAndCompose({
      subgraphs: [
        { name: 'tallygate', url: urlOf(site.app) },
        { name: 'shop', url: urlOf(shop) },
      ],
    }),
    buildService: ({ url }) => new Passing({ url: url as string }),
  });
  router = new ApolloServer<Caller>({ gateway });
  await router.start();
});
afterAll(async () => {
  await router?.stop();
  await shop?.close();
  await site?.close();
  await hidden?.close();
  await sink?.stop(5000);
  await bench?.close();
  rmSync(engine, { recursive: true, force: true });
  rmSync(join(entitiesFile, '..'), { recursive: true, force: true });
});

async function openShop(): Promise<FastifyInstance> {
  const sdl = `type Query { products: [Product!]! }
    type Product @key(fields: "id") { id: ID! name: String! }`;
  const schema = makeExecutableSchema({
    typeDefs: `directive @key(fields: String!) on OBJECT
      ${sdl} type _Service { sdl: String! } extend type Query { _service: _Service! }`,
    resolvers: {
      Query: {
        products: () => products,
        _service: () => ({
          sdl: `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"]) ${sdl}`,
        }),
      },
    },
  });
  const app = Fastify();
  app.post('/graphql', async ({ body }) => {
    const { query, variables } = body as { query: string; variables?: Record<string, unknown> };
    return graphql({ schema, source: query, variableValues: variables ?? null });
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  return app;
}

async function ask(query: string, variables: Record<string, unknown> = {}, as: string | null = secrets.read) {
  const contextValue = as === null ? {} : { authorization: `Bearer ${as}` };
  const { body } = await router.executeOperation({ query, variables }, { contextValue });
  if (body.kind !== 'single') throw new Error('expected a single answer');
  return JSON.parse(JSON.stringify(body.singleResult));
}

const range = { last: '2d' };

test('fifty products, each with its name and a trend: one statement', async () => {
  const query = `query ($input: TrendInput!) {
    products { id name trend(input: $input) { series { total } meta { statements } } } }`;
  const { data, errors } = await ask(query, { input: { range, series: [{ event: 'Product Viewed' }] } });
  expect(errors).toBeUndefined();
  expect(data.products).toEqual(
    products.map((product, i) => ({
      ...product,
      trend: { series: [{ total: Math.min(2, (i % 3) + 1) }], meta: { statements: 1 } },
    })),
  );
});

test('with a funnel and top values beside it: at most one statement each', async () => {
  const query = `query ($trend: TrendInput!, $funnel: FunnelInput!, $top: TopValuesInput!) {
    products {
      id
      trend(input: $trend) { series { total } meta { statements } }
      funnel(input: $funnel) { steps { count medianSecondsFromPrevious } }
      topValues(input: $top) { values { value events } }
    } }`;
  const { data, errors } = await ask(query, {
    trend: { range, series: [{ measure: 'UNIQUE_USERS' }] },
    funnel: { range, by: 'productId', steps: [{ event: 'Product Viewed' }, { event: 'Order Completed' }] },
    top: { range, property: 'plan' },
  });
  expect(errors).toBeUndefined();
  expect(data.products).toEqual(
    products.map(({ id }, i) => ({
      id,
      trend: { series: [{ total: (i % 3) + 1 }], meta: { statements: expect.any(Number) } },
      funnel: {
        steps: [
          { count: 1, medianSecondsFromPrevious: null },
          i % 3 === 2 ? { count: 1, medianSecondsFromPrevious: 120 } : { count: 0, medianSecondsFromPrevious: null },
        ],
      },
      topValues: { values: [{ value: i % 2 ? 'pro' : 'free', events: (i % 3) + 1 }] },
    })),
  );
  expect(data.products[0].trend.meta.statements).toBeLessThanOrEqual(3);
});

test('reports that are not about products come through the router, too', async () => {
  const { data, errors } = await ask(
    `{ trend(input: { range: { last: "2d" }, series: [{}] }) { series { total } } products { name } }`,
  );
  expect(errors).toBeUndefined();
  expect(data).toEqual({
    trend: { series: [{ total: products.reduce((sum, _, i) => sum + (i % 3) + 1, 0) }] },
    products: products.map(({ name }) => ({ name })),
  });
});

test.each([
  [null, 'UNAUTHENTICATED'],
  [secrets.write, 'FORBIDDEN'],
])('who asks through the router needs a right: %s', async (as, code) => {
  const query = '{ products { name trend(input: { range: { last: "2d" }, series: [{}] }) { series { total } } } }';
  const { data, errors } = await ask(query, {}, as);
  expect(errors[0]).toMatchObject({ extensions: { code } });
  expect(data?.products?.[0] ?? null).toEqual({ name: 'Product 0', trend: null });
});

test("another project's token sees its own events", async () => {
  const query = '{ products { trend(input: { range: { last: "2d" }, series: [{}] }) { series { total } } } }';
  const { data } = await ask(query, {}, secrets.otherRead);
  expect(data.products).toEqual(products.map(() => ({ trend: { series: [{ total: 0 }] } })));
});

const representations = 'query ($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Product { id } } }';

test('a representation that is wrong does not take its neighbours with it', async () => {
  const r = [{ __typename: 'Product', id: 'p1' }, { __typename: 'Order', id: '1' }, { __typename: 'Product' }, 3];
  const { body } = await site.post({ query: representations, variables: { r } });
  expect(body.data?._entities).toEqual([{ __typename: 'Product', id: 'p1' }, null, null, null]);
  expect(body.errors?.map(({ message, path }) => [message, path])).toEqual([
    ['representations[1].__typename: expected Product, got "Order"', ['_entities', 1]],
    ['representations[2].id: expected the id of a Product, got none', ['_entities', 2]],
    ['representations[3].__typename: expected Product, got none', ['_entities', 3]],
  ]);
  const many = Array.from({ length: 1001 }, (_, i) => ({ __typename: 'Product', id: `p${i}` }));
  const refused = await site.post({ query: representations, variables: { r: many } });
  expect(refused.body.errors?.[0]?.message).toBe('representations: expected at most 1000 of them, got 1001');
});

test('representations may stand in the document, and be asked again and again', async () => {
  const query = '{ _entities(representations: [{ __typename: "Product", id: "p2" }]) { ... on Product { id } } }';
  for (let i = 0; i < 4; i++)
    expect((await site.post({ query })).body).toEqual({ data: { _entities: [{ id: 'p2' }] } });
});

test('a hidden schema does not show itself to routers either', async () => {
  const { body } = await hidden.post({ query: '{ _service { sdl } }' });
  expect(body.errors?.[0]).toMatchObject({
    message: expect.stringContaining('got one with INTROSPECTION=false: tallygate schema print --federation'),
    extensions: { code: 'FORBIDDEN' },
  });
  const { body: entity } = await hidden.post({
    query: representations,
    variables: { r: [{ __typename: 'Product', id: 'p1' }] },
  });
  expect(entity.data?._entities).toEqual([{ __typename: 'Product', id: 'p1' }]);
  const shown = await site.post({ query: '{ _service { sdl } }' }, { as: null });
  expect(shown.body.data).toEqual({ _service: { sdl: expect.stringContaining('type Product @key(fields: "id")') } });
});

test('a saved report asks for no entities of a router', async () => {
  const document = '{ _entities(representations: [{ __typename: "Product", id: "p1" }]) { __typename } }';
  const { body } = await site.post({
    query: 'mutation ($document: String!) { saveReport(input: { name: "e", document: $document }) { version } }',
    variables: { document },
  });
  expect(body.errors?.[0]?.message).toContain('expected reports, got _entities');
});
