import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { RecordFacts } from '../../src/events/record-facts.ts';
import type { Warehouse } from '../../src/ports/warehouse.ts';
import { type Batch, createBudget, createOracle, createPairBench, openTestWarehouse } from './repeats-rig.ts';
import { toFacts } from './to-facts.ts';

const hour = 3_600_000;
const start = Date.UTC(2026, 2, 1);

let path: string;
let warehouse: Warehouse;
beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'tallygate-repeats-'));
  warehouse = await openTestWarehouse(path);
});
afterAll(async () => {
  await warehouse.close();
  await rm(path, { recursive: true, force: true });
});

function toFact(messageId: string, hours = 0, more: Partial<RecordFacts> = {}): RecordFacts {
  const receivedAt = start + hours * hour;
  return { project: 'shop', keyId: 'k', messageId, receivedAt, time: receivedAt, fingerprint: 1, dead: null, ...more };
}
const live = (...facts: RecordFacts[]): Batch => ({ lane: 'live', facts });
const history = (...facts: RecordFacts[]): Batch => ({ lane: 'history', facts });

/** Clocks of gateways are not one clock: what comes may be hours, or days, before or after what came just now. */
const skew = fc.oneof(
  { weight: 12, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: -3, max: 3 }) },
  { weight: 1, arbitrary: fc.integer({ min: -60, max: 60 }) },
);
const record = fc.record({
  id: fc.nat(60),
  project: fc.constantFrom('shop', 'shop', 'other'),
  skew,
  timeSkew: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.integer({ min: -60, max: 60 })),
  fingerprint: fc.oneof({ weight: 5, arbitrary: fc.constant(7) }, fc.constantFrom(8, 7 + 4096)),
  kind: fc.oneof(
    { weight: 12, arbitrary: fc.constant('event' as const) },
    fc.constantFrom('dead' as const, 'unreadable' as const),
  ),
});
const batch = fc.record({
  lane: fc.oneof({ weight: 3, arbitrary: fc.constant('live' as const) }, fc.constant('history' as const)),
  /** Hours since the batch before. */
  wait: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: fc.nat(3) }, fc.nat(40)),
  records: fc.array(record, { minLength: 1, maxLength: 20 }),
  rebuilt: fc.boolean(),
});

test.each([
  { memory: 'enough', bytes: 1e9 },
  { memory: 'for the last hours alone', bytes: 12_000 },
])(
  'whoever decides a batch, and whenever it read the window, decides as the rule says; memory: $memory',
  async ({ bytes }) => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(1, 6, 24),
        fc.array(batch, { minLength: 6, maxLength: 24 }),
        async (windowHours, story) => {
          const pair = createPairBench(warehouse);
          const oracle = createOracle(windowHours);
          const budget = createBudget(bytes);
          let repeats = await pair.open({ windowHours, budget });
          let now = 0;
          for (const { lane, wait, records, rebuilt } of story) {
            now += wait;
            const facts = records.map(({ id, project, skew, timeSkew, fingerprint, kind }) =>
              kind === 'unreadable'
                ? null
                : toFact(`id-${id}`, 1000 + now + skew, {
                    project,
                    fingerprint,
                    time: start + (now + skew + timeSkew) * hour,
                    dead: kind === 'dead' ? { code: 'INVALID', message: '' } : null,
                  }),
            );
            const expected = facts.map((fact) => oracle(lane, fact));
            if (rebuilt) {
              repeats.close();
              repeats = await pair.open({ windowHours, budget });
            }
            const asOf = pair.positions;
            expect(await pair.take(repeats, { lane, facts })).toEqual(expected);
            // Somebody else takes over, and does not know that the batch was stored.
            const another = await pair.open({ windowHours, budget: createBudget(bytes), asOf });
            expect(await pair.judge(another, { lane, facts }, asOf)).toEqual(expected);
            another.close();
          }
          expect(repeats.hours).toBe(windowHours);
        },
      ),
      { numRuns: 10, endOnFailure: true },
    );
  },
  300_000,
);

