import type { Broker, Cluster } from 'kafkajs';
import { TallygateError, toMessage } from '../../errors.ts';
import type { Commit, PartitionState } from '../../ports/event-log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { parseCommit, toMetadata } from './commit-metadata.ts';
import { toLogError, toProtocolType, withinMs } from './failures.ts';
import { commitOffset, type Membership } from './kafkajs-internals.ts';
import type { Link, OffsetRange } from './link.ts';

/** Answers that say: this member, or its generation, is not the group's any more. */
const fencing = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'REBALANCE_IN_PROGRESS',
  'FENCED_INSTANCE_ID',
  'FENCED_MEMBER_EPOCH',
]);

const pauseMs = 200;
/** How long one request may take, and how long a commit is tried, in milliseconds. */
const requestMs = 5000;
const deadlineMs = 20_000;

export interface CommitterDeps {
  readonly groupId: string;
  readonly topic: string;
  /** The consumer's own connections: kafkajs makes them with the consumer. */
  readonly cluster: () => Cluster;
}

/**
 * Commits for a membership. Two fences: `held` is asked right before each request and after its answer (the client's
 * own epoch), and the coordinator refuses a generation that is over. A commit is tried again under the same membership
 * only.
 */
export function createCommitter({ groupId, topic, cluster }: CommitterDeps) {
  let coordinator: Broker | undefined;

  async function send(partition: number, membership: Membership, commit: Commit, held: () => boolean): Promise<void> {
    if (!coordinator?.isConnected()) coordinator = await cluster().findGroupCoordinator({ groupId });
    if (!held()) throw leaseLost(partition);
    const { next } = commit;
    await commitOffset(coordinator, {
      ...membership,
      groupId,
      topic,
      partition,
      offset: String(next),
      metadata: toMetadata(commit),
    });
  }

  return async function commit(
    partition: number,
    membership: Membership,
    wanted: Commit,
    held: () => boolean,
  ): Promise<void> {
    for (const deadline = Date.now() + deadlineMs; ; ) {
      if (!held()) throw leaseLost(partition);
      try {
        await withinMs(requestMs, `committing partition ${partition}`, send(partition, membership, wanted, held));
        // Somebody else may have read the commit from before this one: the lease counts as lost with its commit.
        if (!held()) throw leaseLost(partition);
        return;
      } catch (error) {
        coordinator = undefined;
        if (!held() || fencing.has(toProtocolType(error) ?? '')) throw leaseLost(partition, error);
        if (Date.now() > deadline) throw commitFailed(partition, error);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  };
}

function leaseLost(partition: number, cause?: unknown): TallygateError {
  const message = `partition ${partition} is not ours any more: the group was rebalanced`;
  return new TallygateError('LEASE_LOST', message, { cause });
}

function commitFailed(partition: number, cause: unknown): TallygateError {
  const message = `partition ${partition} could not be committed for ${deadlineMs} ms: ${toMessage(cause)}`;
  return new TallygateError('LOG_UNAVAILABLE', message, { cause, retryAfterMs: 1000 });
}

/** Where the leases of these partitions begin. */
export async function readBeginnings(
  link: Link,
  groupId: string,
  topic: string,
  partitions: readonly number[],
  logger: Logger,
): Promise<{ partition: number; commit: Commit }[]> {
  const commits = await withinMs(requestMs, 'reading commits', readCommits(link, groupId, topic, partitions));
  const ranges = await link.ranges(partitions);
  return partitions.map((partition, i) => ({
    partition,
    commit: toBeginning(partition, commits[i], ranges[i] as OffsetRange, logger),
  }));
}

/** All partitions as they are, with what a group has committed. */
export async function inspectPartitions(
  link: Link,
  groupId: string | undefined,
  topic: string,
): Promise<PartitionState[]> {
  const partitions = [...Array(link.partitions()).keys()];
  try {
    // The commits first: whatever they say was in the log before the ends are read.
    const commits =
      groupId === undefined
        ? []
        : await withinMs(requestMs, 'reading commits', readCommits(link, groupId, topic, partitions));
    const ranges = await link.ranges(partitions);
    return ranges.map(({ begin, end }, i) => ({ begin, end, committed: commits[i] ?? null }));
  } catch (error) {
    throw toLogError(error, 'reading commits');
  }
}

/** What the group has committed for each of the partitions; undefined where it never has. */
async function readCommits(
  link: Link,
  groupId: string,
  topic: string,
  partitions: readonly number[],
): Promise<(Commit | undefined)[]> {
  const coordinator = await link.cluster.findGroupCoordinator({ groupId });
  // The declared type wants offsets in the question; the protocol has none.
  const asked = partitions.map((partition) => ({ partition, offset: '' }));
  const { responses } = await coordinator.offsetFetch({ groupId, topics: [{ topic, partitions: asked }] });
  const answered = (responses[0]?.partitions ?? []) as { partition: number; offset: string; metadata: string | null }[];
  return partitions.map((partition) => {
    const found = answered.find((each) => each.partition === partition);
    if (!found)
      throw new TallygateError('LOG_UNAVAILABLE', `the coordinator did not answer for partition ${partition}`);
    return parseCommit(partition, found.offset, found.metadata);
  });
}

/**
 * Where a lease begins. Nothing is skipped in silence:
 * - never committed: at the oldest record;
 * - the sink was away for longer than the retention, so that records it had not stored are gone: an error is logged
 *   with their number, and the lease begins at the oldest record that is left;
 * - that, and an open range of which a part is gone (its replay could count twice), or a commit beyond the log's end
 *   (the topic was made anew, its offsets begin again): LOG_REPLACED.
 */
export function toBeginning(partition: number, commit: Commit | undefined, range: OffsetRange, logger: Logger): Commit {
  if (!commit) return { next: range.begin, end: null };
  const { next, end } = commit;
  const state = `the group's commit of partition ${partition} is at ${next}${end === null ? '' : ` with ${next} to ${end} open`}, the log holds ${range.begin} to ${range.end - 1}`;
  if (next > range.end || (end !== null && end >= range.end)) {
    throw new TallygateError(
      'LOG_REPLACED',
      `expected the log that was there before, but ${state}: was the topic made anew?`,
    );
  }
  if (next >= range.begin) return commit;
  if (end !== null && end >= range.begin) {
    throw new TallygateError(
      'LOG_REPLACED',
      `expected the open range to be kept, but ${state}: store it or reset the group`,
    );
  }
  logger.error({ partition, lost: range.begin - next }, `records were removed before they were stored: ${state}`);
  return { next: range.begin, end: null };
}
