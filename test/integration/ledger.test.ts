import { rmSync } from 'node:fs';
import { createBalanceWatch } from '../../src/reports/moment/balance-watch.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { eventually } from '../e2e/tallygate.ts';
import { makeFolder, secrets } from './graphql-site.ts';
import { type Counts, dead, good, type LedgerSite, nameless, nobody, openLedgerSite, zero } from './ledger-site.ts';

const logger = createSilentLogger();
const minute = 60_000;

let engine: string;
let site: LedgerSite;

beforeAll(() => {
  engine = makeFolder();
});
afterAll(() => rmSync(engine, { recursive: true, force: true }));
beforeEach(async () => {
  site = await openLedgerSite(engine);
});
afterEach(() => site.close());

test('what came in and what became of it, in all and by key; another project sees nothing of it', async () => {
  await site.track([good('a'), good('b'), good('c'), nameless('n1'), nameless('n2'), nobody('p'), dead('d')]);
  await site.track([good('a'), good('b', { other: 1 }), dead('d')], secrets.admin);
  await site.track([good('a')], secrets.other);
  site.refusing = true;
  const refused = await site.track([good('x'), good('y')]);
  expect(refused.body.errors![0]!.extensions.code).toBe('LOG_UNAVAILABLE');
  site.refusing = false;
  const rejected = [
    { code: 'INVALID_LENGTH', count: 2 },
    { code: 'PERSON_MISSING', count: 1 },
  ];
  const ofWriteKey = {
    ...zero,
    received: 9,
    accepted: 4,
    rejected,
    retried: [{ code: 'LOG_UNAVAILABLE', count: 2 }],
    stored: 3,
    deadLettered: 1,
  };
  const ofAdmin = { ...zero, received: 3, accepted: 3, deduplicated: 3, conflicting: 1 };
  await eventually(async () => {
    const { byKey, ...all } = await site.askTotal();
    expect(all).toEqual({
      ...ofWriteKey,
      start: all.start,
      received: 12,
      accepted: 7,
      deduplicated: 3,
      conflicting: 1,
      balanced: true,
      incomplete: false,
    });
    expect(byKey.map(({ keyId: _, ...key }) => key)).toEqual(expect.arrayContaining([ofWriteKey, ofAdmin]));
    expect(byKey).toHaveLength(2);
    for (const { keyId } of byKey) expect(keyId).toMatch(/^[0-9a-f]{8}$/);
  });
  // Minutes are those of the receipt, and add up to the same.
  const minutes = await site.ask('5m');
  expect(minutes.length).toBe(5);
  expect(minutes.reduce((sum, { received }) => sum + received, 0)).toBe(12);
  expect(minutes.reduce((sum, { stored }) => sum + stored, 0)).toBe(3);

  const traces = await site.site.post({
    query:
      '{ eventStatus(messageIds: ["a", "b", "d"]) { messageId state deduplicated conflicts } ingestion { dedupWindowHours } }',
  });
  expect(traces.body.data).toEqual({
    ingestion: { dedupWindowHours: 24 },
    eventStatus: [
      { messageId: 'a', state: 'STORED', deduplicated: 1, conflicts: 0 },
      { messageId: 'b', state: 'STORED', deduplicated: 1, conflicts: 1 },
      { messageId: 'd', state: 'DEAD_LETTERED', deduplicated: 1, conflicts: 0 },
    ],
  });
});

test('while no sink is at work, what was accepted is in flight, and nothing is out of balance', async () => {
  await site.track([good('a')]);
  await site.bench.untilStored();
  await site.stopSink();
  await site.track([good('b'), good('c'), good('a')]);
  await eventually(async () => {
    const total = await site.askTotal();
    expect(total).toMatchObject({ received: 4, accepted: 4, stored: 1, inFlight: 3, balanced: true });
    expect(total.byKey).toMatchObject([{ received: 4, stored: 1, inFlight: 3 }]);
  });
  await site.startSink();
  await eventually(async () =>
    expect(await site.askTotal()).toMatchObject({
      accepted: 4,
      stored: 3,
      deduplicated: 1,
      inFlight: 0,
      balanced: true,
    }),
  );
});