test('a retry within the window is a repeat, a later one counts again, and another payload is told apart', async () => {
  const pair = createPairBench(warehouse);
  const repeats = await pair.open({ windowHours: 24 });
  expect(
    await pair.take(repeats, live(toFact('a'), toFact('a'), toFact('b'), toFact('b', 0, { fingerprint: 2 }))),
  ).toEqual(['new', 'repeat', 'new', 'conflict']);
  expect(await pair.take(repeats, live(toFact('a', 24), toFact('b', 25), toFact('b', 25)))).toEqual([
    'repeat',
    'new',
    'repeat',
  ]);
  expect(await pair.take(repeats, live(toFact('a', 0, { project: 'other' })))).toEqual(['new']);
  expect(repeats.size).toBe(3);
});

test('one who comes so late that memory has given up his window is looked up', async () => {
  const pair = createPairBench(warehouse);
  const repeats = await pair.open({ windowHours: 24 });
  await pair.take(repeats, live(toFact('a'), toFact('b', 1)));
  for (let i = 0; i < 9; i++) await pair.take(repeats, live(toFact(`on-time-${i}`, 40)));
  for (const each of [repeats, await pair.open({ windowHours: 24 })]) {
    const late = live(toFact('a', 20), toFact('a', 25), toFact('b', 25), toFact('c', 20), toFact('c', 20));
    expect(await pair.judge(each, late)).toEqual(['repeat', 'new', 'repeat', 'new', 'repeat']);
  }
});

test('what can be told ahead is told, and what cannot leaves nothing behind', async () => {
  const pair = createPairBench(warehouse);
  const repeats = await pair.open();
  await pair.take(repeats, history(toFact('h')));
  expect(await repeats.judgeAhead(await toFacts(repeats, [toFact('a'), null, toFact('a')]))).toEqual([
    'new',
    null,
    'repeat',
  ]);
  expect(await repeats.judgeAhead(await toFacts(repeats, [toFact('b'), toFact('h')]))).toBeNull();
  expect(await pair.judge(repeats, live(toFact('a'), toFact('b'), toFact('h')))).toEqual(['repeat', 'new', 'repeat']);
});

test('what an import brings is known to live events of the window, and the other way round', async () => {
  const pair = createPairBench(warehouse);
  const repeats = await pair.open();
  expect(await pair.take(repeats, history(toFact('a'), toFact('b', 0, { time: start - 400 * 24 * hour })))).toEqual([
    'new',
    'new',
  ]);
  expect(await pair.take(repeats, live(toFact('a', 1), toFact('b', 1), toFact('c', 1)))).toEqual([
    'repeat',
    'repeat',
    'new',
  ]);
  expect(await pair.take(repeats, history(toFact('c', 2), toFact('c', 2, { fingerprint: 9 })))).toEqual([
    'repeat',
    'conflict',
  ]);
  // However old the first one is, when the event is the same moment's.
  expect(await pair.take(repeats, live(toFact('d', 5000)))).toEqual(['new']);
  expect(await pair.take(repeats, history(toFact('a', 5000, { time: start }), toFact('a', 5000)))).toEqual([
    'repeat',
    'new',
  ]);
});

test('what the log before this one had is known, whatever partition it was in', async () => {
  const old = createPairBench(warehouse);
  const before = await old.open();
  await old.take(before, live(toFact('tracked', 0), toFact('long ago', -30)));
  await old.take(before, history(toFact('imported', 0)));
  const bench = createPairBench(warehouse, 2, old);
  const repeats = await bench.open();
  expect(await bench.take(repeats, live(toFact('tracked', 2), toFact('imported', 2), toFact('fresh', 2)))).toEqual([
    'repeat',
    'repeat',
    'new',
  ]);
  expect(await bench.take(repeats, live(toFact('long ago', 2), toFact('tracked', 40)))).toEqual(['new', 'new']);
  expect(await bench.take(repeats, history(toFact('imported', 0), toFact('fresh', 2)))).toEqual(['repeat', 'repeat']);
  // Once more, now that this log has something of its own.
  expect(await bench.judge(await bench.open(), live(toFact('imported', 3)))).toEqual(['repeat']);
});

