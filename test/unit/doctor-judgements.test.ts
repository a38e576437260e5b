import type { PartitionFacts } from '../../src/adapters/kafka/probe.ts';
import { toLine } from '../../src/commands/doctor/finding.ts';
import { judgeTopic } from '../../src/commands/doctor/log.ts';
import { judgePositions } from '../../src/commands/doctor/positions.ts';
import { checkNames, checkNode, checkOpenFiles } from '../../src/commands/doctor/process.ts';
import { judgeVersion } from '../../src/commands/doctor/warehouse.ts';
import { parseConfig } from '../../src/config.ts';

const config = parseConfig({});
const hour = 3_600_000;
const safe = {
  'min.insync.replicas': '2',
  'unclean.leader.election.enable': 'false',
  'cleanup.policy': 'delete',
  'retention.ms': String(168 * hour),
  'retention.bytes': '-1',
  'max.message.bytes': '4259840',
  'message.timestamp.type': 'LogAppendTime',
};

function toPartition(partition: number, replicas: number, inSync: number): PartitionFacts {
  return { partition, replicas, inSync, begin: 0, end: 0, committed: null };
}

function judge(settings: Readonly<Record<string, string>> | null, replicas = 3, inSync = replicas): string[] {
  const topic = {
    partitions: [toPartition(0, replicas, replicas), toPartition(1, replicas, inSync)],
    settings: settings && new Map(Object.entries({ ...safe, ...settings })),
  };
  return judgeTopic(config, topic, 3).map(toLine);
}

test('a topic of three replicas, two of which acknowledge, is fine', () => {
  expect(judge({})).toEqual(['ok       Kafka topic        "tallygate.events", 2 partitions, replication 3']);
  expect(judge({ 'retention.ms': '-1' })[0]).toMatch(/^ok /);
});

test.each([
  ['warning  Kafka topic        min.insync.replicas is 1', { 'min.insync.replicas': '1' }, 3, 3],
  ['warning  Kafka topic        min.insync.replicas is 3 of 3', { 'min.insync.replicas': '3' }, 3, 3],
  ['problem  Kafka topic        1 of 2 partitions take no events', { 'min.insync.replicas': '2' }, 3, 1],
  ['problem  Kafka topic        unclean.leader.election', { 'unclean.leader.election.enable': 'true' }, 3, 3],
  ['problem  Kafka topic        cleanup.policy is compact', { 'cleanup.policy': 'compact' }, 3, 3],
  ['problem  Kafka topic        retention.ms keeps events for 23.5 h', { 'retention.ms': String(23.5 * hour) }, 3, 3],
  ['warning  Kafka topic        retention.ms keeps events for 24 h', { 'retention.ms': String(24 * hour) }, 3, 3],
  ['problem  Kafka topic        max.message.bytes is 1048575', { 'max.message.bytes': '1048575' }, 3, 3],
  [
    'warning  Kafka topic        message.timestamp.type is CreateTime',
    { 'message.timestamp.type': 'CreateTime' },
    3,
    3,
  ],
  ['warning  Kafka topic        replication is 2', {}, 2, 2],
  ['warning  Kafka topic        1 of 2 partitions have replicas that are behind', {}, 3, 2],
  ['warning  Kafka topic        its settings may not be read', null, 3, 3],
])('%s', (line, settings, replicas, inSync) => {
  const lines = judge(settings, replicas, inSync);
  expect(lines).toContainEqual(expect.stringContaining(line));
  expect(lines.filter((each) => each.startsWith('ok'))).toEqual([]);
});

test('a topic of one replica is a warning and no problem', () => {
  expect(judge({ 'min.insync.replicas': '1' }, 1)).toEqual([
    'warning  Kafka topic        replication is 1, so a lost disk can lose acknowledged events: raise it to 3',
  ]);
});

test('versions are compared by their numbers', () => {
  expect(['26.1.1.2', '26.10.1', '27.0.1'].map((version) => judgeVersion({ version }).state)).toEqual([
    'ok',
    'ok',
    'ok',
  ]);
  expect(['26.0.9', '25.12.1'].map((version) => judgeVersion({ version }).state)).toEqual(['problem', 'problem']);
  expect(['24.0.0', '26.1.0'].map((version) => checkNode(version).state)).toEqual(['ok', 'ok']);
  expect(checkNode('22.18.0').state).toBe('warning');
  expect(['22.17.9', '20.20.0'].map((version) => checkNode(version).state)).toEqual(['problem', 'problem']);
});

test('positions are compared for each partition', () => {
  const judged = (...[completed, ends, begins]: [number[], number[], number[] | null]) =>
    toLine(judgePositions(2, completed, ends, begins));
  expect(judged([-1, 4], [0, 10], null)).toContain(
    'ok       positions          log and ledger fit (epoch 2), 5 records',
  );
  expect(judged([-1, 10], [0, 10], null)).toContain('LOG_REPLACED: the ledger has positions up to 10 of partition 1');
  expect(judged([4, 9], [10, 10], [5, 3])).toMatch(/^ok /);
  expect(judged([4, 9], [10, 10], [7, 3])).toContain('2 records were removed from the log before they were stored');
});

test('only what is likely to be meant is taken for a misspelt name', () => {
  expect(checkNames(['COUCHBASE_PASWORD'])[0]?.says).toContain('did you mean COUCHBASE_PASSWORD?');
  // As Kubernetes names the addresses of services, and as shells do.
  const others = [
    'KAFKA_PORT',
    'KAFKA_PORT_9092_TCP',
    'CLICKHOUSE_SERVICE_HOST',
    'CLICKHOUSE_PORT',
    'HOSTNAME',
    'PATH',
  ];
  expect(checkNames(others)).toEqual([]);
  expect(checkNames(['KAFKA_TOPIC', 'KAFKA_TOPICS'])).toEqual([]);
});

test('few files that may be open are told of where the engine is embedded', () => {
  const say = (most: string, settings = {}) =>
    checkOpenFiles(
      parseConfig(settings),
      `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${most}  524288               files\n`,
    ).map(toLine);
  expect(say('1024')).toEqual([expect.stringMatching(/^warning {2}open files +at most 1024: .*at least 16384/)]);
  expect(say('16384')).toEqual(['ok       open files         at most 16384']);
  expect(say('unlimited')).toEqual(['ok       open files         at most unlimited']);
  expect(say('1024', { CLICKHOUSE_URL: 'http://localhost:8123' })).toEqual([]);
  expect(checkOpenFiles(parseConfig({}), '')).toEqual([]);
});
