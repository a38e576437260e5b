import { hash, randomBytes } from 'node:crypto';

/**
 * The messageIds of one partition that were seen within a window, as keyed 96-bit hashes in one open-addressing table:
 * 16 bytes a slot, at most 3/4 full. An id expires by the times at which its events were received, never by the clock,
 * so that a replay decides as the first run did.
 */
export interface RepeatWindow {
  /** True when the id was seen within the window; otherwise it is remembered from now on. */
  isRepeat(project: string, messageId: string, receivedAt: number): boolean;
  readonly size: number;
}

const hour = 3_600_000;
const slotWords = 4;
const firstCapacity = 1024;

export function createRepeatWindow(windowHours: number): RepeatWindow {
  const key = randomBytes(16).toString('hex');
  let capacity = firstCapacity;
  let slots = new Uint32Array(capacity * slotWords);
  let used = 0;
  let newest = 0;

  /** Index of the id's slot, or of the empty one where it belongs. An empty slot has hour 0. */
  const find = (table: Uint32Array, size: number, a: number, b: number, c: number): number => {
    const mask = size - 1;
    let slot = a & mask;
    for (;;) {
      const at = slot * slotWords;
      if (table[at + 3] === 0 || (table[at] === a && table[at + 1] === b && table[at + 2] === c)) return at;
      slot = (slot + 1) & mask;
    }
  };

  /** Leaves out what has expired, and doubles when that was not enough. */
  const rehash = () => {
    let live = 0;
    for (let at = 3; at < slots.length; at += slotWords)
      if (slots[at] !== 0 && newest - (slots[at] as number) <= windowHours) live++;
    while (live > capacity * 0.5) capacity *= 2;
    const next = new Uint32Array(capacity * slotWords);
    for (let at = 0; at < slots.length; at += slotWords) {
      const seen = slots[at + 3] as number;
      if (seen === 0 || newest - seen > windowHours) continue;
      next.set(
        slots.subarray(at, at + slotWords),
        find(next, capacity, slots[at] as number, slots[at + 1] as number, slots[at + 2] as number),
      );
    }
    slots = next;
    used = live;
  };

  return {
    isRepeat(project, messageId, receivedAt) {
      const seenAt = Math.max(1, Math.floor(receivedAt / hour));
      // A buffer for each would cost more than the digest.
      const digest = hash('sha256', `${key}${project}\0${messageId}`, 'binary');
      const a = toWord(digest, 0);
      const b = toWord(digest, 4);
      const c = toWord(digest, 8);
      const at = find(slots, capacity, a, b, c);
      const before = slots[at + 3] as number;
      if (before !== 0 && seenAt - before <= windowHours) return true;
      newest = Math.max(newest, seenAt);
      slots[at] = a;
      slots[at + 1] = b;
      slots[at + 2] = c;
      slots[at + 3] = seenAt;
      if (before === 0 && ++used > capacity * 0.75) rehash();
      return false;
    },
    get size() {
      return used;
    },
  };
}

/** Four bytes of a text of bytes as an unsigned number. */
function toWord(bytes: string, at: number): number {
  return (
    (bytes.charCodeAt(at) |
      (bytes.charCodeAt(at + 1) << 8) |
      (bytes.charCodeAt(at + 2) << 16) |
      (bytes.charCodeAt(at + 3) << 24)) >>>
    0
  );
}
