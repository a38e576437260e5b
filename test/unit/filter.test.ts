import fc from 'fast-check';
import { type FilterInput, toCondition } from '../../src/reports/filter/filter.ts';
import type { FilterOp } from '../../src/reports/filter/values.ts';
import { toStatement } from '../../src/reports/sql.ts';

const refused = (filter: FilterInput, message: string) =>
  expect(() => toCondition(filter)).toThrow(expect.objectContaining({ code: 'INVALID_FILTER', message }));

test.each<[FilterInput, string]>([
  [{}, 'filter: expected exactly one of and, or, not, cohort, property; got none'],
  [{ op: 'EQ', value: 1 }, 'filter: expected exactly one of and, or, not, cohort, property; got none'],
  [
    { and: [{ property: 'a', value: 1 }], property: 'b', value: 2 },
    'filter: expected exactly one of and, or, not, cohort, property; got and and property',
  ],
  [{ and: [] }, 'filter.and: expected at least one filter, got an empty list'],
  [{ or: [] }, 'filter.or: expected at least one filter, got an empty list'],
  [
    { and: [{ property: 'a', value: 1 }, { not: { or: [{}] } }] },
    'filter.and[1].not.or[0]: expected exactly one of and, or, not, cohort, property; got none',
  ],
  [{ property: 'a' }, 'filter.value: expected a value for EQ, got none; EXISTS and NOT_EXISTS ask for presence'],
  [
    { property: 'a', op: 'NEQ', value: null },
    'filter.value: expected a value for NEQ, got none; EXISTS and NOT_EXISTS ask for presence',
  ],
  [{ property: 'a', op: 'EXISTS', value: true }, 'filter.value: expected no value for EXISTS, got true'],
  [
    { property: 'a', op: 'EQ', value: [1] },
    'filter.value: expected a text of at most 10000 characters, a number or a boolean for EQ, got [1]',
  ],
  [
    { property: 'a', op: 'EQ', value: { b: 1 } },
    'filter.value: expected a text of at most 10000 characters, a number or a boolean for EQ, got {"b":1}',
  ],
  [
    { property: 'a', op: 'EQ', value: 'x'.repeat(10_001) },
    `filter.value: expected a text of at most 10000 characters, a number or a boolean for EQ, got "${'x'.repeat(59)}...`,
  ],
  [{ property: 'a', op: 'GT', value: true }, 'filter.value: expected a number or a text for GT, got true'],
  [{ property: 'a', op: 'IN', value: 'x' }, 'filter.value: expected a list of 1 to 1000 values for IN, got "x"'],
  [{ property: 'a', op: 'IN', value: [] }, 'filter.value: expected a list of 1 to 1000 values for IN, got one of 0'],
  [
    { property: 'a', op: 'NOT_IN', value: [] },
    'filter.value: expected a list of 1 to 1000 values for NOT_IN, got one of 0',
  ],
  [
    { property: 'a', op: 'IN', value: [null] },
    'filter.value: expected a text of at most 10000 characters, a number or a boolean for IN, got null',
  ],
  [
    { property: 'a', op: 'HAS_ANY', value: Array.from({ length: 101 }, () => 1) },
    'filter.value: expected a list of 1 to 100 values for HAS_ANY, got one of 101',
  ],
  [
    { property: 'a', op: 'HAS_ALL', value: 'x' },
    'filter.value: expected a list of 1 to 100 values for HAS_ALL, got "x"',
  ],
  ...[[1], [1, 'a'], [1, 2, 3], 1].map((value): [FilterInput, string] => [
    { property: 'a', op: 'BETWEEN', value },
    `filter.value: expected a list of two numbers, texts or moments for BETWEEN, got ${JSON.stringify(value)}`,
  ]),
  [
    { property: 'a', op: 'BETWEEN', value: [true, false] },
    'filter.value: expected a number or a text for BETWEEN, got true',
  ],
  [
    { property: 'a', op: 'AFTER', value: '2026-03-01' },
    'filter.value: expected a moment such as "2026-03-01T12:00:00Z" for AFTER of a time, got "2026-03-01"',
  ],
  [{ property: 'a', op: 'GT', value: 1, ignoreCase: true }, 'filter.ignoreCase: expected it to be left out with GT'],
  [
    { or: Array.from({ length: 21 }, () => ({ property: 'person.plan', value: 'pro' })) },
    'filter.or[20]: expected at most 20 comparisons with properties of persons and groups, got more',
  ],
  [{ property: 'a', op: 'STARTS_WITH', value: 1 }, 'filter.value: expected a text for STARTS_WITH, got 1'],
  [{ property: 'a', op: 'ENDS_WITH', value: true }, 'filter.value: expected a text for ENDS_WITH, got true'],
  [{ property: 'a', op: 'MATCHES', value: ['a'] }, 'filter.value: expected a text for MATCHES, got ["a"]'],
  ...[
    '2026',
    '2026-03-01',
    '2026-03-01T12:00:00',
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    'yesterday',
    'Sun Mar 01 2026',
  ].map((value): [FilterInput, string] => [
    { property: '$timestamp', op: 'GT', value },
    `filter.value: expected a moment such as "2026-03-01T12:00:00Z" for GT of a time, got ${JSON.stringify(value)}`,
  ]),
  [
    { property: '$receivedAt', op: 'EQ', value: 5 },
    'filter.value: expected a moment such as "2026-03-01T12:00:00Z" for EQ of a time, got 5',
  ],
])('%j is refused', (filter, message) => refused(filter, message));

