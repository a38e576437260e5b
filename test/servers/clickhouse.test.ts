import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type ClickHouseClient, ClickHouseError, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { describeWith, describeWithOwn, uniqueName } from './require.ts';

const clients: ClickHouseClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

type Options = NonNullable<Parameters<typeof createClient>[0]>;
function open(url: string, options: Options = {}): ClickHouseClient {
  const client = createClient({ url, request_timeout: 20_000, log: { level: ClickHouseLogLevel.OFF }, ...options });
  clients.push(client);
  return client;
}

async function rows(client: ClickHouseClient, query: string, more: object = {}): Promise<unknown[]> {
  return (await client.query({ query, format: 'JSONEachRow', ...more })).json();
}

describeWith(['clickhouse'], 'the shared ClickHouse', ({ CLICKHOUSE_URL }) => {
  let database: string;
  let client: ClickHouseClient;

  beforeEach(async () => {
    database = uniqueName('db');
    await open(CLICKHOUSE_URL).command({ query: `CREATE DATABASE ${database}` });
    client = open(CLICKHOUSE_URL, { database, compression: { request: true, response: true } });
    await client.command({ query: 'CREATE TABLE t (id UInt64, name String) ENGINE = MergeTree ORDER BY id' });
  });

  test('takes rows, compressed, and answers with typed parameters', async () => {
    const awkward = `it's\ta "tab", a \\ and a\nline; {x:String}`;
    const inserted = await client.insert({
      table: 't',
      values: [
        { id: 1, name: awkward },
        { id: 2, name: 'b' },
      ],
      format: 'JSONEachRow',
    });
    expect(inserted.summary?.written_rows).toBe('2');
    const query = 'SELECT id, name FROM t WHERE name = {name:String} AND id IN {ids:Array(UInt64)}';
    expect(await rows(client, query, { query_params: { name: awkward, ids: [1, 2] } })).toEqual([
      { id: 1, name: awkward },
    ]);
    const many = { query_params: { names: [awkward, 'b'], none: null }, use_multipart_params: true };
    expect(
      await rows(
        client,
        'SELECT count() AS n FROM t WHERE name IN {names:Array(String)} AND {none:Nullable(String)} IS NULL',
        many,
      ),
    ).toEqual([{ n: 2 }]);
  });

  test('takes a streamed body, text and binary, and gives back binary formats unchanged', async () => {
    const lines = Array.from({ length: 20_000 }, (_, id) => `${JSON.stringify({ id, name: `n${id}` })}\n`);
    const { stream } = await client.exec({ query: 'INSERT INTO t FORMAT JSONEachRow', values: Readable.from(lines) });
    await text(stream);
    const native = await client.exec({
      query: 'SELECT id, name FROM t ORDER BY id FORMAT Native',
      decompress_response_stream: true,
    });
    const copied = await client.exec({ query: 'INSERT INTO t FORMAT Native', values: native.stream });
    await text(copied.stream);
    expect(await rows(client, 'SELECT count() AS n, uniqExact(id, name) AS distinct FROM t')).toEqual([
      { n: 40_000, distinct: 20_000 },
    ]);
  });

  test('takes blank lines between rows, and in them, for what they are', async () => {
    const take = async (query: string, body: string) => {
      const { stream } = await client.exec({ query, values: Readable.from([body]) });
      await text(stream);
    };
    await take(
      'INSERT INTO t (id, name) SETTINGS async_insert = 0 FORMAT JSONEachRow',
      '{"id":1,"name":"a"}\n\n{"id":2,"name":"b"}\n\n',
    );
    await take('INSERT INTO t FORMAT CSV', '3,"c\n\nSELECT 1"\n');
    await take('INSERT INTO t VALUES', "(4, 'd\n\n'),\n\n(5, 'e;')");
    await client.command({ query: 'INSERT INTO t FORMAT JSONEachRow {"id":6,"name":"f"}\n\n{"id":7,"name":"g"}' });
    expect(await rows(client, 'SELECT groupArray(name) AS names FROM (SELECT name FROM t ORDER BY id)')).toEqual([
      { names: ['a', 'b', 'c\n\nSELECT 1', 'd\n\n', 'e;', 'f', 'g'] },
    ]);
  });

  test('keeps databases apart', async () => {
    await client.insert({ table: 't', values: [{ id: 1, name: 'a' }], format: 'JSONEachRow' });
    const other = open(CLICKHOUSE_URL, { database: 'default' });
    await expect(other.query({ query: 'SELECT * FROM t' })).rejects.toMatchObject({
      code: '60',
      type: 'UNKNOWN_TABLE',
    });
    expect(await rows(other, `SELECT id FROM ${database}.t`)).toEqual([{ id: 1 }]);
  });

  test('forgets settings, parameters and SET when the statement has ended', async () => {
    const query = "SELECT getSetting('max_block_size') AS size, getSetting('join_use_nulls') AS nulls";
    const before = await rows(client, query);
    expect(await rows(client, query, { clickhouse_settings: { max_block_size: '77', join_use_nulls: 1 } })).toEqual([
      { size: 77, nulls: true },
    ]);
    await client.command({ query: 'SET max_block_size = 99' });
    await client.command({ query: 'USE system' });
    await rows(client, 'SELECT {p:String}', { query_params: { p: 'x' } });
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        if (i % 2) return expect(await rows(client, query)).toEqual(before);
        const size = 100 + i;
        return expect(
          await rows(client, query, { clickhouse_settings: { max_block_size: String(size) } }),
        ).toMatchObject([{ size }]);
      }),
    );
    await expect(client.query({ query: 'SELECT {p:String}' })).rejects.toMatchObject({ code: '456' });
    expect(await rows(client, 'SELECT currentDatabase() AS d')).toEqual([{ d: database }]);
  });

  test.each([
    ['SELECT nothing', '47', 'UNKNOWN_IDENTIFIER'],
    ['selec 1', '62', 'SYNTAX_ERROR'],
    ['SELECT 1; SELECT 2', '62', 'SYNTAX_ERROR'],
    ["SELECT ';' -- ; not yet\n; /* ; */ SELECT 2", '62', 'SYNTAX_ERROR'],
    ['SELECT throwIf(1)', '395', 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO'],
    [
      'INSERT INTO t SELECT id, name FROM input(\'id UInt64, name String\') FORMAT JSONEachRow {"id":1}',
      '48',
      'NOT_IMPLEMENTED',
    ],
  ])('answers %s with code %s', async (query, code, type) => {
    const failure = await client.command({ query }).catch((cause: unknown) => cause);
    expect(failure).toBeInstanceOf(ClickHouseError);
    expect(failure).toMatchObject({ code, type });
  });

  test('refuses a setting that does not exist, and rows that do not fit, of which it stores none', async () => {
    const unknown: Record<string, string> = { no_such_setting: '1' };
    await expect(client.query({ query: 'SELECT 1', clickhouse_settings: unknown })).rejects.toMatchObject({
      code: '115',
    });
    const values = Readable.from(['{"id":1,"name":"a"}\n{"id":"no number","name":"b"}\n']);
    await expect(client.exec({ query: 'INSERT INTO t FORMAT JSONEachRow', values })).rejects.toMatchObject({
      code: '27',
    });
    expect(await rows(client, 'SELECT * FROM t')).toEqual([]);
  });

  test('answers over plain HTTP as the server does', async () => {
    const ask = (query: string, init: RequestInit = {}) =>
      fetch(`${CLICKHOUSE_URL}/?query=${encodeURIComponent(query)}`, init);
    expect(await (await fetch(`${CLICKHOUSE_URL}/ping`)).text()).toBe('Ok.\n');
    expect(await (await ask('SELECT 1, 2')).text()).toBe('1\t2\n');
    const written = await ask(`CREATE TABLE ${database}.got (a UInt8) ENGINE = Memory`);
    expect([written.status, written.headers.get('x-clickhouse-exception-code')]).toEqual([500, '164']); // GET only reads
    const missing = await ask('SELECT * FROM nowhere', { method: 'POST' });
    expect([missing.status, missing.headers.get('x-clickhouse-exception-code')]).toEqual([404, '60']);
    expect(await missing.text()).toMatch(/^Code: 60\. DB::Exception: .*\(UNKNOWN_TABLE\) \(version [\d.]+\)\n$/s);
  });

  const endless =
    'SELECT count() FROM system.numbers WHERE NOT ignore(sipHash64(number)) SETTINGS max_rows_to_read = 0';
  const countRunning = async (mark: string) =>
    Number(
      await (
        await open(CLICKHOUSE_URL).query({
          query: `SELECT count() FROM system.processes WHERE Settings['log_comment'] = '${mark}'`,
          format: 'TabSeparated',
        })
      ).text(),
    );
  async function untilRunning(mark: string, count: number): Promise<void> {
    for (let i = 0; i < 100 && (await countRunning(mark)) !== count; i++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await countRunning(mark)).toBe(count);
  }

  test('ends a read-only statement whose client has gone, when the client has asked for that', async () => {
    const start = async (settings: object) => {
      const mark = uniqueName('mark');
      const leave = new AbortController();
      const query = {
        query: endless,
        abort_signal: leave.signal,
        clickhouse_settings: { log_comment: mark, ...settings },
      };
      const answer = client.query(query).catch(() => undefined);
      await untilRunning(mark, 1);
      leave.abort();
      await answer;
      return mark;
    };
    const cancelled = await start({ readonly: '2', cancel_http_readonly_queries_on_client_close: 1 });
    await untilRunning(cancelled, 0);
    const left = await start({});
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await countRunning(left)).toBe(1);
    await client.command({ query: `KILL QUERY WHERE Settings['log_comment'] = '${left}' SYNC` });
    expect(await countRunning(left)).toBe(0);
  });

  test('kills a statement by the id that its client gave it', async () => {
    const [mark, query_id] = [uniqueName('mark'), uniqueName('query')];
    const answer = client.query({ query: endless, query_id, clickhouse_settings: { log_comment: mark } });
    const failed = expect(answer).rejects.toMatchObject({ code: '394', type: 'QUERY_WAS_CANCELLED' });
    await untilRunning(mark, 1);
    await client.command({ query: 'KILL QUERY WHERE query_id = {id:String}', query_params: { id: query_id } });
    await failed;
  });
});

