import fc, { type Arbitrary } from 'fast-check';
import type { Json, JsonObject, SentBatch, SentEvent, SentInput } from './sent.ts';

/**
 * Random streams of events, small and crowded on purpose: few names, few persons, few moments, few values, so that events
 * meet in one instant, filters hit, values tie. What questions are made of comes from the same few things.
 */

const hour = 3_600_000;
const day = 24 * hour;

/** A place and a time where something happens to the calendar. */
export interface Scene {
  readonly zone: string;
  /** Milliseconds since 1970. */
  readonly center: number;
}

export const scenes: readonly Scene[] = [
  { zone: 'UTC', center: Date.UTC(2026, 0, 1) },
  { zone: 'UTC', center: Date.UTC(1970, 0, 1) },
  { zone: 'UTC', center: Date.UTC(1924, 1, 29) },
  { zone: 'Europe/Berlin', center: Date.UTC(2026, 2, 29, 1) },
  { zone: 'Europe/Berlin', center: Date.UTC(2025, 9, 26, 1) },
  { zone: 'Europe/Berlin', center: Date.UTC(2099, 11, 31, 23) },
  { zone: 'America/New_York', center: Date.UTC(2026, 2, 8, 7) },
  { zone: 'America/New_York', center: Date.UTC(2026, 10, 1, 6) },
  { zone: 'Asia/Kathmandu', center: Date.UTC(1985, 11, 31, 18, 30) },
  { zone: 'Asia/Kathmandu', center: Date.UTC(2026, 5, 30, 18, 15) },
  { zone: 'Australia/Lord_Howe', center: Date.UTC(2026, 3, 4, 15) },
  { zone: 'Australia/Lord_Howe', center: Date.UTC(2026, 9, 3, 15, 30) },
  { zone: 'Pacific/Apia', center: Date.UTC(2011, 11, 30, 10) },
];

export const eventNames = ['View', 'Cart', 'Order Completed', 'it\'s "ünï" `😀`\\', 'a'];
export const userIds = ['u1', 'u2', 'u3', "o'brien\\`"];
export const anonymousIds = ['u1', 'a1', 'a2'];

/** Names as they stand in an object. Some hold what is special to SQL, to JSON, to the warehouse or to JavaScript. */
const names = [
  'n',
  'n',
  'plan',
  'plan',
  'tags',
  'a',
  'b',
  'a.b',
  'a.b.c',
  'we`ird',
  `q"'u`,
  '😀 ü',
  'nl\nx',
  'back\\slash',
  '$ref',
  '^a',
  ':b',
  '%',
  'nul\0',
  '__proto__',
  '',
];
/** Names as questions write them. */
export const propertyNames = [
  'n',
  'n',
  'plan',
  'plan',
  'properties.plan',
  'tags',
  'a',
  'b',
  'a.b',
  'a.b.c',
  'properties.a.b',
  'we`ird',
  `q"'u`,
  '😀 ü',
  'nl\nx',
  'back\\slash',
  '$ref',
  '^a',
  ':b',
  '%',
  'nul\0',
  '__proto__',
  'context.a',
  'context.page.url',
  'context.b',
  'traits.plan',
  'traits.a.b',
  'never',
  'properties',
  'context',
  'name',
  'category',
];
/** What identify and group events tell. */
export const profileNames = ['person', 'personLatest', 'group', 'groupLatest'].flatMap((root) =>
  ['plan', 'plan', 'n', 'a', 'a.b', 'tags', 'we`ird'].map((name) => `${root}.${name}`),
);
export const fieldNames = ['$event', '$type', '$userId', '$anonymousId', '$groupId', '$messageId'];

