import fc, { type Arbitrary } from 'fast-check';
import type { RangeInput, WeekStart } from './buckets.ts';
import type { EventsQuestion } from './events.ts';
import type { Filter, Op } from './filter.ts';
import { sessionNames } from './find.ts';
import {
  eventNames,
  fieldNames,
  moment,
  number,
  profileNames,
  propertyNames,
  type Scene,
  scalar,
  text,
} from './streams.ts';

/** Random questions about the streams of streams.ts. */

const day = 24 * 3_600_000;
export const optional = <T>(arbitrary: Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

/** Without the undefined ones, as a client leaves them out. */
export function defined<T extends object>(record: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as never;
}

const weekStart = fc.option(fc.constantFrom<WeekStart>('SUNDAY', 'SATURDAY', 'WEDNESDAY'), { nil: undefined, freq: 2 });

export function range(scene: Scene): Arbitrary<RangeInput & { from: Date; to: Date }> {
  const span = fc.oneof(
    { weight: 3, arbitrary: fc.tuple(moment(scene), moment(scene)) },
    { weight: 1, arbitrary: fc.constant([scene.center - 45 * day, scene.center + 45 * day] as [number, number]) },
    { weight: 1, arbitrary: fc.constant([Date.UTC(2050, 0, 1), Date.UTC(2050, 0, 3)] as [number, number]) },
  );
  const zone = fc.oneof(
    { weight: 4, arbitrary: fc.constant(scene.zone) },
    { weight: 1, arbitrary: fc.constantFrom(undefined, 'Asia/Kathmandu', 'America/New_York') },
  );
  return fc
    .record({ span, timezone: zone, weekStart })
    .map(({ span: [a, b], timezone, weekStart }) =>
      defined({ from: new Date(Math.min(a, b)), to: new Date(a === b ? b + 1 : Math.max(a, b)), timezone, weekStart }),
    ) as Arbitrary<RangeInput & { from: Date; to: Date }>;
}

const patterns = [
  'a',
  '^a',
  'b$',
  'a.c',
  '^.$',
  '[a-b]+',
  '^(a|b)$',
  '\\d+',
  'n\\wl?',
  '',
  '^$',
  'l\\nx',
  'l.x',
  "it's",
  '\\\\',
  '😀',
  '^.b',
  '\\.',
];

/** By the clock on the wall. */
const clock: Arbitrary<Filter> = fc.oneof(
  fc.record({
    property: fc.constantFrom('$hour', '$weekday'),
    op: fc.constantFrom<Op>('EQ', 'NEQ', 'GT', 'LTE'),
    value: fc.integer({ min: 0, max: 24 }),
  }),
  fc.record({
    property: fc.constantFrom('$hour', '$weekday'),
    op: fc.constant<Op>('BETWEEN'),
    value: fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 1, max: 23 })),
  }),
);

/** By the session: numbers and texts that sessions of the streams have. */
export const session: Arbitrary<Filter> = fc.oneof(
  fc.record({
    property: fc.constantFrom('session.seconds', 'session.events'),
    op: fc.constantFrom<Op>('EQ', 'NEQ', 'GT', 'GTE', 'LT', 'LTE'),
    value: fc.constantFrom(0, 1, 2, 3, 5, 60, 1799, 1800, 3600, 86_399),
  }),
  fc.record({ property: fc.constant('session.isBounce'), value: fc.boolean() }),
  fc.record({
    property: fc.constantFrom('session.entryPage', 'session.exitPage'),
    op: fc.constantFrom<Op>('EQ', 'NEQ', 'GT', 'STARTS_WITH'),
    value: fc.constantFrom('/', '/a', '/b', '7'),
  }),
  fc.record({
    property: fc.constantFrom('session.entryEvent', 'session.exitEvent'),
    op: fc.constantFrom<Op>('EQ', 'NEQ', 'LTE'),
    value: fc.constantFrom('$page', '$screen', ...eventNames),
  }),
  fc.record({ property: fc.constantFrom(...sessionNames), op: fc.constantFrom<Op>('EXISTS', 'NOT_EXISTS') }),
);

