import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { GraphQLField, GraphQLObjectType } from 'graphql';
import { createSchema } from '../../src/gateway/schema.ts';
import { eventually, type Role, startRole } from '../e2e/tallygate.ts';
import { type Answer, isAlike, type Outcome, toRefusal, unclear, without } from './injection-answers.ts';
import { listen } from './injection-listen.ts';
import { evil, secret, theirs } from './injection-texts.ts';
import { leastArgs, type Place, type Trail, toDocument, toPlaces, toTrails } from './schema-leaves.ts';

/**
 * Texts that would like to be something else, at every place of every query, mutation and subscription where a text can stand, sent to a
 * whole service. A text that nobody sent has to get the answer of any other text that nobody sent, or a clear refusal; and one that
 * is sent comes back as it went in. The texts of another project are texts that nobody sent.
 */

const schema = createSchema();
const reads = toTrails(schema.getQueryType() as GraphQLObjectType);
const writes = toTrails(schema.getMutationType() as GraphQLObjectType);
const places = toPlaces(reads);
/** Without fields of the messages that take arguments: a report's people, which the queries are asked for. */
const subscribed = toTrails(schema.getSubscriptionType() as GraphQLObjectType).filter(
  ({ fields: { length } }) => length === 1,
);
const subscribedPlaces = toPlaces(subscribed);
const isDeletion = ([, , { name }]: Place) => name === 'deletePerson';
/** Whom somebody deletes, the other tests miss: that comes last. */
const writePlaces = toPlaces(writes).filter((place) => !isDeletion(place));
const deletionPlaces = toPlaces(writes).filter(isDeletion);

/** Credentials of two projects, by right. */
const ours = { write: 'wk_ours_0123', read: 'rt_ours_0123', admin: 'at_ours_0123' } as const;
const other = { write: 'wk_other_0123', read: 'rt_other_0123', admin: 'at_other_0123' } as const;
type Project = typeof ours | typeof other;

const track = 'mutation($input: TrackBatchInput!) { trackBatch(input: $input) { accepted token } }';
const everything =
  'query($after: String, $freshness: FreshnessInput) { events(range: { last: "30d" }, first: 1000, after: $after, freshness: $freshness) { nodes { messageId type event userId anonymousId groupId previousId properties context traits } pageInfo { hasNextPage endCursor } meta { snapshot } } }';

/** What places below a cohort and a saved report ask: names are `plan` wherever one has to be. */
const savePlan = `mutation {
  saveCohort(input: { name: "plan", definition: { userIds: ["plan"] } }) { size }
  saveReport(input: { name: "plan", document: "query ($plan: JSONValue = \\"pro\\") { trend(input: { range: { last: \\"5d\\" }, series: [{ filter: { property: \\"plan\\", value: $plan } }], breakdown: [{ property: \\"plan\\" }] }) { buckets series { total values breakdown } } }" }) { version }
}`;

