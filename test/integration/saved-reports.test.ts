import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumption } from '../../src/ports/event-log.ts';
import { makeFolder, openSite, type Site, secrets } from './graphql-site.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

let engine: string;
let bench: SinkBench;
let sink: Consumption;
/** Two gateways. */
let site: Site;
let other: Site;

beforeAll(async () => {
  engine = makeFolder();
  bench = await openSinkBench(engine);
  sink = await bench.startSink();
  const open = () => openSite({ warehouse: bench.warehouse, log: bench.log });
  [site, other] = await Promise.all([open(), open()]);
  const events = ['pro', 'pro', 'basic'].map((plan, i) => ({
    track: { event: 'Order', userId: `u${i}`, messageId: `m${i}`, properties: { plan } },
  }));
  const { body } = await site.post({
    query: 'mutation ($events: [EventInput!]!) { trackBatch(input: { events: $events }) { accepted } }',
    variables: { events },
  });
  expect(body.data).toEqual({ trackBatch: { accepted: 3 } });
  await bench.untilStored();
  for (const one of [site, other])
    while (!(await one.post({ query: '{ catalog { events { count } } }' })).text.includes('"count":3')) await sleep(50);
});
afterAll(async () => {
  await site?.close();
  await other?.close();
  await sink?.stop(5000);
  await bench?.close();
  rmSync(engine, { recursive: true, force: true });
});

const document = `query Orders($plan: JSONValue!, $range: RangeInput = { last: "7d" }) {
  orders: trend(input: { range: $range, series: [{ event: "Order", filter: { property: "plan", value: $plan } }] }) {
    series { total }
    meta { statements snapshot }
  }
}`;

async function save(name: string, text: string, more: { as?: string; expectedVersion?: number; at?: Site } = {}) {
  const { as = secrets.edit, expectedVersion, at = site } = more;
  const answer = await at.post(
    {
      query: `mutation ($input: SaveReportInput!) { saveReport(input: $input) { version savedBy variables { name type required default } } }`,
      variables: { input: { name, document: text, expectedVersion } },
    },
    { as },
  );
  return answer.body;
}

async function run(
  name: string,
  variables?: object,
  { as = secrets.read, at = site, more = '' }: { as?: string; at?: Site; more?: string } = {},
) {
  const answer = await at.post(
    {
      query: `query ($name: String!, $variables: JSONObject) {
        savedReport(name: $name, variables: $variables) { version data errors { code message retriable path } meta { snapshot asOf } } ${more} }`,
      variables: { name, variables },
    },
    { as },
  );
  return answer;
}

interface Answered {
  readonly savedReport: {
    readonly version: number;
    readonly data: { readonly orders: { readonly series: { total: number }[]; readonly meta: { snapshot: string } } };
    readonly errors: readonly unknown[];
    readonly meta: { readonly snapshot: string };
  };
}

test('a saved report is run by name, with typed variables and their defaults', async () => {
  expect(await save('orders', document)).toEqual({
    data: {
      saveReport: {
        version: 1,
        savedBy: expect.stringMatching(/^[0-9a-f]{8}$/),
        variables: [
          { name: 'plan', type: 'JSONValue!', required: true, default: null },
          { name: 'range', type: 'RangeInput', required: false, default: '{last: "7d"}' },
        ],
      },
    },
  });
  const total = async (variables: object, at: Site = site) => {
    const { savedReport } = (await run('orders', variables, { at })).body.data as unknown as Answered;
    expect(savedReport.errors).toEqual([]);
    expect(savedReport.data.orders.meta.snapshot).toBe(savedReport.meta.snapshot);
    return savedReport.data.orders.series.map((line) => line.total);
  };
  expect(await total({ plan: 'pro' })).toEqual([2]);
  expect(await total({ plan: 'basic', range: { last: '1d' } })).toEqual([1]);
  expect(await total({ plan: 'pro', range: { from: '2020-01-01T00:00:00Z', to: '2020-02-01T00:00:00Z' } })).toEqual([
    0,
  ]);
  // Another gateway knows it, too.
  expect(await total({ plan: 'pro' }, other)).toEqual([2]);
});

