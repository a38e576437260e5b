import type { Batch } from 'kafkajs';
import type { LogRecord } from '../../ports/event-log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { OwnedLease } from './lease.ts';
import { toLogRecord } from './log-record.ts';

export interface FeedDeps {
  readonly logger: Logger;
  readonly pause: (partition: number) => void;
  readonly seek: (partition: number, offset: number) => void;
}

/** Hands fetched batches to leases, each record once and in order, whatever fetch it came with. */
export function createFeed({ logger, pause, seek }: FeedDeps) {
  /** For each partition the gap that was seen last, as "wanted-found". */
  const seen = new Map<number, string>();

  return function feed(lease: OwnedLease, batch: Batch, resolve: (offset: string) => void): void {
    const { partition } = lease;
    const wanted = lease.wanted();
    const records: LogRecord[] = [];
    for (const message of batch.messages) {
      const offset = Number(message.offset);
      if (offset >= wanted) records.push(toLogRecord(offset, message.value));
    }
    const first = records[0]?.offset ?? wanted;
    if (first > wanted) {
      // A fetch of an older lease may have come late: fetch again from where we are. What is really missing in the log
      // (another program's transaction markers) is missing the second time, too.
      const gap = `${wanted}-${first}`;
      if (seen.get(partition) !== gap) {
        seen.set(partition, gap);
        seek(partition, wanted);
        return;
      }
      logger.warn({ partition, from: wanted, to: first - 1 }, 'the log has no records at these offsets');
    }
    const room = lease.offer(records);
    resolve(batch.lastOffset());
    if (!room) pause(partition);
  };
}
