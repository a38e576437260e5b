import { setTimeout as sleep } from 'node:timers/promises';
import type { TallygateError } from '../../src/errors.ts';
import type { Warehouse } from '../../src/ports/warehouse.ts';

/** A row of `events` as the sink writes it. */
export function toRow(offset: number, fields: Readonly<Record<string, unknown>> = {}): string {
  return `${JSON.stringify({
    log_stream: 0,
    log_offset: offset,
    v: 1,
    project: 'demo',
    message_id: `m${offset}`,
    received_at: '2026-03-01 12:00:00.000',
    time: '2026-03-01 12:00:00.123',
    kind: 'track',
    event: 'A',
    user_id: 'u1',
    data: { properties: { price: 1.5 } },
    ...fields,
  })}\n`;
}

/** The suite that every way to ClickHouse passes. `open` makes a warehouse with an empty database. */
export function warehouseContract(open: () => Promise<Warehouse>) {
  let warehouse: Warehouse;
  const insert = (rows: string, token: string) => warehouse.insert('events', Buffer.from(rows), { token });
  const ask = async <Row>(sql: string, options: object = {}, params: Record<string, unknown> = {}) =>
    (await warehouse.query<Row>({ sql, params }, { label: 'test', ...options })).rows;
  const countOf = async (where: string) =>
    Number((await ask<{ n: string }>(`SELECT count() AS n FROM events WHERE ${where}`))[0]!.n);

  beforeAll(async () => {
    warehouse = await open();
    expect(await warehouse.migrate()).toContain('0001_events');
  }, 60_000);
  afterAll(() => warehouse?.close());

  test('migrations are applied once', async () => {
    expect(await warehouse.migrate()).toEqual([]);
  });

  test('two processes may migrate at once', async () => {
    await Promise.all([warehouse.migrate(), warehouse.migrate()]);
    const [row] = await ask<{ n: string; names: string }>(
      'SELECT count() AS n, uniqExact(name) AS names FROM migrations',
    );
    expect(row!.n).toBe(row!.names);
  });

  test('bytes come back as they went in, and as columns', async () => {
    const data =
      '{"properties":{"big":12345678901234567,"half":0.5,"text":"é 💥 \\" \\\\ ","dotted.name":1,"none":null,"list":[1,"x"]}}';
    await insert(toRow(1000).replace(/"data":.*\}/, `"data":${data}}`), 'bytes');
    const [row] = await ask<Record<string, unknown>>(
      'SELECT data, doc.properties.half.:Float64 AS half, doc.properties.big.:Int64 AS big, doc.properties.text.:String AS text, time, toUnixTimestamp64Milli(time) AS at FROM events WHERE log_offset = 1000',
    );
    expect(row).toEqual({
      data,
      half: 0.5,
      big: '12345678901234567',
      text: 'é 💥 " \\ ',
      time: '2026-03-01 12:00:00.123',
      at: '1772366400123',
    });
  });

  test('parameters arrive as they are, whatever is in them', async () => {
    const texts = [
      "a'b",
      'a\\b',
      "\\'",
      'tab\tline\n',
      'é💥',
      '',
      "'; DROP TABLE events; --",
      '\\N',
      'NULL',
      '{p0:String}',
      '\0',
    ];
    for (const text of texts) expect(await ask('SELECT {s:String} AS s', {}, { s: text })).toEqual([{ s: text }]);
    expect(await ask('SELECT {s:Array(String)} AS s', {}, { s: texts })).toEqual([{ s: texts }]);
    expect(
      await ask('SELECT {i:Int64} AS i, {f:Float64} AS f, {b:Bool} AS b', {}, { i: -1, f: '1e22', b: true }),
    ).toEqual([{ i: '-1', f: 1e22, b: true }]);
  });

  test('one token stores once, also for many rows over several partitions', async () => {
    const rows = Array.from({ length: 3000 }, (_, i) =>
      toRow(2000 + i, { time: `20${24 + (i % 3)}-0${1 + (i % 9)}-01 00:00:00.000` }),
    ).join('');
    await insert(rows, 'thrice');
    await insert(rows, 'thrice');
    await insert(rows, 'thrice');
    expect(await countOf('log_offset BETWEEN 2000 AND 4999')).toBe(3000);
    await insert(toRow(2000), 'another');
    expect(await countOf('log_offset = 2000')).toBe(2);
  });

  test('dates from 1900 to 2299 make few parts', async () => {
    const rows = Array.from({ length: 2000 }, (_, i) =>
      toRow(6000 + i, { time: `${1900 + (i % 400)}-0${1 + (i % 9)}-15 00:00:00.000` }),
    ).join('');
    const parts = async () =>
      Number(
        (
          await ask<{ n: string }>(
            "SELECT count() AS n FROM system.parts WHERE active AND table = 'events' AND database = currentDatabase()",
          )
        )[0]!.n,
      );
    const before = await parts();
    await insert(rows, 'far');
    expect((await parts()) - before).toBeLessThan(40);
    expect(await countOf('log_offset BETWEEN 6000 AND 7999')).toBe(2000);
  });

  test('rows that cannot be stored are named as such, and none of their neighbours is stored', async () => {
    for (const bad of [
      toRow(9001, { time: 'yesterday' }),
      '{"log_offset":9001,"project"\n',
      toRow(9001, { kind: 'other' }),
    ]) {
      await expect(insert(toRow(9000) + bad, `bad:${bad.length}`)).rejects.toMatchObject({ code: 'BAD_ROWS' });
    }
    expect(await countOf('log_offset IN (9000, 9001)')).toBe(0);
  });

  test('the engine hides other projects, in every table and every subquery', async () => {
    await insert(toRow(10_000, { project: 'other' }), 'tenant');
    expect(await ask('SELECT project, count() AS n FROM events GROUP BY project', { project: 'other' })).toEqual([
      { project: 'other', n: '1' },
    ]);
    expect(
      await ask(
        "SELECT event FROM (SELECT * FROM events WHERE project = 'demo' UNION ALL SELECT * FROM events WHERE project != 'other')",
        { project: 'other' },
      ),
    ).toEqual([]);
    expect(
      await ask('SELECT e.project FROM events e JOIN events f ON e.event = f.event WHERE f.project != e.project', {
        project: 'other',
      }),
    ).toEqual([]);
  });

  test('statements with parameters run side by side', async () => {
    const slow = Promise.withResolvers<void>();
    const cancel = new AbortController();
    ask(endless.replace('100000000000', '{n:UInt64}'), { signal: cancel.signal, limits: { seconds: 20 } }, { n: 1e11 })
      .catch(() => {})
      .finally(slow.resolve);
    await sleep(200);
    for (const lane of ['reports', 'sink', 'ledger']) {
      expect(await Promise.race([slow.promise, ask('SELECT {i:Int8} AS i', { lane }, { i: 1 })])).toEqual([{ i: 1 }]);
    }
    cancel.abort();
    await slow.promise;
  });

  const endless = 'SELECT count() FROM numbers(100000000000) WHERE cityHash64(number) % 7 = 3';

  test('a statement over its limits says which one', async () => {
    const failure = (sql: string, limits: object) =>
      warehouse.query({ sql }, { label: 'test', limits }).then(
        () => null,
        (e: TallygateError) => [e.code, e.details.limit],
      );
    expect(await failure(endless, { seconds: 1 })).toEqual(['QUERY_TOO_EXPENSIVE', 'time']);
    expect(await failure('SELECT groupArray(number) FROM numbers(50000000)', { memoryBytes: 100_000_000 })).toEqual([
      'QUERY_TOO_EXPENSIVE',
      'memory',
    ]);
    // Groups that do not fit go to disk.
    const groups =
      'SELECT count() AS n FROM (SELECT cityHash64(number) AS k, count() FROM numbers(6000000) GROUP BY k)';
    expect(await failure(groups, { memoryBytes: 200_000_000 })).toBeNull();
    expect(await failure('SELECT number FROM numbers(200000)', { resultRows: 1000 })).toEqual([
      'QUERY_TOO_EXPENSIVE',
      'rows of the answer',
    ]);
    expect(await failure("SELECT match(user_id, '(') FROM events", {})).toEqual(['INVALID_FILTER', undefined]);
    expect(await failure('SELECT nothing FROM events', {})).toEqual(['INTERNAL', undefined]);
  });

  test("an answer is its own statement's, also after a failure on the same connection", async () => {
    for (let i = 0; i < 12; i++) {
      await expect(ask('SELECT throwIf(number = 100000) FROM numbers(200000)')).rejects.toMatchObject({
        code: 'INTERNAL',
      });
      expect(await ask(`SELECT ${i} AS i`)).toEqual([{ i }]);
    }
  });

  test.each([
    ['without parameters', `SELECT 'MARK', count() FROM numbers(100000000000) WHERE cityHash64(number) % 7 = 3`, {}],
    [
      'with parameters',
      `SELECT 'MARK', count() FROM numbers({n:UInt64}) WHERE cityHash64(number) % 7 = 3`,
      { n: 100_000_000_000 },
    ],
  ])('a cancelled statement %s ends on the server, soon', async (_, sql, params) => {
    const cancel = new AbortController();
    const marker = Math.random().toString(36).slice(2);
    const cancelled = expect(
      ask(sql.replace('MARK', marker), { signal: cancel.signal, limits: { seconds: 20 } }, params),
    ).rejects.toMatchObject({ code: 'CANCELLED' });
    const running = () =>
      ask(
        `SELECT query_id FROM system.processes WHERE query LIKE '%${marker}%' AND query NOT LIKE '%system.processes%'`,
        { lane: 'ledger' },
      );
    await sleep(300);
    expect(await running()).toHaveLength(1);
    cancel.abort();
    for (let left = 50; (await running()).length > 0; left--) {
      expect(left).toBeGreaterThan(0);
      await sleep(100);
    }
    await cancelled;
  });

  test('an empty line among rows is refused: nothing behind it can become a statement', async () => {
    const rows = `${toRow(30_000)}\nDROP TABLE events\n`;
    await expect(insert(rows, 'empty-line')).rejects.toMatchObject({ code: 'BAD_ROWS' });
    await expect(insert(`\n${toRow(30_000)}`, 'empty-first')).rejects.toMatchObject({ code: 'BAD_ROWS' });
    expect(await countOf('log_offset = 30000')).toBe(0);
  });

  test('long statements in one lane do not hold up another', async () => {
    const cancel = new AbortController();
    const long = Array.from({ length: 6 }, () =>
      ask(endless, { signal: cancel.signal, limits: { seconds: 20 } }).catch(() => null),
    );
    await sleep(100);
    await insert(toRow(20_000), 'beside');
    expect(await ask('SELECT count() AS n FROM events WHERE log_offset = 20000', { lane: 'sink' })).toEqual([
      { n: '1' },
    ]);
    expect(await ask('SELECT 1 AS n', { lane: 'ledger' })).toEqual([{ n: 1 }]);
    cancel.abort();
    await Promise.all(long);
  });
}
