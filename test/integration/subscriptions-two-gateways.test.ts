import type { Warehouse } from '../../src/ports/warehouse.ts';
import type { Reports } from '../../src/reports/reports.ts';
import type { TrendChange } from '../../src/reports/trend/grid.ts';
import { count, send, signal, useExplainRig } from './explain-rig.ts';

/** Two gateways over one log, warehouse and cache: what changes is computed by one of them, and told by both. */

const rig = useExplainRig();
const input = { range: { last: '7d' }, series: [{ event: 'E' }] };

test('a change of a trend is computed once for the subscribers of all gateways', async () => {
  let statements = 0;
  const warehouse: Warehouse = {
    ...rig.bench.warehouse,
    query(statement, options) {
      if (options.label === 'trend') statements++;
      return rig.bench.warehouse.query(statement, options);
    },
  };
  const gateways = [rig.open({ warehouse }), rig.open({ warehouse })];
  const freshness = await send(rig, { daysAgo: 1 });
  const isThere = (gateway: Reports) => count(freshness)(gateway.begin('demo', signal));
  await Promise.all(gateways.map(isThere));
  statements = 0;

  const controller = new AbortController();
  const open = (gateway: Reports) => gateway.begin('demo', controller.signal).trendChanges(input);
  const subscribers = await Promise.all([...gateways, ...gateways].map(open));
  const totals = subscribers.map((): (number | null)[] => []);
  const next = async () => {
    const messages = await Promise.all(subscribers.map((subscriber) => subscriber.next()));
    for (const [i, { value }] of messages.entries()) {
      if (value instanceof Error) throw value;
      totals[i]?.push((value as TrendChange).series[0]?.total ?? null);
    }
  };
  await next();
  const changes = 5;
  for (let change = 1; change <= changes; change++) {
    await send(rig, { daysAgo: change % 3 });
    await next();
    // A gateway that was shown a change a moment later asks for no other statement: the other's answer is in the cache.
    expect(statements).toBeLessThanOrEqual(change);
  }
  expect(totals).toEqual(subscribers.map(() => [1, 2, 3, 4, 5, 6]));
  expect(statements).toBe(changes);
  controller.abort();
  for (const gateway of gateways) gateway.stop();
}, 60_000);
