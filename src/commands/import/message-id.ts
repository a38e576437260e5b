import { hash } from 'node:crypto';

/**
 * Ids for rows that have none. Equal content gives an equal id in every run; rows of one file that are equal to the
 * last byte get 1, 2, ... behind it in the order of the file, so that each counts.
 */
export interface MessageIds {
  /** `json` is the event's canonical JSON, `line` its place in the file. */
  next(json: string, line: number): string;
  /** Rows whose id had to be made of their line as well, since too many different ones came before. */
  byLine(): number;
}

/** 12 bytes a slot, so 96 MiB at most; three quarters of the slots are used. */
const mostSlots = 2 ** 23;

export function createMessageIds(slotsAtMost = mostSlots): MessageIds {
  const seen = createOccurrences(slotsAtMost);
  let byLine = 0;
  return {
    next(json, line) {
      const digest = hash('sha256', json, 'buffer');
      const id = `imp_${digest.toString('base64url', 0, 20)}`;
      const before = seen.count(digest.readUInt32LE(20), digest.readUInt32LE(24));
      if (before === undefined) byLine++;
      return before === undefined ? `${id}.${line}` : before === 0 ? id : `${id}-${before}`;
    },
    byLine: () => byLine,
  };
}

/**
 * How often each 64-bit fingerprint came before: a table with linear probing over typed arrays, since a Map of millions
 * of keys takes ten times the memory. A collision of two fingerprints only gives the later row a number it did not need.
 */
function createOccurrences(slotsAtMost: number) {
  let slots = Math.min(65_536, slotsAtMost);
  let used = 0;
  let table = toTable(slots);

  function find(low: number, high: number): number {
    let slot = low & (slots - 1);
    while (table.counts[slot] !== 0 && (table.lows[slot] !== low || table.highs[slot] !== high)) {
      slot = (slot + 1) & (slots - 1);
    }
    return slot;
  }

  function grow(): void {
    const { lows, highs, counts } = table;
    slots *= 2;
    table = toTable(slots);
    for (let old = 0; old < counts.length; old++) {
      if (counts[old] === 0) continue;
      const slot = find(lows[old] as number, highs[old] as number);
      table.lows[slot] = lows[old] as number;
      table.highs[slot] = highs[old] as number;
      table.counts[slot] = counts[old] as number;
    }
  }

  return {
    count(low: number, high: number): number | undefined {
      let slot = find(low, high);
      const before = table.counts[slot] as number;
      if (before === 0) {
        if (used >= slots * 0.75) {
          if (slots >= slotsAtMost) return undefined;
          grow();
          slot = find(low, high);
        }
        used++;
        table.lows[slot] = low;
        table.highs[slot] = high;
      }
      table.counts[slot] = before + 1;
      return before;
    },
  };
}

function toTable(slots: number) {
  return { lows: new Uint32Array(slots), highs: new Uint32Array(slots), counts: new Uint32Array(slots) };
}
