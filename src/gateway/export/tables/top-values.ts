import type { QueryTopValuesArgs } from '../../../../resolvers/types.generated.ts';
import { type Table, toOpenTable } from '../table.ts';

/** A row for each value. */
export const topValues: Table<QueryTopValuesArgs> = {
  name: 'top-values',
  parameters: '$input: TopValuesInput!',
  columns: [
    { name: 'value', type: 'text' },
    { name: 'isNone', type: 'boolean' },
    { name: 'isOther', type: 'boolean' },
    { name: 'events', type: 'integer' },
    { name: 'persons', type: 'integer' },
    { name: 'share', type: 'number' },
  ],
  async open(ask, { input }) {
    const { meta, values } = await ask().topValues(input);
    return toOpenTable(
      meta,
      values.map(({ value, isNone, isOther, events, persons, share }) => [
        value,
        isNone,
        isOther,
        events,
        persons,
        share,
      ]),
    );
  },
};
