// Run by event-log-kafka-group.test.ts: holds partition 0 of a group and commits all the time, telling the outcome of
// each.
import { setTimeout as sleep } from 'node:timers/promises';
import { openKafkaLog } from '../../src/adapters/kafka/open-kafka-log.ts';
import { isTallygateError } from '../../src/errors.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

const [brokers, topic, group, sessionTimeoutMs] = process.argv.slice(2) as [string, string, string, string];

const log = openKafkaLog({
  brokers: brokers.split(','),
  tls: false,
  topic,
  createTopic: false,
  partitionsWhenCreated: 1,
  retentionMs: 3_600_000,
  sessionTimeoutMs: Number(sessionTimeoutMs),
  logger: createSilentLogger(),
  metrics: createMetrics(),
});

await log.consume(group, async (lease) => {
  if (lease.partition !== 0)
    return void (await new Promise((resolve) => lease.lost.addEventListener('abort', resolve)));
  for (;;) {
    try {
      await lease.commit({ next: 1, end: 1 });
      process.stdout.write('ok\n');
    } catch (error) {
      process.stdout.write(`${isTallygateError(error) ? error.code : error} ${lease.lost.aborted}\n`);
      return;
    }
    await sleep(1);
  }
});
