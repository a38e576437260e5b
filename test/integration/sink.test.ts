import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Arrival } from '../../src/events/event.ts';
import { parseEvent } from '../../src/events/parse.ts';
import { toStreamOf } from '../../src/events/position.ts';
import { encodeRecord } from '../../src/events/record.ts';
import type { NewRecord } from '../../src/ports/event-log.ts';
import { readEnds } from '../contract/event-log-rig.ts';
import { createDeadlyWarehouse, type Death, openSinkBench, type SinkBench } from './sink-bench.ts';

const now = Date.UTC(2026, 2, 1, 12);
const arrival: Arrival = { project: 'demo', keyId: 'k', receivedAt: now, retentionDays: undefined };

function toRecord(
  messageId: string,
  more: { readonly timestamp?: Date; readonly event?: string; readonly receivedAt?: number } = {},
): NewRecord {
  const at = { ...arrival, receivedAt: more.receivedAt ?? now };
  const { event, errors } = parseEvent(
    'track',
    { event: more.event ?? 'E', userId: 'u', messageId, timestamp: more.timestamp ?? null, properties: { n: 1 } },
    at,
  );
  if (!event) throw new Error(JSON.stringify(errors));
  return { key: 'demo|u', value: encodeRecord(event, at) };
}

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

/** Every position of the log stands in exactly one row of one table, and the ledger says so. */
async function expectConserved({ log, rows }: SinkBench, distinct?: number): Promise<void> {
  const ends = await readEnds(log);
  const positions = await rows<{ log_stream: number; position: string }>(
    'SELECT log_stream, log_offset AS position FROM events UNION ALL SELECT log_stream, log_offset FROM dead_letters UNION ALL SELECT log_stream, log_offset FROM repeats',
  );
  const ranges = await rows<{ log_stream: number; first: string; last: string }>(
    "SELECT DISTINCT log_stream, first_offset AS first, last_offset AS last FROM ledger WHERE phase = 'completed' ORDER BY first",
  );
  for (const [partition, end] of ends.entries()) {
    const isOf = ({ log_stream }: { log_stream: number }) => log_stream === toStreamOf(0, partition);
    const found = positions.filter(isOf).map(({ position }) => Number(position));
    expect(found.sort((a, b) => a - b)).toEqual(Array.from({ length: end }, (_, i) => i));
    let next = 0;
    for (const { first, last } of ranges.filter(isOf)) {
      expect(Number(first)).toBe(next);
      next = Number(last) + 1;
    }
    expect(next).toBe(end);
  }
  const [counts] = await rows<Record<string, string>>(
    `SELECT (SELECT count() FROM events) AS stored, (SELECT count() FROM repeats) AS deduplicated, (SELECT count() FROM dead_letters) AS dead_lettered, (SELECT uniqExact(project, message_id) FROM events) AS ids, (SELECT sum(events) FROM rollup_hourly) AS rollup`,
  );
  const [ledger] = await rows<Record<string, string>>(
    "SELECT sum(stored) AS stored, sum(deduplicated) AS deduplicated, sum(dead_lettered) AS dead_lettered, count() AS n, uniqExact(log_stream, first_offset, project) AS ranges FROM ledger WHERE phase = 'completed'",
  );
  expect({ stored: ledger!.stored, deduplicated: ledger!.deduplicated, dead_lettered: ledger!.dead_lettered }).toEqual({
    stored: counts!.stored,
    deduplicated: counts!.deduplicated,
    dead_lettered: counts!.dead_lettered,
  });
  expect(ledger!.n).toBe(ledger!.ranges);
  expect(counts!.ids).toBe(counts!.stored);
  expect(counts!.rollup).toBe(counts!.stored);
  if (distinct !== undefined) expect(Number(counts!.ids)).toBe(distinct);
}

test('a sink may die at any insert, again and again, and an insert that was on its way may land later: every record counts once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(60), { minLength: 1, maxLength: 120 }),
      fc.array(fc.nat(60), { maxLength: 60 }),
      fc.array(fc.record<Death>({ insert: fc.integer({ min: 1, max: 9 }), when: fc.constantFrom('before', 'after') }), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.boolean(),
      async (ids, imported, deaths, landsBeforeTheNext) => {
        await bench.close();
        bench = await openSinkBench(engine);
        for (const [partition, some] of [ids, imported].entries())
          for (let i = 0; i < some.length; i += 30)
            await bench.log.append(
              partition,
              some.slice(i, i + 30).map((id) => toRecord(`m${id}`)),
            );
        const late: (() => Promise<void>)[] = [];
        for (const death of deaths) {
          const died = Promise.withResolvers<void>();
          const { deadly, late: itsLate } = createDeadlyWarehouse(bench.warehouse, death, () => died.resolve());
          const sink = await bench.startSink(deadly);
          // Fewer inserts than the death waits for: it lives, and is stopped in order.
          await Promise.race([died.promise, bench.untilStored()]);
          await sink.stop(5000);
          late.push(...itsLate);
          if (landsBeforeTheNext) for (const land of late.splice(0)) await land();
        }
        const sink = await bench.startSink();
        await bench.untilStored();
        for (const land of late) await land();
        await sink.stop(5000);
        await expectConserved(bench, new Set([...ids, ...imported]).size);
      },
    ),
    { numRuns: Number(process.env.SINK_RUNS ?? 25), endOnFailure: true },
  );
}, 300_000);

