import { type Measure, toLabel, toMeasurePlan, toSelection } from '../../src/reports/measure.ts';
import { toStatement } from '../../src/reports/sql.ts';

test.each(['SUM', 'AVG', 'MIN', 'MAX', 'P50', 'P75', 'P90', 'P95', 'P99', 'UNIQUE_VALUES'] as Measure[])(
  '%s needs a property',
  (measure) => {
    for (const property of [null, undefined, '']) {
      expect(() => toMeasurePlan(measure, property, 'series[2]')).toThrow(
        expect.objectContaining({
          code: 'INVALID_INPUT',
          message: `series[2].property: expected a property for ${measure}, got none`,
        }),
      );
    }
    expect(() => toMeasurePlan(measure, 'price', 'series[0]')).not.toThrow();
  },
);

test.each(['COUNT', 'UNIQUE_USERS', 'COUNT_PER_USER', 'UNIQUE_GROUPS', 'WEEKLY_ACTIVE', 'MONTHLY_ACTIVE'] as Measure[])(
  '%s needs none, and does not look at one',
  (measure) => {
    expect(toMeasurePlan(measure, 'price', 'series[0]').counting).toEqual(
      toMeasurePlan(measure, null, 'series[0]').counting,
    );
  },
);

test('a series, or a step, is named by its label, its event, or what it is', () => {
  expect(toLabel({ label: 'Buyers', event: 'Order Completed' })).toBe('Buyers');
  expect(toLabel({ event: 'Order Completed' })).toBe('Order Completed');
  expect(toLabel({})).toBe('(all events)');
});

test('the name of an event is a parameter', () => {
  const evil = "x' OR 1=1 --";
  expect(toStatement(toSelection({ event: evil }))).toEqual({ sql: 'event = {p0:String}', params: { p0: evil } });
});
