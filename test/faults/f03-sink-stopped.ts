import { setTimeout as sleep } from 'node:timers/promises';
import { disarm } from './f02-sink-killed.ts';
import type { ServerFault } from './fault.ts';
import type { Member } from './site.ts';
import type { InsertFate } from './warehouse-proxy.ts';

export const sinkStopped: ServerFault = {
  name: 'F3',
  on: 'servers',
  about:
    'A sink is stopped with SIGSTOP at the moment at which it has sent an insert, which is held up in the proxy, for longer than its session (6 s): the group gives its partitions to the other sink, which replays the open range and goes on. Then the late insert gets through, and the sink wakes up with SIGCONT in the belief that it owns what it owned.',
  async inject(site, { load, random }) {
    const member = random.pick(site.sinks);
    const other = site.sinks.find((each) => each !== member)!;
    await other.child.stop(); // so that the one that stops has something to lose
    await stopInInsert(member, async () => {
      await other.child.restart();
      await sleep(9000);
      await load.more(60);
    });
    disarm(site);
  },
};

/** Freezes the sink when it has sent an insert of events, and lets the insert through only afterwards. */
async function stopInInsert({ child, warehouse }: Member, meanwhile: () => Promise<void>): Promise<void> {
  const stopped = Promise.withResolvers<void>();
  const late = Promise.withResolvers<void>();
  warehouse.onInsert = async ({ table }): Promise<InsertFate> => {
    if (table !== 'events') return 'pass';
    warehouse.onInsert = null;
    child.freeze();
    stopped.resolve();
    await late.promise;
    return 'pass';
  };
  await stopped.promise;
  await meanwhile();
  late.resolve();
  await sleep(300);
  child.thaw();
}