let folder: string;
let service: Role;
/** Tokens and cursors that are valid over there. */
let handles: readonly string[];
let snapshot: string;

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
  const saved = await post(ours.admin, savePlan, {});
  expect(saved).toEqual({ data: { saveCohort: { size: 1 }, saveReport: { version: 1 } } });
  handles = [sent, page.meta.snapshot, (cursor.data!.events as Page).pageInfo.endCursor];
}, 120_000);
afterAll(async () => {
  await service?.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

type Field = GraphQLField<unknown, unknown>;

type Operation = 'query' | 'mutation' | 'subscription';

/** Asks the last field of the trail, with these arguments; a subscription for its first message. */
async function ask(
  project: Project,
  operation: Operation,
  trail: Trail,
  args: Record<string, unknown>,
  isWhole = false,
): Promise<Outcome> {
  const { document, variables } = toDocument(operation, trail, args, { asOf, isWhole });
  const { data, errors = [] } =
    operation === 'subscription'
      ? await listen(service.url, project.admin, document, variables)
      : await post(project.admin, document, variables);
  return { data: data?.answer, refusals: errors.map(toRefusal) };
}

/** Both ask about one moment: an answer may tell the time. */
function asOf({ args: known }: Field, args: Record<string, unknown>): Record<string, unknown> {
  const takesMoment = known.some(({ name }) => name === 'freshness') && args.freshness === undefined;
  return takesMoment ? { ...args, freshness: { at: snapshot } } : args;
}

/** Answers to a text that nobody sent. Nothing comes in meanwhile: within a day they stay the same, but where minutes count. */
const answersToNobody = new Map<string, Promise<Outcome>>();

function askOfNobody(
  operation: Operation,
  trail: Trail,
  args: Record<string, unknown>,
  isWhole: boolean,
): Promise<Outcome> {
  if (trail.name.startsWith('ingestion')) return ask(ours, operation, trail, args, isWhole);
  const key = JSON.stringify([trail.name, args, isWhole, new Date().getUTCDate()]);
  const answer = answersToNobody.get(key) ?? ask(ours, operation, trail, args, isWhole);
  answersToNobody.set(key, answer);
  return answer;
}

async function check(
  operation: Operation,
  [path, leaf, trail]: Place,
  text: string,
  pick: number,
  isWhole: boolean,
): Promise<void> {
  const field = trail.fields.at(-1) as Field;
  const args = asOf(field, leaf.fill(text, pick));
  const place = { path, args };
  const [answer, harmless] = await Promise.all([
    ask(ours, operation, trail, args, isWhole),
    askOfNobody(operation, trail, asOf(field, leaf.fill('nobody sent this', pick)), isWhole),
  ]);
  expect({ place, unclear: unclear(answer) }).toEqual({ place, unclear: [] });
  expect(JSON.stringify(answer.data ?? null)).not.toContain(secret);
  if (answer.refusals.length > 0 || harmless.refusals.length > 0 || !isAlike(args)) return;
  expect({ place, answer: without(text, answer) }).toEqual({ place, answer: without('nobody sent this', harmless) });
}

const rounds = { numRuns: Math.ceil(2 * Number(process.env.ORACLE_RUNS ?? 1)), endOnFailure: true };

test('the walk finds the places', () => {
  const paths = [...places, ...subscribedPlaces, ...writePlaces, ...deletionPlaces].map(([path]) => path);
  for (const known of [
    'trend.input.series.event',
    'events.filter.not.property',
    'person.id',
    'person.events.after',
    'retention.people.breakdown',
    'funnel.steps.people.after',
    'ingestion.ledger.range.timezone',
    'liveEvents.filter.and.value',
    'trendChanges.input.series.event',
    'eventStatus.messageIds',
    'track.input.properties',
    'trackBatch.input.events.alias.previousId',
    'cohort.people.after',
    'savedReport.name',
    'saveCohort.input.definition.not.did.filter.and.value',
    'saveReport.input.document',
    'deleteCohort.name',
    'deletePerson.id',
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
      fc.asyncProperty(evil, fc.nat({ max: 100 }), (text, pick) => check('query', place, text, pick, true)),
      rounds,
    );
  },
  120_000,
);

test.each(places)(
  "at %s another project's texts are nobody's",
  async (...place) => {
    await Promise.all(Object.values(theirs).map((text) => check('query', place, text, 0, false)));
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

test('in a variable of a saved report a text is only a text', async () => {
  const trail = reads.find(({ name }) => name === 'savedReport') as Trail;
  const run = (plan: string) =>
    ask(ours, 'query', trail, asOf(trail.fields[0], { name: 'plan', variables: { plan } }), true);
  const harmless = await run('nobody sent this');
  expect(harmless).toMatchObject({
    refusals: [],
    data: { errors: [], data: { trend: { buckets: expect.any(Array) } } },
  });
  expect((await run('pro')).data).not.toEqual(harmless.data);
  const same = async (text: string) => expect({ text, answer: await run(text) }).toEqual({ text, answer: harmless });
  await fc.assert(fc.asyncProperty(evil, same), { ...rounds, numRuns: 10 * rounds.numRuns });
  for (const text of Object.values(theirs)) await same(text);
}, 60_000);

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

test.each(subscribedPlaces)(
  'at %s of a subscription a text is only a text',
  async (...place) => {
    const hear = (text: string, pick: number) => check('subscription', place, text, pick, true);
    await fc.assert(fc.asyncProperty(evil, fc.nat({ max: 100 }), hear), rounds);
    for (const text of Object.values(theirs)) await hear(text, 0);
  },
  120_000,
);

describe('mutations', () => {
  /** Texts that were taken, as JSON has them. */
  const taken: { readonly path: string; readonly text: string }[] = [];

  /** Paths at which something was saved. */
  const savedAt = new Set<string>();

  async function write([path, leaf, trail]: Place, text: string, pick: number): Promise<void> {
    const answer = await ask(ours, 'mutation', trail, leaf.fill(text, pick));
    const place = { path, text };
    expect({ place, unclear: unclear(answer) }).toEqual({ place, unclear: [] });
    const shown = JSON.stringify(answer.data ?? null);
    expect(shown).not.toContain(secret);
    if (shown.includes('"ACCEPTED"') && !shown.includes('"REJECTED"')) taken.push({ path, text });
    if (!/^save\w+\.input/.test(path) || answer.refusals.length > 0) return;
    expect({ place, shown }).toEqual({ place, shown: expect.stringContaining(JSON.stringify(text).slice(1, -1)) });
    savedAt.add(path);
  }

  test.each(writePlaces)(
    'at %s any text is taken as it is, or refused clearly',
    async (...place) => {
      await fc.assert(
        fc.asyncProperty(evil, fc.nat({ max: 100 }), (text, pick) => write(place, text, pick)),
        rounds,
      );
      await Promise.all(Object.values(theirs).map((text, i) => write(place, text, i)));
      const [path, leaf, trail] = place;
      if (/(after|at)$/i.test(path))
        for (const handle of handles)
          expect(unclear(await ask(ours, 'mutation', trail, leaf.fill(handle, 0)))).toEqual([]);
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
    const saved = await post(other.read, '{ cohorts { name } savedReports { name } }', {});
    expect(saved).toEqual({ data: { cohorts: [], savedReports: [] } });
  }, 60_000);

  test('names, descriptions and every kind of condition were saved', () => {
    const conditions = ['not.did.event', 'and.did.filter.value', 'or.person.property', 'person.value', 'userIds'];
    const cohort = ['name', 'description', ...conditions.map((condition) => `definition.${condition}`)];
    const expected = [
      ...cohort.map((path) => `saveCohort.input.${path}`),
      ...['name', 'description'].map((path) => `saveReport.input.${path}`),
    ];
    expect(expected.filter((path) => !savedAt.has(path))).toEqual([]);
  });

  test.each(deletionPlaces)(
    'at %s any text is an id, and nobody else is deleted',
    async (_, leaf, trail) => {
      const texts = fc.sample(evil, rounds.numRuns).map((text) => `fresh ${text}`);
      const bystander = { track: { event: 'Stay', userId: 'bystander', anonymousId: 'bystander', messageId: 'stays' } };
      const targets = texts.map((userId, i) => ({ track: { event: 'Go', userId, messageId: `goes-${i}` } }));
      await send(ours, [bystander, ...targets]);
      for (const text of [...texts, ...Object.values(theirs)])
        expect(await ask(ours, 'mutation', trail, leaf.fill(text, 0))).toMatchObject({ refusals: [] });
      await eventually(async () => {
        const { data } = await post(ours.read, '{ deletions(first: 1000) { state } }', {});
        const open = (data!.deletions as { state: string }[]).filter(({ state }) => state !== 'DONE');
        if (open.length > 0) throw new Error(`expected all to be done, got ${open.length} that are not`);
      }, 90);
      const ids = (await readAll(ours)).flatMap(({ nodes }) => nodes.map(({ messageId }) => messageId));
      expect(ids).toContain('stays');
      expect(ids.filter((id) => id.startsWith('goes-'))).toEqual([]);
      expect((await readAll(other)).flatMap(({ nodes }) => nodes)).toHaveLength(4);
    },
    120_000,
  );
});
