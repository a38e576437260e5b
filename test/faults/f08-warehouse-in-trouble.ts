import { setTimeout as sleep } from 'node:timers/promises';
import { disarm } from './f02-sink-killed.ts';
import type { ServerFault } from './fault.ts';
import { type InsertFate, serverError, tooManyParts } from './warehouse-proxy.ts';

export const warehouseInTrouble: ServerFault = {
  name: 'F8',
  on: 'servers',
  about:
    'ClickHouse, behind an HTTP proxy, for 12 s: of all inserts a sixth each is answered 500, refused with TOO_MANY_PARTS, cut before it is sent on, torn in the middle of its rows, stored with its answer lost, or late by up to 2 s.',
  async inject({ sinks, ...site }, { random, short, say }) {
    const seen = new Map<string, number>();
    const fate = async (): Promise<InsertFate> => {
      const name = random.pick(['500', 'parts', 'reset', 'torn', 'lost', 'slow'] as const);
      seen.set(name, (seen.get(name) ?? 0) + 1);
      if (name === '500') return serverError;
      if (name === 'parts') return tooManyParts;
      if (name !== 'slow') return name;
      await sleep(random.below(2000));
      return 'pass';
    };
    for (const { warehouse } of sinks) warehouse.onInsert = fate;
    await sleep(short ? 5000 : 12_000);
    disarm({ sinks, ...site });
    say(`inserts: ${[...seen].map(([name, count]) => `${count} ${name}`).join(', ')}`);
    if (seen.size < 4) throw new Error('expected more inserts to be hit');
  },
};

export const warehouseKilled: ServerFault = {
  name: 'F8 killed',
  on: 'servers',
  about:
    'ClickHouse itself is killed with SIGKILL three times at a random moment of its inserts, is away for some seconds, and starts again on what it had on its disk.',
  async inject({ clickhouse }, { random, load, short }) {
    for (let round = short ? 2 : 0; round < 3; round++) {
      await sleep(random.below(1500));
      await clickhouse.kill();
      await sleep(random.below(4000));
      await clickhouse.restart();
      await load.more(80);
    }
  },
};
