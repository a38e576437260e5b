import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, type Role, secrets, startRole } from '../e2e/tallygate.ts';
import { describeWith, uniqueName } from '../servers/require.ts';
import { type Database, makeDatabase } from './migrate-source.ts';
import { startTraffic } from './migrate-traffic.ts';

/** MIGRATE_ROWS=1000000 for the form that is too long for every change: npm run verify:migration. */
const rows = Number(process.env.MIGRATE_ROWS ?? 60_000);
const bin = join(import.meta.dirname, '../../src/bin.cjs');

describeWith(
  ['kafka', 'clickhouse', 'postgres'],
  `${rows} rows are moved while everything goes on`,
  ({ POSTGRES_URL, CLICKHOUSE_URL, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD, KAFKA_BROKERS }) => {
    let dir: string;
    let db: Database;
    let service: Role;
    const children: ChildProcess[] = [];
    const database = uniqueName('moved');
    const stateFile = () => join(dir, 'state.json');

    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'tallygate-move-'));
      await writeFile(join(dir, 'write'), secrets.write);
      await writeFile(join(dir, 'read'), secrets.read);
      db = await makeDatabase(POSTGRES_URL);
      await db.client.query(`
        CREATE TABLE events (id bigserial PRIMARY KEY, message_id uuid, event text NOT NULL, user_id text, properties jsonb NOT NULL, time timestamptz NOT NULL);
        INSERT INTO events (message_id, event, user_id, time, properties)
          SELECT CASE WHEN i % 3 = 0 THEN gen_random_uuid() END, 'History ' || i % 7, 'u' || i % 5000,
            now() - interval '40 days' + i * (interval '39 days' / ${rows}), jsonb_build_object('n', i, 'text', repeat('x', i % 100))
          FROM generate_series(1, ${rows}) i`);
      await db.client.query('ANALYZE events');
      service = await startRole('serve', dir, {
        KAFKA_BROKERS,
        KAFKA_TOPIC: database,
        KAFKA_GROUP: database,
        KAFKA_PARTITIONS: '4',
        CLICKHOUSE_URL,
        CLICKHOUSE_USER,
        CLICKHOUSE_PASSWORD,
        CLICKHOUSE_DATABASE: database,
        LOG_LEVEL: 'warn',
      });
    }, 240_000);
    afterAll(async () => {
      for (const child of children) child.kill('SIGKILL');
      await service?.stop();
      await db?.drop();
      await rm(dir, { recursive: true, force: true });
    }, 60_000);

    function start() {
      const args = ['migrate-from', db.url, '--table', 'events', '--map', 'properties=properties', '--chunk', '4000'];
      const through = ['--url', `${service.url}/graphql`, '--write-key-file', join(dir, 'write')];
      const compared = ['--read-token-file', join(dir, 'read'), '--settle', '3', '--state', stateFile()];
      const child = spawn(process.execPath, [bin, ...args, ...through, ...compared, '--other-columns', 'drop'], {
        env: { ...process.env, NODE_OPTIONS: '' },
      });
      children.push(child);
      let said = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (data: Buffer) => {
          said += data;
        });
      const ended = once(child, 'exit').then(([code]) => ({ code: code as number | null, said }));
      return { child, ended };
    }

    async function askWarehouse<Row>(sql: string, format = ' FORMAT JSONEachRow'): Promise<Row[]> {
      const response = await fetch(`${CLICKHOUSE_URL}/?database=${database}`, {
        method: 'POST',
        headers: { 'X-ClickHouse-User': CLICKHOUSE_USER, 'X-ClickHouse-Key': CLICKHOUSE_PASSWORD },
        body: sql + format,
      });
      const text = await response.text();
      if (!response.ok) throw new Error(text);
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Row);
    }

    /** By neither side's own account: which ids were ever committed, and which ones the warehouse has how often. */
    async function judge() {
      const { rows: committed } = await db.client.query<{ id: string }>(
        `SELECT coalesce(message_id::text, current_database() || '.public.events:' || id) AS id FROM events`,
      );
      const ids = new Set(committed.map(({ id }) => id));
      const stored = await askWarehouse<{ id: string; n: number }>(
        'SELECT message_id AS id, toUInt32(count()) AS n FROM events GROUP BY id',
      );
      const seen = new Set(stored.map(({ id }) => id));
      return {
        committed: ids.size,
        stored: seen.size,
        lost: [...ids].filter((id) => !seen.has(id)),
        phantoms: [...seen].filter((id) => !ids.has(id)),
        twice: stored.filter(({ n }) => n !== 1),
      };
    }

    test(
      'each row once, whatever the application does meanwhile and though the copy is killed in the middle',
      async () => {
        const traffic = await startTraffic(db.url, service.url, rows);
        const began = Date.now();
        const first = start();
        await eventually(
          async () => {
            const { last } = JSON.parse(await readFile(stateFile(), 'utf8')) as { last: [string] | null };
            expect(Number(last?.[0])).toBeGreaterThan(rows / 3);
          },
          Math.max(300, rows / 1000),
        );
        first.child.kill('SIGKILL');
        await first.ended;
        expect((JSON.parse(await readFile(stateFile(), 'utf8')) as { walked: boolean }).walked).toBe(false);

        // Goes on, and both sides agree while the application goes on.
        const second = await start().ended;
        const seconds = (Date.now() - began) / 1000;
        expect(second.said).toContain(`goes on from ${stateFile()}`);
        expect(second.said).toMatch(/compared {6}[\d,]+ events of [\d,]+ days, until .*: equal by day and event name/);
        expect(second.said).toMatch(/conflicts {5}[\d,]+ of them differ from what was stored first, which stands/);
        expect(second.code).toBe(0);

        // Once more, when the application has stopped: what came after the end of the copy.
        await traffic.stop();
        const third = await start().ended;
        expect(third.said).toContain('equal by day and event name');
        expect(third.code).toBe(0);
        const { counts } = traffic;
        for (const count of Object.values(counts)) expect(count).toBeGreaterThan(0);
        const { lost, phantoms, twice, ...sums } = await eventually(async () => {
          const judged = await judge();
          expect(judged.stored).toBe(judged.committed);
          return judged;
        }, 60);
        expect({ lost, phantoms, twice }).toEqual({ lost: [], phantoms: [], twice: [] });
        expect(sums.committed).toBe(rows + counts.both + counts.tableAlone);
        const [repeats] = await askWarehouse<{ n: number }>('SELECT toUInt32(count()) AS n FROM repeats');
        // Each event that the application wrote to both sides came from both.
        expect(repeats?.n).toBeGreaterThanOrEqual(counts.both);
        if (process.env.MIGRATE_ROWS)
          process.stderr.write(
            `${JSON.stringify({ rows, seconds, ...counts, ...sums, repeats: repeats?.n })}\n${second.said}`,
          );
      },
      Math.max(240_000, rows * 1.2),
    );

    test('rows that are deleted in the table or changed, and events that are lost, are named by day and event', async () => {
      const {
        rows: [lost],
      } = await db.client.query<{ id: string; day: string }>(
        `SELECT coalesce(message_id::text, current_database() || '.public.events:' || id) AS id, to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day
         FROM events WHERE id = 8`,
      );
      await db.client.query(`DELETE FROM events WHERE id IN (7, 14, 21)`);
      await db.client.query(`UPDATE events SET event = 'Renamed' WHERE id = 9`);
      await askWarehouse(`ALTER TABLE events DELETE WHERE message_id = '${lost?.id}' SETTINGS mutations_sync = 2`, '');
      const { code, said } = await start().ended;
      expect(said).toMatch(/\d in the table, [\d,]+ in Tallygate: 1 missing/);
      const deleted = [
        ...said.matchAll(/ {2}History 0: [\d,]+ in the table, [\d,]+ in Tallygate: (\d) more \(deleted/g),
      ];
      expect(deleted.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(3);
      expect(said).toMatch(new RegExp(`  ${lost?.day}  History 1: .*: 1 missing\n`));
      expect(said).toMatch(/ {2}History 2: .*: 1 more/);
      expect(said).toMatch(/ {2}Renamed: 1 in the table, 0 in Tallygate: 1 missing/);
      expect(said).toContain(`missing of ${lost?.day} History 1: ${lost?.id} (`);
      expect(code).toBe(4);
    }, 240_000);
  },
);
