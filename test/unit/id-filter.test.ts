import { createHash } from 'node:crypto';
import { createHourFilters } from '../../src/ingest/hour-filters.ts';
import { createIdFilter } from '../../src/ingest/id-filter.ts';

function toSlots(from: number, to: number, hour = 1): Uint32Array {
  const slots = new Uint32Array((to - from) * 4);
  for (let n = from; n < to; n++) {
    const digest = createHash('sha256').update(`id ${n}`).digest();
    for (let word = 0; word < 3; word++) slots[(n - from) * 4 + word] = digest.readUInt32LE(word * 4);
    slots[(n - from) * 4 + 3] = hour * 4096;
  }
  return slots;
}

const ids = 60_000;
const known = toSlots(0, ids);
const strangers = toSlots(ids, 2 * ids);

function count(slots: Uint32Array, has: (slots: Uint32Array, at: number) => boolean): number {
  let suspected = 0;
  for (let at = 0; at < slots.length; at += 4) if (has(slots, at)) suspected++;
  return suspected;
}

test('a filter that knows how many come has them all, in about two bytes each, and hardly suspects a stranger', () => {
  const filter = createIdFilter();
  filter.reserve(ids);
  for (let at = 0; at < known.length; at += 4) filter.add(known, at);
  expect(count(known, filter.has)).toBe(ids);
  expect(filter.bytes / ids).toBeLessThan(2.3);
  // One in 8,000 is expected.
  expect(count(strangers, filter.has)).toBeLessThan(ids / 2000);
});

test('one that does not know grows by layers', () => {
  const filter = createIdFilter();
  for (let at = 0; at < known.length; at += 4) {
    filter.add(known, at);
    filter.add(known, at);
  }
  expect(count(known, filter.has)).toBe(ids);
  expect(filter.size).toBeLessThanOrEqual(ids);
  expect(filter.size).toBeGreaterThan(ids * 0.99);
  expect(filter.bytes / ids).toBeLessThan(4);
  expect(count(strangers, filter.has)).toBeLessThan(ids / 300);
});

test('filters by hour say nothing about hours that are not asked for, and are given up together', () => {
  const filters = createHourFilters(24);
  const [old, young] = [toSlots(0, 1000, 100), toSlots(1000, 2000, 120)];
  filters.reserve(
    new Map([
      [100, 1000],
      [120, 1000],
    ]),
  );
  for (let at = 0; at < old.length; at += 4) filters.add(old, at);
  for (let at = 0; at < young.length; at += 4) filters.add(young, at);
  expect([filters.suspects(old, 0, 100), filters.suspects(old, 0, 103), filters.suspects(young, 0, 103)]).toEqual([
    true,
    false,
    true,
  ]);
  expect(filters.oldestEnd()).toBe(102);
  filters.forgetBefore(101);
  expect(filters.suspects(old, 0, 0)).toBe(true);
  filters.forgetBefore(102);
  expect([filters.suspects(old, 0, 0), filters.suspects(young, 0, 0)]).toEqual([false, true]);
  expect(filters.size).toBeLessThanOrEqual(1000);
});
