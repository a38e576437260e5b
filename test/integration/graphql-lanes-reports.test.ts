import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type GraphQLNamedOutputType,
  type GraphQLObjectType,
  getNamedType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { createSchema } from '../../src/gateway/schema.ts';
import type { Consumption } from '../../src/ports/event-log.ts';
import { type Answer, makeFolder, openSite, type Site, secrets } from './graphql-site.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

const now = Date.UTC(2026, 2, 1, 12);

/** Arguments that find something; every field of Query has to be here. */
const questions: Readonly<Record<string, string>> = {
  trend:
    '(input: { range: $range, series: [{ event: "Order" }, { event: "Order", measure: SUM, property: "price" }], breakdown: [{ property: "plan", limit: 1 }] })',
  funnel: '(input: { range: $range, steps: [{ event: "Visit" }, { event: "Order" }] })',
  retention: '(input: { range: $range, cohortEvent: { event: "Visit" }, returnEvent: { event: "Order" }, periods: 2 })',
  lifecycle: '(input: { range: $range })',
  stickiness: '(input: { range: $range })',
  sessions: '(input: { range: $range, interval: DAY, pages: 3 })',
  paths: '(input: { range: $range, from: "Visit" })',
  topValues: '(input: { range: $range, property: "plan" })',
  entityReports: '(property: "plan", ids: ["pro", "nobody"])',
  live: '(filter: { property: "plan", op: EXISTS }, freshness: { at: $moment })',
  person: '(id: "user-1")',
  events: '(range: $range, first: 3)',
  cohort: '(name: "buyers")',
  cohorts: '',
  savedReport: '(name: "orders", variables: $saved)',
  savedReports: '',
  catalog: '',
  eventStatus: '(messageIds: ["visit-1", "unknown"])',
  ingestion: '',
  deletion: '(id: $deletion)',
  deletions: '(first: 2)',
  deadLetters: '(first: 2)',
  priceOf: '(query: "{ catalog { events { count } } }")',
};

const schema = createSchema();
const root = schema.getQueryType() as GraphQLObjectType;

/** Arguments of fields that need some. */
const needed: Readonly<Record<string, string>> = {
  ledger: '(range: $range, by: DAY)',
  people: '(cohort: $cohort, period: 0)',
  trend: questions.trend as string,
  funnel: questions.funnel as string,
  topValues: questions.topValues as string,
  events: '(range: $range, first: 2)',
};

/** Every field there is below one; without those that have a resolver of their own and may fail by themselves, if asked. */
function selectAll(type: GraphQLNamedOutputType, isPlain: boolean): string {
  if (!isObjectType(type)) return '';
  const fields = Object.values(type.getFields())
    .filter((field) => !isPlain || !(field.resolve && isNonNullType(field.type)))
    .map(({ name, args, type: inner }) => {
      const given = args.some((arg) => isNonNullType(arg.type)) ? needed[name] : '';
      return `${name}${given}${selectAll(getNamedType(inner), isPlain)}`;
    });
  return ` { __typename ${fields.join(' ')} }`;
}

let engine: string;
let bench: SinkBench;
let sink: Consumption;
let compiled: Site;
let plain: Site;

beforeAll(async () => {
  engine = makeFolder();
  bench = await openSinkBench(engine);
  sink = await bench.startSink();
  const open = () => openSite({ warehouse: bench.warehouse, log: bench.log });
  [compiled, plain] = await Promise.all([open(), open()]);
  const at = (hours: number) => new Date(now - hours * 3_600_000).toISOString();
  const events = Array.from({ length: 12 }, (_, i) => ({
    track: {
      event: i % 3 === 0 ? 'Order' : 'Visit',
      userId: `user-${i % 4}`,
      messageId: i === 1 ? 'visit-1' : `id-${i}`,
      timestamp: at(i * 5),
      properties: { price: i * 1.5, plan: i % 2 ? 'pro' : 'basic', tags: ['a', 'b'] },
    },
  }));
  const dead = { page: { userId: 'user-1', messageId: 'dead', timestamp: '1700-01-01T00:00:00Z' } };
  const { body } = await plain.post({
    query: 'mutation ($input: TrackBatchInput!) { trackBatch(input: $input) { accepted } }',
    variables: { input: { events: [...events, dead] } },
  });
  expect(body.data).toEqual({ trackBatch: { accepted: 12 } });
  await bench.untilStored();
  const saved = await plain.post({
    query: `mutation ($document: String!) {
      saveCohort(input: { name: "buyers", definition: { did: { event: "Order" } } }) { version }
      saveReport(input: { name: "orders", document: $document }) { version }
    }`,
    variables: {
      document:
        'query ($range: RangeInput!) { trend(input: { range: $range, series: [{ filter: { cohort: "buyers" } }] }) { buckets series { total } } }',
    },
  });
  expect(saved.body).toEqual({ data: { saveCohort: { version: 1 }, saveReport: { version: 1 } } });
  const deleted = await plain.post({ query: 'mutation { deletePerson(id: "somebody else") { id } }' });
  variables.deletion = (deleted.body.data as { deletePerson: { id: string } }).deletePerson.id;
  // Each site looks at the ledger a few times a second.
  for (const site of [compiled, plain]) {
    const isThere = async () =>
      (await site.post({ query: '{ catalog { events { count } } }' })).text.includes('"count":8');
    while (!(await isThere())) await sleep(50);
  }
  const { body: asOf } = await plain.post({ query: '{ catalog { meta { snapshot } } }' });
  variables.moment = (asOf.data as { catalog: { meta: { snapshot: string } } }).catalog.meta.snapshot;
});
afterAll(async () => {
  await compiled?.close();
  await plain?.close();
  await sink?.stop(5000);
  await bench?.close();
  rmSync(engine, { recursive: true, force: true });
});