const texts = [
  '',
  'a',
  'ab',
  'abc',
  'b',
  '10',
  '2.5',
  'true',
  'null',
  'ünï',
  '😀',
  '\uE000',
  'A',
  "it's",
  'a"b',
  'back\\s',
  'nl\nx',
  'nul\0x',
  '%',
  '[1]',
  '{"a":1}',
  '(none)',
  '(other)',
  '~',
  '=a',
  '2026-03-29',
  '2026-03-29T01:00:00Z',
  '2026-03-29T03:00:00.000999+02:00',
  '2026-03-29 00:59Z',
  '1924-02-29t00:00:00.5-0330',
  '2026-02-30T00:00:00Z',
];
const numbers = [
  0,
  1,
  -1,
  2,
  10,
  2.5,
  0.1,
  0.1 + 0.2,
  1e21,
  -1e21,
  2 ** 53,
  2 ** 53 + 2,
  2 ** 63,
  2 ** 64,
  -(2 ** 63),
  1e-7,
  5e-324,
  1e280,
  123456.789,
];

export const text: Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...texts) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 6 }) },
);
export const number: Arbitrary<number> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...numbers) },
  { weight: 2, arbitrary: fc.integer({ min: -20, max: 20 }) },
  { weight: 1, arbitrary: fc.integer() },
  // Sums of these stay finite.
  { weight: 1, arbitrary: fc.double({ noNaN: true, min: -1e290, max: 1e290 }).map((n) => (n === 0 ? 0 : n)) },
);
export const scalar: Arbitrary<string | number | boolean> = fc.oneof(
  { weight: 3, arbitrary: text },
  { weight: 3, arbitrary: number },
  { weight: 1, arbitrary: fc.boolean() },
);

const list: Arbitrary<Json> = fc.oneof(
  fc.array(text, { maxLength: 3 }),
  fc.array(number, { maxLength: 3 }),
  fc.array(fc.oneof(scalar, fc.constant(null)), { maxLength: 3 }),
  fc.array(fc.boolean(), { maxLength: 2 }),
  fc.constantFrom<Json>([[1, 'a'], ['b']], [{ a: 1 }, { b: 'x' }], [null], [1, [2], { a: 'a' }], [[[]], {}]),
  fc.array(fc.oneof(scalar, fc.array(scalar, { maxLength: 2 }), fc.record({ a: scalar })), { maxLength: 3 }),
);

const { object } = fc.letrec<{ object: JsonObject; value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 10, arbitrary: scalar },
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 2, arbitrary: list },
    { weight: 2, arbitrary: tie('object') },
  ),
  object: fc
    .uniqueArray(fc.tuple(fc.constantFrom(...names), tie('value')), { maxLength: 5, selector: ([name]) => name })
    .map(toObject),
}));

/** A name like __proto__ is a name like any other, as it is in JSON. */
function toObject(entries: readonly (readonly [string, Json])[]): JsonObject {
  const made: Record<string, Json> = {};
  for (const [name, value] of entries)
    Object.defineProperty(made, name, { value, enumerable: true, configurable: true, writable: true });
  return made;
}

const path = fc.constantFrom<Json>('/', '/a', '/b', '', 7);

const context: Arbitrary<JsonObject> = fc.oneof(
  object,
  fc.record(
    { page: fc.record({ url: text, path }, { requiredKeys: ['url'] }), groupId: fc.constantFrom<Json>('g1', 'g2', 7) },
    { requiredKeys: [] },
  ),
);

const optional = <T>(arbitrary: Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

/** Moments near the scene's center: on the edges of its calendar, a millisecond beside them, and anywhere. */
export function moment({ center }: Scene): Arbitrary<number> {
  const offsets = [0, hour / 2, hour, -hour, 2 * hour, day, -day, 7 * day, -7 * day, 30 * day, -31 * day];
  return fc.oneof(
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.constantFrom(...offsets), fc.constantFrom(0, 0, 0, -1, 1))
        .map(([offset, nudge]) => center + offset + nudge),
    },
    { weight: 2, arbitrary: fc.integer({ min: -36, max: 36 }).map((n) => center + n * hour) },
    { weight: 1, arbitrary: fc.integer({ min: -40 * day, max: 40 * day }).map((ms) => center + ms) },
  );
}

