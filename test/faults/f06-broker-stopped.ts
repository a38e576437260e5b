import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerFault } from './fault.ts';

export const brokerStopped: ServerFault = {
  name: 'F6 one broker',
  on: 'servers',
  about:
    'The only broker is stopped with SIGSTOP for 4, 12 or 20 s: its connections stay and answer nothing. Requests wait and are then refused; when it wakes up it also does what it was asked for long ago, and what its clients have given up.',
  async inject({ kafka }, { variant }) {
    kafka.freeze();
    await sleep([4000, 12_000, 20_000][variant]!);
    kafka.thaw();
  },
};

export const leaderStopped: ServerFault = {
  name: 'F6 one of three',
  on: 'servers',
  site: { nodes: 3 },
  about:
    'Of three brokers the leader of a partition, in the third run also the coordinator of the group, is stopped with SIGSTOP for 8 s. Another one becomes leader; the one that wakes up takes itself for the leader for a moment, and must not acknowledge alone.',
  async inject(site, { load, random, variant }) {
    const { topics } = await site.admin.fetchTopicMetadata({ topics: [site.topic, '__consumer_offsets'] });
    const wanted = variant === 2 ? '__consumer_offsets' : site.topic;
    const { leader } = random.pick(topics.find(({ name }) => name === wanted)!.partitions);
    const node = site.kafka.nodes[leader - 1]!;
    node.freeze();
    await sleep(8000);
    await load.more(30, 90);
    node.thaw();
    await sleep(2000);
  },
};
