import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openServerWarehouse } from '../../src/adapters/clickhouse/open.ts';
import { openKafkaLog } from '../../src/adapters/kafka/open-kafka-log.ts';
import { openLmdbLog } from '../../src/adapters/lmdb/open-lmdb-log.ts';
import { createDedupeCommand } from '../../src/commands/dedupe.ts';
import { createReplayCommand } from '../../src/commands/replay.ts';
import { createVerifyCommand } from '../../src/commands/verify.ts';
import { startSink } from '../../src/ingest/sink.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { hold, ready } from '../contract/event-log-rig.ts';
import { describeWith, uniqueName } from '../servers/require.ts';
import { runOn } from './command-run.ts';
import { now, readAll, toMixture, toRecord } from './damaged.ts';
import { statement, tallygate } from './doctor-run.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

const count = 120;
const hour = 3_600_000;
const tables = ['events', 'repeats', 'dead_letters', 'rollup_hourly'];
const clean = /(^|\n)0 findings; /;

describe('the embedded store', () => {
  let engine: string;
  let bench: SinkBench;
  beforeAll(async () => {
    engine = await mkdtemp(join(tmpdir(), 'tallygate-engine-'));
  });
  afterAll(() => rm(engine, { recursive: true, force: true }));
  beforeEach(async () => {
    bench = await openSinkBench(engine);
  });
  afterEach(() => bench.close());

  const replay = (...args: string[]) => runOn(bench, createReplayCommand, args);
  const verify = (...args: string[]) => runOn(bench, createVerifyCommand, args);

  async function store(): Promise<void> {
    await bench.log.append(0, toMixture(count));
    await bench.log.append(
      1,
      Array.from({ length: 30 }, (_, i) => toRecord({ messageId: `history-${i}` })),
    );
    const sink = await bench.startSink();
    await bench.untilStored();
    await sink.stop(20_000);
  }

  test('fills emptied tables as they were, part by part, and says what it would do before', async () => {
    await store();
    const before = await readAll(bench);
    for (const table of tables) await bench.damage(`TRUNCATE TABLE ${table}`);
    const dry = await replay('--dry-run');
    expect(dry).toMatchObject({ code: 0 });
    expect(dry.stdout).toMatch(
      /^live partition 0, positions 0 to 119: would put back \d+ events, \d+ dead letters, \d+ repeats/,
    );
    expect((await readAll(bench)).events).toEqual([]);

    const part = await replay('--lane', 'live', '--from', '0:50', '--to', '0:60');
    // Whole ranges of the ledger: a batch has 40 records.
    expect(part).toMatchObject({ code: 0, stdout: expect.stringMatching(/positions 50 to 60: .*looked at 40\n$/) });
    const some = (await readAll(bench)).events.map(({ log_offset }) => Number(log_offset));
    expect([Math.min(...some) >= 40, Math.max(...some) < 80]).toEqual([true, true]);

    expect(await replay()).toMatchObject({ code: 0 });
    expect(await readAll(bench)).toEqual(before);
    expect(await verify('--deep')).toMatchObject({ code: 0, stdout: expect.stringMatching(clean) });
    expect((await replay()).stdout).toContain('put back 0 events, 0 dead letters, 0 repeats; looked at 120');
  }, 120_000);

  test('takes times of receipt, and leaves alone what is outside', async () => {
    await store();
    const before = await readAll(bench);
    await bench.damage('ALTER TABLE events DELETE WHERE 1 SETTINGS mutations_sync = 2');
    // toMixture spreads 96 hours over its records: the last third of them.
    await replay('--from', new Date(now + 64 * hour).toISOString());
    const restored = (await readAll(bench)).events.map(({ log_offset }) => Number(log_offset));
    expect(restored.filter((offset) => offset < 80)).toEqual([]);
    await replay('--to', new Date(now + 64 * hour).toISOString());
    expect(await readAll(bench)).toEqual(before);
  }, 120_000);

  test('leaves an open range to the sink, and touches no commit', async () => {
    await store();
    await bench.log.append(
      0,
      Array.from({ length: 10 }, (_, i) => toRecord({ messageId: `open-${i}` })),
    );
    const held = await hold(bench.log, 'sink', 2);
    await held.leases.get(0)!.commit({ next: 120, end: 129 });
    await held.stop();
    expect(await replay()).toMatchObject({ code: 0 });
    expect(await bench.rows("SELECT 1 FROM events WHERE message_id LIKE 'open-%'")).toEqual([]);
    expect((await bench.log.inspect('sink'))[0]!.committed).toEqual({ next: 120, end: 129 });
    expect(await verify()).toMatchObject({ code: 0 });
  }, 120_000);

  test('refuses a beginning that the log no longer has, and goes on without it when told so', async () => {
    await store();
    const before = await readAll(bench);
    await bench.damage('ALTER TABLE events DELETE WHERE log_stream = 0 SETTINGS mutations_sync = 2');
    const log = {
      ...bench.log,
      inspect: async (group?: string) =>
        (await bench.log.inspect(group)).map((state, i) => (i === 0 ? { ...state, begin: 40 } : state)),
      read: (partition: number, from: number, to: number) =>
        bench.log.read(partition, partition === 0 ? Math.max(from, 40) : from, to),
    };
    const refused = await runOn({ ...bench, log }, createReplayCommand, ['--from', '0:10']);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the log begins at 40, and no longer has 10 to 39'),
    });
    const early = await runOn({ ...bench, log }, createReplayCommand, ['--from', '2026-01-01']);
    expect(early).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the log begins at 40, received at 2026-03-'),
    });
    expect((await readAll(bench)).events.filter(({ log_stream }) => log_stream === 0)).toEqual([]);
    const rest = await runOn({ ...bench, log }, createReplayCommand, ['--from', '0:10', '--available']);
    expect(rest.code).toBe(0);
    const restored = (await readAll(bench)).events.filter(({ log_stream }) => log_stream === 0);
    expect(restored).toEqual(
      before.events.filter(({ log_stream, log_offset }) => log_stream === 0 && Number(log_offset) >= 40),
    );
    const found = JSON.parse((await verify('--json', '--lane', 'live')).stdout);
    expect(found.ok).toBe(false);
    expect(new Set(found.findings.map(({ kind }: { kind: string }) => kind))).toEqual(new Set(['MISSING', 'ROLLUP']));
  }, 120_000);

  test('a time or a position is asked for in a sentence', async () => {
    await expect(replay('--from', 'yesterday')).rejects.toThrow(
      /expected a time with its offset, as 2026-03-01T12:00:00Z, or a position, as 3:1200/,
    );
  });
});

