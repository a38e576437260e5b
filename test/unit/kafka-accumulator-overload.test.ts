import { setImmediate as turn } from 'node:timers/promises';
import { type AccumulatorLimits, createAccumulator } from '../../src/adapters/kafka/accumulator.ts';
import type { NewRecord } from '../../src/ports/event-log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

/**
 * Time is counted in ticks: a broker answers what is on its way once a tick, so that its capacity is one batch a tick for each
 * partition, whatever the machine is doing.
 */
const recordBytes = 100;
const batchRecords = 10;
const tickMs = 1000;

interface Outcome {
  readonly project: string;
  readonly came: number;
  settled: number;
  accepted: boolean;
}

const brokers: { accumulator: ReturnType<typeof createAccumulator>; nextTick(): Promise<void> }[] = [];
afterEach(async () => {
  for (const broker of brokers.splice(0)) {
    broker.accumulator.rejectQueued(new Error('the test is over'));
    await broker.nextTick();
  }
});

function createBroker(limits: Partial<AccumulatorLimits> = {}) {
  const answers: (() => void)[] = [];
  const ends = new Map<number, number>();
  const outcomes: Outcome[] = [];
  const metrics = createMetrics();
  let tick = 0;
  let heldBytes = 0;
  let mostBytes = 0;
  const accumulator = createAccumulator({
    lingerMs: 0,
    maxBatchRecords: batchRecords,
    maxBatchBytes: batchRecords * recordBytes,
    maxQueuedBytes: 100 * recordBytes,
    maxWaitMs: 600_000,
    maxAppendBytes: 10_000,
    deadlineMs: 600_000,
    metrics,
    clock: () => tick * tickMs,
    ...limits,
    send(partition, records) {
      const { promise, resolve } = Promise.withResolvers<number>();
      const first = ends.get(partition) ?? 0;
      ends.set(partition, first + records.length);
      answers.push(() => resolve(first));
      return promise;
    },
  });

  function append(partition: number, project: string): void {
    const key = `${project}|u|${outcomes.length}`;
    const record: NewRecord = { key, value: Buffer.alloc(recordBytes - 16 - key.length) };
    const outcome: Outcome = { project, came: tick, settled: -1, accepted: false };
    outcomes.push(outcome);
    heldBytes += recordBytes;
    const settle = (accepted: boolean) => {
      heldBytes -= recordBytes;
      Object.assign(outcome, { settled: tick, accepted });
    };
    accumulator.append(partition, [record]).then(
      () => settle(true),
      () => settle(false),
    );
  }

  const broker = {
    accumulator,
    append,
    outcomes,
    metrics,
    mostBytes: () => mostBytes,
    /** Lets promises and timers of no duration come to rest, then looks at what is held. */
    async rest() {
      for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 1));
      await turn();
      mostBytes = Math.max(mostBytes, heldBytes);
    },
    async nextTick() {
      tick++;
      for (const answer of answers.splice(0)) answer();
      await this.rest();
    },
  };
  brokers.push(broker);
  return broker;
}

const waits = (outcomes: readonly Outcome[]) => outcomes.map(({ came, settled }) => settled - came);

test('at ten times the capacity: bounded bytes, refusals at once, bounded waits, full use', async () => {
  const partitions = 4;
  const ticks = 60;
  const capacity = partitions * batchRecords;
  const bound = 100;
  const broker = createBroker({ maxQueuedBytes: bound * recordBytes });
  for (let t = 0; t < ticks; t++) {
    for (let i = 0; i < 10 * capacity; i++) broker.append(i % partitions, 'hot');
    await broker.rest();
    const open = broker.outcomes.filter(({ settled }) => settled < 0).length;
    expect(open).toBeLessThanOrEqual(bound);
    await broker.nextTick();
  }
  const { outcomes } = broker;
  const refused = outcomes.filter(({ settled, accepted }) => settled >= 0 && !accepted);
  expect(new Set(waits(refused))).toEqual(new Set([0]));
  const accepted = outcomes.filter((each) => each.accepted);
  // What is there before an append, less what is answered: it cannot wait for longer.
  expect(Math.max(...waits(accepted))).toBeLessThanOrEqual(Math.ceil(bound / capacity) + 1);
  expect(accepted.length).toBeGreaterThanOrEqual(capacity * (ticks - 2));
  expect(broker.mostBytes()).toBeLessThanOrEqual(bound * recordBytes);
});

test('waits do not grow with the load: the same at twice and at twenty times the capacity', async () => {
  const longest = async (times: number) => {
    const broker = createBroker();
    for (let t = 0; t < 30; t++) {
      for (let i = 0; i < times * batchRecords; i++) broker.append(0, 'hot');
      await broker.rest();
      await broker.nextTick();
    }
    return Math.max(...waits(broker.outcomes.filter(({ accepted }) => accepted)));
  };
  expect(await longest(20)).toBeLessThanOrEqual((await longest(2)) + 1);
});

