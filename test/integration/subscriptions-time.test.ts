import { rmSync } from 'node:fs';
import { createClient } from 'graphql-sse';
import { makeFolder, secrets } from './graphql-site.ts';
import { type LedgerSite, openLedgerSite } from './ledger-site.ts';
import { read } from './subscriptions-rig.ts';
import { createReader, type TrendData, trend, trendChanges } from './subscriptions-trend.ts';

/** A clock that is turned: what a trend of the last minutes is, changes without an event. */

const minute = 60_000;
let engine: string;
let site: LedgerSite;
beforeAll(async () => {
  engine = makeFolder();
  site = await openLedgerSite(engine);
}, 120_000);
afterAll(async () => {
  await site?.close();
  rmSync(engine, { recursive: true, force: true });
}, 60_000);

test('with time the first buckets of the last minutes go, new ones come, and the message says which there are', async () => {
  const url = `${await site.site.app.listen({ port: 0, host: '127.0.0.1' })}/graphql/stream`;
  const client = createClient({ url, headers: { authorization: `Bearer ${secrets.read}` }, retryAttempts: 0 });
  // From the middle of a minute: none begins by itself before the clock is turned.
  site.ahead = Math.ceil(Date.now() / minute) * minute + minute / 2 - Date.now();
  const now = Date.now() + site.ahead;
  const at = (minutesAgo: number) => new Date(now - minutesAgo * minute);
  const event = (messageId: string, minutesAgo: number) => ({
    track: { event: 'E', userId: 'u', messageId, timestamp: at(minutesAgo), sentAt: at(0) },
  });
  await site.track([event('a', 2), event('b', 1), event('c', 1)]);
  const input = { range: { last: '3m' }, interval: 'MINUTE', series: [{ event: 'E' }] };
  const reading = read<TrendData>(client, trendChanges, { input });
  const startOf = (minutesAgo: number) =>
    new Date(Math.floor(at(minutesAgo).getTime() / minute) * minute).toISOString();
  const apply = createReader();
  let taken = 0;
  /** What it is told until it has these numbers. */
  const until = async (values: readonly number[]) => {
    for (;;) {
      await reading.first(taken + 1);
      const change = reading.messages[taken++]!.data!.trendChanges;
      const shown = apply(change);
      const asked = await site.site.post(
        { query: trend, variables: { input: { ...input, freshness: { at: change.meta.snapshot } } } },
        { as: secrets.read },
      );
      expect(shown).toEqual(asked.body.data?.trend);
      if (JSON.stringify(shown.series[0]?.values) === JSON.stringify(values)) return change;
    }
  };
  await until([1, 2, 0]);
  site.ahead += minute;
  const rolled = await until([2, 0, 0]);
  expect(rolled).toMatchObject({
    isWhole: false,
    buckets: [startOf(1), startOf(0), startOf(-1)],
    series: [{ buckets: [startOf(-1)], values: [0], total: 2 }],
  });
  site.ahead += 5 * minute;
  expect((await until([0, 0, 0])).buckets).toEqual([startOf(-4), startOf(-5), startOf(-6)]);
  reading.leave();
}, 120_000);
