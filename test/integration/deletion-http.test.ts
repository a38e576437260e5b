import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Warehouse } from '../../src/ports/warehouse.ts';
import { eraseAll, findings } from './deletion-rig.ts';
import { openSite, type Site, secrets } from './graphql-site.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

let engine: string;
let bench: SinkBench;
let site: Site;
beforeAll(async () => {
  engine = await mkdtemp(join(tmpdir(), 'tallygate-engine-'));
  bench = await openSinkBench(engine);
  site = await openSite({ warehouse: bench.warehouse, log: bench.log });
});
afterAll(async () => {
  await site.close();
  await bench.close();
  await rm(engine, { recursive: true, force: true });
});

const deletePerson = (id: string, as: string = secrets.admin) =>
  site.post(
    { query: 'mutation ($id: ID!) { deletePerson(id: $id) { id state requestedAt events } }', variables: { id } },
    { as },
  );

test('it needs the right to administrate; a read token sees how far it is, another project sees nothing', async () => {
  for (const as of [secrets.write, secrets.read])
    expect((await deletePerson('u1', as)).body.errors![0]).toMatchObject({ extensions: { code: 'FORBIDDEN' } });
  const { body } = await deletePerson('u1');
  expect(body.errors).toBeUndefined();
  const { id } = body.data!.deletePerson as { id: string };
  expect(body.data).toMatchObject({ deletePerson: { state: 'REQUESTED', events: null } });
  const query =
    'query ($id: ID!) { deletion(id: $id) { id state finishedAt ids events deadLetters } deletions(first: 10) { id } }';
  const ask = async (as: string) => (await site.post({ query, variables: { id } }, { as })).body.data;
  expect(await ask(secrets.read)).toMatchObject({
    deletion: { id, state: 'REQUESTED', finishedAt: null },
    deletions: [{ id }],
  });
  await eraseAll(bench.warehouse);
  expect(await ask(secrets.read)).toMatchObject({
    deletion: { id, state: 'DONE', finishedAt: expect.any(String), events: 0, deadLetters: 0 },
  });
  const other = await site.post({ query: '{ deletions { id } }' }, { as: secrets.other });
  expect(other.body.errors![0]).toMatchObject({ extensions: { code: 'FORBIDDEN' } });
}, 60_000);

test('an id is a value, whatever it looks like, and nobody else goes', async () => {
  const evil = [
    "x' OR 1=1 --",
    '{id:String}',
    '\\',
    "'); DROP TABLE events; --",
    '`',
    'a\0b',
    'tab\tnew\nline',
    '😀"',
    '%',
    'ü'.normalize('NFD'),
  ];
  const events = [...evil, 'somebody'].map((userId, i) => ({ track: { event: 'E', userId, messageId: `e${i}` } }));
  const query = 'mutation ($input: TrackBatchInput!) { trackBatch(input: $input) { accepted } }';
  const { body } = await site.post({ query, variables: { input: { events } } });
  expect(body).toEqual({ data: { trackBatch: { accepted: events.length } } });
  const sink = await bench.startSink();
  await bench.untilStored();
  await sink.stop(10_000);
  for (const [i, id] of evil.entries()) {
    expect((await deletePerson(id)).body.errors).toBeUndefined();
    await eraseAll(bench.warehouse);
    const [left] = await bench.rows<{ n: string; gone: string }>(
      `SELECT count() AS n, countIf(message_id = 'e${i}') AS gone FROM events`,
    );
    expect({ id, ...left }).toEqual({ id, n: String(events.length - i - 1), gone: '0' });
  }
  expect(await findings(bench)).toEqual([]);
}, 120_000);

test('an id of no length, or too long, is refused; and so is a request that cannot be made durable', async () => {
  for (const id of ['', 'x'.repeat(201)])
    expect((await deletePerson(id)).body.errors![0]).toMatchObject({
      message: `id: expected 1 to 200 characters, got ${id.length}`,
      extensions: { code: 'INVALID_INPUT' },
    });
  const away: Warehouse = { ...bench.warehouse, insert: () => Promise.reject(new Error('away')) };
  const other = await openSite({ warehouse: away, log: bench.log });
  try {
    const { body } = await other.post({ query: 'mutation { deletePerson(id: "u1") { id } }' });
    expect(body).toMatchObject({ data: { deletePerson: null }, errors: [{ path: ['deletePerson'] }] });
  } finally {
    await other.app.close();
  }
}, 60_000);
