import type { QueryLifecycleArgs } from '../../../../resolvers/types.generated.ts';
import { type Table, toOpenTable } from '../table.ts';

/** A row for each interval. */
export const lifecycle: Table<QueryLifecycleArgs> = {
  name: 'lifecycle',
  parameters: '$input: LifecycleInput!',
  columns: [
    { name: 'start', type: 'time' },
    { name: 'new', type: 'integer' },
    { name: 'returning', type: 'integer' },
    { name: 'resurrecting', type: 'integer' },
    { name: 'dormant', type: 'integer' },
    { name: 'complete', type: 'boolean' },
  ],
  async open(ask, { input }) {
    const report = await ask().lifecycle(input);
    return toOpenTable(
      report.meta,
      report.buckets.map((start, i) => [
        start.getTime(),
        report.new[i] as number,
        report.returning[i] as number,
        report.resurrecting[i] as number,
        report.dormant[i] as number,
        report.complete[i] as boolean,
      ]),
    );
  },
};
