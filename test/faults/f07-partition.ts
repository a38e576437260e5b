import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerFault } from './fault.ts';
import type { Site } from './site.ts';
import type { Directions, TcpProxy } from './tcp-proxy.ts';

/** Longer than the session of a sink and than the deadline of an append, in milliseconds. */
const heldMs = 14_000;
const directions: readonly Directions[] = ['both', 'up', 'down'];
const nearest =
  'There is no netem here: an own proxy holds the bytes back, both ways, only towards the server, or only from it, one a run, and lets them go when the network comes back; some connections are cut then.';

function partition(
  name: string,
  what: string,
  linksOf: (site: Site, pick: number) => readonly TcpProxy[],
): ServerFault {
  return {
    name: `F7 ${name}`,
    on: 'servers',
    about: `The network between ${what} stands still for 14 s, which is more than a session and more than the deadline of an append. ${nearest}`,
    async inject(site, { variant, random }) {
      const links = linksOf(site, random.below(2));
      for (const link of links) link.hold(directions[variant]!);
      await sleep(heldMs);
      for (const link of links) {
        if (random.chance(0.5)) link.cut();
        link.release();
      }
    },
  };
}

export const partitions: readonly ServerFault[] = [
  partition('gateway and log', 'both gateways and the brokers', ({ gateways }) => gateways.flatMap(({ log }) => log)),
  partition('sink and log', 'one sink and the brokers', ({ sinks }, i) => sinks[i]!.log),
  partition('sink and warehouse', 'one sink and ClickHouse', ({ sinks }, i) => [sinks[i]!.warehouseLink]),
];

export const slowNetwork: ServerFault = {
  name: 'F7 slow and broken',
  on: 'servers',
  about:
    'Every piece of data between each process and the brokers is late by up to 60 ms, and every half second one of all connections’ paths is cut, for 12 s.',
  async inject({ gateways, sinks }, { random }) {
    const members = [...gateways, ...sinks];
    for (const { log } of members) for (const proxy of log) proxy.delay(random.between(5, 60));
    for (let round = 0; round < 24; round++) {
      await sleep(500);
      const { log, warehouseLink } = random.pick(members);
      random.pick([...log, warehouseLink]).cut();
    }
    for (const { log } of members) for (const proxy of log) proxy.delay(0);
  },
};
