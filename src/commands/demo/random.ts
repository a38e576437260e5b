import { hash } from 'node:crypto';

export interface Random {
  /** 0 <= x < 1. */
  next(): number;
  /** from <= n <= to. */
  whole(from: number, to: number): number;
  chance(probability: number): boolean;
  /** One of the values, each as likely as its weight says. */
  pick<T>(weighted: readonly (readonly [T, number])[]): T;
}

/** The same numbers for the same seed, on every machine: a 32-bit mixer over a counter. Not for secrets. */
export function createRandom(seed: string): Random {
  let state = hash('sha256', seed, 'buffer').readUInt32LE(0);
  function next(): number {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 4_294_967_296;
  }
  return {
    next,
    whole: (from, to) => from + Math.floor(next() * (to - from + 1)),
    chance: (probability) => next() < probability,
    pick(weighted) {
      let rest = next() * weighted.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [value, weight] of weighted) {
        rest -= weight;
        if (rest < 0) return value;
      }
      return (weighted.at(-1) as (typeof weighted)[number])[0];
    },
  };
}
