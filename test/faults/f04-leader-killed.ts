import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerFault } from './fault.ts';
import { apiKey } from './kafka-frames.ts';
import type { Site } from './site.ts';

export const leaderKilled: ServerFault = {
  name: 'F4',
  on: 'servers',
  site: { nodes: 3 },
  about:
    'Three brokers. When a gateway has sent a batch to the leader of a partition, the leader is killed with SIGKILL before its answer gets out; another broker becomes leader, the killed one comes back as a follower. Twice, with other leaders.',
  async inject(site, { load, random, short }) {
    for (let round = short ? 1 : 0; round < 2; round++) {
      const { topics } = await site.admin.fetchTopicMetadata({ topics: [site.topic] });
      const live = topics[0]!.partitions.filter(({ partitionId }) => partitionId % 2 === 0);
      const node = random.pick(live).leader - 1;
      await whenProducing(site, node, () => site.kafka.nodes[node]!.kill());
      await load.more(100, 90);
      await site.kafka.nodes[node]!.restart();
      await sleep(1000);
    }
  },
};

/** Acts when a batch has reached this broker, and swallows the answer. */
async function whenProducing({ gateways }: Site, node: number, act: () => Promise<void>): Promise<void> {
  const acted = Promise.withResolvers<void>();
  const proxies = gateways.map(({ log }) => log[node]!);
  for (const proxy of proxies)
    proxy.onFrame = ({ direction, apiKey: key }) => {
      if (key !== apiKey.produce || direction !== 'response') return 'pass';
      acted.resolve(act());
      return 'cut';
    };
  await acted.promise;
  for (const proxy of proxies) proxy.onFrame = null;
}
