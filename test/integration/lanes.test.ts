import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEvent } from '../../src/events/parse.ts';
import { historyLane, liveLane, toLogPartition, toStreamOf } from '../../src/events/position.ts';
import { encodeRecord } from '../../src/events/record.ts';
import type { NewRecord } from '../../src/ports/event-log.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

const hour = 3_600_000;
const now = Date.UTC(2026, 2, 1, 12);
const live = toLogPartition(liveLane, 0);
const history = toLogPartition(historyLane, 0);

let engine: string;
let bench: SinkBench;
beforeAll(async () => {
  engine = await mkdtemp(join(tmpdir(), 'tallygate-lanes-'));
});
afterAll(() => rm(engine, { recursive: true, force: true }));
beforeEach(async () => {
  bench = await openSinkBench(engine);
});
afterEach(() => bench.close());

function toRecord(messageId: string, more: { time?: number; receivedAt?: number; n?: number } = {}): NewRecord {
  const { time = now - hour, receivedAt = now, n = 1 } = more;
  const arrival = { project: 'demo', keyId: 'k', receivedAt, retentionDays: undefined };
  const input = { event: 'E', userId: 'u', messageId, timestamp: new Date(time), properties: { n } };
  return { key: 'demo|u|u', value: encodeRecord(parseEvent('track', input, arrival).event!, arrival) };
}

const readEvents = () =>
  bench.rows<{ id: string; log_stream: number }>(
    'SELECT message_id AS id, log_stream FROM events ORDER BY id, log_stream',
  );

test('an event that comes by both lanes counts once, whichever is first, and other content is told', async () => {
  const sink = await bench.startSink();
  await bench.log.append(live, [toRecord('live first'), toRecord('changed', { n: 1 })]);
  await bench.log.append(history, [toRecord('history first')]);
  await bench.untilStored();
  await bench.log.append(history, [toRecord('live first'), toRecord('changed', { n: 2 })]);
  await bench.log.append(live, [toRecord('history first')]);
  await bench.untilStored();
  await sink.stop(5000);
  const [l, h] = [toStreamOf(0, live), toStreamOf(0, history)];
  expect(await readEvents()).toEqual([
    { id: 'changed', log_stream: l },
    { id: 'history first', log_stream: h },
    { id: 'live first', log_stream: l },
  ]);
  const repeats = await bench.rows('SELECT message_id AS id, conflict FROM repeats ORDER BY id');
  expect(repeats).toEqual([
    { id: 'changed', conflict: true },
    { id: 'history first', conflict: false },
    { id: 'live first', conflict: false },
  ]);
});

test('an import counts once however late it is made again; a live messageId counts again after its window', async () => {
  const sink = await bench.startSink();
  for (const days of [0, 3, 40]) {
    const receivedAt = now + days * 24 * hour;
    await bench.log.append(live, [toRecord('tracked', { receivedAt })]);
    await bench.log.append(history, [toRecord('imported', { receivedAt })]);
    await bench.untilStored();
  }
  // Another event of that id, by its time.
  await bench.log.append(history, [toRecord('imported', { time: now - 50 * 24 * hour })]);
  await bench.untilStored();
  await sink.stop(5000);
  const ids = (await readEvents()).map(({ id }) => id);
  expect(ids).toEqual(['imported', 'imported', 'tracked', 'tracked', 'tracked']);
});

test('history that waits holds a live event up for no longer than the batch under way', async () => {
  const batchRows = 500;
  const backlog = 20 * batchRows;
  for (let i = 0; i < backlog; i += 1000)
    await bench.log.append(
      history,
      Array.from({ length: 1000 }, (_, j) => toRecord(`h${i + j}`)),
    );
  const sink = await bench.startSink(bench.warehouse, { batchRows, lingerMs: 5 });
  const countHistory = async () => {
    const [row] = await bench.rows<{ n: string }>(
      `SELECT sum(stored) AS n FROM ledger WHERE phase = 'completed' AND log_stream = ${toStreamOf(0, history)}`,
    );
    return Number(row!.n);
  };
  while ((await countHistory()) === 0);
  await bench.log.append(live, [toRecord('now')]);
  await bench.untilStored();
  await sink.stop(5000);
  const [row] = await bench.rows<{ behind: string }>(
    `SELECT sum(stored) AS behind FROM ledger WHERE phase = 'completed' AND log_stream = ${toStreamOf(0, history)}
       AND written_at > (SELECT min(written_at) FROM ledger WHERE phase = 'completed' AND log_stream = ${toStreamOf(0, live)})`,
  );
  // Nearly all of the backlog was still waiting when the live event was stored.
  expect(Number(row!.behind)).toBeGreaterThan(backlog / 2);
  expect(await countHistory()).toBe(backlog);
});
