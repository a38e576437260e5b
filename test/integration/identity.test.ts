import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { createDedupeCommand } from '../../src/commands/dedupe.ts';
import { parseEvent } from '../../src/events/parse.ts';
import type { PositionVector } from '../../src/events/position.ts';
import { encodeRecord } from '../../src/events/record.ts';
import { runAudit } from '../../src/ingest/audit/run-audit.ts';
import { restoreRange } from '../../src/ingest/restore.ts';
import type { NewRecord } from '../../src/ports/event-log.ts';
import { createIdentities, toPerson } from '../../src/reports/identity/identity.ts';
import { sql, toStatement, value } from '../../src/reports/sql.ts';
import { toAnonymous, toPersons, toUser } from '../oracle/persons.ts';
import { runOn } from './command-run.ts';
import { deps, now, storeInRanges } from './damaged.ts';
import { openSinkBench, type SinkBench } from './sink-bench.ts';

const hour = 3_600_000;

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

interface Merge {
  readonly kind: 'identify' | 'alias';
  readonly messageId: string;
  readonly receivedAt: number;
  readonly userId: string;
  readonly anonymousId: string;
  readonly previousId: string;
}

const identify = (anonymousId: string, userId: string, messageId: string, receivedAt = now): Merge => ({
  kind: 'identify',
  messageId,
  receivedAt,
  userId,
  anonymousId,
  previousId: '',
});
const alias = (previousId: string, userId: string, messageId: string, receivedAt = now): Merge => ({
  kind: 'alias',
  messageId,
  receivedAt,
  userId,
  anonymousId: '',
  previousId,
});

function toRecord({ kind, receivedAt, messageId, ...ids }: Merge, project = 'demo'): NewRecord {
  const given = Object.fromEntries(Object.entries(ids).filter(([, id]) => id !== ''));
  const arrival = { project, keyId: 'k', receivedAt, retentionDays: undefined };
  const { event, errors } = parseEvent(kind, { messageId, ...given }, arrival);
  if (!event) throw new Error(JSON.stringify(errors));
  return { key: 'demo|u', value: encodeRecord(event, arrival) };
}

/** Ids whose person as of the first `count` of the merges, which stand in the log from `begin` on, is not what plain counting says. */
async function findWrong(
  merges: readonly Merge[],
  { count = merges.length, project = 'demo', begin = 0 } = {},
): Promise<readonly unknown[]> {
  const personOf = toPersons(merges.slice(0, count));
  const ids = new Set(merges.flatMap((m) => [m.userId, m.anonymousId, m.previousId]).filter(Boolean));
  // As the column `person` hashes them.
  const toText = (id: string) => (id.startsWith('user ') ? `u${id.slice(5)}` : `a${id.slice(10)}`);
  const labels = [...ids].flatMap((id) => [toUser(id), toAnonymous(id)]);
  const snapshot: PositionVector = new Map([[0, begin + count - 1]]);
  const versions = { versionsOf: async () => ['v'] };
  const identity = await createIdentities(bench.warehouse, versions).asOf(project, snapshot, AbortSignal.timeout(1e6));
  const person = toPerson(sql`sipHash64(id)`, identity, project, snapshot);
  const texts = value('Array(String)', labels.map(toText));
  const wanted = value('Array(String)', labels.map(personOf).map(toText));
  const { rows } = await bench.warehouse.query(
    toStatement(
      sql`SELECT id, who FROM (SELECT arrayJoin(arrayZip(${texts}, ${wanted})) AS pair, pair.1 AS id, pair.2 AS who) WHERE ${person} != sipHash64(who)`,
    ),
    { label: 'test', project },
  );
  return rows;
}

test('who is who after any merges, as of every moment, is what adding them up oldest first gives', async () => {
  const id = fc.constantFrom('1', '2', '3', '4', '5', '6', '7', '8', '9');
  const merge = fc.record({ isAlias: fc.nat(2), from: id, to: id, age: fc.nat(3), name: fc.nat(999) });
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(merge, { minLength: 3, maxLength: 40, size: 'max' }), async (drawn) => {
      const project = `p${++runs}`;
      const merges = drawn.map(({ isAlias, from, to, age, name }, i) =>
        (isAlias ? alias : identify)(from, to, `m${name}-${i}`, now - age * hour),
      );
      const begin = (await bench.log.inspect())[0]!.end;
      const records = merges.map((each) => toRecord(each, project));
      await storeInRanges(bench, records, 20);
      for (const count of [merges.length, Math.ceil(merges.length / 2), 1])
        expect(await findWrong(merges, { count, project, begin })).toEqual([]);
    }),
    { numRuns: Math.ceil(12 * Number(process.env.ORACLE_RUNS ?? 1)), endOnFailure: true },
  );
}, 300_000);

