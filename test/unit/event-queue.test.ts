import fc from 'fast-check';
import type { StoredEvent } from '../../src/reports/events/events.ts';
import { createFeedMemory } from '../../src/reports/events/feed-memory.ts';
import { createEventQueue, type EventBatch } from '../../src/reports/events/queue.ts';

/** Whatever comes and however slowly it is read: each event is told once, in order, or counted as lost, and memory is bounded. */

const megabyte = 1024 * 1024;
let next = 0;
const toBatch = (sizes: readonly number[], left: number): EventBatch => ({
  events: sizes.map(() => ({ messageId: String(next++) }) as StoredEvent),
  bytes: sizes,
  left,
  asOf: new Date(0),
  snapshot: `s${next}`,
});

type Step = { readonly put: readonly number[]; readonly left: number } | { readonly read: number };
const steps = fc.array(
  fc.oneof(
    fc.record({
      put: fc.array(fc.integer({ min: 100, max: megabyte / 4 }), { minLength: 1, maxLength: 40 }),
      left: fc.nat(3),
    }),
    fc.record({ read: fc.nat(1) }),
  ),
  { maxLength: 60 },
);

test('told once, in order, or lost; and what is kept stays below the bound', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      let used = 0;
      let largest = 0;
      const memory = createFeedMemory(4 * megabyte, (now) => {
        used = now;
      });
      const queues = [0, 1].map(() => {
        const leaving = new AbortController();
        let reported = 0;
        const queue = createEventQueue({
          start: toBatch([], 0),
          memory,
          signal: leaving.signal,
          onLost: (count) => {
            reported += count;
          },
          onEnd: () => {},
        });
        return { queue, leaving, told: [] as string[], lost: 0, reported: () => reported };
      });
      const read = async (at: number) => {
        const one = queues[at]!;
        const { value } = await one.queue.messages.next();
        if (value instanceof Error) throw value;
        one.told.push(...value.events.map(({ messageId }: StoredEvent) => messageId));
        one.lost += value.lost;
        largest = Math.max(largest, value.events.length);
      };
      for (const one of [0, 1]) await read(one);
      let sent: string[] = [];
      let left = 0;
      const isWaiting = [false, false];
      for (const step of all as readonly Step[]) {
        if ('read' in step) {
          if (isWaiting[step.read]) await read(step.read);
          isWaiting[step.read] = false;
        } else {
          const batch = toBatch(step.put, step.left);
          sent = [...sent, ...batch.events.map(({ messageId }) => messageId)];
          left += step.left;
          for (const { queue } of queues) queue.put(batch);
          isWaiting.fill(true);
          // A message that is under way stays; what waits has to go.
          expect(used).toBeLessThanOrEqual(4 * megabyte + 2 * (megabyte / 2 + megabyte / 4));
        }
      }
      // Until everything is told: the last event says so.
      const last = toBatch([1], 0);
      for (const [i, one] of queues.entries()) {
        one.queue.put(last);
        while (one.told.at(-1) !== last.events[0]?.messageId) await read(i);
        expect(one.told.length + one.lost).toBe(sent.length + 1 + left);
        expect(one.lost).toBe(one.reported());
        const told = new Set(one.told);
        expect(one.told).toEqual([...sent, last.events[0]!.messageId].filter((id) => told.has(id)));
      }
      for (const { queue, leaving } of queues) {
        leaving.abort();
        expect(await queue.messages.next()).toEqual({ done: true, value: undefined });
      }
      expect(used).toBe(0);
      expect(largest).toBeLessThanOrEqual(500);
    }),
    { numRuns: 100 },
  );
});

test('an error is the last message, after what was there before', async () => {
  const memory = createFeedMemory(megabyte, () => {});
  const { signal } = new AbortController();
  const queue = createEventQueue({ start: toBatch([], 0), memory, signal, onLost: () => {}, onEnd: () => {} });
  queue.put(toBatch([1, 1], 0));
  queue.fail(new Error('over'));
  const all: unknown[] = [];
  for await (const message of queue.messages)
    all.push(message instanceof Error ? message.message : message.events.length);
  expect(all).toEqual([2, 'over']);
});

test('a reader that leaves while it waits is done at once', async () => {
  const memory = createFeedMemory(megabyte, () => {});
  const { signal } = new AbortController();
  let ends = 0;
  const queue = createEventQueue({ start: toBatch([], 0), memory, signal, onLost: () => {}, onEnd: () => ends++ });
  await queue.messages.next();
  const waiting = queue.messages.next();
  await queue.messages.return?.();
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(ends).toBe(1);
});

test('room is given in the order of asking, and what is aborted takes none', async () => {
  const memory = createFeedMemory(400, () => {});
  const never = new AbortController().signal;
  expect(await memory.room(50, never)).toBe(50);
  memory.add(340);
  const gone = new AbortController();
  const order: string[] = [];
  const first = memory.room(90, gone.signal).then((given) => order.push(`first ${given}`));
  // No more than a quarter: it must get its turn.
  const second = memory.room(5000, never).then((given) => order.push(`second ${given}`));
  const third = memory.room(20, never).then((given) => order.push(`third ${given}`));
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual([]);
  gone.abort();
  memory.release(390);
  await Promise.all([first, second, third]);
  expect(order).toEqual(['first 0', 'second 100', 'third 20']);
});

test('a message that needs room gets it from what waits for slow readers', async () => {
  const memory = createFeedMemory(1000, () => {});
  const { signal } = new AbortController();
  let lost = 0;
  const onLost = (count: number) => {
    lost += count;
  };
  const queue = createEventQueue({ start: toBatch([], 0), memory, signal, onLost, onEnd: () => {} });
  queue.put(toBatch([300, 300, 300], 0));
  expect(await memory.room(250, signal)).toBe(250);
  expect(lost).toBe(1);
});

test('what is kept to tell of changes has a bound of its own', () => {
  const used: number[] = [];
  const memory = createFeedMemory(100, (bytes) => used.push(bytes));
  expect([memory.keep(60), memory.keep(60), memory.keep(-60), memory.keep(60)]).toEqual([true, false, true, true]);
  expect(used).toEqual([60, 0, 60]);
});
