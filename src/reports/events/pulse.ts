import { toMessage } from '../../errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { readEveryMs, type Watermark, type WatermarkReader } from '../moment/watermark.ts';

/** Tells everybody who listens how far the warehouse has come, a few times a second: one reading for all of them. */
export interface Pulse {
  /** Calls the listener, which must not throw, until what is returned is called. */
  listen(listener: (mark: Watermark) => void): () => void;
  stop(): void;
}

/** Reads nothing while nobody listens. */
export function createPulse(watermark: WatermarkReader, logger: Logger): Pulse {
  const listeners = new Set<(mark: Watermark) => void>();
  let timer: NodeJS.Timeout | null = null;
  let isReading = false;

  const beat = async () => {
    if (isReading) return;
    isReading = true;
    try {
      const mark = await watermark.read(readEveryMs);
      for (const listener of [...listeners]) listener(mark);
    } catch (thrown) {
      logger.debug({ error: toMessage(thrown) }, 'how far the warehouse has come is not known now');
    } finally {
      isReading = false;
    }
  };
  const rest = () => {
    if (timer) clearInterval(timer);
    timer = null;
  };

  return {
    listen(listener) {
      listeners.add(listener);
      timer ??= setInterval(() => void beat(), readEveryMs).unref();
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) rest();
      };
    },
    stop() {
      listeners.clear();
      rest();
    },
  };
}
