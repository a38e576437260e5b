import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeWith, uniqueName } from '../servers/require.ts';
import { importAndCompare } from './example-data.ts';
import { ask, eventually, type Role, secrets, startRole } from './tallygate.ts';

/** The same tests in both modes: one process with nothing else, and gateway and sink as processes on real backends. */
interface System {
  readonly gateway: Role;
  readonly sink: Role;
  readonly env: Readonly<Record<string, string>>;
}

const run = promisify(execFile);

const track = `mutation($input: TrackInput!) { track(input: $input) { result { messageId status errors { code path message } } token } }`;
const trackBatch = `mutation($input: TrackBatchInput!) { trackBatch(input: $input) { accepted rejected results { index messageId status errors { code path message } } token } }`;
const count = `query($event: String, $after: ConsistencyToken, $at: SnapshotToken) {
  trend(input: { range: { last: "7d" }, series: [{ event: $event }], freshness: { after: $after, maxWaitMs: 20000, at: $at } }) {
    series { total } meta { asOf snapshot consistency source statements rowsRead cachedBuckets computedBuckets }
  } }`;

interface Counted {
  trend: {
    series: [{ total: number }];
    meta: {
      asOf: string;
      snapshot: string;
      consistency: string;
      source: string;
      statements: number;
      rowsRead: number;
      cachedBuckets: number;
      computedBuckets: number;
    };
  };
}

