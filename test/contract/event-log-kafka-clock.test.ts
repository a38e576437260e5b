import { openKafkaLog } from '../../src/adapters/kafka/open-kafka-log.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { describeWith, uniqueName } from '../servers/require.ts';
import { ready, toRecords } from './event-log-rig.ts';

describeWith(['kafka'], 'a gateway whose clock is wrong', ({ KAFKA_BROKERS }) => {
  test.each([26, -26])(
    'by %s hours can append',
    async (hours) => {
      const log = await ready(
        openKafkaLog({
          brokers: KAFKA_BROKERS.split(','),
          tls: false,
          topic: uniqueName('clock'),
          createTopic: true,
          partitionsWhenCreated: 1,
          retentionMs: 3_600_000,
          logger: createSilentLogger(),
          metrics: createMetrics(),
        }),
      );
      const realNow = Date.now;
      try {
        Date.now = () => realNow() + hours * 3_600_000;
        expect(await log.append(0, toRecords('a'))).toBe(0);
      } finally {
        Date.now = realNow;
        await log.close();
      }
    },
    60_000,
  );
});
