import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLanes } from '../../src/commands/import/lanes.ts';
import { createProgress, toDuration, toProgressLine } from '../../src/commands/import/progress.ts';

test('a line says how much is done, how fast, and how long it will take', () => {
  expect(toProgressLine({ total: 400, unit: 'rows' }, 100, 12_000, 3000)).toBe('25%, 12,000 rows, 4,000/s, 9 s left');
  expect(toProgressLine({ total: undefined, unit: 'events' }, 0, 10, 1000)).toBe('10 events, 10/s');
  expect(toProgressLine({ total: 400, unit: 'rows' }, 0, 0, 0)).toBe('0%, 0 rows, 0/s');
  expect(toProgressLine({ total: 400, unit: 'rows' }, 500, 7, 1000)).toBe('100%, 7 rows, 7/s, 0 s left');
});

test.each([
  [0, '0 s'],
  [59_400, '59 s'],
  [61_000, '1 min 1 s'],
  [3_725_000, '1 h 2 min'],
])('%d ms are %s', (ms, text) => {
  expect(toDuration(ms)).toBe(text);
});

test('without a terminal there is a line every now and then, and no control characters', async () => {
  const stream = new PassThrough();
  const progress = createProgress(stream, { total: 100, unit: 'rows' }, 20);
  progress.note('f.csv: event -> event');
  progress.update(50, 5);
  await sleep(100);
  progress.stop();
  const text = String(stream.read());
  await sleep(50);
  expect(stream.read()).toBeNull();
  const [note, ...lines] = text.trimEnd().split('\n');
  expect(note).toBe('f.csv: event -> event');
  expect(lines.length).toBeGreaterThanOrEqual(2);
  for (const line of lines) expect(line).toMatch(/^50%, 5 rows, [\d,]+\/s, 0 s left$/);
});

test('on a terminal there is a bar with the same line', async () => {
  const stream = Object.assign(new PassThrough(), {
    isTTY: true,
    columns: 120,
    cursorTo: () => true,
    moveCursor: () => true,
    clearLine: () => true,
  });
  const progress = createProgress(stream, { total: 100, unit: 'rows' });
  progress.update(50, 5);
  await sleep(300);
  progress.update(60, 6);
  await sleep(300);
  progress.stop();
  expect(String(stream.read())).toMatch(/=+-+ (50|60)%, [56] rows, \d+\/s, 0 s left/);
  expect(process.listenerCount('SIGINT')).toBe(0);
});

test('lanes run so many tasks at once, and the first failure reaches whoever brings more', async () => {
  const lanes = createLanes(2);
  let running = 0;
  let most = 0;
  const task = async () => {
    most = Math.max(most, ++running);
    await sleep(5);
    running--;
  };
  for (let i = 0; i < 6; i++) await lanes.start(task);
  expect(lanes.free()).toBe(false);
  await lanes.drain();
  expect([most, running]).toEqual([2, 0]);
  await lanes.start(() => Promise.reject(new Error('the first')));
  await lanes.start(task).catch(() => {});
  await expect(lanes.start(task)).rejects.toThrow('the first');
  await expect(lanes.drain()).rejects.toThrow('the first');
});
