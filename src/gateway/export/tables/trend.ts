import type { QueryTrendArgs } from '../../../../resolvers/types.generated.ts';
import type { Trend } from '../../../reports/trend/trend.ts';
import { type Column, type Row, type Table, toOpenTable } from '../table.ts';

const line: readonly Column[] = [
  { name: 'letter', type: 'text' },
  { name: 'label', type: 'text' },
  { name: 'breakdown1', type: 'text' },
  { name: 'breakdown2', type: 'text' },
  { name: 'breakdown3', type: 'text' },
  { name: 'isOther', type: 'boolean' },
  { name: 'isPrevious', type: 'boolean' },
];

/** A row for each line and bucket; of each line, those to compare with come after its own. */
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
      series.flatMap((one) => [
        [...toLine(one, false), one.total],
        ...(one.previous === null ? [] : [[...toLine(one, true), one.previous.total]]),
      ]),
    );
  },
};

function* toRows({ buckets, series }: Trend): Generator<Row> {
  for (const one of series) {
    for (const [i, start] of buckets.entries()) yield [...toLine(one, false), start.getTime(), one.values[i] ?? null];
    for (const [i, start] of (one.previous?.buckets ?? []).entries())
      yield [...toLine(one, true), start.getTime(), one.previous?.values[i] ?? null];
  }
}

function toLine({ letter, label, breakdown, isOther }: Trend['series'][number], isPrevious: boolean): Row {
  return [letter, label, breakdown[0] ?? null, breakdown[1] ?? null, breakdown[2] ?? null, isOther, isPrevious];
}
