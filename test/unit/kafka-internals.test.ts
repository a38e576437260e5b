import { once } from 'node:events';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import kafkajs from 'kafkajs';
import {
  crc32c,
  createCluster,
  quietIdleConnections,
  requireHandshake,
} from '../../src/adapters/kafka/kafkajs-internals.ts';
import { registerZstd } from '../../src/adapters/kafka/zstd-codec.ts';

/**
 * The adapter reaches behind kafkajs's documented API. When one of these fails after an update of kafkajs, read
 * src/adapters/kafka/kafkajs-internals.ts beside the new sources before anything else.
 */
const load = createRequire(import.meta.url);

test('kafkajs is the version whose sources were read', () => {
  expect(load('kafkajs/package.json').version).toBe('2.2.4');
});

test('brokers have the methods that are watched, and the group and its offsets go through them', () => {
  const broker = load('kafkajs/src/broker/index.js').prototype;
  for (const name of ['joinGroup', 'syncGroup', 'leaveGroup', 'offsetCommit'])
    expect(typeof broker[name]).toBe('function');
  const group = load('kafkajs/src/consumer/consumerGroup.js').prototype;
  const join = Object.getOwnPropertySymbols(group).map((symbol) => String(group[symbol]));
  expect(
    join.some((source) => source.includes('this.cluster.findGroupCoordinator(') && source.includes('.joinGroup(')),
  ).toBe(true);
  expect(join.some((source) => source.includes('assigner.protocol('))).toBe(true);
  expect(join.some((source) => source.includes('.syncGroup('))).toBe(true);
  expect(String(group.leave)).toContain('.leaveGroup(');
  const offsets = load('kafkajs/src/consumer/offsetManager/index.js').prototype;
  expect(String(offsets.setDefaultOffset)).toContain('.offsetCommit(');
  const cluster = load('kafkajs/src/cluster/index.js').prototype;
  expect(String(cluster.findGroupCoordinator)).toContain('this.findBroker(');
});

test('a cluster comes without connecting, with all that is used of it', () => {
  const kafka = new kafkajs.Kafka({ brokers: ['127.0.0.1:1'], logLevel: kafkajs.logLevel.NOTHING });
  const cluster = createCluster(kafka, 'group') as unknown as Record<string, unknown>;
  const used = ['connect', 'disconnect', 'isConnected', 'refreshMetadata', 'addTargetTopic', 'findBroker'];
  used.push('findGroupCoordinator', 'findTopicPartitionMetadata', 'findLeaderForPartitions', 'fetchTopicsOffset');
  for (const name of used) expect([name, typeof cluster[name]]).toEqual([name, 'function']);
});

test('what a batch is sent by, and metadata read by, looks as it did', () => {
  const kafka = new kafkajs.Kafka({ brokers: ['127.0.0.1:1'], logLevel: kafkajs.logLevel.NOTHING });
  const { brokerPool } = createCluster(kafka, 'group') as unknown as { brokerPool: Record<string, unknown> };
  expect(typeof brokerPool.createBroker).toBe('function');
  const broker = String(load('kafkajs/src/broker/index.js'));
  for (const used of [
    'this.lookupRequest(apiKeys.Metadata, requests.Metadata)',
    'this.connectionPool.send(protocolRequest)',
  ])
    expect(broker).toContain(used);
  expect(String(load('kafkajs/src/cluster/brokerPool.js'))).toContain('this.metadata = await broker.metadata(topics)');
  expect(load('kafkajs/src/protocol/requests/index.js').requests.Metadata.versions).toContain('6');
  // All that a request's encoder is asked for.
  const Encoder = load('kafkajs/src/protocol/encoder.js');
  const bytes = Buffer.from('abc');
  expect(new Encoder().writeEncoder({ buf: bytes, buffer: bytes }).buffer).toEqual(bytes);
  const { decode, parse } = load('kafkajs/src/protocol/requests/produce/v7/response.js');
  expect([typeof decode, typeof parse]).toEqual(['function', 'function']);
  expect(String(load('kafkajs/src/network/connection.js'))).toContain(
    'const requestPayload = await createRequest({ request',
  );
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
});

