import type { Logger } from '../../telemetry/logger.ts';
import type { ChunkStore } from './chunk-store.ts';

export interface TrimmerDeps {
  readonly store: ChunkStore;
  readonly retentionMs: number;
  readonly everyMs: number;
  readonly logger: Logger;
}

/** Chunks that one step removes: few enough that appends hardly wait behind it. */
const stepChunks = 32;

/**
 * Removes chunks that every group has behind it and that are older than the retention, in the background. The newest
 * chunk of a partition always stays: it says where the offsets go on.
 */
export function startTrimmer({ store, retentionMs, everyMs, logger }: TrimmerDeps) {
  let closed = false;
  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(trim).catch((error: unknown) => {
      logger.warn({ err: error }, 'the event log could not be trimmed, trying again later');
    });
  }, everyMs).unref();

  async function trim(): Promise<void> {
    const before = Date.now() - retentionMs;
    for (let partition = 0; partition < store.partitions && !closed; partition++) {
      const upTo = store.smallestNext(partition);
      if (upTo !== undefined) await trimPartition(partition, upTo, before);
    }
  }

  async function trimPartition(partition: number, upTo: number, before: number): Promise<void> {
    while (!closed) {
      const firsts: number[] = [];
      let chunk = store.chunkFrom(partition, 0);
      while (chunk && firsts.length < stepChunks) {
        const next = chunk.first + chunk.count;
        const following = store.chunkAt(partition, next);
        if (!following || next > upTo || chunk.appendedAt >= before) break;
        firsts.push(chunk.first);
        chunk = following;
      }
      if (firsts.length > 0) await store.remove(partition, firsts);
      if (firsts.length < stepChunks) return;
    }
  }

  return {
    async close(): Promise<void> {
      closed = true;
      clearInterval(timer);
      await running;
    },
  };
}
