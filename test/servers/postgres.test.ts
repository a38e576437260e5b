import { Client } from 'pg';
import { describeWith, describeWithOwn, uniqueName } from './require.ts';

async function ask(url: string, sql: string): Promise<string> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000, query_timeout: 5000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query({ text: sql, rowMode: 'array' });
    return String(rows[0]?.[0]);
  } finally {
    await client.end().catch(() => undefined);
  }
}

describeWith(['postgres'], 'the shared PostgreSQL', ({ POSTGRES_URL }) => {
  test('makes databases, and lets nobody in with another password', async () => {
    const name = uniqueName('db');
    await ask(POSTGRES_URL, `CREATE DATABASE ${name}`);
    const url = new URL(POSTGRES_URL);
    url.pathname = `/${name}`;
    expect(await ask(url.href, 'SELECT current_database()')).toBe(name);
    url.password = 'wrong';
    await expect(ask(url.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
  });
});

describeWithOwn(['postgres'], 'a PostgreSQL that dies', (start) => {
  test('comes back with what was committed, stands still while it is frozen, and stops though clients are there', async () => {
    const server = await start.postgres();
    const url = server.env.POSTGRES_URL;
    await ask(url, 'CREATE TABLE kept AS SELECT 42 AS a');
    const client = new Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    await server.kill();
    await expect(ask(url, 'SELECT 1')).rejects.toThrow();
    await server.restart();
    expect(await ask(url, 'SELECT a FROM kept')).toBe('42');
    const other = new Client({ connectionString: url });
    other.on('error', () => undefined);
    await other.connect();
    server.freeze();
    const answer = other.query('SELECT 1').then(() => 'answered');
    expect(await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 300, 'silent'))])).toBe('silent');
    server.thaw();
    expect(await answer).toBe('answered');
    await server.stop();
    expect(server.running).toBe(false);
  }, 60_000);
});
