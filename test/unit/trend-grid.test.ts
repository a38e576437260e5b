import fc from 'fast-check';
import { createTrendGrid } from '../../src/reports/trend/grid.ts';
import type { Trend } from '../../src/reports/trend/trend.ts';
import { createReader } from '../integration/subscriptions-trend.ts';

/** Whatever a trend does and whenever a reader looks: put together from what it is told, it has the trend as it is. */

const number = fc.option(fc.integer({ min: 0, max: 2 }), { nil: null });
const numbers = (count: number) => fc.array(number, { minLength: count, maxLength: count });

const toTrends = (isCompared: boolean) =>
  fc
    .record({
      first: fc.integer({ min: 0, max: 3 }),
      count: fc.integer({ min: 1, max: 4 }),
      before: fc.integer({ min: 1, max: 4 }),
      labels: fc.array(fc.constantFrom('a', 'b', 'c', '(other)'), { maxLength: 4 }),
    })
    .chain(({ first, count, before, labels }) => {
      const dates = (from: number, length: number) => Array.from({ length }, (_, i) => new Date((from + i) * 1000));
      const line = (label: string) =>
        fc.record({
          letter: fc.constant<string | null>(null),
          label: fc.constant('A / B'),
          breakdown: fc.constant([label]),
          isOther: fc.constant(label === '(other)'),
          values: numbers(count),
          total: number,
          previous: isCompared
            ? fc.record({ buckets: fc.constant(dates(first + 10, before)), values: numbers(before), total: number })
            : fc.constant(null),
        });
      return fc
        .tuple(...labels.map(line))
        .map((series) => ({ buckets: dates(first, count), series, meta: {} }) as unknown as Trend);
    });

const toPlain = (value: unknown) => JSON.parse(JSON.stringify(value));

test('readers that look at any time have what there is', () => {
  fc.assert(
    fc.property(
      fc.boolean().chain((isCompared) =>
        fc.array(fc.tuple(toTrends(isCompared), fc.array(fc.boolean(), { minLength: 3, maxLength: 3 })), {
          maxLength: 12,
        }),
      ),
      (steps) => {
        const grid = createTrendGrid();
        const readers = [0, 1, 2].map(() => ({ told: 0, apply: createReader() }));
        for (const [trend, looks] of steps) {
          grid.apply(trend);
          for (const [i, reader] of readers.entries()) {
            if (!looks[i] || reader.told === grid.version()) continue;
            const shown = reader.apply(toPlain(grid.since(reader.told)));
            reader.told = grid.version();
            const { meta: _, ...expected } = toPlain(trend);
            expect(toPlain(shown)).toEqual(expected);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('the same again is no change, and what did not change is not told', () => {
  const grid = createTrendGrid();
  const trend = (values: number[]): Trend =>
    ({
      buckets: values.map((_, i) => new Date(i)),
      series: ['x', 'y'].map((label, i) => ({
        letter: 'AB'[i],
        label,
        breakdown: [],
        isOther: false,
        values: i === 0 ? values : values.map(() => 7),
        total: values.length,
        previous: null,
      })),
      meta: {},
    }) as unknown as Trend;
  expect(grid.apply(trend([1, 2, 3]))).toBe(true);
  expect(grid.apply(trend([1, 2, 3]))).toBe(false);
  expect(grid.version()).toBe(1);
  expect(grid.apply(trend([1, 5, 3]))).toBe(true);
  expect(grid.since(1)).toMatchObject({ isWhole: false, buckets: null, gone: [] });
  expect(grid.since(1).series).toMatchObject([{ letter: 'A', buckets: [new Date(1)], values: [5], total: 3 }]);
});

test('who was told so long ago that it is not known which lines went is told all again', () => {
  const grid = createTrendGrid();
  const only = (label: string): Trend =>
    ({
      buckets: [new Date(0)],
      series: [{ letter: 'A', label, breakdown: [], isOther: false, values: [1], total: 1, previous: null }],
      meta: {},
    }) as unknown as Trend;
  for (let i = 0; i <= 1100; i++) grid.apply(only(`line ${i}`));
  expect(grid.since(1)).toMatchObject({ isWhole: true, gone: [], series: [{ label: 'line 1100' }] });
  expect(grid.since(1000)).toMatchObject({ isWhole: false, series: [{ label: 'line 1100' }] });
  expect(grid.since(1000).gone).toHaveLength(101);
});
