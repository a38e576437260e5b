import type { QueryTrendArgs } from '../../../../resolvers/types.generated.ts';
import type { Trend } from '../../../reports/trend.ts';
import { type Column, type Row, type Table, toOpenTable } from '../table.ts';

const line: readonly Column[] = [
  { name: 'label', type: 'text' },
  { name: 'breakdown1', type: 'text' },
  { name: 'breakdown2', type: 'text' },
  { name: 'breakdown3', type: 'text' },
  { name: 'isOther', type: 'boolean' },
];

/** A row for each line and bucket. */
export const trend: Table<QueryTrendArgs> = {
  name: 'trend',
  parameters: '$input: TrendInput!',
  columns: [...line, { name: 'start', type: 'time' }, { name: 'value', type: 'number' }],
  async open(ask, { input }) {
    const report = await ask().trend(input);
    return toOpenTable(report.meta, toRows(report));
  },
};

/** A row for each line: the measure over the whole range. */
export const trendTotals: Table<QueryTrendArgs> = {
  name: 'trend-totals',
  parameters: '$input: TrendInput!',
  columns: [...line, { name: 'total', type: 'number' }],
  async open(ask, { input }) {
    const { meta, series } = await ask().trend(input);
    return toOpenTable(
      meta,
      series.map((one) => [...toLine(one), one.total]),
    );
  },
};

function* toRows({ buckets, series }: Trend): Generator<Row> {
  for (const one of series)
    for (const [i, start] of buckets.entries()) yield [...toLine(one), start.getTime(), one.values[i] ?? null];
}

function toLine({ label, breakdown, isOther }: Trend['series'][number]): Row {
  return [label, breakdown[0] ?? null, breakdown[1] ?? null, breakdown[2] ?? null, isOther];
}
