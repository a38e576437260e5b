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
  /** Resolves when there is room for so many more, which are then accounted for, in the order of asking; or when the signal is aborted, with false. */
  room(bytes: number, signal: AbortSignal): Promise<boolean>;
  release(bytes: number): void;
  enter(holder: Holder): void;
  leave(holder: Holder): void;
}

interface Waiter {
  readonly bytes: number;
  settle(isThere: boolean): void;
}

export function createFeedMemory(mostBytes: number, onChange: (used: number) => void): FeedMemory {
  const holders = new Set<Holder>();
  const waiters: Waiter[] = [];
  let used = 0;

  const fits = (bytes: number) => used === 0 || used + bytes <= mostBytes;

  const shrink = () => {
    while (used > mostBytes) {
      let fattest: Holder | null = null;
      for (const holder of holders)
        if (fattest === null || holder.waitingBytes() > fattest.waitingBytes()) fattest = holder;
      if (fattest === null || fattest.waitingBytes() === 0) return;
      fattest.shrink(used - mostBytes);
    }
  };

  const admit = () => {
    for (let first = waiters[0]; first && fits(first.bytes); first = waiters[0]) {
      waiters.shift();
      used += first.bytes;
      first.settle(true);
    }
  };

  return {
    add(bytes) {
      used += bytes;
      shrink();
      onChange(used);
    },
    room(bytes, signal) {
      if (signal.aborted) return Promise.resolve(false);
      if (waiters.length === 0 && fits(bytes)) {
        used += bytes;
        onChange(used);
        return Promise.resolve(true);
      }
      return new Promise((resolve) => {
        const waiter: Waiter = {
          bytes,
          settle(isThere) {
            signal.removeEventListener('abort', give);
            resolve(isThere);
          },
        };
        const give = () => {
          const place = waiters.indexOf(waiter);
          if (place >= 0) waiters.splice(place, 1);
          waiter.settle(false);
          admit();
        };
        signal.addEventListener('abort', give, { once: true });
        waiters.push(waiter);
      });
    },
    release(bytes) {
      used -= bytes;
      admit();
      onChange(used);
    },
    enter: (holder) => void holders.add(holder),
    leave: (holder) => void holders.delete(holder),
  };
}
