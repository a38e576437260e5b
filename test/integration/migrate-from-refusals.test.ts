import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeWith } from '../servers/require.ts';
import { type Bench, type Database, makeBench, makeDatabase, migrateFrom } from './migrate-source.ts';

describeWith(['postgres'], 'what is wrong is said in one sentence, without the password', ({ POSTGRES_URL }) => {
  let bench: Bench;
  let db: Database;
  let args: (table: string, ...more: string[]) => string[];
  beforeAll(async () => {
    bench = await makeBench();
    db = await makeDatabase(POSTGRES_URL);
    await db.client.query(`
      CREATE TABLE known (id bigserial PRIMARY KEY, event text NOT NULL, user_id text, time timestamptz NOT NULL);
      INSERT INTO known (event, user_id, time) SELECT 'Order', 'u', '2026-03-01Z' FROM generate_series(1, 3);
      CREATE TABLE keyless (event text, user_id text, time timestamptz); CREATE TABLE twin (LIKE known INCLUDING ALL); CREATE VIEW seen AS SELECT * FROM known;
      CREATE ROLE nobody_${db.name} LOGIN PASSWORD 'role-password'; CREATE TABLE hidden (LIKE known INCLUDING ALL);
      ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; GRANT SELECT ON hidden TO nobody_${db.name}`);
  });
  beforeEach(async () => {
    const gateway = await bench.startGateway();
    args = (table, ...more) => [db.url, '--table', table, ...more, ...bench.through(gateway)];
  });
  afterEach(() => bench.closeGateways());
  afterAll(async () => {
    await db?.client.query(`DROP TABLE hidden; DROP ROLE nobody_${db.name}`);
    await db?.drop();
    await bench?.remove();
  });

  const fails = async (given: readonly string[], expected: RegExp) => {
    const { code, out, err } = await migrateFrom(given);
    const said = err.trimEnd().split('\n').at(-1) as string;
    expect(said).toMatch(/^migrate-from: .*expected .*|^migrate-from: no answer from /);
    expect(said).toMatch(expected);
    expect(err + out).not.toMatch(/postgres-password|role-password|wrong-password|^ +at /m);
    expect(code).toBe(1);
  };

  test('the table', async () => {
    await fails(args('unknown'), /expected a table that is there, got unknown; there are public\.\w+/);
    await fails(args('seen'), /expected a table, .*, got a view, public\.seen/);
    await fails(args('a.b.c'), /expected a name such as events or public\.events, got a\.b\.c/);
  });
  test('the key', async () => {
    await fails(args('keyless'), /public\.keyless: expected a primary key, got a table without one/);
    await fails(
      args('known', '--key', 'nothing'),
      /--key: expected columns of public\.known, got nothing; there are id, event/,
    );
    await fails(
      args('known', '--key', 'time'),
      /--key: expected columns that no two rows of public\.known share.*got time/,
    );
  });
  test('the columns and the mapping', async () => {
    await fails(
      args('known', '--map', 'userId=nothing'),
      /public\.known: expected a column nothing; its columns are "id", "event"/,
    );
    await fails(args('known', '--map', 'who=user_id'), /--map: expected a target out of event, userId/);
    await fails(args('known', '--map', 'userId'), /--map: expected target=column/);
    await fails(
      args('known', '--where', 'nothing = 1'),
      /expected columns that are there: column "nothing" does not exist/,
    );
    await fails(args('known', '--where', 'id ='), /expected SQL that can be run to read public\.known|check --where/);
  });
  test('the user and the server', async () => {
    const [, ...rest] = args('known');
    await fails(
      [db.as('postgres', 'wrong-password'), ...rest],
      /expected a user that is let in, .*: password authentication failed/,
    );
    await fails(
      [db.as(`nobody_${db.name}`, 'role-password'), ...rest],
      /has the right to read known \(GRANT SELECT\).*permission denied/,
    );
    await fails(
      [db.as(`nobody_${db.name}`, 'role-password'), ...args('hidden').slice(1)],
      /query would be affected by row-level security policy/,
    );
    await fails([db.url.replace(/\/[^/]+$/, '/no_such_shop'), ...rest], /expected a database that is there/);
    await fails(
      ['postgres://u:wrong-password@127.0.0.1:9/shop', ...rest],
      /no answer from 127\.0\.0\.1:9\/shop: .*ECONNREFUSED/,
    );
    await fails(
      ['mysql://u:wrong-password@127.0.0.1/shop', ...rest],
      /got something that does not begin with postgres:\/\//,
    );
    await fails(['postgres://u:wrong-password%zz@127.0.0.1/shop', ...rest], /expected the address of a database/);
    await fails(['postgres://u:wrong-password@a b/shop', ...rest], /a password with one of @ : \/ \? # % in it/);
  });
  test('the gateway and the files', async () => {
    await fails(
      [db.url, '--table', 'known', '--url', 'http://127.0.0.1:9'],
      /expected one of --write-key-file and --write-key beside --url/,
    );
    await fails(args('known', '--read-token', 'two words'), /expected a read token of printable characters/);
    const garbage = join(bench.folder, 'garbage.json');
    await writeFile(garbage, '{}');
    await fails(
      args('known').with(-1, garbage),
      /--state: expected a file that an earlier run has written, got something else/,
    );
  });
  test('a state of another copy', async () => {
    const given = args('known');
    expect((await migrateFrom(given)).code).toBe(0);
    await fails(
      [...given, '--where', 'id > 1'],
      /--state: expected the file of a copy with where TRUE, which .* is, got where id > 1; name another file/,
    );
    await fails(
      [...given, '--set', 'event=X'],
      /expected the file of a copy with another mapping, which .* is; name another file/,
    );
    const asked = given.with(2, 'twin');
    await fails(
      asked,
      /expected the file of a copy with table shop_\w+\.public\.known, which .* is, got table shop_\w+\.public\.twin/,
    );
  });
});
