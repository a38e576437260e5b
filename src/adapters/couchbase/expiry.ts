const day = 86_400;
/** From 30 days on, the protocol takes the number for a date: of 1970, mostly. */
const mostSeconds = 29 * day;
/** Share by which lives are shortened at random, so that what was stored together does not have to be made again together. */
const jitter = 0.1;

/**
 * Whole seconds from 1 to 29 days, whatever came. The SDK sends 0.5 as 0, and 0 means for ever. `random` is 0 to 1.
 */
export function toExpiry(ttlSeconds: number, random: number = Math.random()): number {
  const whole = ttlSeconds > 1 ? Math.min(Math.ceil(ttlSeconds), mostSeconds) : 1;
  return Math.max(1, whole - Math.floor(whole * jitter * random));
}
