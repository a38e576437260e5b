import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { openKafkaLog } from '../../src/adapters/kafka/open-kafka-log.ts';
import { openLmdbLog } from '../../src/adapters/lmdb/open-lmdb-log.ts';
import { TallygateError } from '../../src/errors.ts';
import { readRecord } from '../../src/events/record.ts';
import { parseConsistencyToken } from '../../src/events/tokens.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import type { Warehouse } from '../../src/ports/warehouse.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { readEnds, ready } from '../contract/event-log-rig.ts';
import { describeWithOwn, uniqueName } from '../servers/require.ts';
import { makeFolder, openSite, type Site, secrets } from './graphql-site.ts';

/** Mutations ask nothing of it. */
const away = () => Promise.reject(new TallygateError('WAREHOUSE_UNAVAILABLE', 'no question is asked here'));
const noWarehouse: Warehouse = { query: away, insert: away, migrate: away, ping: away, close: async () => undefined };

interface Result {
  readonly index: number;
  readonly messageId: string;
  readonly status: string;
  readonly errors: readonly { readonly code: string; readonly message: string }[];
}

interface Outcome {
  readonly accepted: number;
  readonly rejected: number;
  readonly results: readonly Result[];
  readonly token: string;
}

const query = `mutation ($input: TrackBatchInput!) { trackBatch(input: $input) {
  accepted rejected token results { index messageId status errors { code message } } } }`;

type PlainEvent = { readonly event: string; readonly userId: string; readonly messageId?: string };

async function send(site: Site, events: readonly PlainEvent[]): Promise<Outcome> {
  const input = { events: events.map((track) => ({ track })) };
  const { status, body } = await site.post({ query, variables: { input } }, { as: secrets.write });
  expect([status, body.errors]).toEqual([200, undefined]);
  return body.data?.trackBatch as Outcome;
}

const idsOf = (records: readonly string[]) => records.map((text) => readRecord(Buffer.from(text))?.messageId);
const withStatus = ({ results }: Outcome, status: string) => results.filter((each) => each.status === status);
const people = Array.from({ length: 40 }, (_, i): PlainEvent => ({ event: 'Signed Up', userId: `user-${i}` }));

