import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { createReach } from '../../src/adapters/kafka/reach.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';

/** Leaders answer, or not, when the test says so. */
function create(askMs = 10_000) {
  const questions: { partition: number; answer: () => void; fail: (error: Error) => void }[] = [];
  const reach = createReach({
    askMs,
    logger: createSilentLogger(),
    ask(partition) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      questions.push({ partition, answer: resolve, fail: reject });
      return promise;
    },
  });
  const isLost = (...partitions: number[]) => partitions.map((partition) => reach.whyLost(partition) !== undefined);
  /** Partition n has the n-th leader. */
  const name = (...leaders: number[]) =>
    reach.onLeaders(leaders.map((leader, partitionId) => ({ partitionId, leader })));
  return { ...reach, name, isLost, questions, asked: () => questions.splice(0) };
}

const settle = () => sleep(1);

test('a leader that is named again does not take its partition back before it has answered', async () => {
  const { name, isLost, asked, whyLost } = create();
  name(1, -1, 2);
  expect(isLost(0, 1, 2)).toEqual([false, true, false]);
  expect(whyLost(1)).toBe('has no leader');
  name(1, -1, 2);
  expect(asked()).toEqual([]);
  // A broker that is behind, or the next leader.
  name(1, 3, 2);
  const [question, ...more] = asked();
  expect([question?.partition, more.length]).toEqual([1, 0]);
  expect(isLost(1)).toEqual([true]);
  question?.answer();
  await settle();
  expect(isLost(1)).toEqual([false]);
  name(1, 3, 2);
  expect(asked()).toEqual([]);
});

test('a silent leader is asked once at a time, and holds up no other one', async () => {
  const { name, lose, isLost, asked } = create(50);
  lose([0, 1, 2], 'has a leader that does not answer');
  name(7, 8, 7);
  const questions = asked();
  expect(questions.map(({ partition }) => partition)).toEqual([0, 1]);
  questions[1]?.answer();
  name(7, 8, 7);
  await settle();
  expect(isLost(0, 1, 2)).toEqual([true, false, true]);
  expect(asked()).toEqual([]);
  await sleep(100);
  // It has not answered in time: not asked about its next partition, but anew when there is new metadata.
  expect(asked()).toEqual([]);
  name(7, 8, 7);
  const [again] = asked();
  expect(again?.partition).toBe(0);
  again?.answer();
  await settle();
  for (const { answer } of asked()) answer();
  await settle();
  expect(isLost(0, 1, 2)).toEqual([false, false, false]);
});

test('a leader that says no for one partition is asked about the next one', async () => {
  const { name, lose, isLost, asked } = create();
  lose([0, 1], 'has a leader that does not answer');
  name(7, 7);
  const no = Object.assign(new kafkajs.KafkaJSError('no'), { type: 'NOT_LEADER_FOR_PARTITION' });
  for (const { fail } of asked()) fail(no);
  await settle();
  const [next] = asked();
  expect(next?.partition).toBe(1);
  next?.answer();
  await settle();
  expect(isLost(0, 1)).toEqual([true, false]);
});
