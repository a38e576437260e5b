import { setTimeout as sleep } from 'node:timers/promises';
import { openKafkaLog } from '../../src/adapters/kafka/open-kafka-log.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import type { ServerFault } from './fault.ts';
import type { Site } from './site.ts';

export const rebalanceStorm: ServerFault = {
  name: 'F10',
  on: 'servers',
  about:
    'For 25 s members come and go all the time: sinks are stopped in order, killed, frozen for a second or three and started again, and a third member of the group joins, holds what it is given without storing any of it, and leaves again.',
  async inject(site, { random }) {
    let running = true;
    const guest = (async () => {
      while (running) {
        await beGuest(site, random.between(500, 2500));
        await sleep(random.below(2000));
      }
    })();
    for (const until = Date.now() + 25_000; Date.now() < until; ) {
      const { child } = random.pick(site.sinks);
      const what = random.pick(['stop', 'kill', 'freeze'] as const);
      if (what === 'freeze') {
        child.freeze();
        await sleep(random.between(1000, 3000));
        child.thaw();
      } else {
        await child[what]();
        await sleep(random.below(1000));
        await child.restart();
      }
      await sleep(random.below(2000));
    }
    running = false;
    await guest;
  },
};

async function beGuest({ kafka, topic, group }: Site, ms: number): Promise<void> {
  const log = openKafkaLog({
    brokers: kafka.env.KAFKA_BROKERS.split(','),
    tls: false,
    topic,
    createTopic: false,
    partitionsWhenCreated: 1,
    retentionMs: 3_600_000,
    sessionTimeoutMs: 6000,
    logger: createSilentLogger(),
    metrics: createMetrics(),
  });
  const consumption = await log.consume(group, async ({ lost, stopping }) => {
    await new Promise((resolve) => {
      for (const signal of [lost, stopping]) signal.addEventListener('abort', resolve);
    });
  });
  await sleep(ms);
  await consumption.stop(2000);
  await log.close();
}