test('a chain of 3,000 ids is one person, whatever the order in which its links came, and a loop of as many breaks once', async () => {
  const length = 3000;
  const links = Array.from({ length }, (_, i) => (i * 7) % length).map((i) =>
    alias(String(i), String(i + 1), `m${i}`, now + ((i * 11) % 17) * hour),
  );
  await storeInRanges(
    bench,
    links.map((each) => toRecord(each)),
    length,
  );
  expect(await findWrong(links)).toEqual([]);
  const closing = alias(String(length), '0', 'closing', now + 3 * hour);
  await storeInRanges(bench, [toRecord(closing)], 1);
  expect(await findWrong([...links, closing])).toEqual([]);
  expect(await findWrong([...links, closing], { count: length })).toEqual([]);
}, 300_000);

/** Everything but commits, which nobody makes here. */
async function findings(): Promise<string[]> {
  const report = await runAudit({ ...bench, group: 'sink', windowHours: 24, settleMs: 0 }, { isDeep: true });
  return report.findings.flatMap(({ kind, first, last }) =>
    kind === 'COMMIT_BACK' ? [] : [`${kind} ${first}-${last}`],
  );
}

const readEdges = () =>
  bench.rows(
    'SELECT * FROM identity_edges ORDER BY log_stream, log_offset, child LIMIT 1 BY log_stream, log_offset, child',
  );

test('edges that were lost are named, and come back with a replay; edges of nobody are named', async () => {
  const merges = [
    identify('a', 'u', 'm1'),
    alias('u', 'v', 'm2'),
    alias('same', 'same', 'm3'),
    identify('a', 'w', 'm4'),
  ];
  await storeInRanges(
    bench,
    merges.map((each) => toRecord(each)),
    2,
  );
  const edges = await readEdges();
  expect(edges).toHaveLength(1 + 2 + 1 + 1);
  expect(await findings()).toEqual([]);
  const whole = { stream: 0, logPartition: 0, first: 0, last: 3 };
  for (let again = 0; again < 2; again++) {
    await bench.damage('ALTER TABLE identity_edges DELETE WHERE log_offset != 2 SETTINGS mutations_sync = 2');
    expect(await findings()).toEqual(['EDGES 0-1', 'EDGES 3-3']);
    expect(await restoreRange({ ...deps(bench), isDry: true }, whole)).toMatchObject({ edges: 4 });
    expect(await restoreRange(deps(bench), whole)).toMatchObject({ edges: 4, events: 0 });
    expect(await findings()).toEqual([]);
    expect(await readEdges()).toEqual(edges);
  }
  for (const table of ['events', 'identity_edges']) await bench.damage(`TRUNCATE TABLE ${table}`);
  expect(await restoreRange(deps(bench), whole)).toMatchObject({ edges: 0, events: 4 });
  expect(await readEdges()).toEqual(edges);

  await bench.damage(
    'INSERT INTO identity_edges SELECT * REPLACE (7 AS child) FROM identity_edges WHERE log_offset = 3',
  );
  expect(await findings()).toEqual(['EDGES 3-3']);
  expect(await findWrong(merges)).toEqual([]);
}, 120_000);

test('an identify that is taken out as a repeat takes its edge with it', async () => {
  const first = identify('a', 'u', 'm');
  const merges = [first, identify('b', 'v', 'other'), identify('c', 'u', 'm', now + 30 * hour)];
  await storeInRanges(
    bench,
    merges.map((each) => toRecord(each)),
    1,
  );
  expect(await findWrong(merges)).toEqual([]);
  const edges = await readEdges();
  expect((await runOn(bench, createDedupeCommand, [])).stdout).toContain('took out 1 events');
  expect(await readEdges()).toEqual(edges.slice(0, 2));
  expect(await findings()).toEqual([]);
  expect(await findWrong(merges.slice(0, 2))).toEqual([]);
}, 120_000);
