import fc from 'fast-check';
import { createKnownIds } from '../../src/ingest/known-ids.ts';

const windowHours = 6;

/** Of few segments, so that these are written anew again and again. */
function toSlot(id: number, hour: number): Uint32Array {
  const mix = (n: number) => Math.imul(Math.imul(id * 4 + n, 0x9e3779b1) ^ 0x5bd1e995, 0x85ebca6b) >>> 0;
  return Uint32Array.from([mix(1), mix(2), ((id % 3) << 22) | (mix(3) >>> 10), hour * 4096]);
}

const batch = fc.record({
  wait: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat(3), fc.nat(20)),
  lane: fc.constantFrom('live' as const, 'live' as const, 'history' as const),
  records: fc.array(
    fc.record({
      id: fc.nat(90),
      skew: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.integer({ min: -8, max: 4 })),
    }),
    {
      minLength: 1,
      maxLength: 30,
    },
  ),
  move: fc.option(fc.integer({ min: -7, max: 1 }), { freq: 4 }),
});

test('an id that was received within the window of a record, whatever its hour, is known or must be asked for', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { minLength: 5, maxLength: 40 }), async (story) => {
      const known = createKnownIds(windowHours);
      const live = new Map<number, number>();
      const history = new Map<number, number>();
      let now = 1000;
      for (const { wait, lane, records, move } of story) {
        now += wait;
        const hours = records.map(({ skew }) => now + skew);
        known.advance(Math.min(...hours), Math.max(...hours));
        for (const [i, { id }] of records.entries()) {
          const hour = hours[i] as number;
          if (lane === 'live') {
            // As the sink does: a repeat is not remembered anew.
            if (hour - (live.get(id) ?? 0) <= windowHours) continue;
            known.addLive(toSlot(id, hour), 0);
            live.set(id, hour);
          } else {
            known.addHistory(toSlot(id, hour), 0);
            history.set(id, Math.max(hour, history.get(id) ?? 0));
          }
        }
        if (move !== null) await known.moveBefore(now + move);
        for (let id = 0; id <= 90; id += 1 + (now % 3)) {
          for (const hour of [now - 9, now - 3, now, now + 1]) {
            const within = (first: number | undefined) => first !== undefined && hour - first <= windowHours;
            const seen = known.find(toSlot(id, hour), 0) >>> 12;
            if (seen !== 0) expect(seen).toBe(live.get(id));
            if (seen !== 0 && within(seen)) continue;
            if (within(live.get(id)) || within(history.get(id)))
              expect({ id, hour, asked: known.suspects(toSlot(id, hour), 0, hour) }).toEqual({ id, hour, asked: true });
          }
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('what is received in order is not asked for, and is known for the whole window', () => {
  const known = createKnownIds(windowHours);
  let asked = 0;
  let gone = 0;
  for (let n = 0; n < 20_000; n++) {
    const hour = 1000 + Math.floor(n / 500);
    if (n % 20 === 0) known.advance(hour, hour);
    const slot = toSlot(n, hour);
    if (known.suspects(slot, 0, hour)) asked++;
    known.addLive(slot, 0);
    const oldest = n - windowHours * 500;
    if (oldest >= 0 && known.find(toSlot(oldest, hour), 0) === 0) gone++;
  }
  expect([asked, gone]).toEqual([0, 0]);
  expect(known.ids).toBeLessThan(500 * (windowHours + 2) * 1.3);
});
