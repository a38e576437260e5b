import fc from 'fast-check';
import { execute, type GraphQLField, type GraphQLObjectType, parse } from 'graphql';
import { isTallygateError } from '../../src/errors.ts';
import { createSchema } from '../../src/gateway/schema.ts';
import { openService, type Project, type Service } from '../oracle/harness.ts';
import type { SentBatch } from '../oracle/sent.ts';
import { type Leaf, toLeaves, toSelection } from './schema-leaves.ts';

/**
 * Texts that would like to be something else, at every place of every query where a text can stand. A text that nobody sent has
 * to get the answer of any other text that nobody sent, or a clear refusal. The texts of another project are such texts.
 */

const schema = createSchema();
const fields = Object.values((schema.getQueryType() as GraphQLObjectType).getFields());
const leaves = fields.flatMap((field) =>
  toLeaves(field).map((leaf): [string, Leaf, GraphQLField<unknown, unknown>] => [leaf.path, leaf, field]),
);

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

const now = Date.now();
let service: Service;
let ours: Project;
let other: Project;
/** Tokens and cursors that are valid over there. */
let handles: readonly string[];
let snapshot: string;

beforeAll(async () => {
  service = await openService();
  ours = service.openProject();
  other = service.openProject();
  const at = (i: number) => new Date(now - i * 3_600_000);
  const mine: SentBatch['events'] = Array.from({ length: 12 }, (_, i) => ({
    kind: (['track', 'track', 'identify', 'group'] as const)[i % 4] as 'track',
    input: {
      event: 'plan',
      userId: `u${i % 3}`,
      anonymousId: `a${i % 2}`,
      groupId: 'g',
      messageId: `m${i}`,
      timestamp: at(i),
      properties: { plan: 'pro', n: i },
      traits: { plan: 'pro' },
    },
  }));
  const foreign: SentBatch['events'] = (['track', 'page', 'identify', 'group'] as const).map((kind, i) => ({
    kind: kind as 'track',
    input: {
      event: theirs.event,
      userId: theirs.user,
      anonymousId: theirs.anonymous,
      groupId: theirs.group,
      messageId: i === 0 ? theirs.message : `${theirs.message}-${i}`,
      timestamp: at(1),
      properties: { [theirs.property]: theirs.value, plan: 'pro', secret, [secret]: secret },
      traits: { plan: theirs.value, secret },
      context: { secret },
    },
  }));
  const { token } = await ours.send({ receivedAt: now, events: mine });
  const sent = await other.send({ receivedAt: now, events: foreign });
  const freshness = { after: sent.token, maxWaitMs: 30_000 };
  const page = await other.ask().events({ range: { last: '30d' }, first: 1, freshness });
  ({
    meta: { snapshot },
  } = await ours.ask().catalog({ after: token, maxWaitMs: 30_000 }));
  handles = [sent.token, page.meta.snapshot, page.pageInfo.endCursor as string];
});
afterAll(() => service.close());

interface Outcome {
  readonly data: unknown;
  /** What went wrong: a code of ours, or a value that the schema itself does not take. */
  readonly refusals: readonly string[];
}

async function ask(
  project: Project,
  field: GraphQLField<unknown, unknown>,
  args: Record<string, unknown>,
): Promise<Outcome> {
  const names = Object.keys(args);
  const declared = names.map((name) => `$${name}: ${field.args.find((arg) => arg.name === name)!.type}`).join(', ');
  const passed = names.map((name) => `${name}: $${name}`).join(', ');
  const around = names.length === 0 ? ['', ''] : [`(${declared})`, `(${passed})`];
  const request = project.ask();
  const { data, errors = [] } = await execute({
    schema,
    document: parse(`query ${around[0]} { answer: ${field.name}${around[1]} ${toSelection(field.type)} }`),
    variableValues: args,
    contextValue: {
      caller: { project: project.name, right: 'read', keyId: 'k' },
      reports: (name: string) => {
        expect(name).toBe(project.name);
        return request;
      },
    },
  });
  const refusals = errors.map(({ originalError, extensions, message }) => {
    if (isTallygateError(originalError)) return originalError.code;
    if (extensions.code !== undefined) return String(extensions.code);
    return /got invalid value|expected a/.test(message) ? 'NOT_OF_THE_TYPE' : `UNKNOWN: ${message}`;
  });
  return { data: data?.answer, refusals };
}

