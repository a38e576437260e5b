import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { GraphQLField, GraphQLObjectType } from 'graphql';
import { createSchema } from '../../src/gateway/schema.ts';
import { eventually, type Role, startRole } from '../e2e/tallygate.ts';
import { type Leaf, leastArgs, type Trail, toLeaves, toSelection, toTrails } from './schema-leaves.ts';

/**
 * Texts that would like to be something else, at every place of every query and mutation where a text can stand, sent to a
 * whole service. A text that nobody sent has to get the answer of any other text that nobody sent, or a clear refusal; and one that
 * is sent comes back as it went in. The texts of another project are texts that nobody sent.
 */

const schema = createSchema();
const reads = toTrails(schema.getQueryType() as GraphQLObjectType);
const writes = toTrails(schema.getMutationType() as GraphQLObjectType);
type Place = [path: string, leaf: Leaf, trail: Trail];
const toPlaces = (trails: readonly Trail[]) =>
  trails.flatMap((trail) =>
    toLeaves(trail.fields.at(-1) as Field).map((leaf): Place => {
      const above = trail.fields.slice(0, -1).map(({ name }) => `${name}.`);
      return [`${above.join('')}${leaf.path}`, leaf, trail];
    }),
  );
const places = toPlaces(reads);
const writePlaces = toPlaces(writes);

const pieces = [
  "'",
  '"',
  '`',
  '\\',
  '\\\\',
  '{p0:String}',
  '{p1:Array(String)}',
  '{',
  '}',
  '\0',
  '\n',
  '\t',
  '--',
  '/*',
  '*/',
  ';',
  '$',
  '%s',
  '(',
  ')',
  ' OR 1=1 ',
  ' UNION ALL SELECT data FROM events ',
  "') OR project != ('",
  ' SETTINGS max_execution_time=0 ',
  ' FORMAT JSON ',
  '😀',
  '\u2028',
  'project',
  ':`Int64`',
  '@',
  '^',
  '\x1b',
];
const evil = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 4 }).map((parts) => `x${parts.join('')}y`);

/** Stands in another project's events, and in no question: whoever sees it sees too much. */
const secret = 'Zx81SecretOfAnother';
const theirs = {
  event: 'Their Event',
  user: 'their-user',
  anonymous: 'their-anonymous',
  group: 'their-group',
  message: 'their-message',
  property: 'theirProperty',
  value: 'their value',
} as const;

/** Credentials of two projects, by right. */
const ours = { write: 'wk_ours_0123', read: 'rt_ours_0123', admin: 'at_ours_0123' } as const;
const other = { write: 'wk_other_0123', read: 'rt_other_0123', admin: 'at_other_0123' } as const;
type Project = typeof ours | typeof other;

const track = 'mutation($input: TrackBatchInput!) { trackBatch(input: $input) { accepted token } }';
const everything =
  'query($after: String, $freshness: FreshnessInput) { events(range: { last: "30d" }, first: 1000, after: $after, freshness: $freshness) { nodes { messageId type event userId anonymousId groupId previousId properties context traits } pageInfo { hasNextPage endCursor } meta { snapshot } } }';

let folder: string;
let service: Role;
/** Tokens and cursors that are valid over there. */
let handles: readonly string[];
let snapshot: string;

