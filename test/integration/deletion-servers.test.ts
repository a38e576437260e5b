import { openServerWarehouse } from '../../src/adapters/clickhouse/open.ts';
import { openKafkaLog } from '../../src/adapters/kafka/open-kafka-log.ts';
import { toStreamOf } from '../../src/events/position.ts';
import { runDeletions } from '../../src/ingest/deletion/worker.ts';
import { restoreRange } from '../../src/ingest/restore.ts';
import { startSink } from '../../src/ingest/sink.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { describeWith, uniqueName } from '../servers/require.ts';
import { deps } from './damaged.ts';
import { annsDeadLetters, annsEvents, findings, request, toStory } from './deletion-rig.ts';

const logger = createSilentLogger();
const metrics = createMetrics();

describeWith(['kafka', 'clickhouse'], 'Deletions on servers', (env) => {
  test('the sink that has the first partition deletes, once it has caught up, and a replay brings nothing back', async () => {
    const log = await openKafkaLog({
      brokers: env.KAFKA_BROKERS.split(','),
      tls: false,
      sasl: undefined,
      topic: uniqueName('deletion'),
      partitionsWhenCreated: 2,
      replication: 1,
      createTopic: true,
      sessionTimeoutMs: 10_000,
      retentionMs: 3_600_000,
      maxQueuedBytes: 64e6,
      logger,
      metrics,
    });
    const warehouse = openServerWarehouse({
      url: env.CLICKHOUSE_URL,
      user: env.CLICKHOUSE_USER,
      password: env.CLICKHOUSE_PASSWORD,
      database: uniqueName('deletion'),
      cluster: undefined,
      limits: { seconds: 60, memoryBytes: 2e9, resultRows: 100_000 },
      metrics,
    });
    try {
      await warehouse.migrate();
      for (let left = 100; ; left--) {
        if (
          await log.append(0, toStory('m')).then(
            () => true,
            (thrown) => (left === 0 ? Promise.reject(thrown) : false),
          )
        )
          break;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      const { id } = await request({ log, warehouse }, 'm-ann');
      const sink = await startSink({
        log,
        warehouse,
        metrics,
        logger,
        whileLeading: (signal) => runDeletions({ warehouse, logger, metrics, everyMs: 100 }, signal),
        options: {
          group: uniqueName('g'),
          batchRows: 7,
          batchBytes: 32e6,
          lingerMs: 5,
          windowHours: 24,
          verifyRecent: false,
        },
      });
      const read = async () =>
        (
          await warehouse.query<{ events: string; dead: string }>(
            {
              sql: "SELECT events, dead_letters AS dead FROM deletions WHERE state = 'done' AND id = {id:String}",
              params: { id },
            },
            { label: 'test' },
          )
        ).rows;
      for (let left = 600; (await read()).length === 0 && left > 0; left--)
        await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await read()).toEqual([{ events: String(annsEvents), dead: String(annsDeadLetters) }]);
      await sink.stop(20_000);
      await restoreRange(deps({ log, warehouse }), { stream: toStreamOf(0, 0), logPartition: 0, first: 0, last: 23 });
      const { rows } = await warehouse.query(
        {
          sql: "SELECT count() AS n FROM events WHERE project = 'demo' AND (user_id = 'm-ann' OR user_id = 'm-old-ann')",
        },
        { label: 'test' },
      );
      expect(rows).toEqual([{ n: '0' }]);
      expect(await findings({ log, warehouse })).toEqual([]);
    } finally {
      await Promise.allSettled([log.close(), warehouse.close()]);
    }
  }, 180_000);
});
