import { createDedupBudget } from '../../src/ingest/dedup-budget.ts';
import { createKnownIds } from '../../src/ingest/known-ids.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

const windowHours = 24;

function createBudget(bytes: number) {
  const metrics = createMetrics();
  const budget = createDedupBudget({ bytes, metrics, logger: createSilentLogger() });
  const read = async (name: 'dedupIds' | 'dedupBytes' | 'dedupWindowHours') =>
    (await metrics[name].get()).values[0]!.value;
  return { budget, read };
}

/** So many ids an hour; slots of the same number are the same. */
function fill(known: ReturnType<typeof createKnownIds>, hours: readonly number[], perHour: number): Uint32Array[] {
  return hours.map((hour) => {
    const slots = Uint32Array.from({ length: perHour * 4 }, () => Math.random() * 2 ** 32);
    known.advance(hour, hour);
    for (let at = 0; at < slots.length; at += 4) {
      slots[at + 3] = hour * 4096;
      known.addLive(slots, at);
    }
    return slots;
  });
}

test('the oldest hours of all windows move to filters, and nothing is forgotten while these fit', async () => {
  const { budget, read } = createBudget(600_000);
  const [a, b] = [createKnownIds(windowHours), createKnownIds(windowHours)];
  budget.join(a);
  const leave = budget.join(b);
  const olds = fill(a, [100, 101, 102, 103, 104, 105], 4000);
  const youngs = fill(b, [110, 111], 4000);
  expect(budget.bytes).toBeGreaterThan(600_000);
  await budget.settled();
  expect(budget.bytes).toBeLessThan(600_000);
  // The old ones are suspected or known; those of the younger window are known as before.
  const lost = olds.filter((slots, i) =>
    slots.some((_, at) => at % 4 === 0 && a.find(slots, at) === 0 && !a.suspects(slots, at, 100 + i)),
  );
  expect(lost).toEqual([]);
  expect(a.find(olds[0]!, 0)).toBe(0);
  expect(youngs.filter((slots) => slots.some((_, at) => at % 4 === 0 && b.find(slots, at) === 0))).toEqual([]);
  expect([a.hours, b.hours]).toEqual([windowHours, windowHours]);
  expect(await read('dedupIds')).toBeGreaterThan(8 * 4000 * 0.99);
  expect(await read('dedupBytes')).toBe(budget.bytes);
  leave();
  expect(await read('dedupBytes')).toBe(a.tableBytes + a.filterBytes);
});

test('when filters do not fit either, the oldest are forgotten and the window says so', async () => {
  const { budget, read } = createBudget(200_000);
  const known = createKnownIds(windowHours);
  budget.join(known);
  await budget.settled();
  expect(await read('dedupWindowHours')).toBe(windowHours);
  for (let hour = 100; hour < 130; hour++) {
    fill(known, [hour], 5000);
    await budget.settled();
    expect(budget.bytes).toBeLessThan(200_000);
  }
  expect(known.hours).toBeGreaterThan(4);
  expect(known.hours).toBeLessThan(windowHours);
  expect(await read('dedupWindowHours')).toBe(known.hours);
  // A stranger is not looked up for hours that nobody remembers.
  const stranger = crypto.getRandomValues(new Uint32Array(4 * 100));
  let suspected = 0;
  for (let at = 0; at < stranger.length; at += 4) if (known.suspects(stranger, at, 129)) suspected++;
  expect(suspected).toBeLessThan(10);
});

test('what is older than memory knows must be looked up, and a clock that runs ahead drives nothing out', () => {
  const known = createKnownIds(windowHours);
  const [old, , now] = fill(known, [100, 101, 130], 10);
  expect(known.suspects(old!, 0, 100)).toBe(false);
  for (let i = 0; i < 8; i++) known.advance(130, 130);
  expect(known.suspects(now!, 0, 130)).toBe(false);
  expect(known.suspects(now!, 0, 129)).toBe(true);
  known.advance(9000, 9000);
  expect(known.suspects(now!, 0, 130)).toBe(false);
});

test('work on one window never overlaps, and goes on after a failure', async () => {
  const known = createKnownIds(windowHours);
  const steps: string[] = [];
  const first = known.exclusive(async () => {
    steps.push('a');
    await new Promise((resolve) => setImmediate(resolve));
    steps.push('b');
    throw new Error('away');
  });
  const second = known.exclusive(async () => steps.push('c'));
  await expect(first).rejects.toThrow('away');
  await second;
  expect(steps).toEqual(['a', 'b', 'c']);
});
