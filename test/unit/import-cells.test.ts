import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { toCanonicalJson } from '../../src/commands/import/canonical-json.ts';
import { type CellType, parseCell } from '../../src/commands/import/cell.ts';
import { createMessageIds } from '../../src/commands/import/message-id.ts';
import { rowProblems, toRowProblem } from '../../src/commands/import/row-problem.ts';
import { parseTimestamp, parseTimezone, type TimeUnit } from '../../src/commands/import/timestamp.ts';
import { limits } from '../../src/events/event.ts';

function problemOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (thrown) {
    return toRowProblem(thrown)?.code ?? String(thrown);
  }
}

const at = (value: unknown, unit: TimeUnit = 'auto', zone = 'UTC') =>
  new Date(parseTimestamp(value, unit, zone, 'ts')).toISOString();

test.each([
  ['2024-03-13 10:21:14', '2024-03-13T10:21:14.000Z'],
  ['2024-03-13T10:21:14.1239999', '2024-03-13T10:21:14.123Z'],
  ['2024-03-13T10:21:14,5Z', '2024-03-13T10:21:14.500Z'],
  ['2024-03-13T10:21:14+05:30', '2024-03-13T04:51:14.000Z'],
  ['2024-03-13 10:21:14 -0800', '2024-03-13T18:21:14.000Z'],
  ['2024-03-13 10:21:14.123456 UTC', '2024-03-13T10:21:14.123Z'],
  ['2024/03/13 10:21', '2024-03-13T10:21:00.000Z'],
  ['2024-03-13', '2024-03-13T00:00:00.000Z'],
  ['20240313', '2024-03-13T00:00:00.000Z'],
  ['20240313102114', '2024-03-13T10:21:14.000Z'],
  [1_710_325_274, '2024-03-13T10:21:14.000Z'],
  ['1710325274.5', '2024-03-13T10:21:14.500Z'],
  [1_710_325_274_123, '2024-03-13T10:21:14.123Z'],
  ['1710325274123456', '2024-03-13T10:21:14.123Z'],
  ['1710325274123456789', '2024-03-13T10:21:14.123Z'],
  [-1, '1969-12-31T23:59:59.000Z'],
])('%s is read as %s', (value, expected) => {
  expect(at(value)).toBe(expected);
});

test.each([
  '',
  'yesterday',
  '03/13/2024',
  '13.03.2024',
  '2024-02-30',
  '2024-03-13 25:00',
  '2024-03/13',
  'NaN',
  true,
  {},
  null,
  '99999999999999999999',
])('%p is refused as a timestamp', (value) => {
  expect(problemOf(() => at(value))).toBe('TIMESTAMP_INVALID');
});

test("a time without an offset is the zone's, through both clock changes", () => {
  expect(at('2024-07-01 12:00', 'auto', 'Europe/Berlin')).toBe('2024-07-01T10:00:00.000Z');
  expect(at('2024-01-01 12:00', 'auto', 'Europe/Berlin')).toBe('2024-01-01T11:00:00.000Z');
  // 02:30 does not exist in spring and exists twice in autumn.
  expect(at('2024-03-31 02:30', 'auto', 'Europe/Berlin')).toBe('2024-03-31T01:30:00.000Z');
  expect(at('2024-10-27 02:30', 'auto', 'Europe/Berlin')).toBe('2024-10-27T00:30:00.000Z');
  expect(at('2024-10-27T02:30+01:00', 'auto', 'Europe/Berlin')).toBe('2024-10-27T01:30:00.000Z');
});

test('a unit that is named is not guessed', () => {
  expect(at(86_400_000, 'millis')).toBe('1970-01-02T00:00:00.000Z');
  expect(at('20240313', 'seconds')).toBe(new Date(20_240_313_000).toISOString());
  expect(problemOf(() => at('2024-03-13', 'millis'))).toBe('TIMESTAMP_INVALID');
});

test('an unknown zone is refused with its name', () => {
  expect(() => parseTimezone('Europe/Atlantis')).toThrow(
    'expected an IANA time zone such as Europe/Berlin, got "Europe/Atlantis"',
  );
});

test('every moment that is written comes back to the millisecond', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date('1800-01-01'), max: new Date('2299-12-31'), noInvalidDate: true }), (date) => {
      expect(at(date.toISOString())).toBe(date.toISOString());
      expect(at(date.getTime(), 'millis')).toBe(date.toISOString());
    }),
  );
});