test('a partition without a leader does not hide the others', async () => {
  const kafka = new kafkajs.Kafka({ brokers: ['127.0.0.1:1'], logLevel: kafkajs.logLevel.NOTHING });
  const { brokerPool } = createCluster(kafka, 'group') as unknown as {
    brokerPool: {
      createBroker(options: object): { metadata(topics: string[]): Promise<unknown>; lookupRequest: unknown };
    };
  };
  const logger = { namespace: () => logger };
  const answer = (codes: readonly number[]) => ({
    topicMetadata: [
      {
        topicErrorCode: 0,
        partitionMetadata: codes.map((partitionErrorCode, partitionId) => ({
          partitionErrorCode,
          partitionId,
          leader: 7,
        })),
      },
    ],
  });
  const ask = (codes: readonly number[]) => {
    // Stands for a connection: hands the answer to whoever parses it.
    const send = async ({ response }: { response: { parse(answer: unknown): unknown } }) =>
      response.parse(answer(codes));
    const broker = brokerPool.createBroker({ connectionPool: { send, connectionTimeout: 1 }, logger });
    const { lookup } = load('kafkajs/src/protocol/requests/index.js');
    broker.lookupRequest = lookup({ 3: { minVersion: 0, maxVersion: 6 } });
    return broker.metadata(['events']);
  };
  expect(await ask([0, 5, 0])).toMatchObject({
    topicMetadata: [{ partitionMetadata: [{ leader: 7 }, { leader: -1, partitionErrorCode: 0 }, { leader: 7 }] }],
  });
  await expect(ask([0, 3])).rejects.toMatchObject({ type: 'UNKNOWN_TOPIC_OR_PARTITION' });
});

test('an idle connection has no timer, a waiting request has one', () => {
  quietIdleConnections();
  quietIdleConnections();
  const RequestQueue = load('kafkajs/src/network/requestQueue/index.js');
  const logger = { debug: () => undefined };
  const queue = new RequestQueue({ maxInFlightRequests: 0, requestTimeout: 1000, clientId: 'c', broker: 'b', logger });
  queue.scheduleCheckPendingRequests();
  queue.checkPendingRequests();
  expect(queue.throttleCheckTimeoutId).toBeNull();
  queue.push({ entry: { correlationId: 1 }, expectResponse: true, sendRequest: () => undefined });
  expect(queue.throttleCheckTimeoutId).not.toBeNull();
  queue.destroy();
});

test('a broker is connected when it has answered, and is asked again when it has not', async () => {
  requireHandshake();
  requireHandshake();
  let isFrozen = true;
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('data', (request) => {
      if (isFrozen) return;
      // Its length, the correlation id, no error, no api of any version, no throttling.
      const answer = Buffer.alloc(18);
      answer.writeInt32BE(14, 0);
      request.copy(answer, 4, 8, 12);
      socket.write(answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const kafka = new kafkajs.Kafka({
    brokers: [`127.0.0.1:${(server.address() as AddressInfo).port}`],
    logLevel: kafkajs.logLevel.NOTHING,
    requestTimeout: 200,
    connectionTimeout: 2000,
    retry: { retries: 0 },
  });
  const cluster = createCluster(kafka, 'group');
  try {
    const first = cluster.connect();
    const refused = expect(first).rejects.toThrow('timed out');
    await once(server, 'connection');
    expect(cluster.isConnected()).toBe(false);
    await refused;
    expect(cluster.isConnected()).toBe(false);
    isFrozen = false;
    await cluster.connect();
    expect(cluster.isConnected()).toBe(true);
    expect(sockets).toHaveLength(1);
  } finally {
    await cluster.disconnect();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

test('zstd goes both ways', async () => {
  registerZstd();
  const codec = kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD]();
  const buffer = Buffer.from('{"event":"signup"}'.repeat(1000));
  const compressed = await codec.compress({ buffer });
  expect(compressed.length).toBeLessThan(buffer.length / 10);
  expect(await codec.decompress(compressed)).toEqual(buffer);
});
