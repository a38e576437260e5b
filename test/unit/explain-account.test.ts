import { toAccount } from '../../src/commands/cache/explain-account.ts';
import type { ExplainedCell } from '../../src/reports/explain/cells.ts';

const moment = '2026-11-26T00:00:00.000Z';
const cell: ExplainedCell = {
  id: 'c1',
  label: 'trend',
  key: 'key',
  kind: 'buckets',
  from: moment,
  to: '2026-11-27T00:00:00.000Z',
  asked: 1,
  found: 0,
  computed: 1,
  shared: 0,
  failed: 0,
  misses: [
    {
      why: 'OLDER_DATA',
      text: 'other data',
      buckets: 1,
      ranges: [{ from: moment, to: '2026-11-27T00:00:00.000Z', buckets: 1 }],
      since: [{ epoch: 0, lane: 'live', partition: 0, first: 4, last: 4, storedAt: moment, touched: [moment] }],
    },
  ],
  statements: ['s1'],
  sameAs: null,
  notes: [],
};

const look = { keys: 3, found: 3, fromSharedCache: null, bytes: 10, state: 'ready', elapsedMs: 1 } as const;

test('days are named as days, and the first hour of a day as an hour', () => {
  const account = toAccount(
    {
      project: 'shop',
      moment: null,
      reports: [{ field: 'orders', summary: '1 piece: 1 computed', cells: [cell] }],
      statements: [],
      fusion: [],
      cache: {
        state: 'ready',
        looks: [look, { ...look, fromSharedCache: 1 }, { ...look, found: 0, fromSharedCache: 0 }],
      },
      phases: {},
      notes: [],
      elapsedMs: 1,
    },
    false,
  );
  expect(account).toContain(`
  c1 trend key, events of 2026-11-26 to 2026-11-27: 0 of 1 buckets found; by s1
    1 OLDER_DATA: other data
      2026-11-26 to 2026-11-27
      since then live partition 0, position 4, stored ${moment}: events of 2026-11-26T00:00Z
`);
  expect(account).toContain(`
cache: ready; 3 of 3 keys found, 10 bytes, 1 ms; 3 of 3 keys found (1 in the shared cache), 10 bytes, 1 ms; 0 of 3 keys found, 10 bytes, 1 ms
`);
});
