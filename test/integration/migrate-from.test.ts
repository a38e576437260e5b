import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventFields } from '../../src/commands/import/event-input.ts';
import { eventually } from '../e2e/tallygate.ts';
import { describeWith, describeWithOwn } from '../servers/require.ts';
import type { Stub } from './import-stub.ts';
import { type Bench, connect, type Database, makeBench, makeDatabase, migrateFrom } from './migrate-source.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await makeBench();
});
afterEach(() => bench.closeGateways());
afterAll(() => bench.remove());

const startGateway = (judge?: Parameters<Bench['startGateway']>[0]) => bench.startGateway(judge);
const newState = () => bench.newState();
const through = (stub: Stub, state?: string) => bench.through(stub, state);
const tracked = ({ accepted }: Stub, messageId: string) => accepted.get(messageId)?.track as EventFields;

describeWith(['postgres'], 'a table that is copied', ({ POSTGRES_URL }) => {
  let db: Database;
  beforeAll(async () => {
    db = await makeDatabase(POSTGRES_URL);
  });
  afterAll(() => db?.drop());

  const makeEvents = (table: string, rows: number) =>
    db.client.query(`
      CREATE TABLE ${table} (id bigserial PRIMARY KEY, event text NOT NULL, user_id text, price numeric, time timestamptz NOT NULL);
      INSERT INTO ${table} (event, user_id, price, time) SELECT 'Order ' || i % 3, 'u' || i % 50, i / 4.0, '2026-03-01Z'::timestamptz + i * interval '1 minute'
        FROM generate_series(1, ${rows}) i; ANALYZE ${table}`);
  const ids = (table: string, rows: number) =>
    Array.from({ length: rows }, (_, i) => `${db.name}.public.${table}:${i + 1}`).sort();
  const slowly = ({ script }: Stub, requests: number, ms = 150) =>
    script.push(...Array.from({ length: requests }, () => ({ kind: 'slow' as const, ms })));
  const readState = async (path: string) => JSON.parse(await readFile(path, 'utf8')) as { last: [string] | null };
  const untilPast = (path: string, key: number) =>
    eventually(async () => expect(Number((await readState(path)).last?.[0])).toBeGreaterThanOrEqual(key), 20);

  test('every row arrives once, under an id of its key, in requests within the bounds', async () => {
    await makeEvents('plain', 8000);
    const gateway = await startGateway();
    const { code, out, err } = await migrateFrom([db.url, '--table', 'plain', '--chunk', '1500', ...through(gateway)]);
    expect(err).toContain(
      'public.plain: event -> event; user_id -> userId; time -> timestamp; id, price -> properties; times in UTC',
    );
    expect(out).toContain('accepted      8,000\nrejected      0\n');
    expect(out).toContain('compared      nothing: give --read-token-file');
    expect(code).toBe(0);
    expect([...gateway.accepted.keys()].sort()).toEqual(ids('plain', 8000));
    expect(gateway.requests.every(({ bytes, events }) => bytes <= 450_000 && events <= 2500)).toBe(true);
    expect(gateway.mostInFlight()).toBeLessThanOrEqual(4);
    expect(tracked(gateway, `${db.name}.public.plain:7`)).toEqual({
      event: 'Order 1',
      userId: 'u7',
      messageId: `${db.name}.public.plain:7`,
      timestamp: '2026-03-01T00:07:00.000Z',
      properties: { id: 7, price: 1.75 },
    });
  });

  test('rows that are committed late, behind the copy, are brought as well, also those of a savepoint', async () => {
    await makeEvents('late', 1000);
    const other = await connect(db.url);
    const insert = `INSERT INTO late (event, user_id, time) VALUES ('Late', 'u', '2026-03-02Z')`;
    await other.query('BEGIN');
    await other.query(insert);
    await other.query('SAVEPOINT inside');
    await other.query(insert);
    await db.client.query(
      `INSERT INTO late (event, user_id, time) SELECT 'More', 'u', '2026-03-02Z' FROM generate_series(1, 2000)`,
    );
    const gateway = await startGateway();
    slowly(gateway, 20);
    const state = newState();
    const run = migrateFrom([db.url, '--table', 'late', '--chunk', '200', ...through(gateway, state)]);
    await untilPast(state, 1600);
    await other.query('RELEASE inside');
    await other.query('COMMIT');
    await other.query(`UPDATE late SET price = 1 WHERE id = 10`);
    await other.query(insert);
    await other.end();
    const { code, out } = await run;
    expect(code).toBe(0);
    expect([...gateway.accepted.keys()].sort()).toEqual(ids('late', 3003));
    expect(gateway.attempts.get(`${db.name}.public.late:10`)).toBeGreaterThanOrEqual(2);
    expect(out).toContain('accepted      3,000\n');
    expect(out).toMatch(/caught up {5}[\d,]+ rows that came or changed meanwhile/);
  });

  test('killed in the middle it goes on behind what was acknowledged, and shows its password to nobody', async () => {
    await makeEvents('killed', 3000);
    const gateway = await startGateway();
    // Three chunks are taken, the fourth never is before the kill.
    slowly(gateway, 3, 0);
    for (let i = 0; i < 50; i++) gateway.script.push({ kind: 'status', status: 503, headers: { 'retry-after': '1' } });
    const state = newState();
    const args = ['migrate-from', db.url, '--table', 'killed', '--chunk', '200', ...through(gateway, state)];
    const bin = join(import.meta.dirname, '../../src/bin.cjs');
    const child = spawn(process.execPath, [bin, ...args], {
      stdio: 'ignore',
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    await untilPast(state, 600);
    await eventually(async () => expect(gateway.requests.length).toBeGreaterThan(4));
    const { password } = new URL(db.url);
    const seen = await readFile(`/proc/${child.pid}/cmdline`, 'utf8');
    expect(seen).toMatch(/^tallygate migrate-from/);
    expect(seen).not.toContain(password);
    child.kill('SIGKILL');
    await once(child, 'exit');
    gateway.script.length = 0;
    const last = Number((await readState(state)).last?.[0]);
    expect(last).toBe(600);
    expect(gateway.accepted.size).toBe(600);
    const { code, out, err } = await migrateFrom([...args.slice(1)]);
    expect(code).toBe(0);
    expect(out).toContain(`accepted      ${(3000 - last).toLocaleString('en-US')}\n`);
    expect(err).toContain(`goes on from ${state}, after ${last.toLocaleString('en-US')} rows`);
    expect([...gateway.accepted.keys()].sort()).toEqual(ids('killed', 3000));

    // Once more: nothing is left to do. Without the state: the same rows under the same ids.
    const again = await migrateFrom([db.url, '--table', 'killed', ...through(gateway, state)]);
    expect([again.code, again.out.split('\n')[1]]).toEqual([0, 'accepted      0']);
    expect((await migrateFrom([db.url, '--table', 'killed', ...through(gateway)])).code).toBe(0);
    expect(gateway.accepted.size).toBe(3000);
  });

  test('a stop is taken after the chunk in flight', async () => {
    await makeEvents('stopped', 2000);
    const gateway = await startGateway();
    slowly(gateway, 10);
    const state = newState();
    const stop = new AbortController();
    const run = migrateFrom([db.url, '--table', 'stopped', '--chunk', '100', ...through(gateway, state)], stop.signal);
    await untilPast(state, 200);
    stop.abort();
    const { code, out } = await run;
    expect(code).toBe(1);
    expect(out).toContain('stopped before the end\nRun the same command again to go on');
    expect(gateway.accepted.size).toBe(Number((await readState(state)).last?.[0]));
  });

  test('a gateway that is busy is given the time it asks for; --max-rate spares the database', async () => {
    await makeEvents('busy', 600);
    const gateway = await startGateway((_, attempt) => ({ status: attempt === 1 ? 'RETRY' : 'ACCEPTED' }));
    gateway.script.push({ kind: 'status', status: 503, headers: { 'retry-after': '1' } });
    const began = Date.now();
    const { code } = await migrateFrom([db.url, '--table', 'busy', '--max-rate', '200', ...through(gateway)]);
    expect(code).toBe(0);
    expect(Date.now() - began).toBeGreaterThanOrEqual(2900);
    expect([...gateway.accepted.keys()].sort()).toEqual(ids('busy', 600));
  });

  test('columns of all types, odd names, a key of two columns, times in another zone', async () => {
    await db.client.query(`
      CREATE TYPE plan AS ENUM ('1', 'pro');
      CREATE TABLE "Odd Things" (a int, "b c" text, "Was" text, who uuid, local timestamp, doc jsonb, big bigint, money numeric(9,2), list text[],
        day date, flag boolean, plan plan, zip varchar, raw bytea, gone text, PRIMARY KEY (a, "b c"));
      ALTER TABLE "Odd Things" DROP COLUMN gone;
      INSERT INTO "Odd Things" VALUES (1, 'x''y', 'Bought', '00000000-0000-0000-0000-000000000001', '2026-07-01 12:00:00.123456',
        '{"nested": {"a": [1, 9007199254740993]}, "from": "doc"}', 9007199254740993, 12.50, '{"1",b}', '2026-01-31', true, '1', '12345', '\\x00ff')`);
    const gateway = await startGateway();
    const { code, err } = await migrateFrom([
      ...[db.url, '--table', 'Odd Things', '--timezone', 'Europe/Berlin', '--map', 'event=Was', '--map', 'userId=who'],
      ...[
        '--map',
        'timestamp=local',
        '--map',
        'properties=doc',
        '--map',
        'context.plan=plan',
        '--map',
        'properties.deep=doc.nested.a',
      ],
      ...through(gateway),
    ]);
    expect(err).not.toContain('migrate-from:');
    expect(code).toBe(0);
    const id = `${db.name}.public."Odd Things":["1","x'y"]`;
    expect(tracked(gateway, id)).toEqual({
      event: 'Bought',
      userId: '00000000-0000-0000-0000-000000000001',
      messageId: id,
      timestamp: '2026-07-01T10:00:00.123Z',
      context: { plan: '1' },
      properties: {
        nested: { a: [1, '9007199254740993'] },
        from: 'doc',
        deep: [1, '9007199254740993'],
        a: 1,
        'b c': "x'y",
        big: '9007199254740993',
        money: 12.5,
        list: ['1', 'b'],
        day: '2026-01-31',
        flag: true,
        zip: '12345',
        raw: '\\x00ff',
      },
    });
  });

  test("the application's own ids are taken, a table in partitions is one, --where narrows it, long keys are hashed", async () => {
    await db.client.query(`
      CREATE TABLE parts (slug text, sent_with text, event text, user_id text, ts timestamptz, PRIMARY KEY (ts, slug)) PARTITION BY RANGE (ts);
      CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
      CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
      INSERT INTO parts SELECT repeat('s', 90) || i, CASE WHEN i % 2 = 0 THEN 'app-' || i END, 'E', 'u', '2026-01-01Z'::timestamptz + i * interval '1 hour'
        FROM generate_series(1, 1000) i`);
    const gateway = await startGateway();
    const args = ['--table', 'public.parts', '--map', 'messageId=sent_with', '--where', `ts < '2026-02-11' -- a note`];
    const { code, out } = await migrateFrom([db.url, ...args, '--chunk', '100', ...through(gateway)]);
    expect(code).toBe(0);
    expect(out).toContain('accepted      983\n');
    const all = [...gateway.accepted.keys()];
    expect(all.filter((id) => id.startsWith('app-'))).toHaveLength(491);
    const hashed = new RegExp(`^${db.name}\\.public\\.parts:#[\\w-]{43}$`);
    expect(all.filter((id) => hashed.test(id))).toHaveLength(492);
  });

  test('rows that cannot be events are named with their key and reason, and do not hold up the others', async () => {
    await makeEvents('bad', 10);
    await db.client.query(`
      UPDATE bad SET user_id = NULL WHERE id = 3; UPDATE bad SET time = 'infinity' WHERE id = 4; UPDATE bad SET event = '' WHERE id = 5;
      UPDATE bad SET user_id = 'refused' WHERE id = 6`);
    const gateway = await startGateway(({ userId }) =>
      userId === 'refused'
        ? { status: 'REJECTED', errors: [{ code: 'INVALID_VALUE', path: ['userId'], message: 'expected better' }] }
        : { status: 'ACCEPTED' },
    );
    const rejects = join(bench.folder, 'rejects.ndjson');
    const state = newState();
    const run = [db.url, '--table', 'bad', '--rejects', rejects, ...through(gateway, state)];
    const { code, out } = await migrateFrom(run);
    expect(code).toBe(3);
    expect(out).toContain('accepted      6\nrejected      4\n');
    expect(out).toContain('public.bad id=3 expected a userId or an anonymousId, got neither');
    expect(out).toContain('public.bad id=4 expected a time such as');
    expect(out).toContain('public.bad id=6 userId: expected better');
    const lines = (await readFile(rejects, 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { code: string }).code).sort()).toEqual([
      'EVENT_MISSING',
      'INVALID_VALUE',
      'PERSON_MISSING',
      'TIMESTAMP_INVALID',
    ]);
    // An update that makes one right is seen by the next run, which remembers the others.
    await db.client.query(`UPDATE bad SET user_id = 'u3' WHERE id = 3`);
    const again = await migrateFrom(run);
    expect(again.code).toBe(3);
    expect(again.out).toContain('rejected      3 with those of earlier runs');
    expect(tracked(gateway, `${db.name}.public.bad:3`).userId).toBe('u3');

    const few = await migrateFrom([db.url, '--table', 'bad', '--most-rejects', '2', ...through(gateway)]);
    expect(few.code).toBe(1);
    expect(few.err).toContain('expected at most 2 rows that are rejected, got more');
  });

  test('a dry run shows what would be sent and rejected, and sends and writes nothing', async () => {
    await makeEvents('dry', 500);
    await db.client.query('UPDATE dry SET user_id = NULL WHERE id = 2');
    const gateway = await startGateway();
    const state = newState();
    const { code, out } = await migrateFrom([
      db.url,
      '--table',
      'dry',
      '--dry-run',
      '--limit',
      '100',
      ...through(gateway, state),
    ]);
    expect(code).toBe(3);
    expect(out).toContain('100 rows in');
    expect(out).toContain('would send    99, from 2026-03-01T00:01:00.000Z to 2026-03-01T01:40:00.000Z');
    expect(out).toContain('PERSON_MISSING: 1\n    public.dry id=2 ');
    expect(gateway.requests).toHaveLength(0);
    await expect(readFile(state)).rejects.toThrow('ENOENT');
  });
});

describeWithOwn(['postgres'], 'a database that dies', (start) => {
  test('is waited for, and the copy goes on when it is back', async () => {
    const server = await start.postgres();
    const url = server.env.POSTGRES_URL;
    const client = await connect(url);
    await client.query(`CREATE TABLE events (id int PRIMARY KEY, event text, user_id text, time timestamptz);
      INSERT INTO events SELECT i, 'E', 'u', '2026-03-01Z' FROM generate_series(1, 3000) i`);
    const gateway = await startGateway();
    gateway.script.push(...Array.from({ length: 15 }, () => ({ kind: 'slow' as const, ms: 100 })));
    const run = migrateFrom([url, '--table', 'events', '--chunk', '100', ...through(gateway)]);
    await eventually(async () => expect(gateway.accepted.size).toBeGreaterThan(300));
    await server.kill();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(gateway.accepted.size).toBeLessThan(3000);
    await server.restart();
    const { code, err } = await run;
    expect(err).toMatch(/trying again in \d+ ms/);
    expect(code).toBe(0);
    expect(gateway.accepted.size).toBe(3000);
  }, 60_000);
});

describeWithOwn(['postgres'], 'a standby, whose snapshots do not list what is running', (start) => {
  test('is copied without missing what is committed late', async () => {
    const primary = await start.postgres();
    const client = await connect(primary.env.POSTGRES_URL);
    await client.query(`CREATE TABLE events (id bigserial PRIMARY KEY, event text, user_id text, time timestamptz)`);
    const standby = await start.postgres({ standbyOf: primary });
    const reader = await connect(standby.env.POSTGRES_URL);
    const insert = (rows: number) =>
      `INSERT INTO events (event, user_id, time) SELECT 'E', 'u', '2026-03-01Z' FROM generate_series(1, ${rows})`;
    const untilSeen = (rows: number) =>
      eventually(async () => {
        const { rows: counted } = await reader.query<{ n: number }>('SELECT count(*)::int AS n FROM events');
        expect(counted[0]?.n).toBe(rows);
      });
    const late = await connect(primary.env.POSTGRES_URL);
    await late.query('BEGIN');
    await late.query(insert(1));
    await late.query('SAVEPOINT inside');
    await late.query(insert(1));
    await client.query(insert(1500));
    await untilSeen(1500);
    const gateway = await startGateway();
    gateway.script.push(...Array.from({ length: 15 }, () => ({ kind: 'slow' as const, ms: 150 })));
    const args = ['--table', 'events', '--chunk', '100', ...through(gateway)];
    const run = migrateFrom([standby.env.POSTGRES_URL, ...args]);
    await eventually(async () => expect(gateway.accepted.size).toBeGreaterThan(300));
    await late.query('COMMIT');
    await untilSeen(1502);
    const { code, err } = await run;
    expect(err).not.toContain('migrate-from:');
    expect(code).toBe(0);
    expect(gateway.accepted.size).toBe(1502);
    for (const each of [client, late, reader]) await each.end();
  }, 60_000);
});