function suite(start: (dir: string) => Promise<System>) {
  let dir: string;
  let system: System;
  const url = () => system.gateway.url;
  const write = async (events: object[]) => {
    const { data, errors } = await ask<{
      trackBatch: { accepted: number; results: { status: string; messageId: string }[]; token: string };
    }>(url(), secrets.write, trackBatch, { input: { events } });
    expect(errors).toBeUndefined();
    return data.trackBatch;
  };
  const totalOf = async (event: string, after?: string, at?: string) => {
    const { data, errors } = await ask<Counted>(url(), secrets.read, count, { event, after, at });
    expect(errors).toBeUndefined();
    return { total: data.trend.series[0].total, meta: data.trend.meta };
  };

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tallygate-e2e-'));
    system = await start(dir);
    // The sink makes the tables at its start; until they are there reports say so.
    await eventually(async () => {
      const { errors } = await ask(url(), secrets.read, '{ catalog { events { event } } }');
      if (errors) throw new Error(JSON.stringify(errors));
    }, 60);
  }, 120_000);
  afterAll(async () => {
    await system?.gateway.stop();
    await system?.sink.stop();
    await rm(dir, { recursive: true, force: true });
  }, 60_000);

  test('what was written can be read at once with its token', async () => {
    const { data } = await ask<{ track: { result: { status: string; messageId: string }; token: string } }>(
      url(),
      secrets.write,
      track,
      {
        input: { event: 'First', userId: 'u1', properties: { revenue: 29.5 } },
      },
    );
    expect(data.track.result).toMatchObject({ status: 'ACCEPTED', errors: [] });
    expect(data.track.result.messageId).toHaveLength(36);
    const { total, meta } = await totalOf('First', data.track.token);
    expect(total).toBe(1);
    expect(meta.consistency).toBe('SATISFIED');
  });

  test('every kind of event is stored as it was sent', async () => {
    const timestamp = new Date(Date.now() - 5000).toISOString();
    const context = { page: { url: 'https://shop.example/é' } };
    const { token, results } = await write([
      {
        track: {
          event: 'Kinds',
          userId: 'k',
          timestamp,
          properties: { list: [1, 'x', null], 'dotted.name': true, nested: { deep: 1.5 } },
          context,
        },
      },
      { page: { anonymousId: 'k', name: 'Pricing', category: 'Docs', messageId: 'kind-page' } },
      { screen: { userId: 'k', name: 'Home' } },
      { identify: { userId: 'k', anonymousId: 'k-anon', traits: { plan: 'pro' } } },
      { group: { userId: 'k', groupId: 'acme', traits: { seats: 5 } } },
      { alias: { userId: 'k', previousId: 'k-old' } },
    ]);
    expect(results.map(({ status }) => status)).toEqual(Array(6).fill('ACCEPTED'));
    const { data } = await ask<{ events: { nodes: Record<string, unknown>[] } }>(
      url(),
      secrets.read,
      `query($after: ConsistencyToken) { events(range: { last: "7d" }, filter: { or: [{ property: "$userId", value: "k" }, { property: "$anonymousId", value: "k" }] }, freshness: { after: $after, maxWaitMs: 20000 }) {
        nodes { type event timestamp messageId userId anonymousId groupId previousId properties context traits } } }`,
      { after: token },
    );
    const byType = Object.fromEntries(data.events.nodes.map((node) => [node.type, node]));
    expect(data.events.nodes).toHaveLength(6);
    expect(byType.TRACK).toMatchObject({
      event: 'Kinds',
      timestamp,
      userId: 'k',
      properties: { list: [1, 'x', null], 'dotted.name': true, nested: { deep: 1.5 } },
      context,
    });
    expect(byType.PAGE).toMatchObject({
      event: '$page',
      messageId: 'kind-page',
      userId: null,
      anonymousId: 'k',
      properties: { name: 'Pricing', category: 'Docs' },
    });
    expect(byType.SCREEN).toMatchObject({ event: '$screen', properties: { name: 'Home' } });
    expect(byType.IDENTIFY).toMatchObject({ event: '$identify', traits: { plan: 'pro' }, anonymousId: 'k-anon' });
    expect(byType.GROUP).toMatchObject({ event: '$group', groupId: 'acme', traits: { seats: 5 } });
    expect(byType.ALIAS).toMatchObject({ event: '$alias', previousId: 'k-old' });
  });

  test('a bad event never fails its neighbours, and each one says what became of it', async () => {
    const answer = await write([
      { track: { event: 'Mixed', userId: 'm1', messageId: 'mixed-good' } },
      { track: { event: 'Mixed', messageId: 'mixed-nobody' } },
      { track: { event: 'Mixed', userId: 'm2', messageId: 'mixed-future', timestamp: '2100-01-01T00:00:00Z' } },
      {
        track: { event: 'Mixed', userId: 'm3', messageId: 'mixed-large', properties: { text: 'x'.repeat(33 * 1024) } },
      },
      { track: { event: 'Mixed', userId: 'm4', messageId: 'mixed-also-good' } },
    ]);
    expect(answer).toMatchObject({
      accepted: 2,
      rejected: 3,
      results: [
        { status: 'ACCEPTED' },
        { status: 'REJECTED', errors: [{ code: 'PERSON_MISSING', path: ['userId'] }] },
        { status: 'DEAD_LETTERED', errors: [{ code: 'TIMESTAMP_IN_FUTURE', path: ['timestamp'] }] },
        { status: 'REJECTED', errors: [{ code: 'EVENT_TOO_LARGE' }] },
        { status: 'ACCEPTED' },
      ],
    });
    expect((await totalOf('Mixed', answer.token)).total).toBe(2);
    const { data } = await ask<{
      eventStatus: { messageId: string; state: string; reason: { code: string } | null }[];
      deadLetters: { nodes: { messageId: string; reason: { code: string }; record: string }[] };
    }>(
      url(),
      secrets.read,
      `query($ids: [ID!]!) { eventStatus(messageIds: $ids) { messageId state reason { code } } deadLetters { nodes { messageId reason { code } record } } }`,
      { ids: ['mixed-good', 'mixed-nobody', 'mixed-future'] },
    );
    expect(data.eventStatus).toEqual([
      { messageId: 'mixed-good', state: 'STORED', reason: null },
      { messageId: 'mixed-nobody', state: 'UNKNOWN', reason: null },
      { messageId: 'mixed-future', state: 'DEAD_LETTERED', reason: { code: 'TIMESTAMP_IN_FUTURE' } },
    ]);
    expect(data.deadLetters.nodes).toMatchObject([
      { messageId: 'mixed-future', reason: { code: 'TIMESTAMP_IN_FUTURE' } },
    ]);
    expect(JSON.parse(data.deadLetters.nodes[0]!.record)).toMatchObject({ event: 'Mixed', user_id: 'm2' });
  });

  test('the same messageId counts once, in a batch and over requests', async () => {
    const event = { track: { event: 'Once', userId: 'o', messageId: 'once-1' } };
    await write([event, event]);
    await write([event]);
    const { token } = await write([event, { track: { event: 'Once', userId: 'o', messageId: 'once-2' } }]);
    expect((await totalOf('Once', token)).total).toBe(2);
    const { data } = await ask(url(), secrets.read, `{ eventStatus(messageIds: ["once-1"]) { state deduplicated } }`);
    expect(data).toEqual({ eventStatus: [{ state: 'STORED', deduplicated: 3 }] });
  });

  test('an answer is cached until its data changes, and a snapshot gives the same numbers later', async () => {
    const first = await write([{ track: { event: 'Cached', userId: 'c1' } }]);
    const before = await totalOf('Cached', first.token);
    expect(before).toMatchObject({
      total: 1,
      meta: { source: 'WAREHOUSE', statements: 1, computedBuckets: 7, cachedBuckets: 0 },
    });
    expect(await totalOf('Cached')).toMatchObject({
      total: 1,
      meta: { source: 'CACHE', statements: 0, rowsRead: 0, cachedBuckets: 7 },
    });
    const second = await write([{ track: { event: 'Cached', userId: 'c2' } }]);
    expect(await totalOf('Cached', second.token)).toMatchObject({
      total: 2,
      meta: { source: 'PARTIAL_CACHE', computedBuckets: 1, cachedBuckets: 6 },
    });
    expect(await totalOf('Cached', undefined, before.meta.snapshot)).toMatchObject({
      total: 1,
      meta: { asOf: before.meta.asOf, snapshot: before.meta.snapshot },
    });
  });

  test('asOf moves on with the clock, also when nothing happens', async () => {
    const asked = Date.now();
    const { meta } = await eventually(async () => {
      const answer = await totalOf('First');
      expect(Date.parse(answer.meta.asOf)).toBeGreaterThanOrEqual(asked);
      return answer;
    });
    expect(Date.parse(meta.asOf)).toBeLessThanOrEqual(Date.now());
  });

  test('a project never sees another one', async () => {
    const { data, errors } = await ask(
      url(),
      secrets.otherRead,
      `{ trend(input: { range: { last: "7d" }, series: [{}] }) { series { total } } events(range: { last: "7d" }) { nodes { messageId } }
         catalog { events { event } } deadLetters { nodes { messageId } } eventStatus(messageIds: ["once-1"]) { state } ingestion { ledger(range: { last: "90m" }, by: DAY) { stored } } }`,
    );
    expect(errors).toBeUndefined();
    expect(data).toMatchObject({
      trend: { series: [{ total: 0 }] },
      events: { nodes: [] },
      catalog: { events: [] },
      deadLetters: { nodes: [] },
      eventStatus: [{ state: 'UNKNOWN' }],
    });
  });

  test('one failing report never nulls its neighbours', async () => {
    const answer = await ask<Record<string, unknown>>(
      url(),
      secrets.read,
      `{ bad: trend(input: { range: { last: "7d", timezone: "Mars/Olympus" }, series: [{}] }) { buckets } good: trend(input: { range: { last: "7d" }, series: [{}] }) { series { label } } }`,
    );
    expect(answer.status).toBe(200);
    expect(answer.data).toEqual({ bad: null, good: { series: [{ label: '(all events)' }] } });
    expect(answer.errors).toMatchObject([{ path: ['bad'], extensions: { code: 'UNKNOWN_TIMEZONE' } }]);
  });

  test('nothing acknowledged is lost when the processes are killed under load, and nothing is counted twice', async () => {
    const acknowledged = new Set<string>();
    const attempted = new Set<string>();
    let running = true;
    const load = Array.from({ length: 8 }, async (_, worker) => {
      for (let i = 0; running; i++) {
        const events = Array.from({ length: 20 }, (_, n) => ({
          track: { event: 'Killed', userId: `k${(i * 20 + n) % 97}`, messageId: `killed-${worker}-${i}-${n}` },
        }));
        for (const { track: t } of events) attempted.add(t.messageId);
        try {
          const { data } = await ask<{ trackBatch: { results: { messageId: string; status: string }[] } | null }>(
            url(),
            secrets.write,
            trackBatch,
            { input: { events } },
          );
          for (const { messageId, status } of data.trackBatch?.results ?? [])
            if (status === 'ACCEPTED') acknowledged.add(messageId);
        } catch {
          // No answer: the events may be there or not.
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    });
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setTimeout(resolve, 1200));
      await system.sink.kill();
      if (system.gateway !== system.sink && round === 1) {
        await system.gateway.kill();
        await system.gateway.restart();
      }
      await system.sink.restart();
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    running = false;
    await Promise.all(load);
    expect(acknowledged.size).toBeGreaterThan(200);

    const stored = await eventually(async () => {
      const { data } = await ask<{ ingestion: { lag: number } }>(url(), secrets.read, `{ ingestion { lag } }`);
      expect(data.ingestion.lag).toBe(0);
      return readAllIds('Killed');
      // Kafka gives a dead sink's partitions away when its session is over.
    }, 90);
    expect(stored.length).toBe(new Set(stored).size);
    const ids = new Set(stored);
    expect([...acknowledged].filter((id) => !ids.has(id))).toEqual([]);
    expect(stored.filter((id) => !attempted.has(id))).toEqual([]);
    expect((await totalOf('Killed')).total).toBe(stored.length);
  }, 180_000);

  const readAllIds = async (event: string): Promise<string[]> => {
    const ids: string[] = [];
    for (let after: string | null = null, more = true; more; ) {
      const {
        data,
      }: {
        data: { events: { nodes: { messageId: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } };
      } = await ask(
        url(),
        secrets.read,
        `query($event: JSONValue, $after: String) { events(range: { last: "7d" }, filter: { property: "$event", value: $event }, first: 1000, after: $after) { nodes { messageId } pageInfo { hasNextPage endCursor } } }`,
        { event, after },
      );
      ids.push(...data.events.nodes.map(({ messageId }) => messageId));
      more = data.events.pageInfo.hasNextPage;
      after = data.events.pageInfo.endCursor;
    }
    return ids;
  };

  test('an orderly stop leaves nothing behind, and the data is there after it', async () => {
    const { token } = await write(
      Array.from({ length: 500 }, (_, i) => ({ track: { event: 'Stopped', userId: `s${i}` } })),
    );
    await system.gateway.stop();
    await system.sink.stop();
    await system.sink.restart();
    if (system.gateway !== system.sink) await system.gateway.restart();
    expect((await totalOf('Stopped', token)).total).toBe(500);
    expect(await system.gateway.output()).not.toContain('could not stop in time');
  }, 90_000);

  test('the example data set gives the numbers that an independent count gives', async () => {
    await importAndCompare(url(), system.env);
  }, 180_000);

  test('the contract is the same over HTTP and on the command line', async () => {
    const [served, printed] = await Promise.all([
      fetch(`${url()}/schema.graphql`).then((r) => r.text()),
      run('node', ['src/bin.cjs', 'schema', 'print']),
    ]);
    expect(served).toContain('type Mutation');
    expect(printed.stdout).toBe(served);
  });
}

describe('embedded, in one process', () => {
  suite(async (dir) => {
    const env = { DATA_DIR: join(dir, 'data') };
    const serve = await startRole('serve', dir, env);
    return { gateway: serve, sink: serve, env };
  });
});

describeWith(['kafka', 'clickhouse', 'couchbase'], 'on real backends, gateway and sink apart', (servers) => {
  suite(async (dir) => {
    const env = {
      ...servers,
      KAFKA_TOPIC: uniqueName('e2e'),
      KAFKA_GROUP: uniqueName('e2e'),
      KAFKA_SESSION_SECONDS: '10',
      CLICKHOUSE_DATABASE: uniqueName('e2e'),
    };
    const [gateway, sink] = await Promise.all([startRole('gateway', dir, env), startRole('sink', dir, env)]);
    return { gateway, sink, env };
  });
});
