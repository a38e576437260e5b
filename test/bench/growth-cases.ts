import type { TrendInput } from '../../src/reports/trend/trend.ts';
import { days } from './report-events.ts';

interface GrowthCase {
  readonly name: string;
  readonly input: Omit<TrendInput, 'range'>;
  /** Values in the answer. */
  readonly values: number;
  /** Answers in a round. */
  readonly times: number;
}

const lines = 20;

export const growthCases: readonly GrowthCase[] = [
  {
    name: `${days} values`,
    input: { series: [{ event: 'Product Viewed', measure: 'SUM', property: 'price' }] },
    values: days,
    times: 1000,
  },
  {
    name: `${(lines * days).toLocaleString('en-US')} values`,
    input: { series: [{ event: 'Product Viewed' }], breakdown: [{ property: 'sku', limit: lines - 1 }] },
    values: lines * days,
    times: 200,
  },
];