describe('one partition that refuses', () => {
  const folder = makeFolder();
  let log: EventLog;
  let site: Site;
  let refusal: TallygateError | null = null;
  let refusing = 0;
  beforeAll(async () => {
    log = await openLmdbLog({
      path: folder,
      partitions: 8,
      retentionMs: 3_600_000,
      maxQueuedBytes: 64e6,
      logger: createSilentLogger(),
      metrics: createMetrics(),
    });
    const append: EventLog['append'] = async (partition, records) => {
      if (refusal && partition === refusing) throw refusal;
      return log.append(partition, records);
    };
    site = await openSite({ warehouse: noWarehouse, log: { ...log, append } });
  });
  afterAll(async () => {
    await site?.close();
    await log?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each([
    ['LOG_UNAVAILABLE', 2],
    ['LOG_OVERLOADED', 4],
  ] as const)('%s: its events are answered RETRY with their ids, the others are taken', async (code, partition) => {
    const before = await site.records();
    refusal = new TallygateError(code, 'this partition takes nothing', { retryAfterMs: 1000 });
    refusing = partition;
    // Three times: what the compiled lane takes over must answer as it did before.
    for (let round = 0; round < 3; round++) {
      const outcome = await send(site, people);
      const retry = withStatus(outcome, 'RETRY');
      expect(outcome.results.map(({ index }) => index)).toEqual(people.map((_, i) => i));
      expect(retry.length).toBeGreaterThan(0);
      expect(retry.length).toBeLessThan(people.length);
      expect([outcome.accepted, outcome.rejected]).toEqual([people.length - retry.length, retry.length]);
      expect(withStatus(outcome, 'ACCEPTED').length).toBe(outcome.accepted);
      for (const { errors } of retry) expect(errors).toEqual([{ code, message: 'this partition takes nothing' }]);
      // What is answered ACCEPTED is in the log, and nothing else.
      const stored = idsOf(await site.records());
      expect(outcome.results.map(({ messageId, status }) => [status, stored.includes(messageId)])).toEqual(
        outcome.results.map(({ status }) => [status, status === 'ACCEPTED']),
      );
      // The token stands for what was taken alone.
      const streams = [...parseConsistencyToken(outcome.token).keys()];
      expect(streams.length).toBe(3);
      expect(streams).not.toContain(partition / 2);

      refusal = null;
      const again = await send(
        site,
        retry.map(({ index, messageId }) => ({ ...(people[index] as PlainEvent), messageId })),
      );
      expect(again.results.map(({ messageId, status }) => [messageId, status])).toEqual(
        retry.map(({ messageId }) => [messageId, 'ACCEPTED']),
      );
      refusal = new TallygateError(code, 'this partition takes nothing', { retryAfterMs: 1000 });
    }
    refusal = null;
    const ids = idsOf(await site.records()).slice(before.length);
    expect(ids.length).toBe(3 * people.length);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('nothing of a batch taken is no partial answer: the mutation fails, with the ids', async () => {
    refusal = new TallygateError('LOG_OVERLOADED', 'this partition takes nothing', { retryAfterMs: 1000 });
    refusing = 2;
    const [first] = withStatus(await send(site, people), 'RETRY');
    const person = people[first?.index as number] as PlainEvent;
    const { status, headers, body } = await site.post({ query, variables: { input: { events: [{ track: person }] } } });
    refusal = null;
    expect([status, body.data]).toEqual([503, { trackBatch: null }]);
    expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(body.errors?.[0]?.extensions).toMatchObject({ code: 'LOG_OVERLOADED', retriable: true, retryAfterMs: 1000 });
    expect(JSON.stringify(body.errors?.[0]?.extensions)).toMatch(/"messageIds?":/);
  });
});

/** Of three nodes each leads a third of the partitions, and maybe none that these people's events go to: one that does. */
async function findLeader(brokers: readonly string[], topic: string, log: EventLog): Promise<number> {
  const admin = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] }).finally(() => admin.disconnect());
  const used = (await readEnds(log)).findIndex((end) => end > 0);
  return topics[0]?.partitions.find(({ partitionId }) => partitionId === used)?.leader as number;
}

describeWithOwn(['kafka'], 'Kafka with partitions that have no leader', (start) => {
  test('their events are answered RETRY, the others are taken, and all are when the leader is back', async () => {
    const server = await start.kafka({ nodes: 3 });
    const brokers = server.env.KAFKA_BROKERS.split(',');
    const topic = uniqueName('partial');
    const log = openKafkaLog({
      brokers,
      tls: false,
      topic,
      createTopic: true,
      partitionsWhenCreated: 12,
      // One copy of each partition: with its broker it is gone.
      replication: 1,
      retentionMs: 3_600_000,
      deadlineMs: 3000,
      logger: createSilentLogger(),
      metrics: createMetrics(),
    });
    await ready(log, 30_000);
    const site = await openSite({ warehouse: noWarehouse, log });
    const accepted: string[] = [];
    const sendNow = async () => {
      const outcome = await send(site, people);
      accepted.push(...withStatus(outcome, 'ACCEPTED').map(({ messageId }) => messageId));
      return outcome;
    };
    try {
      expect((await sendNow()).accepted).toBe(people.length);
      const node = server.nodes[(await findLeader(brokers, topic, log)) - 1];
      expect(node).toBeDefined();
      await node?.kill();
      // At first a batch waits for its deadline; once it is known which partitions are out of reach, they are refused at once.
      let refused: number[] = [];
      let took = Number.POSITIVE_INFINITY;
      for (const deadline = Date.now() + 60_000; refused.length === 0 || took >= 2500; ) {
        if (Date.now() > deadline) throw new Error('expected some events to be answered with RETRY at once');
        const began = performance.now();
        refused = withStatus(await sendNow(), 'RETRY').map(({ index }) => index);
        took = performance.now() - began;
      }
      expect(refused.length).toBeLessThan(people.length);
      for (let round = 0; round < 5; round++) {
        const began = performance.now();
        const outcome = await sendNow();
        expect(performance.now() - began).toBeLessThan(2500);
        expect(withStatus(outcome, 'RETRY').map(({ index }) => index)).toEqual(refused);
        expect(withStatus(outcome, 'RETRY')[0]?.errors[0]?.code).toBe('LOG_UNAVAILABLE');
        expect(outcome.accepted).toBe(people.length - refused.length);
      }
      await node?.restart();
      let outcome = await sendNow();
      for (const deadline = Date.now() + 60_000; outcome.accepted < people.length; outcome = await sendNow()) {
        if (Date.now() > deadline) throw new Error('expected everything to be taken again');
        await sleep(100);
      }
      await ready(log, 30_000);
      const stored = new Set(idsOf(await site.records()));
      expect(accepted.filter((id) => !stored.has(id))).toEqual([]);
    } finally {
      await site.close();
      await log.close();
    }
  }, 240_000);
});
