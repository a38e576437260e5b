import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { ask, type Role, secrets, startRole } from '../e2e/tallygate.ts';
import { findFreePorts } from '../servers/ports.ts';
import { describeWith, describeWithOwn, uniqueName } from '../servers/require.ts';
import { doctor, type Environment, insert, listen, statement, tallygate } from './doctor-run.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tallygate-doctor-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the doctor, without servers', () => {
  test('finds nothing wrong with a folder that is not there yet, and makes nothing', async () => {
    const DATA_DIR = join(folder, 'data');
    const { code, about, lines } = await doctor({ DATA_DIR });
    expect(lines.filter((line) => !line.startsWith('ok')).filter((line) => !line.includes('DATA_DIR'))).toEqual([]);
    expect(code).toBe(0);
    expect(about('DATA_DIR')[0]).toContain(`${DATA_DIR} (made at the start)`);
    expect(about('log')).toEqual(['ok log embedded, empty so far']);
    expect(about('warehouse')[0]).toMatch(/^ok warehouse embedded, the engine is ClickHouse \d+\.\d+.*; empty so far$/);
    await expect(rm(DATA_DIR, { recursive: true })).rejects.toMatchObject({ code: 'ENOENT' });
  }, 30_000);

  test('names every mistake of the settings at once, without the secrets in them', async () => {
    const { code, about, lines } = await doctor({
      PORT: 'many',
      CLICKHOUSE_URL: 'htp://user:geheim@host',
      KAFKA_USERNAME: 'u',
      WRITE_KEYS: 'geheim',
    });
    expect(code).toBe(1);
    expect(about('settings')).toEqual([
      'problem settings PORT: expected a whole number from 0 to 65535, got "many"',
      'problem settings WRITE_KEYS (number 1 of the list): expected project=secret, a project in lower case and a secret of 4 to 200 characters',
      'problem settings CLICKHOUSE_URL: expected an address that begins with http:// or https://, got "...@host"',
      'problem settings KAFKA_SASL_MECHANISM, KAFKA_USERNAME, KAFKA_PASSWORD: expected all three or none',
    ]);
    expect(lines).toHaveLength(5);
  }, 30_000);

  test('warns of misspelt names, few threads, and credentials that keep nobody in or out', async () => {
    const strange = await doctor({ DATA_DIR: folder, KAFKA_BROKER: 'x:1', UV_THREADPOOL_SIZE: '4' });
    expect(strange.code).toBe(0);
    expect(strange.about('settings')[1]).toBe(
      'warning settings KAFKA_BROKER is set and means nothing: did you mean KAFKA_BROKERS?',
    );
    expect(strange.about('UV_THREADPOOL_SIZE')[0]).toContain('warning UV_THREADPOOL_SIZE 4 threads: slow reports');
    const demo = await doctor({ DATA_DIR: folder, WRITE_KEYS: '', READ_TOKENS: '' });
    expect(demo.about('credentials')[0]).toContain('warning credentials the demo ones are in force');
    const none = await doctor({ DATA_DIR: folder, WRITE_KEYS: '', READ_TOKENS: '', HOST: '0.0.0.0' });
    expect(none.about('credentials')[0]).toContain('warning credentials none is set, so nobody can track or ask');
    const short = await doctor({ DATA_DIR: folder, WRITE_KEYS: 'a=geheim', READ_TOKENS: '' });
    expect(short.about('credentials')).toEqual([
      'warning credentials nobody may ask for reports: set READ_TOKENS',
      expect.stringContaining('1 of 1 are shorter than 16 characters'),
    ]);
  }, 60_000);

  test('says when the data folder cannot be written to', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const { code, about } = await doctor({ DATA_DIR: file });
    expect(code).toBe(1);
    expect(about('DATA_DIR')[0]).toMatch(/^problem DATA_DIR .* cannot be written to .*set DATA_DIR to another folder$/);
  }, 30_000);

  test('looks whether the collector of traces is there', async () => {
    const [port] = (await findFreePorts(1)) as [number];
    const endpoint = { DATA_DIR: folder, OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:geheim@127.0.0.1:${port}` };
    expect((await doctor(endpoint)).about('tracing')[0]).toContain(
      `warning tracing http://127.0.0.1:${port} cannot be reached (nothing listens there)`,
    );
    const listener = await listen(port);
    expect((await doctor(endpoint)).about('tracing')[0]).toContain(
      `ok tracing http://127.0.0.1:${port} takes connections`,
    );
    listener.close();
  }, 30_000);

  test('needs less than 5 s for backends of which nothing is there, and says it of each', async () => {
    const [kafka, clickhouse, couchbase] = (await findFreePorts(3)) as [number, number, number];
    const { code, seconds, about } = await doctor({
      KAFKA_BROKERS: `127.0.0.1:${kafka}`,
      CLICKHOUSE_URL: `http://127.0.0.1:${clickhouse}`,
      CLICKHOUSE_PASSWORD: 'geheim',
      COUCHBASE_URL: `couchbase://127.0.0.1:${couchbase}`,
      COUCHBASE_PASSWORD: 'geheim',
    });
    expect(code).toBe(1);
    expect(about('Kafka')[0]).toContain(`no broker takes a connection (127.0.0.1:${kafka}: nothing listens there)`);
    expect(about('ClickHouse')[0]).toContain(
      `problem ClickHouse http://127.0.0.1:${clickhouse}: nothing listens there`,
    );
    expect(about('Couchbase')[0]).toContain('warning Couchbase Couchbase does not answer');
    expect(about('DATA_DIR')).toEqual([]);
    expect(seconds).toBeLessThan(5);
  }, 30_000);

  test('needs no longer when something takes connections and never answers', async () => {
    const ports = (await findFreePorts(3)) as [number, number, number];
    const silent = await Promise.all(ports.map(listen));
    const [kafka, clickhouse, couchbase] = ports;
    const { code, seconds, about } = await doctor({
      KAFKA_BROKERS: `127.0.0.1:${kafka}`,
      CLICKHOUSE_URL: `http://127.0.0.1:${clickhouse}`,
      COUCHBASE_URL: `couchbase://127.0.0.1:${couchbase}`,
    });
    for (const server of silent) server.close();
    expect(code).toBe(1);
    expect(about('Kafka')[0]).toContain('problem Kafka no answer within');
    expect(about('ClickHouse')[0]).toMatch(/^problem ClickHouse http:.*(Timeout|no answer)/);
    expect(about('Couchbase')[0]).toContain('warning Couchbase Couchbase does not answer');
    expect(seconds).toBeLessThan(5);
  }, 30_000);
});

