import { slotWords, toSeenHour } from './id-slot.ts';

/**
 * Ids by their slots (see id-slot.ts) in open addressing: 16 bytes each at a load of 0.72 to 0.88, so at most 23 bytes an
 * id. It is made of many segments that grow one by one and by a fifth at a time: at no moment is there a second table,
 * and no growth takes longer than its segment, a fraction of a millisecond for 10 million ids.
 */
export interface IdTable {
  /** The last word of the slot with the id that stands in `ids` at `at`; 0 when there is none. */
  find(ids: Uint32Array, at: number): number;
  /** Remembers a slot. An id that is known keeps the later hour. */
  set(ids: Uint32Array, at: number): void;
  /** From now on what was received before this hour is left out whenever a segment is written anew. */
  forgetBefore(hour: number): void;
  /** How many ids of a segment there are by hour. */
  count(segment: number, hours: Map<number, number>): void;
  /** Takes ids received before `hour` out of a segment; `take` gets those that are not forgotten. */
  sweep(segment: number, hour: number, take: (ids: Uint32Array, at: number) => void): void;
  readonly segments: number;
  readonly size: number;
  readonly bytes: number;
}

const mostLoad = 0.88;
const leastLoad = 0.72;
const segmentBits = 10;
const leastSlots = 4;
const share = 2 ** -32;

export function createIdTable(): IdTable {
  const segments: (Uint32Array | undefined)[] = new Array(2 ** segmentBits).fill(undefined);
  const used = new Uint32Array(2 ** segmentBits);
  let size = 0;
  let bytes = 0;
  /** Last words below this one are forgotten. */
  let least = 0;

  /** Index of the id's slot, or of the empty one where it belongs. Not by a mask: a capacity may be any number. */
  const seek = (slots: Uint32Array, ids: Uint32Array, at: number): number => {
    const a = ids[at] as number;
    const b = ids[at + 1] as number;
    const c = ids[at + 2] as number;
    let slot = Math.floor(a * (slots.length / slotWords) * share) * slotWords;
    while (slots[slot + 3] !== 0) {
      if (slots[slot] === a && slots[slot + 1] === b && slots[slot + 2] === c) break;
      slot += slotWords;
      if (slot === slots.length) slot = 0;
    }
    return slot;
  };

  const write = (slots: Uint32Array, slot: number, ids: Uint32Array, at: number) => {
    slots[slot] = ids[at] as number;
    slots[slot + 1] = ids[at + 1] as number;
    slots[slot + 2] = ids[at + 2] as number;
    slots[slot + 3] = ids[at + 3] as number;
  };

  /** Writes a segment anew with what is at least `from`, and room for one more. */
  const rewrite = (segment: number, from: number): Uint32Array => {
    const old = segments[segment];
    let kept = 0;
    if (old)
      for (let at = 3; at < old.length; at += slotWords) if ((old[at] as number) >= from && old[at] !== 0) kept++;
    const next = new Uint32Array(Math.max(leastSlots, Math.ceil((kept + 1) / leastLoad)) * slotWords);
    if (old) {
      for (let at = 0; at < old.length; at += slotWords) {
        const seen = old[at + 3] as number;
        if (seen !== 0 && seen >= from) write(next, seek(next, old, at), old, at);
      }
    }
    bytes += next.byteLength - (old?.byteLength ?? 0);
    size += kept - (used[segment] as number);
    used[segment] = kept;
    segments[segment] = next;
    return next;
  };

  return {
    segments: segments.length,
    find(ids, at) {
      const slots = segments[(ids[at + 2] as number) >>> (32 - segmentBits)];
      return slots === undefined ? 0 : (slots[seek(slots, ids, at) + 3] as number);
    },
    set(ids, at) {
      const segment = (ids[at + 2] as number) >>> (32 - segmentBits);
      let slots = segments[segment] ?? rewrite(segment, least);
      let slot = seek(slots, ids, at);
      const seen = slots[slot + 3] as number;
      if (seen !== 0) {
        if (toSeenHour(ids[at + 3] as number) > toSeenHour(seen)) slots[slot + 3] = ids[at + 3] as number;
        return;
      }
      if (((used[segment] as number) + 1) * slotWords > slots.length * mostLoad) {
        slots = rewrite(segment, least);
        slot = seek(slots, ids, at);
      }
      write(slots, slot, ids, at);
      used[segment] = (used[segment] as number) + 1;
      size++;
    },
    forgetBefore(hour) {
      least = Math.max(0, hour) * 4096;
    },
    count(segment, hours) {
      const slots = segments[segment];
      if (!slots) return;
      for (let at = 3; at < slots.length; at += slotWords) {
        if (slots[at] === 0) continue;
        const hour = toSeenHour(slots[at] as number);
        hours.set(hour, (hours.get(hour) ?? 0) + 1);
      }
    },
    sweep(segment, hour, take) {
      const slots = segments[segment];
      if (!slots) return;
      const before = hour * 4096;
      for (let at = 0; at < slots.length; at += slotWords) {
        const seen = slots[at + 3] as number;
        if (seen !== 0 && seen < before && seen >= least) take(slots, at);
      }
      rewrite(segment, Math.max(before, least));
      if (used[segment] === 0) {
        bytes -= segments[segment]?.byteLength ?? 0;
        segments[segment] = undefined;
      }
    },
    get size() {
      return size;
    },
    get bytes() {
      return bytes;
    },
  };
}
