import { rmSync } from 'node:fs';
import fc from 'fast-check';
import { batch, events, inputs, values } from './graphql-inputs.ts';
import { type Answer, makeFolder, openSite, type Site, secrets } from './graphql-site.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

const now = Date.UTC(2026, 2, 1, 12);

interface Shape {
  readonly query: string;
  readonly operationName?: string;
  readonly variables: fc.Arbitrary<unknown>;
}

const answer = 'result { index messageId status errors { code path message } } token';
const one = (kind: keyof typeof inputs, type: string): Shape => ({
  query: `mutation One($input: ${type}!) { ${kind}(input: $input) { ${answer} } }`,
  variables: fc.record({ input: inputs[kind] }, { requiredKeys: [] }),
});

const shapes: Readonly<Record<string, Shape>> = {
  track: one('track', 'TrackInput'),
  page: one('page', 'PageInput'),
  screen: one('screen', 'ScreenInput'),
  identify: one('identify', 'IdentifyInput'),
  group: one('group', 'GroupInput'),
  alias: one('alias', 'AliasInput'),
  trackBatch: {
    query: `mutation Batch($input: TrackBatchInput!) { trackBatch(input: $input) { accepted rejected token results { index messageId status errors { code path message } } } }`,
    variables: fc.record({ input: batch }),
  },
  'one event where a list is expected': {
    query: 'mutation ($events: [EventInput!]!) { trackBatch(input: { events: $events }) { accepted rejected } }',
    variables: fc.record({ events }),
  },
  'variables within the input': {
    query:
      'mutation ($event: String!, $userId: ID, $messageId: ID, $at: DateTime, $properties: JSONObject) { track(input: { event: $event, userId: $userId, messageId: $messageId, timestamp: $at, properties: $properties }) { token result { status errors { code path message } } } }',
    variables: fc.record(
      {
        event: values.event,
        userId: values.id,
        messageId: values.messageId,
        at: values.time,
        properties: values.object,
      },
      { requiredKeys: ['event'] },
    ),
  },
  'aliases, fragments and a literal': {
    query: `mutation ($a: TrackInput!, $b: PageInput!) { first: track(input: $a) { ...Whole } second: page(input: $b) { ...Whole __typename } third: track(input: { event: "Literal", userId: "u", messageId: "literal" }) { result { ... on EventResult { status } } } __typename } fragment Whole on TrackPayload { ${answer} }`,
    variables: fc.record({ a: inputs.track, b: inputs.page }),
  },
  'one field asked for twice': {
    query: 'mutation ($a: TrackInput!) { track(input: $a) { token } track(input: $a) { result { status messageId } } }',
    variables: fc.record({ a: inputs.track }),
  },
  'one of several operations': {
    query:
      'mutation A($input: TrackInput!) { track(input: $input) { token } } mutation B($input: PageInput!) { page(input: $input) { token } } query C { __typename }',
    operationName: 'B',
    variables: fc.record({ input: inputs.page }),
  },
};

/** These never leave graphql-js; the answers must be the same all the same. */
const ordinary: Readonly<Record<string, Shape>> = {
  directives: {
    query:
      'mutation ($a: TrackInput!, $yes: Boolean!, $no: Boolean = false) { track(input: $a) @include(if: $yes) { token @skip(if: $no) result @include(if: $no) { status } } }',
    variables: fc.record(
      { a: inputs.track, yes: fc.boolean(), no: fc.constantFrom(true, false, null) },
      { requiredKeys: ['a', 'yes'] },
    ),
  },
  'a default for the input': {
    query:
      'mutation ($a: TrackInput = { event: "Default", userId: "u", messageId: "d" }) { track(input: $a) { token } page(input: { userId: "u", messageId: "p" }) { token } }',
    variables: fc.record({ a: inputs.track }, { requiredKeys: [] }),
  },
  'JSON with variables in it': {
    query:
      'mutation ($price: Float) { track(input: { event: "J", userId: "u", messageId: "j", properties: { price: $price, plan: "a", __proto__: { b: 1 } } }) { token } }',
    variables: fc.record({ price: fc.constantFrom(1.5, null, 'x', 1e300) }, { requiredKeys: [] }),
  },
  'an unknown operation': {
    query: 'mutation A { page(input: { userId: "u" }) { token } }',
    operationName: 'B',
    variables: fc.constant({}),
  },
};