describe('the doctor and embedded data', () => {
  let serve: Role | null = null;
  afterEach(() => serve?.stop());

  test('sees data in use, data at rest, and a log that is not the one of the ledger', async () => {
    const DATA_DIR = join(folder, 'data');
    serve = await startRole('serve', folder, { DATA_DIR });
    const track = 'mutation($input: TrackInput!) { track(input: $input) { token } }';
    const { data } = await ask<{ track: { token: string } }>(serve.url, secrets.write, track, {
      input: { event: 'Seen', userId: 'u' },
    });
    const total =
      'query($after: ConsistencyToken) { trend(input: { range: { last: "1d" }, series: [{}], freshness: { after: $after, maxWaitMs: 20000 } }) { series { total } } }';
    const answer = await ask<{ trend: { series: [{ total: number }] } }>(serve.url, secrets.read, total, {
      after: data.track.token,
    });
    expect(answer.data.trend.series[0].total).toBe(1);

    const inUse = await doctor({ DATA_DIR });
    expect(inUse.code).toBe(0);
    expect(inUse.about('log')[0]).toMatch(/^ok log embedded, and in use: process \d+ is using it/);
    expect(inUse.about('warehouse')[0]).toContain('; in use by another process');
    expect(inUse.about('positions')).toEqual([]);

    await serve.stop();
    serve = null;
    const atRest = await doctor({ DATA_DIR });
    expect(atRest.code).toBe(0);
    expect(atRest.about('log')).toEqual(['ok log embedded, 1 records so far, free to be opened']);
    expect(atRest.about('positions')).toEqual([
      'ok positions log and ledger fit (epoch 0), 0 records are not stored yet',
    ]);

    await rm(join(DATA_DIR, 'log'), { recursive: true });
    const replaced = await doctor({ DATA_DIR });
    expect(replaced.code).toBe(1);
    expect(replaced.about('positions')[0]).toContain(
      'problem positions LOG_REPLACED: the ledger has positions up to 0',
    );
    expect(replaced.about('positions')[0]).toContain('run "tallygate migrate --new-epoch"');
    expect((await tallygate(['migrate', '--new-epoch'], { DATA_DIR })).code).toBe(0);
    expect((await doctor({ DATA_DIR })).about('positions')).toEqual([
      'ok positions log and ledger fit (epoch 1), 0 records are not stored yet',
    ]);
  }, 90_000);
});

