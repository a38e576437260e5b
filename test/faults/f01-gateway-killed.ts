import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerFault } from './fault.ts';

export const gatewayKilled: ServerFault = {
  name: 'F1',
  on: 'servers',
  about:
    'A gateway is killed with SIGKILL in the middle of its requests, three times, each time one of the two, and comes back a second later. What it had not answered is unknown to the client, which sends most of it again with the same ids.',
  async inject({ gateways }, { random, load, short }) {
    for (let round = short ? 2 : 0; round < 3; round++) {
      const { child } = random.pick(gateways);
      await sleep(random.below(500));
      await child.kill();
      await sleep(1000);
      await child.restart();
      await load.more(50);
    }
  },
};
