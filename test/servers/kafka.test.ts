import { Kafka, logLevel } from 'kafkajs';
import { describeWith, describeWithOwn, uniqueName } from './require.ts';

const createClient = (brokers: string, retries = 8) =>
  new Kafka({
    brokers: brokers.split(','),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    retry: { retries, initialRetryTime: 50 },
  });

async function createTopic(
  kafka: Kafka,
  settings: Record<string, string> = {},
  replicationFactor = 1,
): Promise<string> {
  const topic = uniqueName('topic');
  const admin = kafka.admin();
  await admin.connect();
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  await admin.createTopics({
    topics: [{ topic, numPartitions: 1, replicationFactor, configEntries }],
    waitForLeaders: true,
  });
  await admin.disconnect();
  return topic;
}

async function append(kafka: Kafka, topic: string, value: string): Promise<string | undefined> {
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    const [result] = await producer.send({ topic, acks: -1, messages: [{ value }] });
    return result?.baseOffset;
  } finally {
    await producer.disconnect();
  }
}

/** Reads until `count` messages are there; resolves with their values and the time from the start to the first one. */
async function consume(
  kafka: Kafka,
  topic: string,
  count: number,
): Promise<{ values: string[]; firstAfterMs: number }> {
  const consumer = kafka.consumer({
    groupId: uniqueName('group'),
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 100,
  });
  const begun = Date.now();
  let firstAfterMs = 0;
  const values: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        eachMessage: async ({ message }) => {
          firstAfterMs ||= Date.now() - begun;
          values.push(String(message.value));
          if (values.length === count) resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return { values, firstAfterMs };
}

/** A killed broker is a member until its session is over. */
async function untilMembers(kafka: Kafka, count: number): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  while ((await admin.describeCluster()).brokers.length !== count) await new Promise((r) => setTimeout(r, 50));
  await admin.disconnect();
}

describeWith(['kafka'], 'the shared broker', ({ KAFKA_BROKERS }) => {
  test('stores what is produced and hands it to a group, whose first join is quick', async () => {
    const kafka = createClient(KAFKA_BROKERS);
    const topic = await createTopic(kafka);
    for (const value of ['a', 'b', 'c']) await append(kafka, topic, value);
    const { values, firstAfterMs } = await consume(kafka, topic, 3);
    expect(values).toEqual(['a', 'b', 'c']);
    expect(firstAfterMs).toBeLessThan(3000); // with the defaults a group waits 3 s for more members
  });

  test('creates no topic by itself', async () => {
    const kafka = createClient(KAFKA_BROKERS, 1);
    await expect(append(kafka, uniqueName('nobody_made_it'), 'a')).rejects.toThrow(
      /does not host this topic-partition/,
    );
  });
});

describeWithOwn(['kafka'], 'a broker of its own', (start) => {
  test('has its records after kill -9, on the same port', async () => {
    const server = await start.kafka();
    const before = { pid: server.pid, brokers: server.env.KAFKA_BROKERS };
    const kafka = createClient(before.brokers);
    const topic = await createTopic(kafka);
    await append(kafka, topic, 'kept');
    await server.kill();
    expect(server.running).toBe(false);
    await expect(append(createClient(before.brokers, 0), topic, 'lost')).rejects.toThrow(/ECONNREFUSED/);
    await server.restart();
    expect(server.pid).not.toBe(before.pid);
    expect(server.env.KAFKA_BROKERS).toBe(before.brokers);
    expect(await append(kafka, topic, 'next')).toBe('1');
    expect((await consume(kafka, topic, 2)).values).toEqual(['kept', 'next']);
  });

  test('answers nothing while it is frozen, and everything afterwards', async () => {
    const server = await start.kafka();
    const kafka = createClient(server.env.KAFKA_BROKERS);
    const topic = await createTopic(kafka);
    server.freeze();
    const sent = append(kafka, topic, 'late');
    const first = await Promise.race([sent, new Promise((resolve) => setTimeout(resolve, 500, 'nothing yet'))]);
    expect(first).toBe('nothing yet');
    server.thaw();
    await sent;
    expect((await consume(kafka, topic, 1)).values).toEqual(['late']);
  });

  test('of three nodes refuses a write while a copy is missing that it needs, and takes it when it is back', async () => {
    const cluster = await start.kafka({ nodes: 3 });
    const kafka = createClient(cluster.env.KAFKA_BROKERS, 20);
    const topic = await createTopic(kafka, { 'min.insync.replicas': '3' }, 3);
    await append(kafka, topic, 'all');
    await cluster.nodes[2]?.kill();
    await untilMembers(kafka, 2);
    const impatient = createClient(cluster.env.KAFKA_BROKERS, 3);
    await expect(append(impatient, topic, 'too few')).rejects.toThrow(/fewer in-sync replicas than required/);
    await cluster.nodes[2]?.restart();
    await append(kafka, topic, 'all again');
    expect((await consume(kafka, topic, 2)).values).toEqual(['all', 'all again']);
  }, 60_000);
});