describeWith(['kafka', 'clickhouse', 'couchbase'], 'the doctor and real backends', (servers) => {
  const admin = new Kafka({ brokers: servers.KAFKA_BROKERS.split(','), logLevel: logLevel.NOTHING }).admin();
  beforeAll(() => admin.connect());
  afterAll(() => admin.disconnect());

  const fresh = () => ({
    ...servers,
    KAFKA_TOPIC: uniqueName('doctor'),
    KAFKA_GROUP: uniqueName('doctor'),
    CLICKHOUSE_DATABASE: uniqueName('doctor'),
  });
  const createTopic = (topic: string, numPartitions: number, settings: Environment) =>
    admin.createTopics({
      waitForLeaders: true,
      topics: [
        { topic, numPartitions, configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })) },
      ],
    });

  test('says what "migrate" would make, makes nothing, and finds it when it was made', async () => {
    const environment = fresh();
    const before = await doctor(environment);
    expect(before.code).toBe(0);
    expect(before.about('Kafka topic')[0]).toContain(
      `warning Kafka topic there is no topic "${environment.KAFKA_TOPIC}"`,
    );
    expect(before.about('ClickHouse tables')[0]).toContain(
      `warning ClickHouse tables there is no database "${environment.CLICKHOUSE_DATABASE}"`,
    );
    expect(await admin.listTopics()).not.toContain(environment.KAFKA_TOPIC);
    const strict = await doctor({ ...environment, MIGRATE_AT_START: 'false' });
    expect(strict.about('Kafka topic')[0]).toMatch(/^problem .*: run "tallygate migrate"$/);
    expect(strict.about('ClickHouse tables')[0]).toMatch(/^problem .*: run "tallygate migrate"$/);

    expect((await tallygate(['migrate'], environment)).code).toBe(0);
    const after = await doctor({ ...environment, MIGRATE_AT_START: 'false' });
    expect(after.code).toBe(0);
    expect(after.about('Kafka')[0]).toBe('ok Kafka all brokers answer (1)');
    // One broker has one disk.
    expect(after.about('Kafka topic')).toEqual([expect.stringContaining('warning Kafka topic replication is 1')]);
    expect(after.about('Kafka group')).toEqual([
      `ok Kafka group "${environment.KAFKA_GROUP}" has not read anything yet`,
    ]);
    expect(after.about('ClickHouse tables')[0]).toMatch(/^ok ClickHouse tables all there/);
    expect(after.about('ClickHouse clock')).toEqual(['ok ClickHouse clock within 2 s of ours']);
    expect(after.about('ClickHouse rights')[0]).toMatch(/^ok .* may read and write every table$/);
    expect(after.about('Couchbase')[0]).toMatch(
      /^ok Couchbase bucket "default", _default._default can be written and read/,
    );
    expect(after.about('positions')).toEqual([
      'ok positions log and ledger fit (epoch 0), 0 records are not stored yet',
    ]);
  }, 60_000);

  test('tells what of a topic loses events or refuses them', async () => {
    const environment = fresh();
    await createTopic(environment.KAFKA_TOPIC, 2, {
      'min.insync.replicas': '2',
      'unclean.leader.election.enable': 'true',
      'cleanup.policy': 'compact,delete',
      'retention.ms': '3600000',
      'retention.bytes': '1000000',
      'max.message.bytes': '100000',
    });
    const { code, about } = await doctor(environment);
    expect(code).toBe(1);
    expect(about('Kafka topic')).toEqual([
      expect.stringContaining('warning Kafka topic replication is 1'),
      expect.stringContaining('problem Kafka topic 2 of 2 partitions take no events: min.insync.replicas is 2'),
      expect.stringContaining('problem Kafka topic unclean.leader.election.enable is true'),
      expect.stringContaining('problem Kafka topic cleanup.policy is compact'),
      expect.stringContaining('warning Kafka topic message.timestamp.type is CreateTime'),
      expect.stringContaining('problem Kafka topic retention.ms keeps events for 1 h'),
      expect.stringContaining('warning Kafka topic retention.bytes'),
      expect.stringContaining('problem Kafka topic max.message.bytes is 100000'),
    ]);
    const other = uniqueName('doctor');
    await createTopic(other, 1, { 'retention.ms': String(48 * 3_600_000) });
    expect((await doctor({ ...environment, KAFKA_TOPIC: other })).about('Kafka topic')).toEqual([
      expect.stringContaining('replication is 1'),
      expect.stringContaining('warning Kafka topic 1 partitions, and they come in pairs'),
      expect.stringContaining('warning Kafka topic message.timestamp.type is CreateTime'),
      expect.stringContaining('warning Kafka topic retention.ms keeps events for 48 h'),
    ]);
  }, 60_000);

  test('tells a log that was replaced, and records that were removed before they were stored', async () => {
    const environment = fresh();
    const { KAFKA_TOPIC: topic, KAFKA_GROUP: group, CLICKHOUSE_DATABASE: database } = environment;
    expect((await tallygate(['migrate'], { ...environment, KAFKA_PARTITIONS: '1' })).code).toBe(0);
    const kafka = new Kafka({ brokers: servers.KAFKA_BROKERS.split(','), logLevel: logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({
      topic,
      messages: Array.from({ length: 10 }, (_, i) => ({ value: `record ${i}`, partition: 0 })),
    });
    await producer.disconnect();
    await insert(servers, `${database}.ledger`, [
      { phase: 'completed', log_stream: 0, first_offset: 0, last_offset: 4, project: 'shop' },
    ]);
    expect((await doctor(environment)).about('positions')).toEqual([
      'ok positions log and ledger fit (epoch 0), 5 records are not stored yet',
    ]);
    await admin.fetchTopicOffsets(topic); // kafkajs deletes only in topics that it has looked at
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '8' }] });
    expect((await doctor(environment)).about('positions')[0]).toContain(
      'problem positions 3 records were removed from the log before they were stored',
    );
    await insert(servers, `${database}.ledger`, [
      { phase: 'completed', log_stream: 0, first_offset: 5, last_offset: 99, project: 'shop' },
    ]);
    await admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '100' }] });
    const { code, about } = await doctor(environment);
    expect(code).toBe(1);
    expect(about('positions')[0]).toContain(
      'problem positions LOG_REPLACED: the ledger has positions up to 99 of partition 0, the log ends before 10',
    );
    expect(about('Kafka group')[0]).toContain(`problem Kafka group "${group}" stands behind the end of 1 partitions`);
  }, 60_000);

  test('tells tables that are lost, and half of the addresses', async () => {
    const [port] = (await findFreePorts(1)) as [number];
    const environment = { ...fresh(), KAFKA_BROKERS: `${servers.KAFKA_BROKERS},127.0.0.1:${port}` };
    expect((await tallygate(['migrate'], environment)).code).toBe(0);
    await statement(servers, `DROP TABLE ${environment.CLICKHOUSE_DATABASE}.repeats`);
    const { code, about } = await doctor(environment);
    expect(code).toBe(1);
    expect(about('ClickHouse tables')[0]).toContain('problem ClickHouse tables');
    expect(about('ClickHouse tables')[0]).toContain('lacks tables that were made once: repeats');
    expect(about('Kafka')[0]).toContain(`part of KAFKA_BROKERS is away (127.0.0.1:${port}: nothing listens there)`);
  }, 60_000);

  test('tells what of the cache is wrong, which is no problem', async () => {
    const wrong = await doctor({ ...fresh(), COUCHBASE_PASSWORD: 'geheim' });
    expect(wrong.code).toBe(0);
    expect(wrong.about('Couchbase')[0]).toContain('warning Couchbase Couchbase refuses user "Administrator"');
    const lost = await doctor({ ...fresh(), COUCHBASE_BUCKET: 'nowhere' });
    expect(lost.about('Couchbase')[0]).toMatch(/^warning Couchbase .*bucket "nowhere"/);
    const absent = await doctor({ ...fresh(), COUCHBASE_COLLECTION: 'nowhere' });
    expect(absent.about('Couchbase')[0]).toMatch(/^warning Couchbase .*collection "nowhere"/);
  }, 60_000);
});