test('records that are none of ours, or that the warehouse refuses, are kept aside with their reason', async () => {
  const good = toRecord('good');
  let made = 0;
  const spoil = (what: string, by: string) => toRecord(`spoilt-${++made}`).value.toString().replace(what, by);
  const poison = {
    'not json': 'hello',
    'json, but no record': '[1,2,3]',
    empty: '',
    'bytes that are no text': Buffer.from([0xff, 0xfe, 0x00, 0x80]),
    'broken behind the prefix': spoil('}}}', ''),
    'an unknown kind': spoil('"kind":"track"', '"kind":"other"'),
    'a number that is none': spoil('{"n":1}', '{"n":1e999}'),
    'half a surrogate': spoil('{"n":1}', '{"n":"\\ud800"}'),
    'a time that is none': spoil('"time":"2026-03', '"time":"2026-13'),
    'a megabyte of garbage': 'x'.repeat(1024 * 1024),
    'two lines': `${spoil('}}}', '}}}')}\n\nDROP TABLE events\n`,
    'two rows': `${spoil('}}}', '}}}')}\n${toRecord('smuggled').value}`,
    'nested without end': `${'['.repeat(20_000)}`,
  };
  const records = Object.values(poison).map((value) => ({ key: '', value: Buffer.from(value) }));
  await bench.log.append(0, [good, ...records.flatMap((record, i) => [record, toRecord(`between-${i}`)])]);
  const sink = await bench.startSink();
  await bench.untilStored();
  await sink.stop(5000);
  await expectConserved(bench, 1 + records.length);
  const letters = await bench.rows<{ code: string; message: string; record: string }>(
    'SELECT code, message, record FROM dead_letters ORDER BY log_offset',
  );
  expect(letters).toHaveLength(records.length);
  expect(new Set(letters.map(({ code }) => code))).toEqual(new Set(['UNREADABLE', 'NOT_STORABLE']));
  for (const { message } of letters) expect(message.length).toBeGreaterThan(10);
  expect(letters[0]!.record).toBe('hello');
});

test('poison is decided the same way by a sink that replays it', async () => {
  const broken = {
    key: '',
    value: Buffer.from(toRecord('broken').value.toString().replace('"kind":"track"', '"kind":"other"')),
  };
  await bench.log.append(0, [toRecord('a'), broken, toRecord('b'), toRecord('c')]);
  for (const insert of [2, 3, 4, 5, 6, 7]) {
    const died = Promise.withResolvers<void>();
    const { deadly } = createDeadlyWarehouse(bench.warehouse, { insert, when: 'after' }, () => died.resolve());
    const sink = await bench.startSink(deadly);
    await Promise.race([died.promise, bench.untilStored()]);
    await sink.stop(5000);
  }
  const sink = await bench.startSink();
  await bench.untilStored();
  await sink.stop(5000);
  await expectConserved(bench, 3);
});

test('a month of events with dates from 1970 to 2100 neither stops the sink nor makes thousands of parts', async () => {
  const records = Array.from({ length: 4000 }, (_, i) => {
    const timestamp = new Date(Date.UTC(1970 + ((i * 37) % 131), i % 12, 1 + (i % 28)));
    return toRecord(`d${i}`, { timestamp });
  });
  for (let i = 0; i < records.length; i += 400) await bench.log.append(0, records.slice(i, i + 400));
  const sink = await bench.startSink(bench.warehouse, { batchRows: 400 });
  await bench.untilStored();
  await sink.stop(5000);
  await expectConserved(bench);
  expect(await bench.rows('SELECT code, count() AS n FROM dead_letters GROUP BY code')).toEqual([
    { code: 'TIMESTAMP_IN_FUTURE', n: expect.stringMatching(/^2\d{3}$/) },
  ]);
  const [row] = await bench.rows<{ n: string; most: string }>(
    "SELECT count() AS n, uniqExact(partition) AS most FROM system.parts WHERE active AND table = 'events' AND database = currentDatabase()",
  );
  expect(Number(row!.n)).toBeLessThan(60);
  expect(Number(row!.most)).toBeLessThan(30);
});

