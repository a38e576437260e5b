import fc from 'fast-check';
import {
  covers,
  joinVectors,
  parseFlatVector,
  toFlatVector,
  toStream,
  toStreamParts,
} from '../../src/events/position.ts';

const vector = fc
  .uniqueArray(fc.tuple(fc.nat(0xffffffff), fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER })), {
    selector: ([s]) => s,
    maxLength: 20,
  })
  .map((entries) => new Map(entries));

test('a stream holds epoch, lane and partition', () => {
  fc.assert(
    fc.property(fc.nat(65_535), fc.nat(3), fc.nat(16_383), (epoch, lane, partition) => {
      expect(toStreamParts(toStream({ epoch, lane, partition }))).toEqual({ epoch, lane, partition });
    }),
  );
});

test('a flat vector comes back as it went in, and equal vectors have equal forms', () => {
  fc.assert(
    fc.property(vector, (v) => {
      expect(new Map(parseFlatVector(toFlatVector(v)))).toEqual(v);
      expect(toFlatVector(new Map([...v].reverse()))).toEqual(toFlatVector(v));
    }),
  );
});

test('the join of two vectors covers both, and nothing smaller does', () => {
  fc.assert(
    fc.property(vector, vector, (a, b) => {
      const joined = joinVectors([a, b]);
      expect(covers(joined, a) && covers(joined, b)).toBe(true);
      for (const [stream, offset] of joined) {
        if (offset < 0) continue;
        const smaller = new Map(joined).set(stream, offset - 1);
        expect(covers(smaller, a) && covers(smaller, b)).toBe(false);
      }
    }),
  );
});

test('a vector that we did not make is refused', () => {
  for (const bad of [null, {}, [1], [1, 2, 3], ['1', 2], [1, -2], [0.5, 1]]) {
    expect(() => parseFlatVector(bad)).toThrow('expected a token that this service handed out');
  }
});