const clear = new Set([
  'NOT_OF_THE_TYPE',
  'INVALID_INPUT',
  'INVALID_FILTER',
  'INVALID_RANGE',
  'INVALID_CURSOR',
  'INVALID_TOKEN',
  'UNKNOWN_TIMEZONE',
  'TOO_MANY_BUCKETS',
  'NOT_FOUND',
]);

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
function asOf({ args: known }: GraphQLField<unknown, unknown>, args: Record<string, unknown>): Record<string, unknown> {
  const takesMoment = known.some(({ name }) => name === 'freshness') && args.freshness === undefined;
  return takesMoment ? { ...args, freshness: { at: snapshot } } : args;
}

async function check(leaf: Leaf, field: GraphQLField<unknown, unknown>, text: string, pick: number): Promise<void> {
  const args = asOf(field, leaf.fill(text, pick));
  const place = { path: leaf.path, args };
  const [answer, harmless] = await Promise.all([
    ask(ours, field, args),
    ask(ours, field, asOf(field, leaf.fill('nobody sent this', pick))),
  ]);
  expect({ place, unclear: answer.refusals.filter((code) => !clear.has(code)) }).toEqual({ place, unclear: [] });
  expect(JSON.stringify(answer.data ?? null)).not.toContain(secret);
  if (answer.refusals.length > 0 || harmless.refusals.length > 0 || !isAlike(args)) return;
  expect({ place, answer: without(text, answer) }).toEqual({ place, answer: without('nobody sent this', harmless) });
}

test('the walk finds the places', () => {
  const paths = leaves.map(([path]) => path);
  for (const known of ['trend.input.series.event', 'events.filter.not.property', 'person.id', 'eventStatus.messageIds'])
    expect(paths).toContain(known);
  expect(new Set(paths.map((path) => path.split('.')[0])).size).toBe(
    fields.filter(({ args }) => args.length > 0).length,
  );
});

test.each(leaves)(
  'at %s a text is only a text',
  async (_, leaf, field) => {
    await fc.assert(
      fc.asyncProperty(evil, fc.nat({ max: 100 }), (text, pick) => check(leaf, field, text, pick)),
      { numRuns: Math.ceil(2 * Number(process.env.ORACLE_RUNS ?? 1)), endOnFailure: true },
    );
  },
  120_000,
);

test.each(leaves)(
  "at %s another project's texts are nobody's",
  async (_, leaf, field) => {
    for (const [i, text] of Object.values(theirs).entries()) await check(leaf, field, text, i);
    if (/(after|at)$/i.test(leaf.path))
      for (const handle of handles) {
        const { data, refusals } = await ask(ours, field, leaf.fill(handle, 0));
        expect(refusals.filter((code) => !clear.has(code))).toEqual([]);
        expect(JSON.stringify(data ?? null)).not.toMatch(/Secret|[Tt]heir/);
      }
  },
  120_000,
);

test('without any text, reports show their own project alone, and the other one its own', async () => {
  for (const field of fields) {
    const args = toLeaves(field)[0]?.fill('plan', 0) ?? {};
    const { data } = await ask(ours, field, args);
    expect(JSON.stringify(data ?? null)).not.toMatch(/Secret|[Tt]heir/);
  }
  const events = fields.find(({ name }) => name === 'events')!;
  const { data } = await ask(other, events, { range: { last: '30d' } });
  expect(JSON.stringify(data)).toContain(secret);
  const filter = { property: '$messageId', value: theirs.message };
  const [here, there] = await Promise.all(
    [ours, other].map((project) => ask(project, events, { range: { last: '30d' }, filter })),
  );
  expect([here, there].map((outcome) => (outcome!.data as { nodes: unknown[] }).nodes.length)).toEqual([0, 1]);
});