describeWithOwn(['clickhouse', 'couchbase'], 'the doctor and servers that are locked or frozen', (start) => {
  test('tells a wrong password, and a server that does not answer', async () => {
    const [server, cache] = await Promise.all([
      start.clickhouse({ user: 'tally', password: 'geheim-clickhouse' }),
      start.couchbase({ password: 'geheim-couchbase' }),
    ]);
    const environment = { ...server.env, COUCHBASE_URL: cache.env.COUCHBASE_URL, DATA_DIR: folder };
    const wrong = await doctor({ ...environment, CLICKHOUSE_PASSWORD: 'geheimer', COUCHBASE_PASSWORD: 'geheimer' });
    expect(wrong.code).toBe(1);
    expect(wrong.about('ClickHouse')[0]).toContain(
      'ClickHouse refuses user "tally": correct CLICKHOUSE_USER or CLICKHOUSE_PASSWORD',
    );
    expect(wrong.about('Couchbase')[0]).toContain('Couchbase refuses user "Administrator"');
    const right = await doctor({ ...environment, COUCHBASE_PASSWORD: 'geheim-couchbase' });
    expect(right.code).toBe(0);
    expect(right.about('ClickHouse')[0]).toMatch(/^ok ClickHouse \d+\.\d+.* answers$/);
    expect(right.about('Couchbase')[0]).toMatch(/^ok /);
    server.freeze();
    cache.freeze();
    const frozen = await doctor({ ...environment, COUCHBASE_PASSWORD: 'geheim-couchbase' });
    server.thaw();
    cache.thaw();
    expect(frozen.code).toBe(1);
    expect(frozen.about('ClickHouse')[0]).toMatch(/^problem /);
    expect(frozen.about('Couchbase')[0]).toMatch(/^warning /);
    expect(frozen.seconds).toBeLessThan(5);
  }, 90_000);
});