test.each<[unknown, CellType, unknown]>([
  ['12', 'auto', 12],
  ['-3.50', 'auto', -3.5],
  ['01234', 'auto', '01234'],
  ['+4930123', 'auto', '+4930123'],
  ['1e5', 'auto', '1e5'],
  ['1234567890123456', 'auto', '1234567890123456'],
  ['0.1234567890123456', 'auto', '0.1234567890123456'],
  ['-0', 'auto', '-0'],
  ['TRUE', 'auto', true],
  ['false', 'auto', false],
  ['yes', 'auto', 'yes'],
  [' 12', 'auto', ' 12'],
  ['2024-01', 'auto', '2024-01'],
  ['NaN', 'auto', 'NaN'],
  [{ a: 1 }, 'auto', { a: 1 }],
  ['12', 'string', '12'],
  [12, 'string', '12'],
  [{ a: 1 }, 'string', '{"a":1}'],
  [' 1e3 ', 'number', 1000],
  ['.5', 'number', 0.5],
  ['Yes', 'boolean', true],
  ['0', 'boolean', false],
  ['[1,{"a":2}]', 'json', [1, { a: 2 }]],
])('%j as %s is %j', (value, type, expected) => {
  expect(parseCell(value, type, 'c')).toEqual(expected);
});

test.each<[unknown, CellType]>([
  ['abc', 'number'],
  ['1,5', 'number'],
  ['0x10', 'number'],
  ['1e999', 'number'],
  ['', 'number'],
  [true, 'number'],
  ['maybe', 'boolean'],
  ['{a:1}', 'json'],
])('%j is refused as %s', (value, type) => {
  expect(problemOf(() => parseCell(value, type, 'c'))).toBe('CELL_TYPE');
});

test('canonical JSON is the same whatever the order of keys, and says the same as JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const shuffled = JSON.parse(JSON.stringify(value), (_key, inner: unknown) =>
        typeof inner === 'object' && inner !== null && !Array.isArray(inner)
          ? Object.fromEntries(Object.entries(inner).reverse())
          : inner,
      );
      expect(toCanonicalJson(shuffled)).toBe(toCanonicalJson(value));
      expect(JSON.parse(toCanonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('a bottomless value is a problem of its row, not of the import', () => {
  let value: unknown = 1;
  for (let i = 0; i < 100_000; i++) value = [value];
  expect(problemOf(() => toCanonicalJson(value))).toBe('TOO_DEEP');
});

test('equal rows get ids of their own, the same ones in every run', () => {
  const letters = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 60 });
  fc.assert(
    fc.property(letters, (rows) => {
      const run = () => {
        const ids = createMessageIds();
        return rows.map((row, index) => ids.next(row, index));
      };
      expect(new Set(run()).size).toBe(rows.length);
      expect(run()).toEqual(run());
      expect(run().every((id) => id.length <= limits.messageId)).toBe(true);
    }),
  );
});

test('the order of different rows does not matter to their ids', () => {
  const [one, two] = [createMessageIds(), createMessageIds()];
  expect(['a', 'b', 'a'].map((row, i) => one.next(row, i)).sort()).toEqual(
    ['a', 'a', 'b'].map((row, i) => two.next(row, i)).sort(),
  );
});

test('the table grows without forgetting, and with no room left ids hold the line', () => {
  const ids = createMessageIds(2 ** 18);
  const rows = Array.from({ length: 196_608 }, (_, i) => `row ${i}`);
  const first = rows.map((row, i) => ids.next(row, i + 1));
  expect(ids.byLine()).toBe(0);
  const second = rows.map((row, i) => ids.next(row, i + 1));
  expect(second).toEqual(first.map((id) => `${id}-1`));
  const more = Array.from({ length: 5 }, (_, i) => ids.next('one too many', 500_000 + i));
  expect(ids.byLine()).toBe(5);
  expect(new Set([...first, ...second, ...more]).size).toBe(2 * rows.length + 5);
});

test('every problem of a row is documented, and nothing else', () => {
  const text = readFileSync(new URL('../../docs/importing.md', import.meta.url), 'utf8');
  const listed = [...text.matchAll(/^\| `([A-Z_]+)` \| (.+) \|$/gm)].map((match) => [match[1], match[2]]);
  expect(Object.fromEntries(listed)).toEqual(rowProblems);
});
