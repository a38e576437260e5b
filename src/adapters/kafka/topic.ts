import type { Kafka } from 'kafkajs';
import type { Logger } from '../../telemetry/logger.ts';

export interface TopicPlan {
  readonly topic: string;
  readonly partitions: number;
  /** Undefined: 3, or as many as there are brokers. */
  readonly replication: number | undefined;
  readonly retentionMs: number;
  /** Most bytes of one batch, as it is sent. */
  readonly maxBatchBytes: number;
}

/** Creates the topic unless it exists, in a way that keeps what was acknowledged. Several processes may try at once. */
export async function createTopic(kafka: Kafka, plan: TopicPlan, logger: Logger): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    const replication = plan.replication ?? Math.min(3, brokers.length);
    const config = {
      'min.insync.replicas': replication >= 3 ? '2' : '1',
      'unclean.leader.election.enable': 'false',
      // By the broker's clock: a gateway's that is ahead would be refused, and one that is behind would have its events
      // deleted before their time.
      'message.timestamp.type': 'LogAppendTime',
      'cleanup.policy': 'delete',
      'retention.ms': String(plan.retentionMs),
      'max.message.bytes': String(plan.maxBatchBytes),
    };
    const made = await admin.createTopics({
      waitForLeaders: true,
      topics: [
        {
          topic: plan.topic,
          numPartitions: plan.partitions,
          replicationFactor: replication,
          configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
        },
      ],
    });
    if (made) logger.info({ topic: plan.topic, partitions: plan.partitions, replication }, 'created the topic');
    if (made && replication < 3) {
      logger.warn(
        { topic: plan.topic, replication },
        'the topic has fewer than 3 replicas: events are as safe as its disks',
      );
    }
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