test('it is asked as of the moment of the operation, which freshness chooses for all of it', async () => {
  await save('moment', document);
  const more = 'catalog { meta { snapshot } }';
  const { body } = await run('moment', { plan: 'pro' }, { more });
  const data = body.data as unknown as Answered & { catalog: { meta: { snapshot: string } } };
  expect(data.savedReport.data.orders.meta.snapshot).toBe(data.catalog.meta.snapshot);
  const { body: again } = await site.post({
    query: `query ($at: SnapshotToken!) { savedReport(name: "moment", variables: { plan: "pro" }, freshness: { at: $at }) { data meta { snapshot } } }`,
    variables: { at: data.catalog.meta.snapshot },
  });
  const past = again.data as unknown as Answered;
  expect(past.savedReport.data.orders.meta.snapshot).toBe(data.catalog.meta.snapshot);
});

test('both lanes answer the same', async () => {
  await save('lanes', document);
  const texts = new Set<string>();
  const before = await site.lanes();
  for (let i = 0; i < 5; i++) {
    const { text } = await run('lanes', { plan: 'pro' });
    texts.add(text.replaceAll(/"(asOf|snapshot)":"[^"]*"|"statements":\d+/g, ''));
  }
  expect(texts.size).toBe(1);
  expect((await site.lanes()).ordinary).toBeGreaterThanOrEqual(before.ordinary);
});

test.each([
  ['none', undefined, 'Variable "$plan" of required type "JSONValue!" was not provided.'],
  ['null', { plan: null }, 'Variable "$plan" of non-null type "JSONValue!" must not be null.'],
  ['one too many', { plan: 'pro', plans: 1 }, 'plans is none of its variables'],
  [
    'one of the wrong type',
    { plan: 'pro', range: '7d' },
    'Variable "$range" got invalid value "7d"; Expected type "RangeInput" to be an object.',
  ],
])('variables that do not fit, %s, are told with what it takes', async (_, variables, why) => {
  await save('fitting', document);
  const { status, body } = await run('fitting', variables);
  expect(status).toBe(400);
  expect(body.errors).toEqual([
    expect.objectContaining({
      message: `variables: expected those of saved report "fitting" ($plan: JSONValue!, $range: RangeInput), got others: ${why}`,
      extensions: expect.objectContaining({ code: 'INVALID_INPUT' }),
    }),
  ]);
});

test.each([
  ['no GraphQL', 'query {', 'Syntax Error: Expected Name, found <EOF>. (line 1, column 8)'],
  [
    'a field that is not there',
    '{ trends { meta { asOf } } }',
    'Cannot query field "trends" on type "Query". Did you mean "trend" or "events"? (line 1, column 3)',
  ],
  [
    'a default of the wrong type',
    'query ($r: RangeInput = 7) { lifecycle(input: { range: $r }) { new } }',
    /Expected value of type "RangeInput", found 7/,
  ],
  ['a mutation', 'mutation { deleteReport(name: "x") { version } }', 'expected a query, got a mutation'],
  [
    'two operations',
    'query A { catalog { meta { asOf } } } query B { catalog { meta { asOf } } }',
    'expected one operation, got 2',
  ],
  [
    'itself',
    '{ savedReport(name: "wrong") { data } }',
    'expected reports, got savedReport, which a saved report may not ask for',
  ],
  [
    'the schema',
    '{ __schema { types { name } } }',
    'expected reports, got __schema, which a saved report may not ask for',
  ],
  [
    'a freshness',
    '{ catalog(freshness: { maxAgeMs: 0 }) { meta { asOf } } }',
    'expected no freshness in it, got one: give it to savedReport, for all of it',
  ],
  [
    'a hidden freshness',
    'query ($i: LifecycleInput!) { lifecycle(input: $i) { new } }',
    'expected no variable that can hold a freshness, got $i: LifecycleInput!; take its parts apart',
  ],
  [
    'too many reports',
    `{ ${Array.from({ length: 21 }, (_, i) => `a${i}: catalog { meta { asOf } }`).join(' ')} }`,
    'expected at most 20 root fields, got more',
  ],
  ['too long', `{ catalog { meta { asOf } } } #${'x'.repeat(17_000)}`, /expected at most 16384 characters/],
])('a document with %s is not saved', async (_, text, why) => {
  const { errors } = await save('wrong', text);
  expect(errors).toEqual([
    expect.objectContaining({
      message: typeof why === 'string' ? `document: ${why}` : expect.stringMatching(why),
      extensions: expect.objectContaining({ code: 'INVALID_INPUT' }),
    }),
  ]);
});

test('one report that fails leaves the others of the document as they are', async () => {
  await save(
    'half',
    'query ($last: String!) { trend(input: { range: { last: $last }, series: [{}] }) { buckets } catalog { events { event } } }',
  );
  const { status, body } = await run('half', { last: '3x' });
  expect(status).toBe(200);
  expect(body.data).toMatchObject({
    savedReport: {
      data: { trend: null, catalog: { events: [{ event: 'Order' }] } },
      errors: [{ code: 'INVALID_RANGE', retriable: false, path: ['trend'], message: expect.stringContaining('"3x"') }],
    },
  });
});

test('two that change one report at once do not overwrite each other', async () => {
  expect((await save('shared', document, { expectedVersion: 0 })).data).toMatchObject({ saveReport: { version: 1 } });
  const both = await Promise.all([
    save('shared', `${document} # first`, { expectedVersion: 1 }),
    save('shared', `${document} # second`, { expectedVersion: 1, as: secrets.admin, at: other }),
  ]);
  expect(both.filter(({ data }) => data?.saveReport).length).toBe(1);
  const [refused] = both.flatMap(({ errors }) => errors ?? []);
  expect(refused).toMatchObject({
    message: expect.stringMatching(/^expectedVersion: expected version 1 of saved report "shared", got version 2/),
    extensions: { code: 'CONFLICT', version: 2 },
  });
});

test('only who may edit saves and deletes; who may read runs, and both only in their project', async () => {
  for (const as of [secrets.read, secrets.write]) {
    const { errors } = await save('rights', document, { as });
    expect(errors).toEqual([
      expect.objectContaining({
        message: `expected a credential with the right to edit, got one with the right to ${as === secrets.read ? 'read' : 'write'}`,
      }),
    ]);
  }
  await save('rights', document);
  expect((await run('rights', { plan: 'pro' }, { as: secrets.edit })).status).toBe(200);
  expect((await run('rights', { plan: 'pro' }, { as: secrets.write })).status).toBe(403);
  const foreign = await run('rights', { plan: 'pro' }, { as: secrets.otherRead });
  expect(foreign.body.errors).toEqual([expect.objectContaining({ message: 'no saved report is named "rights"' })]);
  const list = await site.post({ query: '{ savedReports { name } cohorts { name } }' }, { as: secrets.otherRead });
  expect(list.body.data).toEqual({ savedReports: [], cohorts: [] });
  const remove = (as: string) =>
    site.post({ query: 'mutation { deleteReport(name: "rights", expectedVersion: 1) { name version } }' }, { as });
  expect((await remove(secrets.read)).status).toBe(403);
  expect((await remove(secrets.edit)).body.data).toEqual({ deleteReport: { name: 'rights', version: 2 } });
  const { body } = await run('rights', { plan: 'pro' });
  expect(body.errors?.[0]?.extensions).toMatchObject({ code: 'NOT_FOUND' });
});

test('a mistyped name is met with the one that may have been meant', async () => {
  await save('Weekly revenue', document);
  const { status, body } = await run('Weekly revenu', { plan: 'pro' });
  expect(status).toBe(404);
  expect(body.errors?.[0]?.message).toBe('no saved report is named "Weekly revenu": did you mean "Weekly revenue"?');
});

test('an operation runs a few saved reports, and not any number', async () => {
  await save('many', '{ catalog { meta { asOf } } }');
  const query = `{ ${Array.from({ length: 11 }, (_, i) => `r${i}: savedReport(name: "many") { version }`).join(' ')} }`;
  const { body } = await site.post({ query }, { as: secrets.read });
  expect(Object.values(body.data ?? {}).filter((one) => one === null).length).toBe(1);
  expect(body.errors?.[0]?.message).toBe('expected at most 10 saved reports in an operation, got more');
});
