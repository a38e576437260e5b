/**
 * Memory for the lines of batches, used again and again: tens of megabytes for each batch, taken anew, have the garbage
 * collector go through everything for each of them.
 */
export interface LineMemory {
  /** At least so many bytes, with anything in them. */
  take(size: number): Buffer;
  /** Nobody reads these any more. */
  give(bytes: Buffer): void;
  /** Keeps nothing. */
  clear(): void;
}

/** What is kept is at most so many times what was asked for last. */
const mostSpare = 4;
/** The next batch may well be a little larger. */
const headroom = 1.1;
/** Below it memory is taken anew, in bytes. */
const leastKept = 1024 * 1024;

export function createLineMemory(): LineMemory {
  // One is being read when another one is written: so one at a time is spare.
  let spare: Buffer | null = null;
  return {
    take(size) {
      const kept = spare;
      spare = null;
      if (size < leastKept) return Buffer.allocUnsafeSlow(size);
      if (kept !== null && kept.length >= size && kept.length <= size * mostSpare) return kept;
      return Buffer.allocUnsafeSlow(Math.ceil(size * headroom));
    },
    give(bytes) {
      spare = bytes.length < leastKept ? null : bytes;
    },
    clear() {
      spare = null;
    },
  };
}
