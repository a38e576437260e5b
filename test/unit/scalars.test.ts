import fc from 'fast-check';
import { parseValue as parseLiteralText } from 'graphql';
import { Temporal } from 'temporal-polyfill';
import { scalars } from '../../resolvers/scalars.ts';

const { DateTime, JSONObject, JSONValue, ConsistencyToken } = scalars;
const two = (n: number) => String(n).padStart(2, '0');

const parts = fc.record({
  year: fc.oneof(fc.integer({ min: 1, max: 9999 }), fc.integer({ min: 1900, max: 2100 })),
  month: fc.integer({ min: 1, max: 12 }),
  day: fc.integer({ min: 1, max: 31 }),
  time: fc.tuple(fc.nat(23), fc.nat(59), fc.nat(59)),
  fraction: fc.oneof(fc.constant(''), fc.stringMatching(/^\.\d{1,9}$/)),
  offset: fc.oneof(
    fc.constantFrom('Z', 'z'),
    fc.tuple(fc.constantFrom('+', '-'), fc.nat(23), fc.nat(59)).map(([s, h, m]) => `${s}${two(h)}:${two(m)}`),
  ),
  separator: fc.constantFrom('T', 't', ' '),
});

function toInstant(text: string): number | null {
  try {
    return Temporal.Instant.from(text).epochMilliseconds;
  } catch {
    return null;
  }
}

function parseDateTime(value: unknown): number | null {
  try {
    return DateTime.parseValue(value).getTime();
  } catch {
    return null;
  }
}

test('a DateTime is what RFC 3339 says, to the millisecond', () => {
  let valid = 0;
  fc.assert(
    fc.property(parts, ({ year, month, day, time: [h, m, s], fraction, offset, separator }) => {
      const text = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}${separator}${two(h)}:${two(m)}:${two(s)}${fraction}${offset}`;
      const expected = toInstant(text);
      expect(parseDateTime(text)).toBe(expected);
      if (expected !== null) valid++;
    }),
    { numRuns: 3000 },
  );
  expect(valid).toBeGreaterThan(2000);
});

test.each([
  ['2026-03-01T12:00Z', Date.UTC(2026, 2, 1, 12)],
  ['2026-03-01T12:00:00+0530', Date.UTC(2026, 2, 1, 6, 30)],
  ['2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
  ['2016-12-31T23:59:60.5Z', Date.UTC(2017, 0, 1)],
  ['0004-02-29T00:00:00Z', Date.parse('0004-02-29T00:00:00Z')],
])('%s is a moment', (text, expected) => {
  expect(parseDateTime(text)).toBe(expected);
});

test.each([
  ['2026-02-30T00:00:00Z', '"2026-02-30T00:00:00Z"'],
  ['2026-03-01', '"2026-03-01"'],
  ['2026-03-01T12:00:00', '"2026-03-01T12:00:00"'],
  ['2026-03-01T24:00:00Z', '"2026-03-01T24:00:00Z"'],
  ['1.3.2026', '"1.3.2026"'],
  ['', '""'],
  [1_772_366_400_000, '1772366400000'],
  [true, 'true'],
  [[], 'a list'],
  [{}, 'an object'],
  ['x'.repeat(100), `"${'x'.repeat(59)}...`],
])('%s is none', (value, shown) => {
  expect(() => DateTime.parseValue(value)).toThrow(
    `expected a DateTime such as "2026-03-01T12:00:00.000Z", got ${shown}`,
  );
});

test('no value at all makes a DateTime of itself by accident, or fails otherwise than with a sentence', () => {
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true, withDate: false }), (value) => {
      try {
        expect(Number.isNaN(DateTime.parseValue(value).getTime())).toBe(false);
        expect(typeof value).toBe('string');
      } catch (thrown) {
        expect((thrown as Error).message).toContain('expected a DateTime');
      }
    }),
  );
});

describe('JSON', () => {
  const literal = (text: string, variables = {}) => JSONObject.parseLiteral(parseLiteralText(text), variables);

  test('in a document is what it would be in variables', () => {
    const parsed = literal(
      '{ a: 1, b: -2.5e3, c: "x", d: [true, null, { e: [] }], f: """block""", __proto__: { g: 1 } }',
    );
    expect(JSON.stringify(parsed)).toBe(
      '{"a":1,"b":-2500,"c":"x","d":[true,null,{"e":[]}],"f":"block","__proto__":{"g":1}}',
    );
    expect(literal('{ a: $x, b: [$y] }', { x: { z: 1 } })).toEqual({ a: { z: 1 }, b: [undefined] });
  });

  test.each([
    ['{ plan: PRO }', 'expected a JSON value, got the name PRO: write "PRO"'],
    ['{ a: [{ b: yes }] }', 'expected a JSON value, got the name yes: write "yes"'],
    ['[1]', 'expected a JSON object, got a list'],
    ['"text"', 'expected a JSON object, got "text"'],
    ['null', 'expected a JSON object, got null'],
  ])('%s is no object', (text, message) => {
    expect(() => literal(text)).toThrow(message);
  });

  test('objects and values are taken as they are', () => {
    const value = JSON.parse('{"__proto__":{"a":1},"n":1e400}');
    expect(JSONObject.parseValue(value)).toBe(value);
    for (const other of [null, [], 'x', 1, true])
      expect(JSONObject.parseValue.bind(null, other)).toThrow('expected a JSON object');
    for (const any of [null, [], 'x', 1, true, value]) expect(JSONValue.parseValue(any)).toBe(any);
  });
});

test('a token is a text', () => {
  expect(ConsistencyToken.parseValue('abc')).toBe('abc');
  expect(() => ConsistencyToken.parseValue(7)).toThrow('expected a ConsistencyToken as a text, got 7');
  expect(() => ConsistencyToken.parseLiteral(parseLiteralText('7'))).toThrow(
    'expected a ConsistencyToken as a text, got 7',
  );
});
