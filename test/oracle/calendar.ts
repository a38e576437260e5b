import type { SentBatch } from './sent.ts';
import type { Scene } from './streams.ts';

const minute = 60_000;
const hour = 60 * minute;

/** An event at every half hour around a scene's center, and one a millisecond before each: no edge of its calendar goes untouched. */
export function everyHalfHour({ center }: Scene): SentBatch {
  const first = center - (center % (30 * minute)) - 60 * hour;
  const times = Array.from({ length: 240 }, (_, i) => first + i * 30 * minute).flatMap((t) => [t - 1, t]);
  return {
    receivedAt: Math.max(center + 100 * hour, 48 * hour),
    events: times.map((time, i) => ({
      kind: 'track',
      input: {
        event: i % 3 === 0 ? 'Return' : 'Visit',
        userId: `u${i % 7}`,
        messageId: `m${i}`,
        timestamp: new Date(time),
        properties: { n: i % 10, plan: `p${i % 4}` },
      },
    })),
  };
}
