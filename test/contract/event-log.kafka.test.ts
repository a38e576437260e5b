import { openKafkaLog } from '../../src/adapters/kafka/open-kafka-log.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { describeWith, uniqueName } from '../servers/require.ts';
import { holdsTheEventLogContract } from './event-log.ts';
import { partitionCount } from './event-log-rig.ts';

/**
 * Where Kafka differs from the embedded log, and why:
 * - leases move between processes, and are lost when they do (event-log-kafka-group.test.ts);
 * - the broker removes records by age alone, so a lease can begin behind the commit, with an error in the log.
 */
describeWith(['kafka'], 'the event log in Kafka', (env) => {
  holdsTheEventLogContract(() => {
    const topic = uniqueName('contract');
    return {
      open: ({ maxQueuedBytes = 64 * 1024 * 1024 } = {}) =>
        openKafkaLog({
          brokers: env.KAFKA_BROKERS.split(','),
          tls: false,
          topic,
          createTopic: true,
          partitionsWhenCreated: partitionCount,
          retentionMs: 3_600_000,
          maxQueuedBytes,
          bufferBytes: 1024 * 1024,
          logger: createSilentLogger(),
          metrics: createMetrics(),
        }),
    };
  });
});
