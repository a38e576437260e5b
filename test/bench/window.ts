import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type Connection, openEnginePool } from '../../src/adapters/clickhouse/engine-pool.ts';
import { openEmbeddedWarehouse } from '../../src/adapters/clickhouse/open.ts';
import { historyLane, toStream } from '../../src/events/position.ts';
import type { RecordFacts } from '../../src/events/record-facts.ts';
import { createDedupBudget } from '../../src/ingest/dedup-budget.ts';
import { createIdTable } from '../../src/ingest/id-table.ts';
import { openRepeats, type Repeats } from '../../src/ingest/repeats.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { toFacts } from '../integration/to-facts.ts';

/**
 * The window of repeats of one partition with 10 million ids of one day, on the real engine:
 *     npm run bench:window -- [ids]
 * prints bytes an id, time to rebuild, time of a decision, and how long the event loop was kept by either.
 */
const ids = Number(process.argv[2] ?? 10_000_000);
const batchRows = 50_000;
const windowHours = 24;
const mebibyte = 1024 * 1024;
const noon = Date.UTC(2026, 2, 1, 12);
const end = noon + windowHours * 3_600_000 - 1;
const signal = new AbortController().signal;
const logger = createSilentLogger();
const metrics = createMetrics();
const streams = { live: 0, history: toStream({ epoch: 0, lane: historyLane, partition: 0 }) };
const say = (text: string) => process.stdout.write(`${text}\n`);

/** Runs `work` and says how long the loop was kept meanwhile. */
async function watch<T>(what: string, work: () => Promise<T>): Promise<{ result: T; own: number }> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const started = performance.now();
  const cpu = process.threadCpuUsage();
  const result = await work();
  const { user, system } = process.threadCpuUsage(cpu);
  const ms = performance.now() - started;
  delay.disable();
  const [p99, max] = [delay.percentile(99) / 1e6, delay.max / 1e6];
  const own = (user + system) / 1000;
  say(
    `${what}: ${ms.toFixed(0)} ms, of this thread ${own.toFixed(0)} ms; loop delay p99 ${p99.toFixed(1)} ms, longest ${max.toFixed(1)} ms`,
  );
  return { result, own };
}

function growTable(): void {
  const table = createIdTable();
  const slot = new Uint32Array(4);
  let most = 0;
  let longest = 0;
  const started = performance.now();
  for (let i = 0; i < ids; i++) {
    for (let word = 0; word < 3; word++) slot[word] = Math.random() * 2 ** 32;
    slot[3] = 490_000 * 4096;
    const before = performance.now();
    table.set(slot, 0);
    longest = Math.max(longest, performance.now() - before);
    if (i > ids / 100) most = Math.max(most, table.bytes / table.size);
  }
  const ns = ((performance.now() - started) / ids) * 1e6;
  say(
    `table of ${table.size} ids: ${(table.bytes / table.size).toFixed(1)} bytes an id, at most ${most.toFixed(1)} while it grew (from ${ids / 100} ids on)`,
  );
  say(`one id more: ${ns.toFixed(0)} ns with growing and the random numbers, ${longest.toFixed(1)} ms at most`);
}

async function fill(run: (sql: string) => Promise<unknown>): Promise<void> {
  const chunk = 500_000;
  const received = `toInt64(${noon}) + intDiv(number * ${end - noon}, ${ids})`;
  for (let first = 0; first < ids; first += chunk) {
    await run(`INSERT INTO events (project, kind, event, time, received_at, message_id, key_id, fingerprint, user_id, log_stream, log_offset, data)
      SELECT 'shop', 'track', concat('event', toString(intHash32(number) % 40)),
        fromUnixTimestamp64Milli(${received} - intHash32(number + 7) % 5000, 'UTC'), fromUnixTimestamp64Milli(${received}, 'UTC'),
        toString(generateUUIDv4()), 'k', intHash32(number), concat('u', toString(intHash32(number) % 100000)), 0, number, '{}'
      FROM numbers(${first}, ${Math.min(chunk, ids - first)})`);
  }
  await run(`INSERT INTO ledger (phase, log_stream, first_offset, last_offset, project, key_id, newest_received_at, token)
    SELECT 'completed', 0, number * ${batchRows}, (number + 1) * ${batchRows} - 1, 'shop', 'k',
      fromUnixTimestamp64Milli(toInt64(${noon}) + intDiv((number + 1) * ${batchRows} * ${end - noon}, ${ids}), 'UTC'), 't'
    FROM numbers(${Math.floor(ids / batchRows)})`);
}