interface Answer {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

async function post(secretOf: string, query: string, variables: object): Promise<Answer> {
  const response = await fetch(`${service.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secretOf}` },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as Answer;
}

async function send(project: Project, events: readonly object[]): Promise<string> {
  const { data, errors } = await post(project.write, track, { input: { events } });
  expect(errors).toBeUndefined();
  const { accepted, token } = data!.trackBatch as { accepted: number; token: string };
  expect(accepted).toBe(events.length);
  return token;
}

interface Page {
  readonly nodes: readonly { readonly messageId: string }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
  readonly meta: { readonly snapshot: string };
}

/** All events of a project. */
async function readAll(project: Project, freshness?: object): Promise<Page[]> {
  const pages: Page[] = [];
  let after: string | undefined;
  do {
    const { data, errors } = await post(project.read, everything, { after, freshness: after ? undefined : freshness });
    expect(errors).toBeUndefined();
    const page = data!.events as Page;
    pages.push(page);
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : undefined;
  } while (after);
  return pages;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tallygate-injection-'));
  const toSecrets = (right: keyof Project) => `ours=${ours[right]},other=${other[right]}`;
  service = await startRole('serve', folder, {
    DATA_DIR: join(folder, 'data'),
    WRITE_KEYS: toSecrets('write'),
    READ_TOKENS: toSecrets('read'),
    ADMIN_TOKENS: toSecrets('admin'),
  });
  await eventually(async () => {
    const { errors } = await post(ours.read, '{ catalog { meta { asOf } } }', {});
    if (errors) throw new Error(JSON.stringify(errors));
  }, 60);
  const now = Date.now();
  const at = (i: number) => new Date(now - i * 3_600_000).toISOString();
  const kinds = ['track', 'track', 'identify', 'group'] as const;
  const who = (i: number) => ({ anonymousId: `a${i % 2}`, timestamp: at(i), context: { groupId: 'g' } });
  const mine = Array.from({ length: 12 }, (_, i) => {
    const common = { userId: i % 3 === 0 ? 'plan' : `u${i % 3}`, messageId: `m${i}`, ...who(i) };
    switch (kinds[i % 4]) {
      case 'identify':
        return { identify: { ...common, traits: { plan: 'pro' } } };
      case 'group':
        return { group: { ...common, groupId: 'g', traits: { plan: 'pro' } } };
      default:
        return { track: { ...common, event: 'plan', properties: { plan: 'pro', n: i } } };
    }
  });
  const about = (i: number) => ({
    userId: theirs.user,
    anonymousId: theirs.anonymous,
    messageId: i === 0 ? theirs.message : `${theirs.message}-${i}`,
    timestamp: at(1),
    context: { secret, groupId: theirs.group },
  });
  const properties = { [theirs.property]: theirs.value, plan: 'pro', secret, [secret]: secret };
  const traits = { plan: theirs.value, secret };
  const foreign = [
    { track: { ...about(0), event: theirs.event, properties } },
    { page: { ...about(1), properties } },
    { identify: { ...about(2), traits } },
    { group: { ...about(3), groupId: theirs.group, traits } },
  ];
  const token = await send(ours, mine);
  const sent = await send(other, foreign);
  const wait = (after: string) => ({ after, maxWaitMs: 30_000 });
  const [page] = (await readAll(other, wait(sent))) as [Page];
  expect(page.nodes).toHaveLength(foreign.length);
  const [mineStored] = (await readAll(ours, wait(token))) as [Page];
  expect(mineStored.nodes).toHaveLength(mine.length);
  snapshot = mineStored.meta.snapshot;
  const cursor = await post(other.read, '{ events(range: { last: "30d" }, first: 1) { pageInfo { endCursor } } }', {});
  handles = [sent, page.meta.snapshot, (cursor.data!.events as Page).pageInfo.endCursor];
}, 120_000);
afterAll(async () => {
  await service?.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

interface Outcome {
  readonly data: unknown;
  /** Codes of what went wrong. */
  readonly refusals: readonly string[];
}

type Field = GraphQLField<unknown, unknown>;

/** Asks the last field of the trail, with these arguments. */
async function ask(
  project: Project,
  operation: 'query' | 'mutation',
  { fields }: Trail,
  args: Record<string, unknown>,
  isWhole = false,
): Promise<Outcome> {
  const last = fields.length - 1;
  const variables: Record<string, unknown> = {};
  const declared: string[] = [];
  const calls = fields.map((field, i) => {
    const given = i === last ? args : asOf(field, leastArgs(field));
    const passed = Object.entries(given).map(([name, value]) => {
      variables[`v${i}_${name}`] = value;
      declared.push(`$v${i}_${name}: ${field.args.find((arg) => arg.name === name)!.type}`);
      return `${name}: $v${i}_${name}`;
    });
    return `${field.name}${passed.length > 0 ? `(${passed.join(', ')})` : ''}`;
  });
  const body = calls.reduceRight(
    (inner, call, i) => `{ ${i === 0 ? 'answer: ' : ''}${call} ${inner} }`,
    toSelection((fields[last] as Field).type, isWhole),
  );
  const head = declared.length > 0 ? `(${declared.join(', ')})` : '';
  const { data, errors = [] } = await post(project.admin, `${operation}${head} ${body}`, variables);
  const refusals = errors.map(({ extensions, message }) =>
    extensions?.code && clear.has(extensions.code) ? extensions.code : `${extensions?.code}: ${message}`,
  );
  return { data: data?.answer, refusals };
}

const clear = new Set([
  'BAD_USER_INPUT',
  'INVALID_INPUT',
  'INVALID_FILTER',
  'INVALID_RANGE',
  'INVALID_CURSOR',
  'INVALID_TOKEN',
  'UNKNOWN_TIMEZONE',
  'TOO_MANY_BUCKETS',
  'NOT_FOUND',
]);
const unclear = ({ refusals }: Outcome) => refusals.filter((code) => !clear.has(code));

/** The answer without the text that was asked for, as it may come back as a label. */
function without(text: string, { data }: Outcome): string {
  const shown = JSON.stringify(data ?? null);
  return shown.replaceAll(JSON.stringify(text).slice(1, -1), '<text>');
}

/** A filter whose operator orders or matches tells texts apart that nobody sent. */
const alike = ['EQ', 'NEQ', 'CONTAINS', 'NOT_CONTAINS', 'STARTS_WITH', 'ENDS_WITH'];
const isAlike = (args: unknown) =>
  [...JSON.stringify(args).matchAll(/"op":"(\w+)"/g)].every(([, op]) => alike.includes(op!));

/** Both ask about one moment: an answer may tell the time. */
function asOf({ args: known }: Field, args: Record<string, unknown>): Record<string, unknown> {
  const takesMoment = known.some(({ name }) => name === 'freshness') && args.freshness === undefined;
  return takesMoment ? { ...args, freshness: { at: snapshot } } : args;
}

/** Answers to a text that nobody sent. Nothing comes in meanwhile: within a day they stay the same, but where minutes count. */
const answersToNobody = new Map<string, Promise<Outcome>>();

function askOfNobody(trail: Trail, args: Record<string, unknown>, isWhole: boolean): Promise<Outcome> {
  if (trail.name.startsWith('ingestion')) return ask(ours, 'query', trail, args, isWhole);
  const key = JSON.stringify([trail.name, args, isWhole, new Date().getUTCDate()]);
  const answer = answersToNobody.get(key) ?? ask(ours, 'query', trail, args, isWhole);
  answersToNobody.set(key, answer);
  return answer;
}

async function check([path, leaf, trail]: Place, text: string, pick: number, isWhole: boolean): Promise<void> {
  const field = trail.fields.at(-1) as Field;
  const args = asOf(field, leaf.fill(text, pick));
  const place = { path, args };
  const [answer, harmless] = await Promise.all([
    ask(ours, 'query', trail, args, isWhole),
    askOfNobody(trail, asOf(field, leaf.fill('nobody sent this', pick)), isWhole),
  ]);
  expect({ place, unclear: unclear(answer) }).toEqual({ place, unclear: [] });
  expect(JSON.stringify(answer.data ?? null)).not.toContain(secret);
  if (answer.refusals.length > 0 || harmless.refusals.length > 0 || !isAlike(args)) return;
  expect({ place, answer: without(text, answer) }).toEqual({ place, answer: without('nobody sent this', harmless) });
}

const rounds = { numRuns: Math.ceil(2 * Number(process.env.ORACLE_RUNS ?? 1)), endOnFailure: true };

test('the walk finds the places', () => {
  const paths = [...places, ...writePlaces].map(([path]) => path);
  for (const known of [
    'trend.input.series.event',
    'events.filter.not.property',
    'person.id',
    'person.events.after',
    'retention.people.breakdown',
    'funnel.steps.people.after',
    'ingestion.ledger.range.timezone',
    'eventStatus.messageIds',
    'track.input.properties',
    'trackBatch.input.events.alias.previousId',
  ])
    expect(paths).toContain(known);
  expect(new Set(paths).size).toBe(paths.length);
});

test('below another field, the walk arrives', async () => {
  for (const trail of reads.filter(({ fields }) => fields.length > 1)) {
    const field = trail.fields.at(-1) as Field;
    const answer = await ask(ours, 'query', trail, leastArgs(field));
    expect([trail.name, answer.refusals]).toEqual([trail.name, []]);
    expect([trail.name, JSON.stringify(answer.data)]).toEqual([trail.name, expect.stringContaining(field.name)]);
  }
});

test.each(places)(
  'at %s a text is only a text',
  async (...place) => {
    await fc.assert(
      fc.asyncProperty(evil, fc.nat({ max: 100 }), (text, pick) => check(place, text, pick, true)),
      rounds,
    );
  },
  120_000,
);

test.each(places)(
  "at %s another project's texts are nobody's",
  async (...place) => {
    await Promise.all(Object.values(theirs).map((text) => check(place, text, 0, false)));
    const [path, leaf, trail] = place;
    if (/(after|at)$/i.test(path))
      for (const handle of handles) {
        const answer = await ask(ours, 'query', trail, leaf.fill(handle, 0));
        expect(unclear(answer)).toEqual([]);
        expect(JSON.stringify(answer.data ?? null)).not.toMatch(/Secret|[Tt]heir/);
      }
  },
  120_000,
);

test('without any text, reports show their own project alone, and the other one its own', async () => {
  for (const trail of reads) {
    const { data } = await ask(ours, 'query', trail, leastArgs(trail.fields.at(-1) as Field));
    expect(JSON.stringify(data ?? null)).not.toMatch(/Secret|[Tt]heir/);
  }
  const events = reads.find(({ name }) => name === 'events') as Trail;
  const { data } = await ask(other, 'query', events, { range: { last: '30d' } });
  expect(JSON.stringify(data)).toContain(secret);
  const filter = { property: '$messageId', value: theirs.message };
  const [here, there] = await Promise.all(
    [ours, other].map((project) => ask(project, 'query', events, { range: { last: '30d' }, filter })),
  );
  expect([here, there].map((outcome) => (outcome!.data as { nodes: unknown[] }).nodes.length)).toEqual([0, 1]);
});

describe('mutations', () => {
  /** Texts that were taken, as JSON has them. */
  const taken: { readonly path: string; readonly text: string }[] = [];

  async function write([path, leaf, trail]: Place, text: string, pick: number): Promise<void> {
    const answer = await ask(ours, 'mutation', trail, leaf.fill(text, pick));
    const place = { path, text };
    expect({ place, unclear: unclear(answer) }).toEqual({ place, unclear: [] });
    const shown = JSON.stringify(answer.data ?? null);
    expect(shown).not.toContain(secret);
    if (shown.includes('"ACCEPTED"') && !shown.includes('"REJECTED"')) taken.push({ path, text });
  }

  test.each(writePlaces)(
    'at %s any text is taken as it is, or refused clearly',
    async (...place) => {
      await fc.assert(
        fc.asyncProperty(evil, fc.nat({ max: 100 }), (text, pick) => write(place, text, pick)),
        rounds,
      );
      await Promise.all(Object.values(theirs).map((text, i) => write(place, text, i)));
    },
    120_000,
  );

  test('what was taken comes back as it went in, and the other project is as it was', async () => {
    expect(new Set(taken.map(({ path }) => path.split('.')[0])).size).toBeGreaterThanOrEqual(7);
    const token = await send(ours, [{ track: { event: 'plan', userId: 'plan', messageId: 'last' } }]);
    const stored = JSON.stringify(await readAll(ours, { after: token, maxWaitMs: 30_000 }));
    // A time or a text that context replaces aside, every text stands in some event.
    const lost = taken.filter(({ text }) => !stored.includes(JSON.stringify(text).slice(1, -1)));
    expect(lost).toEqual([]);
    expect(stored).not.toContain(secret);
    const others = await readAll(other);
    expect(others.flatMap(({ nodes }) => nodes)).toHaveLength(4);
    const { data } = await post(other.read, '{ deadLetters { nodes { record } } catalog { events { event } } }', {});
    expect(JSON.stringify(data)).not.toContain('plan');
  }, 60_000);
});
