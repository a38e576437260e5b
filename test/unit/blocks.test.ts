import fc from 'fast-check';
import { decodeBlock, encodeBlock, toBlockKeys, toRuns, withBuckets } from '../../src/reports/cells/blocks.ts';

const day = 86_400_000;

test('runs have all that is missing, in order, and no more of them than allowed', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(60), { maxLength: 20 }), fc.integer({ min: 1, max: 4 }), (places, most) => {
      const missing = places.sort((a, b) => a - b);
      const runs = toRuns(missing, most);
      expect(runs.length).toBeLessThanOrEqual(most);
      for (const place of missing) expect(runs.some(({ first, last }) => first <= place && place <= last)).toBe(true);
      for (const { first, last } of runs)
        expect([missing.includes(first), missing.includes(last)]).toEqual([true, true]);
      for (const [i, run] of runs.entries()) if (i > 0) expect(run.first).toBeGreaterThan(runs[i - 1]!.last + 1);
      // As few buckets as that many runs allow: what lies between them are the widest gaps.
      const computed = runs.reduce((sum, { first, last }) => sum + last - first + 1, 0);
      const gaps = missing.slice(1).map((place, i) => place - missing[i]! - 1);
      const spared = gaps.sort((a, b) => b - a).slice(0, most - 1);
      const span = missing.length === 0 ? 0 : missing[missing.length - 1]! - missing[0]! + 1;
      expect(computed).toBe(span - spared.reduce((sum, gap) => sum + gap, 0));
    }),
    { numRuns: 2000 },
  );
});

test('what is no block is a miss', () => {
  const block = { '0:0:5': [['v', [{ b: '0', n: '1' }]]] } as const;
  expect(decodeBlock(encodeBlock(block))).toEqual(block);
  for (const damaged of ['', 'null', '[1]', '"x"', '{"a":1}', '{"a":["v"]}', '{"a":[[1,[]]]}', '{"a":[["v",[]]]'])
    expect(decodeBlock(Buffer.from(damaged))).toBeUndefined();
});

test('a block forgets its oldest entries, never the new ones', () => {
  const entries = (from: number, count: number, version: string) =>
    new Map(Array.from({ length: count }, (_, i) => [`${from + i}:0:1`, [version, []] as const]));
  const full = withBuckets(undefined, entries(0, 96, 'a'));
  expect(Object.keys(full)).toHaveLength(96);
  const later = withBuckets(full, entries(91, 10, 'b'));
  expect(Object.keys(later)).toHaveLength(96);
  for (let i = 91; i < 101; i++)
    expect(later[`${i}:0:1`]).toEqual(
      i < 96
        ? [
            ['b', []],
            ['a', []],
          ]
        : [['b', []]],
    );
  expect(later['4:0:1']).toBeUndefined();
  expect(later['5:0:1']).toEqual([['a', []]]);
  const latest = withBuckets(later, entries(91, 10, 'c'))['91:0:1'];
  expect(latest).toEqual([
    ['c', []],
    ['b', []],
  ]);
});

test('ninety days are in two or three blocks, wherever daylight saving falls', () => {
  const lengths = [23, 24, 25].map((hours) => (hours * day) / 24);
  for (const length of lengths) {
    const starts = Array.from({ length: 90 }, (_, i) => 1_772_000_000_000 + (i === 0 ? 0 : length + (i - 1) * day));
    const buckets = starts.map((start, i) => ({ start, from: start, to: starts[i + 1] ?? start + day }));
    const keys = new Set(toBlockKeys('s', { buckets, timezone: 'UTC' }));
    expect(keys.size).toBeLessThanOrEqual(3);
    expect([...keys].every((key) => key.endsWith(`x${2 ** 27}`))).toBe(true);
  }
});
