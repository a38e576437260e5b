import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toWrittenSinceSql } from '../../src/commands/migrate-from/rows.ts';
import { describeWith } from '../servers/require.ts';
import { type Database, makeDatabase } from './migrate-source.ts';

const bin = join(import.meta.dirname, '../../src/bin.cjs');

describeWith(['postgres'], 'a table that is copied into the embedded store', ({ POSTGRES_URL }) => {
  let dir: string;
  let db: Database;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tallygate-embedded-'));
    db = await makeDatabase(POSTGRES_URL);
  });
  afterAll(async () => {
    await db?.drop();
    await rm(dir, { recursive: true, force: true });
  });

  const migrate = (table: string, ...args: string[]) =>
    new Promise<{ code: number | null; said: string }>((resolve) => {
      const given = [
        'migrate-from',
        db.url,
        '--table',
        table,
        '--state',
        join(dir, `${table}.json`),
        '--settle',
        '0',
        ...args,
      ];
      const env = {
        ...process.env,
        NODE_OPTIONS: '',
        DATA_DIR: join(dir, table),
        WRITE_KEYS: 'shop=wk_embedded',
        LOG_LEVEL: 'error',
      };
      const child = execFile(process.execPath, [bin, ...given], { env }, (_, stdout, stderr) =>
        resolve({ code: child.exitCode, said: stdout + stderr }),
      );
    });

  test('times of every type and kinds of every name are counted by SQL as the mapping reads them', async () => {
    // Around midnights, a change to summer time and back, and the first years of Unix time.
    await db.client.query(`
      CREATE TABLE kinds (id serial PRIMARY KEY, type text, event text, "user" int, local timestamp);
      INSERT INTO kinds (type, event, "user", local)
        SELECT (ARRAY['track', 'page', ' Identify ', NULL, 'order'])[1 + i % 5], 'E' || i % 3, i % 20,
          (ARRAY['2025-03-30'::timestamp, '2025-10-26', '1969-12-31', '2026-01-01'])[1 + i % 4] + (i % 50) * interval '30 minutes'
        FROM generate_series(1, 2000) i;
      UPDATE kinds SET "user" = NULL WHERE id % 100 = 0; UPDATE kinds SET event = '' WHERE id = 3; UPDATE kinds SET local = '-infinity' WHERE id = 4;
      UPDATE kinds SET local = '2999-01-01' WHERE id = 8; UPDATE kinds SET local = NULL WHERE id = 9`);
    const { code, said } = await migrate('kinds', '--timezone', 'Europe/Berlin', '--map', 'timestamp=local');
    expect(said).toMatch(/compared {6}1,97\d events of \d days, until .*: equal by day and event name/);
    expect(said).not.toContain('rows are read to count them');
    expect(code).toBe(3);
  }, 120_000);

  test('times that SQL is not trusted with are counted by reading the rows', async () => {
    await db.client.query(`
      CREATE TABLE written (id uuid PRIMARY KEY, ms bigint, at text, doc jsonb);
      INSERT INTO written SELECT md5(i::text)::uuid, 1767225600000 + i * 1000000::bigint, to_char('2026-01-01'::timestamp + i * interval '17 minutes', 'YYYY-MM-DD HH24:MI'),
        jsonb_build_object('name', 'E' || i % 4, 'who', 'u' || i % 9) FROM generate_series(1, 1500) i;
      UPDATE written SET at = 'soon' WHERE ms / 1000000 % 7 = 0`);
    const {
      rows: [bad],
    } = await db.client.query<{ n: number }>(`SELECT count(*)::int AS n FROM written WHERE at = 'soon'`);
    const mapped = ['--map', 'event=doc.name', '--map', 'userId=doc.who', '--map', 'timestamp=at'];
    const { code, said } = await migrate('written', ...mapped);
    expect(said).toContain('rows are read to count them');
    expect(said).toMatch(
      new RegExp(
        `compared {6}${(1500 - (bad?.n ?? 0)).toLocaleString('en-US')} events of 18 days, until .*: equal by day`,
      ),
    );
    expect(code).toBe(3);
    // By numbers with a unit SQL counts again, in another store.
    await rm(join(dir, 'written'), { recursive: true });
    await rm(join(dir, 'written.json'));
    const byMillis = await migrate('written', ...mapped.with(-1, 'timestamp=ms:millis'));
    expect(byMillis.said).not.toContain('rows are read to count them');
    expect(byMillis.said).toMatch(/compared {6}1,500 events of 18 days, until .*: equal by day/);
    expect(byMillis.code).toBe(0);
  }, 120_000);

  test('which transactions wrote a row since another one is right also where their 32 bits begin anew', async () => {
    const turn = 2n ** 32n;
    const isSince = async (xmin: bigint, horizon: bigint, next: bigint) => {
      const row = `(SELECT '${xmin % turn}'::xid AS "tallygate writer") t`;
      const { rows } = await db.client.query<{ since: boolean }>(
        `SELECT ${toWrittenSinceSql(horizon, next)} AS since FROM ${row}`,
      );
      return rows[0]?.since;
    };
    for (const base of [1000n, turn - 5n, turn + 5n, 3n * turn - 1n, 3n * turn]) {
      const [horizon, next] = [base + 10n, base + 20n];
      for (const xmin of [base + 10n, base + 15n, base + 19n]) expect(await isSince(xmin, horizon, next)).toBe(true);
      for (const xmin of [base, base + 9n, base - 900n]) expect(await isSince(xmin, horizon, next)).toBe(false);
    }
  });
});