test('a list may hold 1,000 values', () => {
  const values = Array.from({ length: 1000 }, (_, i) => i);
  expect(() => toCondition({ property: 'a', op: 'IN', value: values })).not.toThrow();
  refused(
    { property: 'a', op: 'IN', value: [...values, 0] },
    'filter.value: expected a list of 1 to 1000 values for IN, got one of 1001',
  );
});

test('a filter may be 12 levels deep and hold 200 comparisons', () => {
  const nest = (levels: number): FilterInput =>
    levels === 0 ? { property: 'a', value: 1 } : { not: nest(levels - 1) };
  expect(() => toCondition(nest(12))).not.toThrow();
  refused(nest(13), `filter${'.not'.repeat(13)}: expected nesting of at most 12 levels, got more`);
  const many = (count: number): FilterInput => ({
    or: Array.from({ length: count }, () => ({ property: 'a', value: 1 })),
  });
  expect(() => toCondition(many(200))).not.toThrow();
  refused(many(201), 'filter.or[200]: expected at most 200 comparisons, got more');
});

test('a bad name is told as such', () => {
  expect(() => toCondition({ property: '' })).toThrow(
    expect.objectContaining({
      code: 'INVALID_INPUT',
      message: "filter.property: expected a property's name of 1 to 2000 characters, got 0",
    }),
  );
});

test('moments are understood with any zone, with a T or a space, with seconds or without', () => {
  for (const value of [
    '2026-03-01T12:00:00.000Z',
    '2026-03-01T12:00:00Z',
    '2026-03-01T12:00Z',
    '2026-03-01 13:00:00+01:00',
    '2026-03-01t07:00:00-0500',
  ]) {
    expect(toStatement(toCondition({ property: '$timestamp', op: 'GTE', value })).params).toEqual({
      p0: 1_772_366_400_000,
    });
  }
});

test('operands are parameters: the text of the statement does not depend on them', () => {
  const ops: FilterOp[] = ['EQ', 'NEQ', 'GT', 'CONTAINS', 'STARTS_WITH', 'ENDS_WITH', 'MATCHES'];
  fc.assert(
    fc.property(
      fc.constantFrom(...ops),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('a', '$userId'),
      (op, text, property) => {
        const shape = (value: string) => toStatement(toCondition({ property, op, value })).sql;
        expect(shape(text)).toBe(shape('x'));
        expect(toStatement(toCondition({ property, op: 'IN', value: [text] })).sql).toBe(
          toStatement(toCondition({ property, op: 'IN', value: ['x'] })).sql,
        );
      },
    ),
  );
});
