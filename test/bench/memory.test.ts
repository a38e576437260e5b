import { existsSync } from 'node:fs';
import { judgeMemory, type Memory, readResident, toMemoryTable } from './memory.ts';

const mebibyte = 1024 * 1024;

/** 40 samples of a process whose parts grow by so many MiB from one to the next. */
function sample(growth: Partial<Memory>): Memory[] {
  const at = (part: keyof Memory, i: number) => (100 + (growth[part] ?? 0) * i) * mebibyte;
  return Array.from({ length: 40 }, (_, i) => ({
    own: at('own', i) + at('window', i),
    window: at('window', i),
    mapped: at('mapped', i),
  }));
}

test('memory that stays is flat, memory that grows is not', () => {
  expect(judgeMemory('serve', sample({}))).toMatchObject({ pass: true });
  expect(judgeMemory('serve', sample({ own: 0.4 }))).toMatchObject({ pass: true });
  // 115 in the second quarter, 135 in the last.
  expect(judgeMemory('serve', sample({ own: 1 }))).toMatchObject({
    pass: false,
    text: expect.stringContaining('is 1.17 of that in the second, target less than 1.1'),
  });
  expect(judgeMemory('serve', []).pass).toBe(false);
});

test('pages of files and the window of repeats grow by design, and are shown', () => {
  const samples = sample({ window: 1, mapped: 10 });
  expect(judgeMemory('serve', samples).pass).toBe(true);
  expect(toMemoryTable({ serve: samples }).rows).toEqual([
    ['serve: its own, without the window of repeats', '100', '100', '100', '100', '1.00'],
    ['serve: window of repeats', '105', '115', '125', '135', '1.17'],
    ['serve: pages of mapped files', '150', '250', '350', '450', '1.80'],
  ]);
});

const onLinux = existsSync('/proc/self/status') ? test : test.skip;

onLinux('what a process has written to is its own', () => {
  const before = readResident(process.pid);
  const kept = Buffer.alloc(128 * mebibyte, 1);
  const after = readResident(process.pid);
  expect(after.own - before.own).toBeGreaterThan(100 * mebibyte);
  expect(after.mapped - before.mapped).toBeLessThan(20 * mebibyte);
  expect(kept[kept.length - 1]).toBe(1);
});
