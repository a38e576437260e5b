import fc from 'fast-check';
import {
  parseConsistencyToken,
  parseSnapshotToken,
  toConsistencyToken,
  toSnapshotToken,
} from '../../src/events/tokens.ts';

const vector = fc
  .uniqueArray(fc.tuple(fc.nat(0xffff_ffff), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })), {
    selector: ([stream]) => stream,
    maxLength: 20,
  })
  .map((entries) => new Map(entries));
const time = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2300, 0, 1) - 1 });
const refusal = 'expected a token that this service handed out, got something else';
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

test('tokens come back as they went out, and equal ones look alike', () => {
  fc.assert(
    fc.property(vector, time, time, (written, asOf, now) => {
      const token = toConsistencyToken(written);
      expect(token).toMatch(/^[\w-]*$/);
      expect(new Map(parseConsistencyToken(token))).toEqual(written);
      expect(toConsistencyToken(new Map([...written].reverse()))).toBe(token);
      const snapshot = parseSnapshotToken(toSnapshotToken({ vector: written, asOf, now }));
      expect(snapshot).toEqual({ vector: written, asOf, now });
    }),
  );
});

test('nothing else is a token', () => {
  const vectors = [null, {}, [1], ['1', 2], [1, -1], [-1, 1], [2 ** 32, 1], [1, 2 ** 53], [0.5, 1], 'x', 7];
  for (const bad of vectors) {
    expect(() => parseConsistencyToken(encode(bad))).toThrow(refusal);
    expect(() => parseSnapshotToken(encode([0, 0, bad]))).toThrow(refusal);
  }
  for (const bad of [[], [0, 0], [0, 0, [], 0], [8.64e15, 0, []], [0, -8.64e15, []], ['0', 0, []], null])
    expect(() => parseSnapshotToken(encode(bad))).toThrow(refusal);
  for (const bad of ['', '!', 'a'.repeat(200_001), '\0']) expect(() => parseConsistencyToken(bad)).toThrow(refusal);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(() => parseSnapshotToken(text)).toThrow(refusal);
    }),
  );
});
