import fc, { type Arbitrary } from 'fast-check';
import type { SentEvent } from './sent.ts';
import { questionCount } from './truth-questions.ts';
import { liveStreams } from './truth-world.ts';

/** What happens in a random life: see truth.ts. */

const hour = 3_600_000;
const day = 24 * hour;

export interface Deed {
  readonly who: string;
  readonly event: 'A' | 'B';
  readonly ago: number;
  readonly n: number;
}

export interface Ask {
  readonly gateway: number;
  readonly questions: readonly number[];
  /** `back`: how many of the snapshots that were handed out to go back. */
  readonly wish: 'any' | 'newest' | 'back';
  readonly back: number;
}

export type Step =
  | { readonly do: 'send'; readonly deeds: readonly Deed[] }
  | { readonly do: 'retry'; readonly place: number }
  | { readonly do: 'identify'; readonly from: string; readonly to: string; readonly plan: string; readonly ago: number }
  | { readonly do: 'alias'; readonly from: string; readonly to: string }
  | { readonly do: 'erase'; readonly id: string }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'settle' | 'shut' | 'unshut' | 'let go' | 'merge parts' }
  | { readonly do: 'hold'; readonly gateway: number; readonly stream: number }
  | { readonly do: 'spoil'; readonly how: 'lose' | 'put back' | 'corrupt'; readonly n: number; readonly seed: number }
  | ({ readonly do: 'ask' } & Ask)
  | { readonly do: 'rush'; readonly deeds: readonly Deed[]; readonly asks: readonly Ask[] };

const known = ['u1', 'u2', 'u3', 'u4'];
const anonymous = ['a1', 'a2', 'a3', 'a4'];
const who = fc.constantFrom(...known, ...anonymous);
const deed: Arbitrary<Deed> = fc.record({
  who,
  event: fc.constantFrom('A', 'A', 'B'),
  ago: fc.constantFrom(0, 0, 1, hour, 5 * hour, 26 * hour, 50 * hour, 20 * day, 35 * day),
  n: fc.integer({ min: 0, max: 9 }),
});
const deeds = fc.array(deed, { minLength: 1, maxLength: 5, size: 'max' });
const ask: Arbitrary<Ask> = fc.record({
  gateway: fc.nat(1),
  questions: fc.uniqueArray(fc.nat(questionCount - 1), { minLength: 2, maxLength: 4 }),
  wish: fc.constantFrom('any', 'newest', 'newest', 'back'),
  back: fc.nat(5),
});

const step: Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('send' as const), deeds }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('retry' as const), place: fc.nat(30) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('identify' as const),
      from: fc.constantFrom(...anonymous),
      to: fc.constantFrom(...known),
      plan: fc.constantFrom('pro', 'free'),
      ago: fc.constantFrom(0, 300 * day),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('alias' as const), from: who, to: fc.constantFrom(...known) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('erase' as const), id: who }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(hour, 9 * hour, day, 20 * day) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('settle', 'settle', 'settle', 'shut', 'unshut', 'let go', 'merge parts'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('hold' as const),
      gateway: fc.nat(1),
      stream: fc.constantFrom(...liveStreams),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('spoil' as const),
      how: fc.constantFrom('lose', 'put back', 'put back', 'corrupt'),
      n: fc.integer({ min: 1, max: 3 }),
      seed: fc.nat(99),
    }),
  },
  { weight: 8, arbitrary: ask.map((one) => ({ do: 'ask' as const, ...one })) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('rush' as const),
      deeds,
      asks: fc.array(ask, { minLength: 1, maxLength: 3 }),
    }),
  },
) as Arbitrary<Step>;

/** `kind`: what the two gateways keep their answers in. */
export interface Life {
  readonly kind: 'one cache' | 'own caches';
  readonly steps: readonly Step[];
}

export const lives: Arbitrary<Life> = fc.record({
  kind: fc.constantFrom<Life['kind']>('one cache', 'one cache', 'own caches'),
  steps: fc.array(step, { minLength: 8, maxLength: 24, size: 'max' }),
});

export function toWho(id: string) {
  return id.startsWith('u') ? { userId: id } : { anonymousId: id };
}

export function toEvent({ who: id, event, ago, n }: Deed, number: number, now: number): SentEvent {
  return {
    kind: 'track',
    input: { event, ...toWho(id), messageId: `m${number}`, timestamp: new Date(now - ago), properties: { n } },
  };
}