/** Without what says how an answer came about. */
function comparable({ status, headers, text }: Answer) {
  const { date: _, 'content-length': __, ...others } = headers;
  const how =
    /"(source|elapsedMs|statements|rowsRead|cachedBuckets|computedBuckets|asOf|snapshot|cursor|startCursor|endCursor)":("[^"]*"|[\d.]+)/g;
  return { status, headers: others, text: text.replaceAll(how, '"$1":"left out"') };
}

const range = { from: '2026-02-26T00:00:00Z', to: '2026-03-02T00:00:00Z' };
const variables = {
  range,
  mars: { ...range, timezone: 'Mars/Olympus' },
  cohort: range.from,
  moment: '',
  deletion: '',
  saved: { range },
};
const types: Readonly<Record<string, string>> = {
  cohort: 'DateTime',
  moment: 'SnapshotToken',
  deletion: 'ID',
  saved: 'JSONObject',
};
/** A document may define no variable that it does not use. */
const withVariables = (selection: string) => {
  const used = Object.keys(variables).filter((name) => selection.includes(`$${name}`));
  return used.length === 0
    ? selection
    : `query (${used.map((name) => `$${name}: ${types[name] ?? 'RangeInput'}!`).join(', ')}) ${selection}`;
};

let documents = 0;
async function askBoth(selection: string, times: number, as: string | null = secrets.read) {
  const query = withVariables(selection);
  for (let i = 0; i < times; i++) {
    const expected = await plain.post({ query: `${query}\n# ${documents++}`, variables }, { as });
    const actual = await compiled.post({ query, variables }, { as });
    expect(comparable(actual)).toEqual(comparable(expected));
    if (i === times - 1) return actual;
  }
  throw new Error('asked nothing');
}

test('every field of Query is asked', () => {
  expect(Object.keys(questions).sort()).toEqual(Object.keys(root.getFields()).sort());
});

test.each(Object.entries(questions))('%s: every field below it is answered alike, and in full', async (name, args) => {
  const type = getNamedType(root.getFields()[name]?.type as GraphQLNamedOutputType);
  const whole = await askBoth(`{ ${name}${args}${selectAll(type, false)} }`, 2);
  expect(whole.body.errors).toBeUndefined();
  expect(whole.body.data?.[name]).not.toBeNull();

  const before = (await compiled.lanes()).compiled;
  const answer = await askBoth(`{ ${name}${args}${selectAll(type, true)} }`, 4);
  expect(answer.body.errors).toBeUndefined();
  expect((await compiled.lanes()).compiled - before).toBeGreaterThanOrEqual(2);
});

test('a dashboard with a tile that fails keeps the others, in both lanes', async () => {
  const query =
    '{ good: trend(input: { range: $range, series: [{}] }) { buckets } bad: trend(input: { range: $mars, series: [{}] }) { buckets } worse: events(range: {}) { nodes { messageId } } }';
  const { status, body } = await askBoth(query, 4);
  expect(status).toBe(200);
  expect(body.data).toEqual({ good: { buckets: expect.any(Array) }, bad: null, worse: null });
  expect(body.errors?.map(({ path, extensions }) => [path, extensions.code]).sort()).toEqual([
    [['bad'], 'UNKNOWN_TIMEZONE'],
    [['worse'], 'INVALID_RANGE'],
  ]);
});

test.each([
  ['of the one that fails', '{ trend(input: { range: { last: "2x" }, series: [{}] }) { buckets } }', secrets.read, 400],
  [
    'of no error, since an empty list is an answer',
    '{ a: eventStatus(messageIds: []) { state } b: events(range: {}) { nodes { event } } }',
    secrets.read,
    200,
  ],
  ['of who may not', '{ catalog { events { event } } ingestion { lag } }', secrets.write, 403],
  ['of who is nobody', '{ catalog { events { event } } ingestion { lag } }', null, 401],
])('the status of an answer with nothing in it is that %s', async (_, query, as, status) => {
  expect((await askBoth(query, 4, as)).status).toBe(status);
});
