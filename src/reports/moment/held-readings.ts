/** From so many milliseconds on, a question that takes an older answer is given an older moment. */
export const leastHeldMs = 1000;
/** What is asked of a moment is remembered by it; so old is old enough. */
const mostHeldMs = 10 * 60_000;

/**
 * Keeps a reading for as long as it is young enough for those who take it, so that equal questions within that time are
 * about one moment and find each other's answers. One for each power of two of what is taken: who takes a minute does not move on
 * because somebody else takes no more than a second.
 */
export function createHeldReadings<Reading extends { readonly readAt: number }>(
  read: (maxAgeMs: number) => Promise<Reading>,
  clock: () => number,
): (maxAgeMs: number) => Promise<Reading> {
  const held = new Map<number, Reading>();
  return async (wished) => {
    const maxAgeMs = Math.min(wished, mostHeldMs);
    const steps = Math.floor(Math.log2(maxAgeMs));
    const known = held.get(steps);
    if (known && clock() - known.readAt <= maxAgeMs) return known;
    const reading = await read(maxAgeMs);
    // Another one may have come first: one moment for both.
    const meanwhile = held.get(steps);
    if (meanwhile && meanwhile !== known && clock() - meanwhile.readAt <= maxAgeMs) return meanwhile;
    held.set(steps, reading);
    return reading;
  };
}