function input(scene: Scene, receivedAt: number): Arbitrary<SentEvent> {
  const common = {
    user: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...userIds).map((userId) => ({ userId })) },
      { weight: 2, arbitrary: fc.constantFrom(...anonymousIds).map((anonymousId) => ({ anonymousId })) },
      { weight: 1, arbitrary: fc.constant({ userId: 'u1', anonymousId: 'a1' }) },
    ),
    /** Who is merged with whom: so few ids, so often, make chains, loops and contradictions. */
    merged: fc.record({
      userId: fc.constantFrom(...userIds),
      anonymousId: fc.constantFrom(...anonymousIds),
      previousId: fc.constantFrom(...userIds, ...anonymousIds),
    }),
    /** Some come again, from the same person, with whatever else they say then. */
    repeat: fc.oneof(
      { weight: 4, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 3 }) },
    ),
    fresh: fc.uuid(),
    time: fc.oneof(
      { weight: 8, arbitrary: moment(scene) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          Date.UTC(1970, 0, 1),
          Date.UTC(1970, 0, 1) - 1,
          Date.UTC(2001, 8, 9),
          Date.UTC(2100, 0, 1),
        ),
      },
      { weight: 1, arbitrary: fc.constant(null) },
    ),
    /** How wrong the client's clock is; null: it does not say. */
    skew: fc.option(fc.integer({ min: -3 * hour, max: 3 * hour }), { freq: 4 }),
    properties: optional(object),
    context: optional(context),
    traits: optional(object),
    /** The path that a page says it has. */
    seen: fc.option(path, { freq: 3 }),
    kind: fc.constantFrom<SentEvent['kind']>(
      'track',
      'track',
      'track',
      'track',
      'track',
      'track',
      'page',
      'screen',
      'identify',
      'identify',
      'group',
      'alias',
      'alias',
    ),
    name: fc.constantFrom(...eventNames),
  };
  return fc
    .record(common)
    .map(({ user, merged, repeat, fresh, time, skew, properties, context, traits, kind, name, seen }) => {
      const { previousId, ...ids } = merged;
      const isMerged = kind === 'alias' || (kind === 'identify' && repeat === null);
      const who: { userId?: string; anonymousId?: string } = isMerged ? ids : user;
      const person = who.userId === undefined ? `anonymous-${who.anonymousId}` : `user-${who.userId}`;
      const base: SentInput = {
        ...who,
        messageId: repeat === null ? fresh : `again-${person}-${repeat}`,
        ...(time === null ? {} : { timestamp: new Date(time + (skew ?? 0)) }),
        ...(skew === null ? {} : { sentAt: new Date(receivedAt + skew) }),
        ...(context ? { context } : {}),
      };
      const props = properties ? { properties } : {};
      switch (kind) {
        case 'track':
          return { kind, input: { ...base, ...props, event: name } };
        case 'page':
        case 'screen':
          return {
            kind,
            input: {
              ...base,
              properties: { ...properties, ...(seen === null ? {} : { path: seen }) },
              name,
              category: 'c',
            },
          };
        case 'identify':
          return { kind, input: { ...base, ...(traits ? { traits } : {}) } };
        case 'group':
          return { kind, input: { ...base, groupId: 'g1', ...(traits ? { traits } : {}) } };
        default:
          return { kind, input: { ...base, previousId } };
      }
    });
}

export function batch(scene: Scene, maxEvents: number): Arbitrary<SentBatch> {
  // Received while it happens, or so much later that it is history; never before 1970, where no clock of ours is.
  const received = fc
    .oneof(
      { weight: 3, arbitrary: fc.integer({ min: 0, max: 40 * day }).map((ms) => scene.center + ms) },
      { weight: 1, arbitrary: fc.constant(Date.UTC(2101, 0, 1)) },
    )
    .map((at) => Math.max(at, Date.UTC(1970, 0, 2)));
  return received.chain((receivedAt) =>
    fc
      .record({
        events: fc.array(input(scene, receivedAt), { minLength: 1, maxLength: maxEvents, size: 'max' }),
        context: fc.option(object, { nil: undefined, freq: 2 }),
        skew: fc.option(fc.integer({ min: -hour, max: hour }), { nil: undefined, freq: 2 }),
      })
      .map(({ events, context: shared, skew }) => ({
        receivedAt,
        events,
        ...(shared ? { context: shared } : {}),
        ...(skew === undefined ? {} : { sentAt: new Date(receivedAt + skew) }),
      })),
  );
}
