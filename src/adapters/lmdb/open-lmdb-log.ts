import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { TallygateError, toMessage } from '../../errors.ts';
import type { EventLog, LogRecord } from '../../ports/event-log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { createAppender } from './appender.ts';
import { eachRecord } from './chunk.ts';
import { type ChunkStore, openChunkStore } from './chunk-store.ts';
import { type OwnedConsumption, openConsumption } from './consumption.ts';
import { ownFolder } from './exclusive-file.ts';
import { startTrimmer } from './trimmer.ts';

export interface LmdbLogOptions {
  /** Folder of the log; made when missing. */
  readonly path: string;
  /** Partitions of a log that is made now; one that exists keeps its own number. Default: 2, a pair. */
  readonly partitions?: number;
  /** How long records that every group has committed are kept, in milliseconds. */
  readonly retentionMs: number;
  /** Appends are refused with LOG_OVERLOADED when this many bytes wait for the disk. */
  readonly maxQueuedBytes: number;
  /** Most bytes of one append; more is PAYLOAD_TOO_LARGE. Default: 4 MiB, as with Kafka. */
  readonly maxAppendBytes?: number;
  /** Milliseconds between two rounds of trimming. Default: a minute. */
  readonly trimEveryMs?: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** How long close() waits for handlers that nobody stopped, in milliseconds. */
const closeMs = 5000;

/**
 * The embedded event log: one folder, one process, fsync before every answer. Rejects with STORE_IN_USE when another
 * process has the folder. A group can have one consumer at a time, of this process: a second consume() rejects with
 * STORE_IN_USE.
 */
export async function openLmdbLog(options: LmdbLogOptions): Promise<EventLog> {
  const { path, partitions = 2, retentionMs, maxQueuedBytes, logger, metrics } = options;
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > 16_384) {
    throw new RangeError(`expected 1 to 16384 partitions, got ${partitions}`);
  }
  makeFolder(path);
  const disown = ownFolder(path);
  const store = await openStoreOr(disown, path, partitions);
  const consumptions = new Map<string, OwnedConsumption | 'opening'>();
  const appender = createAppender({
    store,
    maxQueuedBytes,
    maxAppendBytes: options.maxAppendBytes ?? 4 * 1024 * 1024,
    logger,
    metrics,
    onEnd(partition, end) {
      for (const consumption of consumptions.values()) {
        if (consumption !== 'opening') consumption.onEnd(partition, end);
      }
    },
  });
  const trimmer = startTrimmer({ store, retentionMs, everyMs: options.trimEveryMs ?? 60_000, logger });
  let closed: Promise<void> | undefined;

  async function* read(partition: number, from: number, to: number): AsyncIterable<readonly LogRecord[]> {
    let offset = from;
    while (offset <= to && offset < appender.end(partition)) {
      checkOpen();
      const chunk = store.chunkFrom(partition, offset);
      if (!chunk || chunk.first > to) return;
      const records: LogRecord[] = [];
      eachRecord(chunk, offset, (record) => record.offset <= to && records.push(record) > 0);
      offset = chunk.first + chunk.count;
      yield records;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async function close(): Promise<void> {
    for (const consumption of [...consumptions.values()])
      if (consumption !== 'opening') await consumption.stop(closeMs);
    await trimmer.close();
    await appender.close();
    await store.close();
    disown();
  }

  function checkOpen(): void {
    if (closed) throw new TallygateError('LOG_UNAVAILABLE', 'the event log is closed', { retryAfterMs: 1000 });
  }

  return {
    partitions: () => store.partitions,
    append: appender.append,
    async inspect(group) {
      checkOpen();
      return appender.ends().map((end, partition) => ({
        begin: store.begin(partition),
        end,
        committed: (group !== undefined && store.readCommit(group, partition)) || null,
      }));
    },
    read,
    async consume(group, onPartition) {
      checkOpen();
      if (consumptions.has(group)) {
        throw new TallygateError('STORE_IN_USE', `expected one consumer of group ${group}, but it has one already`);
      }
      consumptions.set(group, 'opening');
      try {
        const consumption = await openConsumption({
          store,
          group,
          end: appender.end,
          onPartition,
          logger,
          onEnded: () => consumptions.delete(group),
        });
        consumptions.set(group, consumption);
        return consumption;
      } catch (error) {
        consumptions.delete(group);
        throw error;
      }
    },
    close: () => (closed ??= close()),
  };
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new TallygateError(
      'CONFIG_INVALID',
      `expected a folder that can be made at ${path}, got: ${toMessage(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** Puts the names of new files and folders on the disk, too. */
function syncFolder(folder: string): void {
  const opened = openSync(folder, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

async function openStoreOr(disown: () => void, path: string, partitions: number): Promise<ChunkStore> {
  try {
    const store = openChunkStore(path, partitions);
    await store.writeFacts();
    for (const folder of [path, dirname(path)]) syncFolder(folder);
    return store;
  } catch (error) {
    disown();
    throw error;
  }
}
