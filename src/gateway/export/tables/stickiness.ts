import type { QueryStickinessArgs } from '../../../../resolvers/types.generated.ts';
import { type Table, toOpenTable } from '../table.ts';

/** A row for each number of intervals. */
export const stickiness: Table<QueryStickinessArgs> = {
  name: 'stickiness',
  parameters: '$input: StickinessInput!',
  columns: [
    { name: 'intervals', type: 'integer' },
    { name: 'persons', type: 'integer' },
  ],
  async open(ask, { input }) {
    const { meta, persons } = await ask().stickiness(input);
    return toOpenTable(
      meta,
      persons.map((count, i) => [i + 1, count]),
    );
  },
};