describeWithOwn(['kafka'], 'the doctor and a broker that not everybody can use', (start) => {
  test('tells a wrong password, TLS where there is none, and a broker that its clients cannot reach', async () => {
    const [port, controller, sasl, hidden, nowhere] = (await findFreePorts(5)) as [
      number,
      number,
      number,
      number,
      number,
    ];
    await start.kafka({
      port,
      properties: {
        listeners: [
          `PLAINTEXT://127.0.0.1:${port}`,
          `CONTROLLER://127.0.0.1:${controller}`,
          `SASL://127.0.0.1:${sasl}`,
          `HIDDEN://127.0.0.1:${hidden}`,
        ].join(','),
        'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},SASL://127.0.0.1:${sasl},HIDDEN://127.0.0.1:${nowhere}`,
        'listener.security.protocol.map':
          'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,HIDDEN:PLAINTEXT',
        'listener.name.sasl.sasl.enabled.mechanisms': 'PLAIN',
        'listener.name.sasl.plain.sasl.jaas.config':
          'org.apache.kafka.common.security.plain.PlainLoginModule required user_tally="geheim";',
      },
    });
    const at = (which: number, more: Environment = {}) =>
      doctor({ KAFKA_BROKERS: `127.0.0.1:${which}`, DATA_DIR: folder, ...more });
    const user = { KAFKA_SASL_MECHANISM: 'plain', KAFKA_USERNAME: 'tally' };
    const [right, wrong, anonymous, tls, unreachable] = await Promise.all([
      at(sasl, { ...user, KAFKA_PASSWORD: 'geheim' }),
      at(sasl, { ...user, KAFKA_PASSWORD: 'geheimer' }),
      at(sasl),
      at(port, { KAFKA_TLS: 'true' }),
      at(hidden),
    ]);
    expect(right.about('Kafka')[0]).toBe('ok Kafka all brokers answer (1)');
    expect(wrong.about('Kafka')).toEqual([
      'problem Kafka Kafka refuses user "tally": correct KAFKA_SASL_MECHANISM, KAFKA_USERNAME or KAFKA_PASSWORD',
    ]);
    expect(anonymous.about('Kafka')[0]).toContain('set KAFKA_TLS, KAFKA_SASL_MECHANISM');
    expect(tls.about('Kafka')[0]).toContain('KAFKA_TLS=true');
    expect(unreachable.about('Kafka')[0]).toContain(
      `the cluster sends its clients on to 127.0.0.1:${nowhere}, which cannot be reached from here`,
    );
  }, 90_000);
});