function toSaid(messageIds: readonly string[]): RecordFacts[] {
  return messageIds.map((messageId) => ({
    project: 'shop',
    keyId: 'k',
    messageId,
    fingerprint: 1,
    receivedAt: end,
    time: noon + 12 * 3_600_000,
    dead: null,
  }));
}
const fresh = (n: number) => toSaid(Array.from({ length: n }, () => crypto.randomUUID()));

const folder = await mkdtemp(join(tmpdir(), 'tallygate-window-'));
try {
  growTable();
  const database = 'bench';
  const warehouse = await openEmbeddedWarehouse({
    path: folder,
    database,
    reportConnections: 1,
    limits: { seconds: 600, memoryBytes: 8e9, resultRows: 1e7 },
    metrics,
  });
  await warehouse.migrate();
  const pool = await openEnginePool(folder, 1);
  await pool.use(database);
  await fill((query) => (pool.sink as Connection).command({ query } as never));
  await pool.close();

  const asOf = { live: ids, history: 0 };
  const open = (budgetBytes: number) =>
    openRepeats({
      warehouse,
      streams,
      asOf,
      windowHours,
      budget: createDedupBudget({ bytes: budgetBytes, metrics, logger }),
      metrics,
      logger,
      signal,
    });
  const describe = (repeats: Repeats) =>
    say(
      `  ${repeats.size} ids, ${(repeats.bytes / repeats.size).toFixed(1)} bytes an id, ${repeats.hours} hours, RSS ${(process.memoryUsage().rss / mebibyte).toFixed(0)} MiB`,
    );
  const { rows: known } = await warehouse.query<{ message_id: string }>(
    {
      sql: `SELECT message_id FROM events WHERE cityHash64(message_id) % ${Math.max(1, Math.floor(ids / 60_000))} = 0 LIMIT 50000`,
    },
    { label: 'bench' },
  );
  const retried = toSaid(known.map(({ message_id }) => message_id));

  for (const budgetMb of [512, 96]) {
    say(`\nwith ${budgetMb} MiB, RSS ${(process.memoryUsage().rss / mebibyte).toFixed(0)} MiB before`);
    const { result: repeats } = await watch(`rebuild of ${ids} ids`, () => open(budgetMb * mebibyte));
    describe(repeats);
    const before = (await metrics.dedupLookups.get()).values.reduce((sum, { value }) => sum + value, 0);
    const judge = async (said: readonly RecordFacts[]) =>
      repeats.judge('live', asOf, await toFacts(repeats, said), signal);
    for (let i = 0; i < 3; i++) await judge(fresh(batchRows));
    const facts = fresh(4 * batchRows);
    const { own } = await watch(`${facts.length} new ids in ${facts.length / batchRows} batches`, async () => {
      for (let i = 0; i < facts.length; i += batchRows) await judge(facts.slice(i, i + batchRows));
    });
    say(`  ${((own / facts.length) * 1e6).toFixed(0)} ns of this thread a decision`);
    const after = (await metrics.dedupLookups.get()).values.reduce((sum, { value }) => sum + value, 0);
    say(`  looked up: ${(((after - before) / (facts.length + 3 * batchRows)) * 100).toFixed(2)}% of them`);
    const mixed = [...retried.slice(0, batchRows / 100), ...fresh(batchRows - batchRows / 100)];
    const { result: verdicts } = await watch(`${batchRows} ids of which 1% are retries`, () => judge(mixed));
    say(`  repeats found: ${verdicts.filter((v) => v !== 'new').length} of ${batchRows / 100}`);
    repeats.close();
  }

  const repeats = await open(96 * mebibyte);
  say('');
  for (const [what, facts] of [
    ['new', fresh(20_000)],
    ['known', retried.slice(0, 20_000)],
  ] as const) {
    const { result: judged } = await watch(`history batch of ${facts.length} ${what} ids`, async () =>
      repeats.judge('history', asOf, await toFacts(repeats, facts), signal),
    );
    say(`  repeats found: ${judged.filter((v) => v !== 'new').length}`);
  }
  repeats.close();
  await warehouse.close();
} finally {
  await rm(folder, { recursive: true, force: true });
}
