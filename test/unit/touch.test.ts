import fc from 'fast-check';
import { farDays, toHours, toTouch, toTouched } from '../../src/events/touch.ts';

const hour = 3_600_000;
const day = 24 * hour;
const now = Date.UTC(2026, 2, 1, 12);
const time = fc.oneof(
  fc.integer({ min: now - 3 * day, max: now + day }),
  fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2300, 0, 1) - 1 }),
  fc.constantFrom(0, -1, 1, hour, -hour, now - farDays * day, now - farDays * day - 1),
);

function overlaps(touched: { readonly from: number; readonly to: number }, from: number, to: number): boolean {
  return touched.from < to && touched.to > from;
}

test('an answer that looks where an event lies always learns of it', () => {
  fc.assert(
    fc.property(time, time, time, (at, a, b) => {
      const [from, to] = a < b ? [a, b] : [b, a + 1];
      const mayTouch = overlaps(toTouched(toTouch(at, now)), from, to);
      if (at >= from && at < to) expect(mayTouch).toBe(true);
    }),
    { numRuns: 5000 },
  );
});

test('and it is left alone by events outside of its hours, or of its months when they are far', () => {
  fc.assert(
    fc.property(time, time, time, (at, a, b) => {
      const [from, to] = a < b ? [a, b] : [b, a + 1];
      const isFar = at < 0 || Math.abs(at - now) > farDays * day;
      const slack = isFar ? 31 * day : hour;
      const mayTouch = overlaps(toTouched(toTouch(at, now)), from, to);
      if (at >= to + slack || at < from - slack) expect(mayTouch).toBe(false);
    }),
    { numRuns: 5000 },
  );
});

test('hours of a range are those of which a touch may have something of it', () => {
  fc.assert(
    fc.property(time, time, time, (at, a, b) => {
      const [from, to] = a < b ? [a, b] : [b, a + 1];
      const touch = toTouch(at, at);
      const { first, end } = toHours({ from, to });
      if (touch >= 0) expect(touch >= first && touch < end).toBe(overlaps(toTouched(touch), from, to));
    }),
    { numRuns: 5000 },
  );
});

test('hours of near events, months of far ones', () => {
  expect(toTouch(now, now)).toBe(now / hour);
  expect(toTouch(Date.UTC(1900, 0, 31), now)).toBe(-1);
  expect(toTouch(Date.UTC(1901, 1, 1), now)).toBe(-14);
  expect(toTouch(-1, 0)).toBe(-1 - (69 * 12 + 11));
});