test('a store that a process has is refused with a sentence, and one that nobody has is verified', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tallygate-data-'));
  const environment = { DATA_DIR: folder };
  try {
    expect(await tallygate(['verify'], environment)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('expected a store in DATA_DIR'),
    });
    expect((await tallygate(['migrate'], environment)).code).toBe(0);
    expect(await tallygate(['verify'], environment)).toMatchObject({ code: 0, stdout: expect.stringMatching(clean) });
    expect(await tallygate(['replay'], environment)).toMatchObject({ code: 0 });
    expect(await tallygate(['dedupe'], environment)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('took out 0 events'),
    });
    const log = await openLmdbLog({
      path: join(folder, 'log'),
      retentionMs: hour,
      maxQueuedBytes: 1e6,
      logger: createSilentLogger(),
      metrics: createMetrics(),
    });
    expect(await tallygate(['verify'], environment)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('a running process has this store'),
    });
    await log.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);

describeWith(['kafka', 'clickhouse'], 'Kafka and a server', (env) => {
  test('what a server lost is replayed from Kafka, and verified with the commits of the group', async () => {
    const logger = createSilentLogger();
    const metrics = createMetrics();
    const database = uniqueName('replay');
    const warehouse = openServerWarehouse({
      url: env.CLICKHOUSE_URL,
      user: 'default',
      password: '',
      database,
      cluster: undefined,
      limits: { seconds: 60, memoryBytes: 4e9, resultRows: 1e6 },
      metrics,
    });
    await warehouse.migrate();
    const log = await ready(
      await openKafkaLog({
        brokers: env.KAFKA_BROKERS.split(','),
        tls: false,
        sasl: undefined,
        topic: uniqueName('replay'),
        createTopic: true,
        partitionsWhenCreated: 2,
        retentionMs: 3_600_000,
        logger,
        metrics,
      }),
    );
    const group = uniqueName('group');
    const rows = async <Row>(sql: string) => (await warehouse.query<Row>({ sql }, { label: 'test' })).rows;
    try {
      await log.append(0, toMixture(count));
      const sink = await startSink({
        log,
        warehouse,
        metrics,
        logger,
        options: { group, batchRows: 40, batchBytes: 32e6, lingerMs: 50, windowHours: 24, verifyRecent: false },
      });
      for (let left = 600; left > 0; left--) {
        const [row] = await rows<{ last: string }>(
          "SELECT max(last_offset) AS last FROM ledger WHERE phase = 'completed'",
        );
        if (Number(row!.last) === count - 1) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      // Beside a sink that goes on, too.
      expect(await runOn({ log, warehouse }, createVerifyCommand, ['--deep'], { group })).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(clean),
      });
      await sink.stop(20_000);
      const before = await readAll({ rows });
      expect(before.events.length).toBeGreaterThan(50);
      for (const table of tables) await statement(env, `TRUNCATE TABLE ${database}.${table}`);
      expect(await runOn({ log, warehouse }, createVerifyCommand, [], { group })).toMatchObject({
        code: 1,
        stdout: expect.stringContaining('MISSING           epoch 0 live partition 0, positions 0 to 119'),
      });
      expect(await runOn({ log, warehouse }, createReplayCommand, [], { group })).toMatchObject({
        code: 0,
      });
      expect(await readAll({ rows })).toEqual(before);
      expect(await runOn({ log, warehouse }, createVerifyCommand, ['--deep'], { group })).toMatchObject({ code: 0 });

      expect((await runOn({ log, warehouse }, createDedupeCommand, [], { group })).stdout).toContain(
        'took out 1 events',
      );
      expect(await runOn({ log, warehouse }, createVerifyCommand, ['--deep'], { group })).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^0 findings/),
      });
    } finally {
      await log.close();
      await warehouse.close();
    }
  }, 180_000);
});
