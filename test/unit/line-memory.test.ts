import { createLineMemory } from '../../src/ingest/line-memory.ts';

const mebibyte = 1024 * 1024;

describe('memory for lines', () => {
  it('is used again once it was given back, and by one at a time', () => {
    const memory = createLineMemory();
    const first = memory.take(4 * mebibyte);
    expect(first.length).toBeGreaterThanOrEqual(4 * mebibyte);
    expect(memory.take(4 * mebibyte)).not.toBe(first);
    memory.give(first);
    const again = memory.take(4 * mebibyte + 1000);
    expect(again).toBe(first);
    expect(memory.take(4 * mebibyte)).not.toBe(first);
  });

  it('is taken anew when what is there is too small, or far too large to keep', () => {
    const memory = createLineMemory();
    const small = memory.take(2 * mebibyte);
    memory.give(small);
    const large = memory.take(20 * mebibyte);
    expect(large.length).toBeGreaterThanOrEqual(20 * mebibyte);
    memory.give(large);
    expect(memory.take(3 * mebibyte)).not.toBe(large);
    expect(memory.take(20 * mebibyte)).not.toBe(large);
  });

  it('keeps nothing that is small, and nothing after clear', () => {
    const memory = createLineMemory();
    const small = memory.take(1000);
    memory.give(small);
    expect(memory.take(1000)).not.toBe(small);
    const large = memory.take(2 * mebibyte);
    memory.give(large);
    memory.clear();
    expect(memory.take(2 * mebibyte)).not.toBe(large);
  });
});
