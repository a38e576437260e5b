import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouseServer } from '../servers/clickhouse.ts';
import type { CouchbaseServer } from '../servers/couchbase.ts';
import type { KafkaServer } from '../servers/kafka.ts';
import { describeWithOwn } from '../servers/require.ts';
import { ask, eventually, type Role, secrets, startRole } from './tallygate.ts';

const track = `mutation($id: ID) { track(input: { event: "Away", userId: "u", messageId: $id }) { result { messageId status } token } }`;
const total = `query($after: ConsistencyToken) { trend(input: { range: { last: "2d" }, series: [{ event: "Away" }], freshness: { after: $after, maxWaitMs: 20000 } }) { series { total } meta { consistency } } }`;

interface Tracked {
  track: { result: { messageId: string; status: string }; token: string } | null;
}
interface Total {
  trend: { series: [{ total: number }]; meta: { consistency: string } } | null;
}

describeWithOwn(['kafka', 'clickhouse', 'couchbase'], 'backends that are away', (start) => {
  let dir: string;
  let kafka: KafkaServer;
  let clickhouse: ClickHouseServer;
  let couchbase: CouchbaseServer;
  let gateway: Role;
  let sink: Role;
  let acknowledged = 0;
  let last: string | undefined;

  const write = async () => {
    const answer = await ask<Tracked>(gateway.url, secrets.write, track);
    if (answer.data.track) {
      expect(answer.data.track.result.status).toBe('ACCEPTED');
      acknowledged++;
      last = answer.data.track.token;
    }
    return answer;
  };
  const read = () => ask<Total>(gateway.url, secrets.read, total, { after: last });
  const expectAllCounted = () =>
    eventually(async () => {
      const { data, errors } = await read();
      expect(errors).toBeUndefined();
      expect(data.trend).toMatchObject({ series: [{ total: acknowledged }], meta: { consistency: 'SATISFIED' } });
    }, 60);

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tallygate-away-'));
    [kafka, clickhouse, couchbase] = await Promise.all([start.kafka(), start.clickhouse(), start.couchbase()]);
    await Promise.all([kafka.kill(), clickhouse.kill(), couchbase.kill()]);
  }, 120_000);
  afterAll(async () => {
    await Promise.all([gateway?.kill(), sink?.kill()]);
    await rm(dir, { recursive: true, force: true });
  });

  test('none of them is needed to start, to be alive or to be ready', async () => {
    const env = { ...kafka.env, ...clickhouse.env, ...couchbase.env };
    [gateway, sink] = await Promise.all([startRole('gateway', dir, env), startRole('sink', dir, env)]);
    for (const { url } of [gateway, sink]) {
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      expect((await fetch(`${url}/readyz`)).status).toBe(200);
    }
  }, 60_000);

  test('without the log nothing is acknowledged: 503, when to come back, and with which ids', async () => {
    const started = Date.now();
    const { status, headers, data, errors } = await write();
    expect(status).toBe(503);
    expect(data).toEqual({ track: null });
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(errors).toMatchObject([
      {
        path: ['track'],
        extensions: {
          code: 'LOG_UNAVAILABLE',
          retriable: true,
          retryAfterMs: expect.any(Number),
          messageIds: [expect.any(String)],
        },
      },
    ]);
    expect(Date.now() - started).toBeLessThan(2000);
  });

  test('without the warehouse reports say so, and that it is worth asking again', async () => {
    const { data, errors } = await read();
    expect(data).toEqual({ trend: null });
    expect(errors).toMatchObject([{ path: ['trend'], extensions: { code: 'WAREHOUSE_UNAVAILABLE', retriable: true } }]);
  });

  test('with the log back, tracking goes on while the warehouse is still away', async () => {
    await kafka.restart();
    await eventually(async () => expect((await write()).status).toBe(200), 60);
    for (let i = 0; i < 20; i++) expect((await write()).status).toBe(200);
    expect((await read()).errors).toMatchObject([{ extensions: { code: 'WAREHOUSE_UNAVAILABLE' } }]);
  }, 120_000);

  test('with the warehouse back, everything acknowledged is counted', async () => {
    await clickhouse.restart();
    await expectAllCounted();
  }, 120_000);

  test('with the cache back it is used, and a frozen one costs little and then nothing', async () => {
    await couchbase.restart();
    await expectAllCounted();
    couchbase.freeze();
    const times: number[] = [];
    for (let i = 0; i < 30; i++) {
      const started = performance.now();
      const { errors } = await ask(
        gateway.url,
        secrets.read,
        `query($label: String) { trend(input: { range: { last: "${i + 2}d" }, series: [{ event: "Away", label: $label }] }) { series { total } } }`,
        { label: String(i) },
      );
      expect(errors).toBeUndefined();
      times.push(performance.now() - started);
    }
    couchbase.thaw();
    // A few time-outs of 50 ms each, and then the breaker: most answers never met the cache.
    expect(times.filter((ms) => ms > 1500)).toEqual([]);
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toMatch(/tallygate_cache_operations_total\{[^}]*\} \d+/);
    await eventually(
      async () =>
        expect(await (await fetch(`${gateway.url}/metrics`)).text()).toContain('tallygate_cache_breaker_open 0'),
      60,
    );
  }, 120_000);

  test('a warehouse and a log that go away in life come back by themselves', async () => {
    await clickhouse.kill();
    for (let i = 0; i < 10; i++) expect((await write()).status).toBe(200);
    await clickhouse.restart();
    await expectAllCounted();
    await kafka.kill();
    const answers: number[] = [];
    for (let i = 0; i < 5; i++) answers.push((await write()).status);
    expect(new Set(answers)).toEqual(new Set([503]));
    await kafka.restart();
    await eventually(async () => expect((await write()).status).toBe(200), 60);
    await expectAllCounted();
  }, 180_000);
});