function comparison(scene: Scene): Arbitrary<Filter> {
  const property = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...propertyNames) },
    { weight: 2, arbitrary: fc.constantFrom(...profileNames) },
    { weight: 1, arbitrary: fc.constantFrom(...fieldNames, '$hour', '$weekday') },
  );
  const some = fc.array(scalar, { minLength: 1, maxLength: 3 });
  const about = (ops: readonly Op[], value: Arbitrary<unknown>) =>
    fc.record({ property, op: fc.constantFrom(...ops), value }) as Arbitrary<Filter>;
  const ofField = fc.constantFrom(
    'u1',
    'a1',
    "o'brien\\`",
    'again-user-u1-1',
    'g1',
    'TRACK',
    'PAGE',
    '$page',
    ...eventNames,
  );
  return fc.oneof(
    { weight: 4, arbitrary: about(['EQ', 'NEQ', 'CONTAINS', 'NOT_CONTAINS'], scalar) },
    { weight: 1, arbitrary: fc.record({ property, value: scalar }) },
    { weight: 1, arbitrary: fc.record({ property: fc.constantFrom(...profileNames), value: scalar }) },
    { weight: 1, arbitrary: clock },
    { weight: 1, arbitrary: session },
    { weight: 1, arbitrary: about(['HAS_ANY', 'HAS_ALL'], some) },
    { weight: 1, arbitrary: about(['BETWEEN'], fc.oneof(fc.tuple(number, number), fc.tuple(text, text))) },
    {
      weight: 1,
      arbitrary: fc.record({
        property: fc.oneof(property, fc.constantFrom('$timestamp', '$receivedAt')),
        op: fc.constantFrom<Op>('BEFORE', 'AT_OR_BEFORE', 'AFTER', 'AT_OR_AFTER'),
        value: fc.oneof(
          fc.constantFrom('2026-03-29T01:00:00Z', '2026-03-29T00:59:00Z', '1924-02-29T03:30:00.500Z'),
          moment(scene).map((time) => new Date(time).toISOString()),
        ),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        property,
        op: fc.constantFrom<Op>('EQ', 'NEQ', 'CONTAINS', 'STARTS_WITH', 'ENDS_WITH'),
        value: text,
        ignoreCase: fc.constant(true),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        property,
        op: fc.constant<Op>('MATCHES'),
        value: fc.constantFrom(...patterns),
        ignoreCase: fc.constant(true),
      }),
    },
    {
      weight: 2,
      arbitrary: about(
        ['GT', 'GTE', 'LT', 'LTE'],
        scalar.filter((value) => typeof value !== 'boolean'),
      ),
    },
    { weight: 2, arbitrary: about(['IN', 'NOT_IN'], fc.array(scalar, { minLength: 1, maxLength: 4 })) },
    { weight: 1, arbitrary: about(['STARTS_WITH', 'ENDS_WITH'], text) },
    { weight: 1, arbitrary: about(['MATCHES'], fc.constantFrom(...patterns)) },
    { weight: 2, arbitrary: fc.record({ property, op: fc.constantFrom<Op>('EXISTS', 'NOT_EXISTS') }) },
    {
      weight: 2,
      arbitrary: fc.record({
        property: fc.constantFrom(...fieldNames),
        op: fc.constantFrom<Op>('EQ', 'NEQ', 'CONTAINS', 'STARTS_WITH', 'GT', 'LTE'),
        value: ofField,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        property: fc.constantFrom('$timestamp', '$receivedAt'),
        op: fc.constantFrom<Op>('EQ', 'NEQ', 'GT', 'GTE', 'LT', 'LTE'),
        value: moment(scene).map((time) => new Date(time).toISOString()),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        property: fc.constantFrom('$timestamp'),
        op: fc.constantFrom<Op>('IN', 'NOT_IN'),
        value: fc.array(
          moment(scene).map((time) => new Date(time).toISOString()),
          { minLength: 1, maxLength: 3 },
        ),
      }),
    },
  );
}

export function filter(scene: Scene): Arbitrary<Filter> {
  return fc.letrec<{ filter: Filter }>((tie) => ({
    filter: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'filter' },
      { weight: 6, arbitrary: comparison(scene) },
      { weight: 1, arbitrary: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((and) => ({ and })) },
      { weight: 1, arbitrary: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((or) => ({ or })) },
      { weight: 1, arbitrary: tie('filter').map((not) => ({ not })) },
    ),
  })).filter;
}

export const event = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...eventNames) },
  { weight: 2, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom('$page', '$identify', 'Nobody Did') },
);
export const property = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...propertyNames) },
  { weight: 1, arbitrary: fc.constantFrom(...profileNames, ...sessionNames) },
  { weight: 1, arbitrary: fc.constantFrom(...fieldNames, '$timestamp', '$receivedAt', '$hour', '$weekday') },
);

export function events(scene: Scene): Arbitrary<EventsQuestion & { first: number }> {
  return fc
    .record({ range: range(scene), filter: optional(filter(scene)), first: fc.integer({ min: 1, max: 20 }) })
    .map(defined) as Arbitrary<EventsQuestion & { first: number }>;
}