test('a hot project stops nobody: small ones are never refused and never wait for more than two batches', async () => {
  const partitions = 4;
  const ticks = 60;
  const capacity = partitions * batchRecords;
  const broker = createBroker();
  const small = ['s1', 's2', 's3', 's4', 's5'];
  for (let t = 0; t < ticks; t++) {
    for (let i = 0; i < 10 * capacity; i++) {
      broker.append(i % partitions, 'hot');
      // Each of the small ones wants a twentieth of the capacity: two a tick, in the midst of the others.
      const project = small[Math.floor(i / 40)];
      if (i % 20 === 7 && project) broker.append((t + Math.floor(i / 20)) % partitions, project);
    }
    await broker.rest();
    await broker.nextTick();
  }
  const settled = broker.outcomes.filter((each) => each.settled >= 0);
  const ofSmall = settled.filter(({ project }) => project !== 'hot');
  expect(ofSmall.length).toBeGreaterThan(500);
  expect(ofSmall.filter(({ accepted }) => !accepted)).toEqual([]);
  expect(Math.max(...waits(ofSmall))).toBeLessThanOrEqual(2);
  // Nor is the hot one starved: it gets what they leave.
  const ofHot = settled.filter(({ project, accepted }) => project === 'hot' && accepted);
  expect(ofHot.length + ofSmall.length).toBeGreaterThanOrEqual(capacity * (ticks - 3));
  // What gave way to the small ones was refused late; everything else at once.
  const late = settled.filter(({ came, settled: at, accepted }) => !accepted && at > came);
  expect(late.length).toBeLessThanOrEqual(ofSmall.length);
  expect(broker.mostBytes()).toBeLessThanOrEqual(100 * recordBytes);
});

test('waits are bounded where there is room for much more: by what a batch takes now', async () => {
  const broker = createBroker({ maxQueuedBytes: 100_000 * recordBytes, maxWaitMs: 3 * tickMs });
  for (let t = 0; t < 60; t++) {
    for (let i = 0; i < 10 * batchRecords; i++) broker.append(0, 'hot');
    if (t % 3 === 0) broker.append(0, 'small');
    await broker.rest();
    await broker.nextTick();
  }
  const { outcomes } = broker;
  // At first it is not known how long a batch takes; what was taken then has been answered by the twentieth tick.
  const later = outcomes.filter(({ came }) => came >= 20);
  const accepted = later.filter((each) => each.accepted);
  expect(accepted.length).toBeGreaterThanOrEqual(35 * batchRecords);
  // The batch on its way, three that wait, and one more for what small ones get ahead.
  expect(Math.max(...waits(accepted))).toBeLessThanOrEqual(5);
  const ofSmall = outcomes.filter(({ project, settled }) => project === 'small' && settled >= 0);
  expect(ofSmall.length).toBeGreaterThanOrEqual(18);
  expect(ofSmall.filter(({ accepted: taken }) => !taken)).toEqual([]);
  expect(Math.max(...waits(ofSmall))).toBeLessThanOrEqual(2);
  const late = later.filter(({ came, settled, accepted: taken }) => settled > came && !taken);
  expect(late.length).toBeLessThanOrEqual(ofSmall.length);
});

test('two hot projects get the same, though one of them asks nine times as often', async () => {
  const broker = createBroker();
  for (let t = 0; t < 60; t++) {
    for (let i = 0; i < 400; i++) broker.append(Math.floor(i / 10) % 2, i % 10 === 0 ? 'often' : 'always');
    await broker.rest();
    await broker.nextTick();
  }
  const accepted = (name: string) =>
    broker.outcomes.filter(({ project, accepted }) => accepted && project === name).length;
  const [often, always] = [accepted('often'), accepted('always')];
  expect(often + always).toBeGreaterThan(1100);
  expect(Math.min(often, always) / Math.max(often, always)).toBeGreaterThan(0.8);
});

test('bytes on their way are bounded too, and a partition that is held up is served when there is room', async () => {
  const broker = createBroker({ maxQueuedBytes: 40 * recordBytes });
  // Four full batches would be all of it: three go, the fourth waits, and can give way.
  for (let i = 0; i < 40; i++) broker.append(i % 4, 'hot');
  await broker.rest();
  for (let i = 0; i < 5; i++) broker.append(3, 'small');
  await broker.rest();
  const refused = () => broker.outcomes.filter(({ settled, accepted }) => settled >= 0 && !accepted);
  expect(refused().map(({ project }) => project)).toEqual(Array(5).fill('hot'));
  await broker.nextTick();
  await broker.nextTick();
  expect(broker.outcomes.filter(({ settled }) => settled < 0)).toEqual([]);
  expect(refused().length).toBe(5);
});
