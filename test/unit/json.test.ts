import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { limits } from '../../src/events/event.ts';
import { flattenList, hasDeepList, inspectJson, mendJson } from '../../src/events/json.ts';

const strange = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\ud800', 'a\udc00b', '\ud83d\ude00', '__proto__', 'toJSON', 'constructor', '\0', '\u2028'),
);
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(2 ** 53, 2 ** 63, -(2 ** 63), 2 ** 63 - 1024, 2 ** 64, -(2 ** 64), 1e20, 1e21, 1e308, 5e-324, -0, 0),
);
const value = fc.letrec<{ value: unknown; object: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    strange,
    number,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc
    .array(fc.tuple(strange, tie('value')), { maxLength: 4 })
    .map((entries) => JSON.parse(`{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join()}}`)),
}));

/** What JSON.parse makes of a text, with broken characters replaced: what mending has to keep. */
function whole(of: unknown): unknown {
  if (typeof of === 'string') return of.toWellFormed();
  if (Array.isArray(of)) return of.map(whole);
  if (typeof of !== 'object' || of === null) return of;
  return Object.entries(of).map(([name, item]) => [name.toWellFormed(), whole(item)]);
}

function integers(json: string): bigint[] {
  const withoutTexts = json.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  return (withoutTexts.match(/-?\d[\d.eE+-]*/g) ?? []).filter((n) => /^-?\d+$/.test(n)).map(BigInt);
}

function isStorable(json: string): boolean {
  return (
    json.isWellFormed() && !/\\ud[89a-f]/i.test(json) && integers(json).every((n) => n >= -(2n ** 63n) && n < 2n ** 64n)
  );
}

test('what is called fine is storable as it is, and what is mended is storable and says the same', () => {
  let mended = 0;
  fc.assert(
    fc.property(value.object, (object) => {
      const finding = inspectJson(object, 'properties');
      expect(typeof finding).toBe('string');
      if (finding === 'fine') expect(isStorable(JSON.stringify(object))).toBe(true);
      else mended++;
      const json = JSON.stringify(mendJson(object));
      expect(isStorable(json)).toBe(true);
      // Two names that differ only in what is broken become one.
      if (!json.includes('\ufffd')) expect(whole(JSON.parse(json))).toEqual(whole(object));
    }),
    { numRuns: 2000 },
  );
  expect(mended).toBeGreaterThan(50);
});

test('large integers stay the numbers they are, as floating-point', () => {
  const object = JSON.parse(
    '{"a":18446744073709551616,"b":[-9223372036854775808,9223372036854775807],"c":12345678901234567890}',
  );
  expect(inspectJson(object, 'properties')).toBe('mend');
  expect(JSON.stringify(mendJson(object))).toBe(
    '{"a":1.8446744073709552e+19,"b":[-9.223372036854776e+18,9.223372036854776e+18],"c":1.2345678901234567e+19}',
  );
});

test('a number beyond 64-bit floating point is refused, with its place', () => {
  expect(inspectJson(JSON.parse('{"items":[{"price":1},{"price":1e400}]}'), 'properties')).toEqual({
    code: 'INVALID_VALUE',
    path: ['properties', 'items', '1', 'price'],
    message: 'expected a number that fits 64-bit floating point, got one beyond it',
  });
});

test('nesting is welcome to 32 levels, and refused from 33', () => {
  const nested = (depth: number) =>
    JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`) as Record<string, unknown>;
  const lists = (depth: number) => JSON.parse(`{"a":${'['.repeat(depth - 1)}1${']'.repeat(depth - 1)}}`);
  for (const make of [nested, lists]) {
    expect(inspectJson(make(limits.depth), 'properties')).toBe('fine');
    expect(inspectJson(make(limits.depth + 1), 'properties')).toMatchObject({
      code: 'INVALID_VALUE',
      message: 'expected nesting of at most 32 levels, got more',
    });
  }
  expect(inspectJson(lists(100_000), 'properties')).toMatchObject({ code: 'INVALID_VALUE' });
});

/** Whether `flat` is `of` in all but that lists and objects in lists are texts that say the same. */
function isFlattened(flat: unknown, of: unknown): boolean {
  if (Array.isArray(of)) {
    if (!Array.isArray(flat) || flat.length !== of.length) return false;
    return of.every((item, i) =>
      typeof item === 'object' && item !== null
        ? typeof flat[i] === 'string' && isDeepStrictEqual(JSON.parse(flat[i]), item)
        : flat[i] === item,
    );
  }
  if (typeof of !== 'object' || of === null) return flat === of;
  const [names, others] = [Object.entries(of), Object.entries(flat as object)];
  return (
    names.length === others.length &&
    names.every(([name, item], i) => others[i]![0] === name && isFlattened(others[i]![1], item))
  );
}

test('lists and objects in lists become texts that say the same, all else stays, and it is known where that changes nothing', () => {
  let deep = 0;
  fc.assert(
    fc.property(value.object, (object) => {
      const storable = inspectJson(object, 'properties') === 'mend' ? mendJson(object) : object;
      const json = JSON.stringify(storable);
      const flat = JSON.stringify(storable, flattenList);
      expect(isFlattened(JSON.parse(flat), JSON.parse(json))).toBe(true);
      expect(flat !== json).toBe(hasDeepList(storable));
      if (flat !== json) deep++;
    }),
    { numRuns: 2000 },
  );
  expect(deep).toBeGreaterThan(50);
});

test('a number that was mended is not taken for an object in its list', () => {
  const mended = mendJson(JSON.parse('{"a":[1e20,{"b":1e20}],"c":[1e20]}'));
  expect(JSON.stringify(mended, flattenList)).toBe('{"a":[1e+20,"{\\"b\\":1e+20}"],"c":[1e+20]}');
  expect(hasDeepList(mendJson(JSON.parse('{"c":[1e20]}')))).toBe(false);
});
