import fc from 'fast-check';
import { createIdTable } from '../../src/ingest/id-table.ts';

/** Slots of ids that are words of a well-mixed number, as hashes are. */
function toSlot(id: number, hour: number, fingerprint = 0): Uint32Array {
  let x = Math.imul(id + 1, 0x9e3779b1) >>> 0;
  const words = [0, 0, 0].map(() => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return Math.imul(x, 0x85ebca6b) >>> 0;
  });
  return Uint32Array.from([...words, hour * 4096 + fingerprint]);
}

type Table = ReturnType<typeof createIdTable>;
const hourOf = (table: Table, id: number) => table.find(toSlot(id, 0), 0) >>> 12;

test('it holds what a map would hold', () => {
  const step = fc.record({ id: fc.nat(300), hour: fc.integer({ min: 1, max: 60 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 800 }), (steps) => {
      const table = createIdTable();
      const model = new Map<number, number>();
      for (const { id, hour } of steps) {
        expect(hourOf(table, id)).toBe(model.get(id) ?? 0);
        table.set(toSlot(id, hour), 0);
        model.set(id, Math.max(hour, model.get(id) ?? 0));
      }
      expect(table.size).toBe(model.size);
      for (const [id, hour] of model) expect(hourOf(table, id)).toBe(hour);
    }),
  );
});

test('it takes at most 24 bytes an id while it grows, and while the oldest make room for the newest', () => {
  const table = createIdTable();
  const perHour = 20_000;
  let most = 0;
  for (let n = 0; n < 30 * perHour; n++) {
    const hour = 100 + Math.floor(n / perHour);
    if (n % perHour === 0) table.forgetBefore(hour - 10);
    table.set(toSlot(n, hour), 0);
    if (n >= 50_000) most = Math.max(most, table.bytes / table.size);
  }
  expect(most).toBeLessThan(24);
  // Forgotten ones stay until their place is needed; they are never more than a fifth.
  expect(table.size).toBeLessThan(11 * perHour * 1.25);
  for (let n = 20 * perHour; n < 30 * perHour; n += 997) expect(hourOf(table, n)).toBe(100 + Math.floor(n / perHour));
});

test('a sweep hands over what is old and leaves what is not', () => {
  const table = createIdTable();
  for (let n = 0; n < 5000; n++) table.set(toSlot(n, 1 + (n % 50)), 0);
  table.forgetBefore(10);
  const hours = new Map<number, number>();
  const taken: number[] = [];
  for (let segment = 0; segment < table.segments; segment++) {
    table.count(segment, hours);
    table.sweep(segment, 20, (slots, at) => taken.push((slots[at + 3] as number) >>> 12));
  }
  expect([...hours.values()].reduce((a, b) => a + b)).toBe(5000);
  expect(hours.get(7)).toBe(100);
  expect(taken.length).toBe(10 * 100);
  expect(Math.min(...taken)).toBe(10);
  expect(Math.max(...taken)).toBe(19);
  expect(table.size).toBe(31 * 100);
  for (let n = 0; n < 5000; n += 13) expect(hourOf(table, n)).toBe(1 + (n % 50) < 20 ? 0 : 1 + (n % 50));
  for (let segment = 0; segment < table.segments; segment++) table.sweep(segment, 1000, () => {});
  expect([table.size, table.bytes]).toEqual([0, 0]);
});

test('fingerprints and hours of any size stand beside the hash', () => {
  const table = createIdTable();
  const slot = Uint32Array.from([0xffff_ffff, 0, 0xffff_ffff, 0xffff_ffff]);
  table.set(slot, 0);
  expect(table.find(slot, 0)).toBe(0xffff_ffff);
  const zero = Uint32Array.from([0, 0, 0, 4096]);
  table.set(zero, 0);
  expect(table.find(zero, 0)).toBe(4096);
});
