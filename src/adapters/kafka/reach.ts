import { toMessage } from '../../errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { toProtocolType, withinMs } from './failures.ts';

export interface ReachDeps {
  /** Asks the leader of a partition something small; resolves when it has answered. */
  readonly ask: (partition: number) => Promise<unknown>;
  /** How long an answer may take, in milliseconds. */
  readonly askMs: number;
  readonly logger: Logger;
}

/** A partition as the newest metadata has it. */
export interface KnownLeader {
  readonly partitionId: number;
  /** Below 0 while it has none. */
  readonly leader: number;
}

/**
 * Knows the partitions whose leader is out of reach. Metadata alone never takes one back: a broker is named as a leader
 * after its end, for as long as its session, and for longer by brokers that are behind. Its leader has to answer.
 */
export function createReach({ ask, askMs, logger }: ReachDeps) {
  /** Why, by partition. */
  const lost = new Map<number, string>();
  /** Leaders that are being asked. One that is silent holds up neither the others nor the next look. */
  const asked = new Set<number>();

  function lose(partitions: readonly number[], why: string): void {
    const fresh = partitions.filter((partition) => !lost.has(partition));
    for (const partition of partitions) lost.set(partition, why);
    if (fresh.length > 0) logger.warn({ partitions: fresh }, `Kafka takes nothing for a partition that ${why}`);
  }

  async function askLeader(leader: number, partitions: readonly number[]): Promise<void> {
    const back: number[] = [];
    for (const partition of partitions) {
      try {
        await withinMs(askMs, 'asking a leader', ask(partition));
        if (lost.delete(partition)) back.push(partition);
      } catch (error) {
        logger.debug({ partition, leader, reason: toMessage(error) }, 'the leader of a partition has not answered');
        // Whoever says no for one partition may say yes for the next; whoever says nothing would say nothing again.
        if (toProtocolType(error) === undefined) break;
      }
    }
    if (back.length > 0) logger.info({ partitions: back }, 'Kafka takes records for partitions again');
  }

  return {
    /** Their next appends are refused. */
    lose,
    /** Why nothing is taken for the partition, as the end of a sentence; undefined when something is. */
    whyLost: (partition: number): string | undefined => lost.get(partition),
    /** Takes new metadata in, and asks the leaders of lost partitions in the background. */
    onLeaders(partitions: readonly KnownLeader[]): void {
      const without = partitions.filter(({ leader }) => leader < 0).map(({ partitionId }) => partitionId);
      lose(without, 'has no leader');
      const named = partitions.filter(({ partitionId, leader }) => leader >= 0 && lost.has(partitionId));
      for (const leader of new Set(named.map((each) => each.leader))) {
        if (asked.has(leader)) continue;
        asked.add(leader);
        const own = named.filter((each) => each.leader === leader).map(({ partitionId }) => partitionId);
        void askLeader(leader, own).finally(() => asked.delete(leader));
      }
    },
  };
}