describe('a ledger that was damaged', () => {
  const metrics = createMetrics();

  /** Three ranges with two projects in each of them. */
  const fill = async () => {
    for (const round of [1, 2, 3]) {
      await site.stopSink();
      await site.track([good(`a${round}`), good(`b${round}`)]);
      await site.track([good(`c${round}`)], secrets.other);
      await site.startSink();
      await site.bench.untilStored();
    }
  };

  const damages: readonly [string, string][] = [
    [
      "another project's share is gone",
      "ALTER TABLE ledger DELETE WHERE phase = 'completed' AND project = 'other' AND last_offset = (SELECT max(last_offset) FROM ledger WHERE project = 'other') SETTINGS mutations_sync = 1",
    ],
    [
      'a range is gone from the middle',
      "ALTER TABLE ledger DELETE WHERE phase = 'completed' AND last_offset = (SELECT min(last_offset) FROM ledger WHERE first_offset > 0) SETTINGS mutations_sync = 1",
    ],
    [
      'a range is there twice',
      "INSERT INTO ledger SELECT * FROM ledger WHERE phase = 'completed' AND last_offset = (SELECT max(last_offset) FROM ledger)",
    ],
    [
      'a range overlaps the one before it',
      "INSERT INTO ledger (phase, log_stream, first_offset, last_offset, project, stored) SELECT 'completed', log_stream, last_offset, last_offset + 1, 'shop', 2 FROM ledger WHERE phase = 'completed' ORDER BY last_offset DESC LIMIT 1",
    ],
  ];

  /** Puts the ledger back as it was. */
  const restore = async () => {
    await site.bench.damage('TRUNCATE TABLE ledger');
    await site.bench.damage('INSERT INTO ledger SELECT * FROM ledger_before SETTINGS insert_deduplicate = 0');
  };

  test('it says so, in the answer and by the metric, until it adds up again', async () => {
    await fill();
    await site.bench.damage('CREATE TABLE ledger_before AS ledger ENGINE = Memory');
    await site.bench.damage('INSERT INTO ledger_before SELECT * FROM ledger');
    const watch = createBalanceWatch({ warehouse: site.bench.warehouse, metrics, logger, clock: Date.now });
    const judge = async () => ({
      found: (await watch.look()) > 0,
      told: ((await metrics.ledgerUnbalanced.get()).values[0]?.value ?? 0) > 0,
      shown: (await site.ask()).some(({ balanced }) => !balanced),
    });
    for (const [what, statement] of damages) {
      await site.bench.damage(statement);
      expect({ what, ...(await judge()) }).toEqual({ what, found: true, told: true, shown: true });
      await restore();
      expect({ what, ...(await judge()) }).toEqual({ what, found: false, told: false, shown: false });
    }

    // Records that are missing, and then the row that says where they went.
    const last = "FROM ledger WHERE phase = 'completed' ORDER BY last_offset DESC LIMIT 1";
    const columns = 'INSERT INTO ledger (phase, log_stream, first_offset, last_offset, project,';
    await site.bench.damage(
      `${columns} stored) SELECT 'completed', log_stream, last_offset + 1, last_offset + 5, 'shop', 3 ${last}`,
    );
    expect(await judge()).toEqual({ found: true, told: true, shown: true });
    await site.bench.damage(
      `${columns} dropped) SELECT 'corrected', log_stream, first_offset, last_offset, 'shop', 2 ${last}`,
    );
    expect(await judge()).toEqual({ found: false, told: false, shown: false });

    // A stream may begin anywhere, since its log may have.
    await site.bench.damage(`${columns} stored) VALUES ('completed', 5, 1000, 1009, 'shop', 10)`);
    expect(await judge()).toEqual({ found: false, told: false, shown: false });
  });
});

test('imported records that are on their way are no reason for an older asOf, and each answer says so', async () => {
  await site.stopSink();
  const sent = await site.site.post({
    query: 'mutation ($input: TrackBatchInput!) { trackBatch(input: $input) { accepted } }',
    variables: { input: { events: [good('h1'), good('h2')], lane: 'HISTORY' } },
  });
  expect(sent.body.data).toEqual({ trackBatch: { accepted: 2 } });
  const query =
    '{ trend(input: { range: { last: "7d" }, series: [{ event: "E" }] }) { meta { warnings asOf } } ingestion { lag partitions { lane partition lag } dedupWindowHours } }';
  await eventually(async () => {
    const { body } = await site.site.post({ query });
    expect(body.data).toMatchObject({
      trend: {
        meta: {
          warnings: expect.arrayContaining([expect.stringMatching(/^2 imported records .* not in this answer$/)]),
        },
      },
      ingestion: {
        lag: 2,
        partitions: [
          { lane: 'LIVE', partition: 0, lag: 0 },
          { lane: 'HISTORY', partition: 0, lag: 2 },
        ],
        dedupWindowHours: null,
      },
    });
    const { trend } = body.data as { trend: { meta: { asOf: string } } };
    expect(Date.parse(trend.meta.asOf)).toBeGreaterThan(Date.now() - minute);
  });
  await site.startSink();
  await eventually(async () => {
    const { body } = await site.site.post({ query });
    const { trend } = body.data as { trend: { meta: { warnings: string[] } } };
    expect(trend.meta.warnings.join()).not.toContain('imported');
  });
});

test('random traffic: received is what was accepted, rejected or to be sent again, per minute and key', async () => {
  const random = (below: number) => Math.floor(Math.random() * below);
  const sent = new Map<string, number>();
  const kinds = [good, nameless, nobody, dead];
  let id = 0;
  for (let i = 0; i < 40; i++) {
    const as = [secrets.write, secrets.admin][random(2)] as string;
    site.refusing = random(4) === 0;
    const events = Array.from({ length: 1 + random(6) }, () =>
      kinds[random(4)]!(random(3) === 0 ? 'again' : `id-${id++}`),
    );
    // Over ten minutes, some of them in the past.
    site.ahead = -random(10) * minute;
    await site.track(events, as);
    sent.set(as, (sent.get(as) ?? 0) + events.length);
  }
  site.refusing = false;
  site.ahead = 0;
  await site.bench.untilStored();
  await eventually(async () => {
    const buckets = await site.ask('20m');
    const keys = buckets.flatMap(({ byKey }) => byKey);
    const total = (list: Counts['rejected']) => list.reduce((sum, { count }) => sum + count, 0);
    for (const key of [...buckets, ...keys]) {
      expect(key.received).toBe(key.accepted + total(key.rejected) + total(key.retried));
      expect(key.accepted).toBe(key.stored + key.deduplicated + key.deadLettered);
      expect(key.inFlight).toBe(0);
    }
    const received = Map.groupBy(keys, ({ keyId }) => keyId);
    const sums = [...received.values()].map((of) => of.reduce((sum, key) => sum + key.received, 0));
    expect(sums.sort()).toEqual([...sent.values()].sort());
  });
});