describeWithOwn(['clickhouse'], 'a ClickHouse of its own', (start) => {
  test('has its rows after kill -9, on the same port', async () => {
    const server = await start.clickhouse();
    const client = open(server.env.CLICKHOUSE_URL);
    await client.command({ query: 'CREATE DATABASE d' });
    await client.command({ query: 'CREATE TABLE d.t (id UInt64) ENGINE = MergeTree ORDER BY id' });
    await client.insert({ table: 'd.t', values: [{ id: 7 }], format: 'JSONEachRow' });
    await server.kill();
    await expect(client.query({ query: 'SELECT 1' })).rejects.toThrow();
    await server.restart();
    expect(await rows(client, 'SELECT id FROM d.t')).toEqual([{ id: 7 }]);
  });

  test('lets in the one user that it was started with', async () => {
    const server = await start.clickhouse({ user: 'reporter', password: 'it: works' });
    const { CLICKHOUSE_URL: url, CLICKHOUSE_USER: username, CLICKHOUSE_PASSWORD: password } = server.env;
    expect(await rows(open(url, { username, password }), 'SELECT 1 AS a')).toEqual([{ a: 1 }]);
    for (const wrong of [{}, { username, password: 'no' }, { username: 'default', password }])
      await expect(open(url, wrong).query({ query: 'SELECT 1' })).rejects.toMatchObject({
        code: '516',
        type: 'AUTHENTICATION_FAILED',
      });
  });

  test('answers what it was doing before it stops', async () => {
    const server = await start.clickhouse();
    const client = open(server.env.CLICKHOUSE_URL);
    const answer = rows(client, 'SELECT sleep(1) AS slept');
    await new Promise((resolve) => setTimeout(resolve, 300));
    await server.stop();
    expect(await answer).toEqual([{ slept: 0 }]);
  });
});
