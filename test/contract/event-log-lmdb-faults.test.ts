import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openChunkStore } from '../../src/adapters/lmdb/chunk-store.ts';
import { type LmdbLogOptions, openLmdbLog } from '../../src/adapters/lmdb/open-lmdb-log.ts';
import { toBytes } from '../../src/ingest/place.ts';
import type { EventLog, PartitionLease } from '../../src/ports/event-log.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { hold, readAll, readEnds, toRecords, toValues, until } from './event-log-rig.ts';

const child = join(import.meta.dirname, 'event-log-lmdb-child.ts');
const base = mkdtempSync(join(tmpdir(), 'tallygate-log-faults-'));
let path: string;
let count = 0;
const logs: EventLog[] = [];
const children: ChildProcess[] = [];

beforeEach(() => {
  path = join(base, String(count++));
});
afterEach(async () => {
  await Promise.all(logs.splice(0).map((log) => log.close()));
  for (const each of children.splice(0)) each.kill('SIGKILL');
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

async function open(options: Partial<LmdbLogOptions> = {}): Promise<EventLog> {
  const log = await openLmdbLog({
    path,
    partitions: 2,
    retentionMs: 3_600_000,
    maxQueuedBytes: 64 * 1024 * 1024,
    logger: createSilentLogger(),
    metrics: createMetrics(),
    ...options,
  });
  logs.push(log);
  return log;
}

function run(scenario: string): { process: ChildProcess; output: () => string } {
  const started = spawn(process.execPath, [child, scenario, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(started);
  let output = '';
  started.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return { process: started, output: () => output };
}

async function kill(process: ChildProcess): Promise<void> {
  const gone = once(process, 'exit');
  process.kill('SIGKILL');
  await gone;
}

test('what was acknowledged is there after kill -9, and offsets go on', async () => {
  const acknowledged = new Map<string, string>();
  for (let round = 0; round < 3; round++) {
    const writer = run('append');
    await until(() => writer.output().length > 200_000, 'acknowledgements');
    await sleep(round * 37);
    await kill(writer.process);
    // The last line may be half there.
    for (const line of writer.output().split('\n').slice(0, -1)) {
      const [partition, offset, value] = line.split(' ') as [string, string, string];
      const position = `${partition} ${offset}`;
      expect(acknowledged.has(position)).toBe(false);
      acknowledged.set(position, value);
    }
  }
  expect(acknowledged.size).toBeGreaterThan(2000);
  const log = await open();
  const stored = new Map<string, string>();
  for (const partition of [0, 1]) {
    const records = await readAll(log, partition);
    records.forEach((record, i) => {
      if (record.offset !== i) throw new Error(`expected offset ${i}, got ${record.offset}`);
      stored.set(`${partition} ${i}`, toBytes(record).toString());
    });
    expect((await readEnds(log))[partition]).toBe(records.length);
  }
  for (const [position, value] of acknowledged)
    if (stored.get(position) !== value) throw new Error(`lost: ${position}`);
});

test('a second process, and a second opening, are refused with a sentence until the first has ended, however it ended', async () => {
  const holder = run('hold');
  await until(() => holder.output().includes('open'), 'the other process to open the log');
  const sentence = `expected to be alone with ${path}, but process ${holder.process.pid} is using it: stop that one, or set DATA_DIR to another folder`;
  await expect(open()).rejects.toMatchObject({ code: 'STORE_IN_USE', message: sentence });
  await kill(holder.process);
  const log = await open();
  await expect(open()).rejects.toMatchObject({ code: 'STORE_IN_USE' });
  await log.append(0, toRecords('a'));
  await log.close();
  await (await open()).close();
});

test('a folder that can not be made is a wrong setting', async () => {
  writeFileSync(path, '');
  await expect(open({ path: join(path, 'log') })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test('a full disk refuses appends, stores no half, and takes appends again when there is room', async () => {
  mkdirSync(path);
  const mount = `mount -t tmpfs -o size=8m tmpfs '${path}'`;
  // A mount of its own: needs root or user namespaces, as any Linux that runs containers has them.
  const script = `${mount} && mkdir '${path}/log' && exec '${process.execPath}' '${child}' fill '${path}/log'`;
  const isRoot = process.getuid?.() === 0;
  const output = execFileSync('unshare', [isRoot ? '-m' : '-rm', 'sh', '-c', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { codes, beforeRoom, stored, ends, reopened } = JSON.parse(output.toString());
  expect(codes).toEqual(Array(3).fill('LOG_UNAVAILABLE true'));
  expect(beforeRoom).toBeGreaterThan(5);
  expect(stored).toBeGreaterThan(beforeRoom + 5);
  expect(ends).toEqual([stored, stored]);
  expect(reopened).toEqual(ends);
});

test('trimming removes what is old and committed by every group, and nothing else', async () => {
  const log = await open({ retentionMs: 150, trimEveryMs: 20 });
  for (let i = 0; i < 100; i++) await log.append(0, toRecords(`${i}`));
  const first = await hold(log, 'first', 2);
  const second = await hold(log, 'second', 2);
  await first.leases.get(0)?.commit({ next: 60, end: 80 });
  await sleep(400);
  // The second group has read nothing yet.
  expect((await readAll(log, 0)).length).toBe(100);
  await second.leases.get(0)?.commit({ next: 30, end: null });
  await sleep(400);
  expect((await readAll(log, 0))[0]?.offset).toBe(30);
  await second.leases.get(0)?.commit({ next: 100, end: null });
  await sleep(400);
  expect((await readAll(log, 0))[0]?.offset).toBe(60);
  await first.leases.get(0)?.commit({ next: 100, end: null });
  await sleep(400);
  // The newest chunk says where offsets go on.
  expect(toValues(await readAll(log, 0))).toEqual(['99']);
  expect(await readEnds(log)).toEqual([100, 0]);
  await log.close();
  const again = await open();
  expect(await again.append(0, toRecords('next'))).toBe(100);
  const third = await hold(again, 'third', 2);
  expect(third.leases.get(0)?.committed).toEqual({ next: 99, end: null });
  const lease = (await hold(again, 'first', 2)).leases.get(0) as PartitionLease;
  expect(toValues(await lease.take({ maxRecords: 10, maxBytes: 1000, lingerMs: 0, waitMs: 100 }))).toEqual(['next']);
});

test('what is young is kept, committed or not', async () => {
  const log = await open({ trimEveryMs: 20 });
  for (let i = 0; i < 10; i++) await log.append(0, toRecords(`${i}`));
  const { leases } = await hold(log, 'g', 2);
  await leases.get(0)?.commit({ next: 10, end: null });
  await sleep(200);
  expect((await readAll(log, 0)).length).toBe(10);
});

test('a group has one consumer at a time', async () => {
  const log = await open();
  const { stop } = await hold(log, 'g', 2);
  await expect(log.consume('g', async () => undefined)).rejects.toMatchObject({ code: 'STORE_IN_USE' });
  await hold(log, 'other', 2);
  await stop();
  await hold(log, 'g', 2);
});

test('a log that is not the one that was committed to is not consumed', async () => {
  const log = await open();
  await log.append(0, toRecords('a'));
  await log.close();
  const store = openChunkStore(path, 2);
  await store.writeCommit('g', 0, { next: 500, end: null });
  await store.close();
  const again = await open();
  const sentence = 'expected group g to go on at offset 500 of partition 0, but the event log holds 0 to 0';
  await expect(again.consume('g', async () => undefined)).rejects.toMatchObject({ code: 'LOG_REPLACED' });
  await expect(again.consume('g', async () => undefined)).rejects.toThrow(sentence);
});

test('a log keeps its number of partitions, and many of them are consumed without a warning', async () => {
  const warnings: string[] = [];
  const onWarning = (warning: Error) => warnings.push(warning.message);
  process.on('warning', onWarning);
  const log = await open({ partitions: 40 });
  await log.close();
  const again = await open({ partitions: 2 });
  expect(again.partitions()).toBe(40);
  const { leases, stop } = await hold(again, 'g', 40);
  const takes = [...leases.values()].map((lease) =>
    lease.take({ maxRecords: 10, maxBytes: 1000, lingerMs: 0, waitMs: 5000 }),
  );
  await again.append(39, toRecords('x'));
  expect(toValues((await takes[39]) ?? [])).toEqual(['x']);
  await stop();
  expect(warnings).toEqual([]);
  process.off('warning', onWarning);
});