test('what a power loss took from the warehouse is put back from the log at the next start', async () => {
  const ids = Array.from({ length: 200 }, (_, i) => `p${i % 150}`);
  for (let i = 0; i < ids.length; i += 50)
    await bench.log.append(
      0,
      ids.slice(i, i + 50).map((id) => toRecord(id)),
    );
  const first = await bench.startSink();
  await bench.untilStored();
  await first.stop(5000);
  await bench.damage(
    'ALTER TABLE events DELETE WHERE log_offset >= 37 AND log_offset < 61 SETTINGS mutations_sync = 2',
  );
  await bench.damage('ALTER TABLE repeats DELETE WHERE log_offset >= 160 SETTINGS mutations_sync = 2');
  await bench.damage(
    'ALTER TABLE ledger DELETE WHERE first_offset >= 80 AND first_offset < 160 SETTINGS mutations_sync = 2',
  );
  await expect(expectConserved(bench, 150)).rejects.toThrow();
  const second = await bench.startSink(bench.warehouse, { verifyRecent: true });
  await bench.log.append(0, [toRecord('after')]);
  await bench.untilStored();
  await second.stop(5000);
  await expectConserved(bench, 151);
});

test('a messageId counts again when its window is over, by the times of receipt', async () => {
  const hours = (n: number) => now + n * 3_600_000;
  await bench.log.append(0, [
    toRecord('x'),
    toRecord('x', { receivedAt: hours(23) }),
    toRecord('x', { receivedAt: hours(26) }),
    toRecord('x', { receivedAt: hours(49) }),
  ]);
  const sink = await bench.startSink();
  await bench.untilStored();
  await sink.stop(5000);
  expect(await bench.rows('SELECT log_offset AS o FROM events ORDER BY o')).toEqual([{ o: '0' }, { o: '2' }]);
  expect(await bench.rows('SELECT log_offset AS o FROM repeats ORDER BY o')).toEqual([{ o: '1' }, { o: '3' }]);
});

test('a log that was replaced by another one is refused, with what to do', async () => {
  await bench.log.append(0, [toRecord('a'), toRecord('b')]);
  await bench.warehouse.insert(
    'ledger',
    Buffer.from('{"phase":"completed","log_stream":0,"first_offset":0,"last_offset":500,"project":"demo"}\n'),
    { token: 'other-log' },
  );
  const sink = await bench.startSink();
  await expect(sink.ended).rejects.toMatchObject({
    code: 'LOG_REPLACED',
    message: expect.stringContaining('tallygate migrate --new-epoch'),
  });
});

test('a log that was replaced is noticed though it has grown beyond, and a commit of the old one skips nothing of it', async () => {
  await bench.log.append(0, [toRecord('a'), toRecord('b'), toRecord('c')]);
  const first = await bench.startSink();
  await bench.untilStored();
  await first.stop(5000);
  await bench.replaceLog();
  await bench.log.append(
    0,
    Array.from({ length: 8 }, (_, n) => toRecord(`n${n}`)),
  );
  // As a sink does that has not noticed: what it commits was true of the old log.
  const late = await bench.log.consume('sink', async (lease) => {
    if (lease.partition === 0) await lease.commit({ next: 3, end: null });
    await new Promise<void>((resolve) => lease.stopping.addEventListener('abort', () => resolve()));
  });
  await late.stop(5000);
  const deceived = await bench.startSink();
  await expect(deceived.ended).rejects.toMatchObject({ code: 'LOG_REPLACED' });

  await bench.warehouse.insert('log_epochs', Buffer.from('{"epoch":1,"reason":"test"}\n'), { token: 'epoch' });
  const sink = await bench.startSink();
  await bench.untilStored();
  await bench.log.append(0, [toRecord('n8'), toRecord('n2')]);
  await bench.untilStored();
  await sink.stop(5000);
  const ids = await bench.rows<{ id: string }>('SELECT message_id AS id FROM events ORDER BY log_stream, log_offset');
  expect(ids.map(({ id }) => id)).toEqual(['a', 'b', 'c', ...Array.from({ length: 9 }, (_, n) => `n${n}`)]);
});

test('a group that has forgotten how far it was stores nothing twice, and notices when the log holds something else there', async () => {
  for (let i = 0; i < 90; i += 30) {
    await bench.log.append(
      0,
      Array.from({ length: 30 }, (_, n) => toRecord(`f${i + n}`)),
    );
  }
  const first = await bench.startSink();
  await bench.untilStored();
  await first.stop(5000);
  const forgetful = await bench.startSink(bench.warehouse, { group: 'another' });
  await bench.log.append(0, [toRecord('after')]);
  await bench.untilStored();
  await forgetful.stop(5000);
  await expectConserved(bench, 91);

  await bench.damage("ALTER TABLE ledger UPDATE token = concat(token, '0') WHERE 1 SETTINGS mutations_sync = 2");
  const deceived = await bench.startSink(bench.warehouse, { group: 'a third' });
  await expect(deceived.ended).rejects.toMatchObject({ code: 'LOG_REPLACED' });
});
