import type { Cluster, KafkaMessage } from 'kafkajs';
import { TallygateError } from '../../errors.ts';
import type { LogRecord } from '../../ports/event-log.ts';
import { toLogError, toProtocolType, withinMs } from './failures.ts';
import type { Link } from './link.ts';
import { toLogRecord } from './log-record.ts';

interface FetchedPartition {
  readonly highWatermark: string;
  readonly messages: readonly (KafkaMessage & { readonly isControlRecord?: boolean })[];
}

const chunkBytes = 1024 * 1024;
const fetchTimeoutMs = 5000;
/** Tries for one chunk: leaders move, connections close. */
const tries = 5;

/**
 * Reads a range by fetch requests of its own, without a group: nothing is joined, committed or rebalanced. Records that
 * are no longer kept are left out; the range ends early where the log ends.
 */
export async function* readRange(
  link: Link,
  topic: string,
  partition: number,
  from: number,
  to: number,
): AsyncIterable<readonly LogRecord[]> {
  let offset = from;
  while (offset <= to) {
    const fetched = await fetchChunk(link, topic, partition, offset);
    if (fetched === 'out of range') {
      const [range] = await link.ranges([partition]);
      if (!range || offset >= range.begin) return;
      offset = range.begin;
      continue;
    }
    const records: LogRecord[] = [];
    let reached = offset;
    for (const message of fetched.messages) {
      const at = Number(message.offset);
      if (at < offset) continue;
      reached = at + 1;
      if (at <= to && !message.isControlRecord) records.push(toLogRecord(at, message.value));
    }
    if (records.length > 0) yield records;
    if (reached === offset && Number(fetched.highWatermark) <= offset) return;
    if (reached === offset) throw stuck(partition, offset);
    offset = reached;
  }
}

function stuck(partition: number, offset: number): TallygateError {
  const message = `expected Kafka to hand out partition ${partition} from offset ${offset}, got nothing`;
  return new TallygateError('LOG_UNAVAILABLE', message, { retryAfterMs: 1000 });
}

async function fetchChunk(
  link: Link,
  topic: string,
  partition: number,
  offset: number,
): Promise<FetchedPartition | 'out of range'> {
  for (let left = tries; ; left--) {
    link.check();
    try {
      const fetching = fetchOnce(link.cluster, topic, partition, offset);
      return await withinMs(fetchTimeoutMs, `reading partition ${partition}`, fetching);
    } catch (error) {
      if (toProtocolType(error) === 'OFFSET_OUT_OF_RANGE') return 'out of range';
      if (left === 0) throw toLogError(error, `reading partition ${partition}`);
      await link.cluster.refreshMetadata().catch(() => undefined);
    }
  }
}

async function fetchOnce(
  cluster: Cluster,
  topic: string,
  partition: number,
  offset: number,
): Promise<FetchedPartition> {
  const [leader] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
  if (leader === undefined) throw new TallygateError('INTERNAL', `expected a partition of ${topic}, got ${partition}`);
  const broker = await cluster.findBroker({ nodeId: leader });
  const { responses } = (await broker.fetch({
    maxWaitTime: 0,
    minBytes: 1,
    maxBytes: chunkBytes,
    topics: [{ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes: chunkBytes }] }],
  })) as { responses: readonly { partitions: readonly FetchedPartition[] }[] };
  const fetched = responses[0]?.partitions[0];
  if (!fetched) throw new TallygateError('LOG_UNAVAILABLE', `no answer for partition ${partition}`);
  return fetched;
}
