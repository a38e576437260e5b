import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { type AccumulatorLimits, createAccumulator } from '../../src/adapters/kafka/accumulator.ts';
import { TallygateError } from '../../src/errors.ts';
import type { NewRecord } from '../../src/ports/event-log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

interface Sent {
  readonly partition: number;
  readonly values: readonly string[];
  readonly answer: (first: number) => void;
  readonly fail: (error: Error) => void;
}

function create(
  limits: Partial<AccumulatorLimits> = {},
  answerAt?: (partition: number, count: number) => Promise<number>,
) {
  const sent: Sent[] = [];
  const metrics = createMetrics();
  const accumulator = createAccumulator({
    lingerMs: 5,
    maxBatchRecords: 10,
    maxBatchBytes: 1000,
    maxQueuedBytes: 10_000,
    maxWaitMs: 60_000,
    maxAppendBytes: 5000,
    deadlineMs: 10_000,
    metrics,
    ...limits,
    send(partition, records) {
      if (answerAt) return answerAt(partition, records.length);
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      sent.push({ partition, values: records.map((r) => r.value.toString()), answer: resolve, fail: reject });
      return promise;
    },
  });
  const queuedBytes = async () => (await metrics.logQueuedBytes.get()).values[0]?.value;
  /** Resolves when so many batches are on their way or have been: a timer of 0 ms takes what the machine lets it. */
  const untilSent = async (count: number) => {
    while (sent.length < count) await sleep(1);
  };
  return { ...accumulator, sent, untilSent, metrics, queuedBytes };
}

const records = (...values: string[]): NewRecord[] => values.map((value) => ({ key: 'k', value: Buffer.from(value) }));
const many = (count: number, size = 1) => records(...Array.from({ length: count }, () => 'x'.repeat(size)));

test('appends within the linger share a batch, and each gets its own first offset', async () => {
  const { append, sent, untilSent } = create();
  const appends = [
    append(0, records('a')),
    append(0, records('b', 'c')),
    append(1, records('d')),
    append(0, records('e')),
  ];
  expect(sent.length).toBe(0);
  await untilSent(2);
  await sleep(20);
  expect(sent.map(({ partition, values }) => [partition, values])).toEqual([
    [0, ['a', 'b', 'c', 'e']],
    [1, ['d']],
  ]);
  sent[0]?.answer(70);
  sent[1]?.answer(5);
  expect(await Promise.all(appends)).toEqual([70, 71, 5, 73]);
});

test('one batch of a partition is on its way at a time, and what comes meanwhile makes the next', async () => {
  const { append, sent, untilSent } = create({ lingerMs: 0 });
  const first = append(0, records('a'));
  await untilSent(1);
  const others = [append(0, records('b')), append(0, many(10)), append(0, records('c'))];
  await sleep(20);
  expect(sent.length).toBe(1);
  sent[0]?.answer(0);
  await first;
  await untilSent(2);
  // 'b' and ten more are more than a batch: an append is never split.
  expect(sent[1]?.values).toEqual(['b']);
  sent[1]?.answer(1);
  await untilSent(3);
  expect(sent[2]?.values.length).toBe(10);
  sent[2]?.answer(2);
  await untilSent(4);
  sent[3]?.answer(12);
  expect(await Promise.all(others)).toEqual([1, 2, 12]);
});

test('a full batch does not linger, and an append above the limits goes alone', async () => {
  const { append, sent } = create({ lingerMs: 60_000 });
  const full = append(0, many(10));
  expect(sent.length).toBe(1);
  const large = append(1, many(25, 100));
  expect(sent[1]?.values.length).toBe(25);
  sent[0]?.answer(0);
  sent[1]?.answer(3);
  expect(await Promise.all([full, large])).toEqual([0, 3]);
});

test('what was not sent in time is rejected, what is on its way is rejected and still holds its partition', async () => {
  const { append, sent, untilSent } = create({ lingerMs: 0, deadlineMs: 300 });
  const sending = append(0, records('a'));
  await untilSent(1);
  const queued = append(0, records('b'));
  const sentence = 'Kafka has not confirmed the records within 300 ms';
  await expect(sending).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE', message: sentence, retryAfterMs: 1000 });
  await expect(queued).rejects.toThrow(sentence);
  const began = Date.now();
  await expect(append(0, records('c'))).rejects.toThrow(sentence);
  expect(Date.now() - began).toBeLessThan(150);
  const elsewhere = append(1, records('d'));
  await untilSent(2);
  sent[1]?.answer(0);
  expect(await elsewhere).toBe(0);
  sent[0]?.answer(0);
  await sleep(10);
  const again = append(0, records('e'));
  await untilSent(3);
  await sleep(10);
  expect(sent.map(({ values }) => values)).toEqual([['a'], ['d'], ['e']]);
  sent[2]?.answer(1);
  expect(await again).toBe(1);
});

