import fc from 'fast-check';
import { createRepeatWindow } from '../../src/ingest/repeat-window.ts';

const hour = 3_600_000;
const start = Date.UTC(2026, 2, 1);

/** What the window stands for: when each id came first, forgotten when that is long ago. */
function createModel(windowHours: number) {
  const seen = new Map<string, number>();
  return (project: string, messageId: string, receivedAt: number): boolean => {
    const key = `${project}\0${messageId}`;
    const at = Math.floor(receivedAt / hour);
    const before = seen.get(key);
    if (before !== undefined && at - before <= windowHours) return true;
    seen.set(key, at);
    return false;
  };
}

const step = fc.record({
  project: fc.constantFrom('shop', 'other'),
  id: fc.nat(40).map((n) => `id-${n}`),
  /** Hours since the one before. */
  wait: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(30) }),
});

test('the first of a messageId stands, and later ones within the window are repeats', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 48 }), fc.array(step, { maxLength: 300 }), (windowHours, steps) => {
      const window = createRepeatWindow(windowHours);
      const model = createModel(windowHours);
      let now = start;
      for (const { project, id, wait } of steps) {
        now += wait * hour;
        expect(window.isRepeat(project, id, now)).toBe(model(project, id, now));
      }
    }),
  );
});

test('it grows to what is alive, and gives up what has expired', () => {
  const windowHours = 24;
  const window = createRepeatWindow(windowHours);
  const model = createModel(windowHours);
  let largest = 0;
  // 5,000 ids an hour for 60 hours, every tenth sent again at once and every thousandth a day later.
  for (let h = 0; h < 60; h++) {
    for (let n = 0; n < 5000; n++) {
      const now = start + h * hour + n;
      const ids = [
        `${h}-${n}`,
        ...(n % 10 === 0 ? [`${h}-${n}`] : []),
        ...(n % 1000 === 0 ? [`${h - 24}-${n}`, `${h - 25}-${n}`] : []),
      ];
      for (const id of ids)
        if (window.isRepeat('shop', id, now) !== model('shop', id, now)) throw new Error(`${id} at ${h}`);
    }
    largest = Math.max(largest, window.size);
  }
  // 25 hours are alive at a time; the table never holds more than it has to double for.
  expect(largest).toBeGreaterThanOrEqual(24 * 5000);
  expect(largest).toBeLessThan(2 * 26 * 5000);
});

test('what comes out of order is never taken for new while its window lasts', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(20), fc.nat(30)), { maxLength: 200 }), (arrivals) => {
      const windowHours = 24;
      const window = createRepeatWindow(windowHours);
      const first = new Map<number, number>();
      for (const [id, at] of arrivals) {
        const before = first.get(id);
        const isRepeat = window.isRepeat('shop', `id-${id}`, start + at * hour);
        expect(isRepeat).toBe(before !== undefined && at - before <= windowHours);
        if (!isRepeat) first.set(id, at);
      }
    }),
  );
});

test('ids of projects are apart, whatever they are made of', () => {
  const window = createRepeatWindow(24);
  const ids = ['', 'a', 'ü', '😀', '\u0001', 'm'.repeat(100), '__proto__', 'op\0a'];
  for (const project of ['shop', 'sh', 'other'])
    for (const id of ids) expect(window.isRepeat(project, id, start)).toBe(false);
  for (const project of ['shop', 'sh', 'other'])
    for (const id of ids) expect(window.isRepeat(project, id, start)).toBe(true);
  expect(window.size).toBe(ids.length * 3);
});

test('an id of 1970 is remembered like any other', () => {
  const window = createRepeatWindow(24);
  expect(window.isRepeat('shop', 'old', 0)).toBe(false);
  expect(window.isRepeat('shop', 'old', 0)).toBe(true);
});
