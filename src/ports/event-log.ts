/**
 * The durable log between gateway and sink. Implementations: adapters/lmdb (embedded), adapters/kafka.
 * The contract suite test/contract/event-log.ts holds each of them to what is promised here.
 */

export interface NewRecord {
  /** Project and person (toRecordKey); equal keys are always appended to the same partition by the caller. */
  readonly key: string;
  readonly value: Buffer;
}

export interface LogRecord {
  readonly offset: number;
  /** The value stands at start..end (exclusive) of these: a buffer for each record would cost more than reading it. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** What a consumer group remembers of one partition. */
export interface Commit {
  /** The first offset that is not known to be in the warehouse. */
  readonly next: number;
  /** Set while the records next..end (inclusive) are being stored: whoever comes after must replay exactly them. */
  readonly end: number | null;
}

/** A partition as it is now. */
export interface PartitionState {
  /** Offset of the oldest record that is kept; `end` when none is. */
  readonly begin: number;
  /** The next offset. */
  readonly end: number;
  /** What the named group has committed; null when it never has, or none was named. */
  readonly committed: Commit | null;
}

export interface TakeLimits {
  readonly maxRecords: number;
  readonly maxBytes: number;
  /** How long to go on collecting after the first record, in milliseconds. */
  readonly lingerMs: number;
  /** How long to wait for a first record, in milliseconds; after it the answer is empty. */
  readonly waitMs: number;
  /** Never hand out a record behind this offset. */
  readonly upTo?: number;
}

/** The right to consume one partition, until `lost`. */
export interface PartitionLease {
  readonly partition: number;
  /** As it was found when the lease began. */
  readonly committed: Commit;
  /**
   * Hands out the next records in order, each once, beginning at committed.next. Empty when nothing came within waitMs
   * or the lease is stopping. Records of at least one are handed out whatever maxBytes says. Rejects with LEASE_LOST after `lost`.
   */
  take(limits: TakeLimits): Promise<readonly LogRecord[]>;
  /** Fenced: rejects with LEASE_LOST, and changes nothing, when another consumer may own the partition by now. */
  commit(commit: Commit): Promise<void>;
  /** Aborted when the partition is no longer ours. */
  readonly lost: AbortSignal;
  /** Aborted when the consumer was asked to stop: finish what was taken, commit, return. */
  readonly stopping: AbortSignal;
}

export interface Consumption {
  /** Settles when consumption has ended: resolves after stop(), rejects with the reason of a crash. */
  readonly ended: Promise<void>;
  /** Asks every lease to stop, waits for their handlers (at most deadlineMs), then leaves the group. Idempotent. */
  stop(deadlineMs: number): Promise<void>;
}

export interface EventLog {
  /** Number of partitions. Throws LOG_UNAVAILABLE while it is not known yet. */
  partitions(): number;
  /**
   * Appends records to one partition, contiguous and in order; resolves with the offset of the first one when all are on
   * the log's disks (Kafka: acks=all; LMDB: fsync). Rejects with LOG_UNAVAILABLE or LOG_OVERLOADED (both retriable): the
   * records may or may not have been stored, the caller's messageIds make a second try safe. More than 4 MiB at once are
   * PAYLOAD_TOO_LARGE, and so is what a broker finds too large. An empty append resolves with the next offset.
   * The records of one append are of one project. Appends of one project to a partition are stored in the order of the
   * calls; those of different projects may overtake each other. What waits is bounded, in bytes and about in time, and projects
   * share it fairly (live events and history of one as if they were two): who has his share is refused with LOG_OVERLOADED, at
   * once or, when what waits has to give way to a smaller project, a little later; others go on.
   */
  append(partition: number, records: readonly NewRecord[]): Promise<number>;
  /** Each partition, read after the call began, with the commits of a group when one is named. Rejects with LOG_UNAVAILABLE. */
  inspect(group?: string): Promise<readonly PartitionState[]>;
  /**
   * Reads records from <= offset <= to outside of any group, in order, in chunks; ends early where the log ends. Records
   * that are no longer kept are left out.
   */
  read(partition: number, from: number, to: number): AsyncIterable<readonly LogRecord[]>;
  /**
   * Runs `onPartition` for each partition that the group assigns to this process, for as long as its lease lasts.
   * Partitions 2n and 2n + 1 always go to the same process, and their leases begin and end together.
   */
  consume(group: string, onPartition: (lease: PartitionLease) => Promise<void>): Promise<Consumption>;
  close(): Promise<void>;
}
