import type { QueryLiveArgs } from '../../../../resolvers/types.generated.ts';
import { type Column, type Table, toOpenTable } from '../table.ts';

const parameters = '$filter: EventFilter, $limit: Int = 10, $freshness: FreshnessInput';
const counts: readonly Column[] = [
  { name: 'events', type: 'integer' },
  { name: 'persons', type: 'integer' },
];

/** A row for each of the last 30 minutes. */
export const liveMinutes: Table<QueryLiveArgs> = {
  name: 'live-minutes',
  parameters,
  columns: [{ name: 'start', type: 'time' }, ...counts],
  async open(ask, args) {
    const { meta, minutes } = await ask().live(args);
    return toOpenTable(
      meta,
      minutes.map(({ start, events, persons }) => [start.getTime(), events, persons]),
    );
  },
};

/** A row for the last 5 minutes, and one for the last 30. */
export const liveTotals: Table<QueryLiveArgs> = {
  name: 'live-totals',
  parameters,
  columns: [{ name: 'minutes', type: 'integer' }, ...counts],
  async open(ask, args) {
    const { meta, last5Minutes, last30Minutes } = await ask().live(args);
    return toOpenTable(meta, [
      [5, last5Minutes.events, last5Minutes.persons],
      [30, last30Minutes.events, last30Minutes.persons],
    ]);
  },
};

/** A row for each of the most frequent events and pages of the last 30 minutes. */
export const liveNames: Table<QueryLiveArgs> = {
  name: 'live-names',
  parameters,
  columns: [{ name: 'kind', type: 'text' }, { name: 'name', type: 'text' }, ...counts],
  async open(ask, args) {
    const { meta, topEvents, topPages } = await ask().live(args);
    const toRow = (kind: string) => (one: (typeof topEvents)[number]) => [kind, one.name, one.events, one.persons];
    return toOpenTable(meta, [...topEvents.map(toRow('EVENT')), ...topPages.map(toRow('PAGE'))]);
  },
};
