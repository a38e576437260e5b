import { setTimeout as sleep } from 'node:timers/promises';
import { createMemoryCache } from '../../src/adapters/memory/report-cache.ts';
import type { ReportCache } from '../../src/ports/report-cache.ts';
import { createStampede, type Stampede } from '../../src/reports/cells/stampede.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

const never = new AbortController().signal;

let cache: ReportCache;
let runs: number;
beforeEach(() => {
  cache = createMemoryCache({ maxBytes: 1e6, metrics: createMetrics() });
  runs = 0;
});

interface Ways {
  readonly compute?: () => Promise<string>;
  readonly keep?: (answer: string) => Promise<void>;
  readonly signal?: AbortSignal;
}

/** What a process of its own would do for the one answer that is asked for. */
function ask(stampede: Stampede, { compute, keep, signal = never }: Ways = {}): Promise<string> {
  return stampede.underLease({
    key: 'question',
    keys: ['answer'],
    read: ([value]) => value?.toString(),
    async compute() {
      runs++;
      return compute ? compute() : sleep(50, 'right');
    },
    keep: keep ?? ((answer) => cache.setMany([{ key: 'answer', value: Buffer.from(answer), ttlSeconds: 60 }])),
    signal,
  });
}

const process = (patienceMs?: number) => createStampede(cache, patienceMs === undefined ? {} : { patienceMs });

test('of several that ask at the same time one computes, and all have its answer', async () => {
  expect(await Promise.all([1, 2, 3, 4].map(() => ask(process())))).toEqual(Array(4).fill('right'));
  expect(runs).toBe(1);
});

test('who looked before the answer was there, and asks after it, does not compute it again', async () => {
  await ask(process());
  await sleep(20);
  expect(await ask(process())).toBe('right');
  expect(runs).toBe(1);
});

test('where it fails the next one tries, and each has its own failure', async () => {
  const fail = () => sleep(30).then(() => Promise.reject(new Error('too expensive')));
  const [first, second] = await Promise.allSettled([ask(process(), { compute: fail }), ask(process())]);
  expect(first).toMatchObject({ status: 'rejected', reason: { message: 'too expensive' } });
  expect(second).toMatchObject({ value: 'right' });
  expect(runs).toBe(2);
});

test('an answer that is not kept is computed by the others, as soon as that is known', async () => {
  const compute = () => sleep(30, 'large');
  const answers = await Promise.all([1, 2].map(() => ask(process(60_000), { compute, keep: async () => {} })));
  expect(answers).toEqual(['large', 'large']);
  expect(runs).toBe(2);
});

test('one that lives and does not come to an end is waited for no longer than stated', async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const stuck = ask(process(), { compute: () => promise });
  await sleep(10);
  expect(await ask(process(200))).toBe('right');
  expect(runs).toBe(2);
  resolve('late');
  expect(await stuck).toBe('late');
});

test('one that computes for longer than its lease lasts still has it', async () => {
  const long = ask(process(), { compute: () => sleep(4500, 'right') });
  await sleep(10);
  expect(await ask(process(60_000))).toBe('right');
  expect(await long).toBe('right');
  expect(runs).toBe(1);
}, 20_000);

test('who goes away does not wait', async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const stuck = ask(process(), { compute: () => promise });
  await sleep(10);
  const leaving = new AbortController();
  const asked = ask(process(60_000), { signal: leaving.signal });
  setTimeout(() => leaving.abort(), 30);
  await expect(asked).rejects.toThrow();
  expect(runs).toBe(1);
  resolve('right');
  await stuck;
});

test('what is asked in one tick is claimed and looked for in one call each, and begins in one tick', async () => {
  const calls: string[] = [];
  const counted: ReportCache = {
    ...cache,
    claim: (leases, ttlSeconds) => {
      calls.push(`claim ${leases.length}`);
      return sleep(5).then(() => cache.claim(leases, ttlSeconds));
    },
    getMany: (keys) => {
      calls.push(`get ${keys.length}`);
      return sleep(5).then(() => cache.getMany(keys));
    },
  };
  const stampede = createStampede(counted);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const began = new Set<number>();
  await Promise.all(
    ['a', 'b', 'c'].map((key) =>
      stampede.underLease({
        key,
        keys: [key, 'shared'],
        read: () => undefined,
        compute: async () => began.add(ticks),
        keep: async () => {},
        signal: never,
      }),
    ),
  );
  clearInterval(timer);
  expect(calls).toEqual(['claim 3', 'get 4']);
  expect(began.size).toBe(1);
});