test('bytes are bounded, counted until a send has settled, and given back', async () => {
  const { append, sent, untilSent, queuedBytes, metrics } = create({ lingerMs: 0, maxQueuedBytes: 1000 });
  const first = append(0, many(1, 600));
  await untilSent(1);
  await expect(append(1, many(1, 600))).rejects.toMatchObject({ code: 'LOG_OVERLOADED', retryAfterMs: 1000 });
  expect(await queuedBytes()).toBe(617);
  sent[0]?.fail(new TallygateError('LOG_UNAVAILABLE', 'away'));
  await expect(first).rejects.toThrow('away');
  await sleep(5);
  expect(await queuedBytes()).toBe(0);
  const second = append(1, many(1, 600));
  await untilSent(2);
  sent[1]?.answer(4);
  expect(await second).toBe(4);
  const codes = (await metrics.appendErrors.get()).values.map(({ labels, value }) => [labels.code, value]);
  expect(codes).toEqual([
    ['LOG_OVERLOADED', 1],
    ['LOG_UNAVAILABLE', 1],
  ]);
});

test('what is queued can be rejected, what is on its way goes on', async () => {
  const { append, sent, untilSent, rejectQueued, drain, queuedBytes } = create({ lingerMs: 0 });
  const sending = append(0, records('a'));
  await untilSent(1);
  const queued = append(0, records('b'));
  rejectQueued(new TallygateError('LOG_UNAVAILABLE', 'the brokers are away'));
  await expect(queued).rejects.toThrow('the brokers are away');
  const drained = drain(5000);
  sent[0]?.answer(9);
  expect(await sending).toBe(9);
  await drained;
  expect(await queuedBytes()).toBe(0);
});

test('what is queued for one partition can be rejected, the others go on', async () => {
  const { append, sent, untilSent, rejectQueued } = create({ lingerMs: 0 });
  const sending = [append(0, records('a')), append(1, records('b'))];
  await untilSent(2);
  const queued = append(0, records('c'));
  const other = append(1, records('d'));
  rejectQueued(new TallygateError('LOG_UNAVAILABLE', 'its leader is away'), 0);
  await expect(queued).rejects.toThrow('its leader is away');
  for (const { answer } of sent) answer(9);
  expect(await Promise.all(sending)).toEqual([9, 9]);
  await untilSent(3);
  await sleep(5);
  expect(sent.slice(2).map(({ partition, values }) => [partition, values])).toEqual([[1, ['d']]]);
  sent[2]?.answer(10);
  expect(await other).toBe(10);
});

test('more than maxAppendBytes is never taken', async () => {
  const { append } = create();
  await expect(append(0, many(1, 5001))).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
});

test('offsets are those of a log that takes batches one after the other, whatever the sizes and speeds', async () => {
  const append = fc.record({ partition: fc.nat(2), count: fc.integer({ min: 1, max: 14 }), pause: fc.nat(3) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(append, { maxLength: 80 }),
      fc.array(fc.nat(4), { minLength: 1 }),
      async (steps, delays) => {
        const ends = [0, 0, 0];
        const busy = [false, false, false];
        let turn = 0;
        const accumulator = create({ lingerMs: 1 }, async (partition, count) => {
          if (busy[partition]) throw new Error('two batches of a partition at once');
          busy[partition] = true;
          await sleep(delays[turn++ % delays.length]);
          busy[partition] = false;
          const first = ends[partition] as number;
          ends[partition] = first + count;
          return first;
        });
        const expected = [0, 0, 0];
        const results: Promise<void>[] = [];
        for (const { partition, count, pause } of steps) {
          const wanted = expected[partition] as number;
          expected[partition] = wanted + count;
          results.push(accumulator.append(partition, many(count)).then((first) => expect(first).toBe(wanted)));
          if (pause === 0) await sleep(1);
        }
        await Promise.all(results);
        expect(ends).toEqual(expected);
        await accumulator.drain(1000);
      },
    ),
    { numRuns: 30 },
  );
});
