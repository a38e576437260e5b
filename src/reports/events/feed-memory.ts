/** Who has something waiting for a reader. */
export interface Holder {
  /** Bytes that it could let go of. */
  waitingBytes(): number;
  /** Lets go of its oldest, as little as makes this many bytes if it has them. */
  shrink(bytes: number): void;
}

/**
 * What subscriptions of this process keep in memory, together bounded: what waits for readers that are slow, and what was handed
 * out and is not sent yet. Figures are estimates of what objects and texts take.
 */
export interface FeedMemory {
  /** Accounts for bytes that are there; the holders with the most let go of theirs until all fits. */
  add(bytes: number): void;
  /**
   * Resolves when there is room for a message, which is then accounted for, in the order of asking: with how much has to be released. What
   * waits for slow readers gives way. With 0 when the signal is aborted.
   */
  room(bytes: number, signal: AbortSignal): Promise<number>;
  release(bytes: number): void;
  /** Accounts for what is kept as long as anybody may have to be told of it; less than 0 gives back. False, and not accounted for, when it is too much. */
  keep(bytes: number): boolean;
  enter(holder: Holder): void;
  leave(holder: Holder): void;
}

interface Waiter {
  readonly bytes: number;
  settle(bytes: number): void;
}

export function createFeedMemory(mostBytes: number, onChange: (used: number) => void): FeedMemory {
  const holders = new Set<Holder>();
  const waiters: Waiter[] = [];
  /** A larger one takes no more than this: it must get its turn. */
  const mostOfMessage = Math.floor(mostBytes / 4);
  let used = 0;
  let kept = 0;

  const tell = () => onChange(used + kept);
  const fits = (bytes: number) => used + bytes <= mostBytes;

  const shrink = () => {
    // What is let go of may have let a waiter in meanwhile.
    const over = () => used + (waiters[0]?.bytes ?? 0) - mostBytes;
    while (over() > 0) {
      let fattest: Holder | null = null;
      for (const holder of holders)
        if (fattest === null || holder.waitingBytes() > fattest.waitingBytes()) fattest = holder;
      if (fattest === null || fattest.waitingBytes() === 0) return;
      fattest.shrink(over());
    }
  };

  const admit = () => {
    for (let first = waiters[0]; first && fits(first.bytes); first = waiters[0]) {
      waiters.shift();
      used += first.bytes;
      first.settle(first.bytes);
    }
  };

  return {
    add(bytes) {
      used += bytes;
      shrink();
      tell();
    },
    room(size, signal) {
      const bytes = Math.min(size, mostOfMessage);
      if (signal.aborted) return Promise.resolve(0);
      if (waiters.length === 0 && fits(bytes)) {
        used += bytes;
        tell();
        return Promise.resolve(bytes);
      }
      return new Promise((resolve) => {
        const waiter: Waiter = {
          bytes,
          settle(given) {
            signal.removeEventListener('abort', give);
            resolve(given);
          },
        };
        const give = () => {
          const place = waiters.indexOf(waiter);
          if (place >= 0) waiters.splice(place, 1);
          waiter.settle(0);
          admit();
        };
        signal.addEventListener('abort', give, { once: true });
        waiters.push(waiter);
        shrink();
        admit();
      });
    },
    release(bytes) {
      used -= bytes;
      admit();
      tell();
    },
    keep(bytes) {
      if (bytes > 0 && kept + bytes > mostBytes) return false;
      kept += bytes;
      tell();
      return true;
    },
    enter: (holder) => void holders.add(holder),
    leave: (holder) => void holders.delete(holder),
  };
}