test('a log with one partition has the live lane alone', async () => {
  const pair = createPairBench(warehouse, 1);
  const repeats = await pair.open();
  expect(await pair.take(repeats, live(toFact('a'), toFact('b', -30)))).toEqual(['new', 'new']);
  expect(await pair.take(await pair.open(), live(toFact('a', 1), toFact('b', -20)))).toEqual(['repeat', 'repeat']);
});

test('a lookup that fails leaves nothing behind: the batch can be judged again', async () => {
  const pair = createPairBench(warehouse);
  const repeats = await pair.open();
  await pair.take(repeats, history(toFact('h')));
  const cut = new AbortController();
  cut.abort();
  const facts = [toFact('x', 1), toFact('h', 1)];
  const read = await toFacts(repeats, facts);
  await expect(repeats.judge('live', pair.positions, read, cut.signal)).rejects.toThrow();
  await expect(repeats.judge('history', pair.positions, read, cut.signal)).rejects.toThrow();
  expect(await pair.take(repeats, live(...facts))).toEqual(['new', 'repeat']);
});

const oddIds = [
  "it's",
  'a\\b',
  'tab\tnew\nline\r',
  'ü😀',
  '"',
  '%27',
  '\u0001',
  'nul\0',
  '[1,2]',
  'x'.repeat(100),
  '😀'.repeat(50),
];

test('ids may be made of anything', async () => {
  const pair = createPairBench(warehouse);
  const quotes = Array.from({ length: 1500 }, (_, i) => `${"'".repeat(90)}${i}`);
  const facts = [...oddIds, ...quotes].map((id) => toFact(id));
  await pair.take(await pair.open(), history(...facts));
  const repeats = await pair.open();
  expect(await pair.judge(repeats, history(...facts))).toEqual(facts.map(() => 'repeat'));
  expect(await pair.take(repeats, live(...facts))).toEqual(facts.map(() => 'repeat'));
  const other = createPairBench(warehouse);
  await other.take(await other.open(), live(...facts));
  expect(await other.judge(await other.open(), live(...facts))).toEqual(facts.map(() => 'repeat'));
});

test('many at once: several statements, several pages', async () => {
  const pair = createPairBench(warehouse);
  const repeats = await pair.open();
  const many = Array.from({ length: 30_000 }, (_, i) => toFact(`a-long-id-of-a-client-${i}`, i % 5));
  expect(new Set(await pair.take(repeats, history(...many)))).toEqual(new Set(['new']));
  expect(new Set(await pair.judge(repeats, history(...many)))).toEqual(new Set(['repeat']));
  const rebuilt = await pair.open();
  // Of filters, which take some for others.
  expect(rebuilt.size).toBeGreaterThan(many.length * 0.99);
  expect(new Set(await pair.judge(rebuilt, live(...many.slice(0, 9000))))).toEqual(new Set(['repeat']));
});

test('without memory enough for filters the window is shorter, and says so', async () => {
  const pair = createPairBench(warehouse);
  const budget = createBudget(40_000);
  const repeats = await pair.open({ budget });
  for (let h = 0; h < 24; h++)
    await pair.take(repeats, live(...Array.from({ length: 1500 }, (_, i) => toFact(`${h}-${i}`, h))));
  await budget.settled();
  expect(budget.bytes).toBeLessThanOrEqual(40_000);
  expect(repeats.hours).toBeGreaterThan(0);
  expect(repeats.hours).toBeLessThan(24);
  const hours = (await budget.metrics.dedupWindowHours.get()).values[0]!.value;
  expect(hours).toBe(repeats.hours);
  // What the window still covers is known.
  expect(await pair.judge(repeats, live(toFact('23-0', 23), toFact(`${24 - hours}-1`, 23)))).toEqual([
    'repeat',
    'repeat',
  ]);
  repeats.close();
  expect(budget.bytes).toBe(0);
});