let engine: string;
let bench: SinkBench;
let compiled: Site;
let plain: Site;
let documents = 0;

beforeAll(async () => {
  engine = makeFolder();
  bench = await openSinkBench(engine);
  const open = () => openSite({ warehouse: bench.warehouse, clock: () => now, retentionDays: 400 });
  [compiled, plain] = await Promise.all([open(), open()]);
});
afterAll(async () => {
  await compiled.close();
  await plain.close();
  await bench.close();
  rmSync(engine, { recursive: true, force: true });
});

/** What has to be the same: ids that the gateways made, and the names of two log lines, differ. */
function comparable({ status, headers, text }: Answer) {
  const { date: _, ...others } = headers;
  return {
    status,
    headers: others,
    text: text.replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'uuid'),
  };
}

function countAppended({ body }: Answer): number {
  const statuses = JSON.stringify(body.data ?? {}).match(/"status":"(ACCEPTED|DEAD_LETTERED)"/g);
  return statuses?.length ?? 0;
}

const accepts = [
  undefined,
  '*/*',
  'application/json',
  'application/graphql-response+json',
  'application/graphql-response+json, application/json;q=0.9',
  'text/html',
];
const credentials = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom<string | null>(secrets.write, secrets.admin) },
  { weight: 1, arbitrary: fc.constantFrom<string | null>(secrets.read, 'wk_unknown', null) },
);

async function compare(shape: Shape, runs: number): Promise<{ sent: number; appended: number }> {
  let sent = 0;
  let appended = 0;
  const both = async (variables: unknown, as: string | null, accept: string | undefined) => {
    const { query, operationName } = shape;
    const options = { as, headers: accept === undefined ? {} : { accept } };
    // A document that nobody has sent before is never compiled; what is behind it moves no line and no column.
    const never = `${query}\n# ${documents++}`;
    const expected = await plain.post({ query: never, operationName, variables }, options);
    const actual = await compiled.post({ query, operationName, variables }, options);
    expect(comparable(actual)).toEqual(comparable(expected));
    sent++;
    appended += countAppended(actual);
  };
  await fc.assert(fc.asyncProperty(shape.variables, credentials, fc.constantFrom(...accepts), both), {
    numRuns: runs,
    endOnFailure: true,
  });
  return { sent, appended };
}

test.each(Object.entries(shapes))('%s: the compiled lane answers as the ordinary one does', async (_, shape) => {
  const before = await compiled.lanes();
  const { sent } = await compare(shape, 120);
  const after = await compiled.lanes();
  // Otherwise nothing was compared.
  expect(after.compiled - before.compiled).toBeGreaterThan(sent / 5);
  expect((await plain.lanes()).compiled).toBe(0);
});

test.each(Object.entries(ordinary))('%s: the same, though never compiled', async (_, shape) => {
  const before = await compiled.lanes();
  await compare(shape, 40);
  expect((await compiled.lanes()).compiled).toBe(before.compiled);
});

test('nothing is executed twice: both logs hold what was answered, once', async () => {
  const before = (await compiled.records()).length;
  const { appended } = await compare(shapes.trackBatch as Shape, 300);
  const records = await compiled.records();
  expect(appended).toBeGreaterThan(20);
  expect(records.length - before).toBe(appended);
  const made = /"message_id":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"/;
  const all = (lines: string[]) => lines.map((line) => line.replace(made, '"message_id":"uuid"'));
  expect(all(records)).toEqual(all(await plain.records()));
});
