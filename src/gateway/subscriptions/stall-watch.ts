/** Looks after readers: whoever has not taken a message for too long is reported. */
export interface StallWatch {
  watch(onStalled: () => void): Reader;
  stop(): void;
}

export interface Reader {
  /** A message is on its way. */
  begin(): void;
  /** It was taken. */
  end(): void;
  leave(): void;
}

export function createStallWatch(stallMs: number): StallWatch {
  const readers = new Map<Reader, () => void>();
  const since = new Map<Reader, number>();
  const timer = setInterval(
    () => {
      const now = performance.now();
      for (const [reader, start] of since) {
        if (now - start < stallMs) continue;
        since.delete(reader);
        readers.get(reader)?.();
      }
    },
    Math.min(1000, stallMs / 4),
  ).unref();
  return {
    watch(onStalled) {
      const reader: Reader = {
        begin: () => void since.set(reader, performance.now()),
        end: () => void since.delete(reader),
        leave() {
          since.delete(reader);
          readers.delete(reader);
        },
      };
      readers.set(reader, onStalled);
      return reader;
    },
    stop: () => clearInterval(timer),
  };
}
