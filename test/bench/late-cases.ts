import type { TrendAsked, TrendInput } from '../../src/reports/trend/trend.ts';

interface LateCase {
  readonly name: string;
  readonly input: Omit<TrendInput, 'range'>;
  readonly asked: TrendAsked & {
    /** Whether one more event is always seen in it. */
    readonly grows: boolean;
  };
}

const event = 'Product Viewed';

/** By day, over the 90 days of the made events. */
export const lateCases: readonly LateCase[] = [
  { name: 'events', input: { series: [{ event }] }, asked: { totals: true, grows: true } },
  {
    name: 'events by country',
    input: { series: [{ event }], breakdown: [{ property: 'context.country', limit: 5 }] },
    asked: { totals: true, grows: true },
  },
  {
    name: 'a sum of all events, by category and country',
    input: {
      series: [{ measure: 'SUM', property: 'price' }],
      breakdown: [{ property: 'category' }, { property: 'context.country', limit: 5 }],
    },
    asked: { totals: true, grows: true },
  },
  {
    name: 'persons, without their total',
    input: { series: [{ event, measure: 'UNIQUE_USERS' }] },
    asked: { totals: false, grows: false },
  },
];
