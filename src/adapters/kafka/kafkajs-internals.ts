import { createRequire } from 'node:module';
import kafkajs, {
  type Assignment,
  type Broker,
  type Cluster,
  type GroupMember,
  type GroupMemberAssignment,
  type Kafka,
  type PartitionAssigner,
} from 'kafkajs';
import { TallygateError } from '../../errors.ts';

/**
 * The one place that reaches behind kafkajs's documented API (2.2.4, pinned). What is relied on is checked here when it
 * is used, and test/unit/kafka-internals.test.ts fails when a new version looks different.
 */

/** A membership in a generation of the group: what a commit must name to be valid. */
export interface Membership {
  readonly generationId: number;
  readonly memberId: string;
}

export interface GroupHooks {
  /** A JOIN is about to be sent: from here on the coordinator may give our partitions to somebody else. */
  onJoin(): void;
  /** The coordinator has answered SYNC: partitions are ours in this generation. */
  onSync(membership: Membership): void;
  /** We are about to leave the group. */
  onLeave(): void;
  /** kafkajs wanted to commit by itself; it was kept from doing so. */
  onForeignCommit(): void;
}

type GroupRequest = { readonly groupId: string; readonly memberId: string } & Readonly<Record<string, unknown>>;

interface GroupBroker extends Broker {
  joinGroup(request: GroupRequest): Promise<unknown>;
  syncGroup(request: GroupRequest & Membership): Promise<unknown>;
  leaveGroup(request: { readonly groupId: string; readonly memberId: string }): Promise<unknown>;
}

interface IdleQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

const patched = Symbol.for('tallygate.kafkajs.patched');
const load = createRequire(import.meta.url);

/**
 * kafkajs looks for pending requests every few milliseconds for as long as a connection lives, also when there are none
 * (its issues 1704, 1751, 1768). Whoever adds a pending request schedules the check too, so nothing waits longer.
 */
export function quietIdleConnections(): void {
  const { prototype } = load('kafkajs/src/network/requestQueue/index.js') as {
    prototype: IdleQueue & { [patched]?: boolean };
  };
  if (prototype[patched]) return;
  const schedule = expectFunction(prototype, 'scheduleCheckPendingRequests');
  prototype.scheduleCheckPendingRequests = function (this: IdleQueue) {
    if (this.pending.length > 0) schedule.call(this);
  };
  prototype[patched] = true;
}

interface ConnectingBroker {
  connect(): Promise<void>;
  isConnected(): boolean;
}

/**
 * To kafkajs a broker is connected as soon as its socket is, before the two have agreed on versions: until then every request
 * throws a plain "Broker not connected", which ends a consumer for good. And when the broker never answers that first question,
 * since it stands still, nobody ever asks it again. Here it is connected when `connect` has come to its end.
 */
export function requireHandshake(): void {
  const { prototype } = load('kafkajs/src/broker/index.js') as {
    prototype: ConnectingBroker & { [patched]?: boolean };
  };
  if (prototype[patched]) return;
  const connect = expectFunction(prototype, 'connect') as ConnectingBroker['connect'];
  const isConnected = expectFunction(prototype, 'isConnected') as ConnectingBroker['isConnected'];
  const agreed = new WeakSet<ConnectingBroker>();
  prototype.connect = async function (this: ConnectingBroker) {
    await connect.call(this);
    agreed.add(this);
  };
  prototype.isConnected = function (this: ConnectingBroker) {
    return agreed.has(this) && isConnected.call(this);
  };
  prototype[patched] = true;
}

/**
 * A connection pool with metadata, without a producer or consumer around it. kafkajs hands it to partition assigners
 * only.
 */
export function createCluster(kafka: Kafka, groupId: string, maxInFlightRequests?: number): Cluster {
  let cluster: Cluster | undefined;
  kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    ...(maxInFlightRequests !== undefined && { maxInFlightRequests }),
    partitionAssigners: [
      (config) => {
        cluster = config.cluster;
        return kafkajs.PartitionAssigners.roundRobin(config);
      },
    ],
  });
  if (!cluster) throw changed('consumer() to make its assigners at once');
  tolerateLeaderless(cluster);
  return cluster;
}

interface BrokerPool {
  createBroker(options: unknown): Broker;
}

interface PartitionMetadata {
  readonly partitionErrorCode: number;
  readonly leader: number;
}

interface MetadataAnswer {
  readonly topicMetadata: readonly { readonly partitionMetadata: readonly PartitionMetadata[] }[];
}

const leaderNotAvailable = 5;

/**
 * kafkajs knows no metadata at all while one of the partitions has no leader, so that one such partition stops all others whose
 * leader moves. Here it is a partition whose leader is -1.
 */
function tolerateLeaderless(cluster: Cluster): void {
  const { brokerPool } = cluster as unknown as { readonly brokerPool: BrokerPool };
  const create = expectFunction(brokerPool, 'createBroker') as BrokerPool['createBroker'];
  const { Metadata } = (load('kafkajs/src/protocol/requests/index.js') as { requests: { Metadata: unknown } }).requests;
  brokerPool.createBroker = (options) => {
    const broker = create(options) as PlainBroker;
    const metadata = async (topics: readonly string[]) => {
      const ask = broker.lookupRequest(metadataKey, Metadata);
      const { request, response } = ask({ topics, allowAutoTopicCreation: false });
      const parse = (answer: MetadataAnswer) =>
        (response.parse as (answer: MetadataAnswer) => unknown)({
          ...answer,
          topicMetadata: answer.topicMetadata.map((topic) => ({
            ...topic,
            partitionMetadata: topic.partitionMetadata.map((partition) =>
              partition.partitionErrorCode === leaderNotAvailable
                ? { ...partition, partitionErrorCode: 0, leader: -1 }
                : partition,
            ),
          })),
        });
      return sendRequest(broker, { request, response: { ...response, parse } });
    };
    return Object.assign(broker, { metadata });
  };
}

const produceKey = 0;
const metadataKey = 3;

interface Protocol {
  readonly request: unknown;
  readonly response: { readonly decode: unknown; readonly parse: (answer: never) => unknown };
  readonly requestTimeout?: number;
}

type PlainBroker = Broker & {
  lookupRequest(apiKey: number, definitions: unknown): (options: unknown) => Protocol;
  readonly connectionPool: { send(protocol: Protocol): Promise<unknown> };
};

/** As a broker's own methods do it. */
async function sendRequest(broker: PlainBroker, protocol: Protocol): Promise<unknown> {
  try {
    return await broker.connectionPool.send(protocol);
  } catch (error) {
    if ((error as { name?: unknown }).name === 'KafkaJSConnectionClosedError') await broker.disconnect();
    throw error;
  }
}

export interface ProduceRequest {
  readonly topic: string;
  readonly partition: number;
  /** As encodeRecordBatch makes it. */
  readonly batch: Buffer;
  /** How long the brokers may take to replicate it, and how long to wait for their answer, in milliseconds. */
  readonly timeoutMs: number;
  readonly requestTimeoutMs: number;
}

/** What the broker answered for each topic and partition. */
export type ProduceAnswer = readonly {
  readonly topicName: string;
  readonly partitions: readonly {
    readonly partition: number;
    readonly errorCode: number;
    readonly baseOffset: string;
  }[];
}[];

/** The first version with zstd; every broker from Kafka 2.1 to 4 takes it. */
const produceVersion = 7;

/** Sends one batch with acks=all. Rejects with the broker's error. */
export async function produce(broker: Broker, request: ProduceRequest): Promise<ProduceAnswer> {
  const { topic, partition, batch, timeoutMs, requestTimeoutMs } = request;
  const name = Buffer.from(topic);
  const head = Buffer.allocUnsafe(28 + name.length);
  // No transaction, acks of all replicas in sync, one topic with one partition.
  let at = head.writeInt16BE(-1, 0);
  at = head.writeInt16BE(-1, at);
  at = head.writeInt32BE(timeoutMs, at);
  at = head.writeInt32BE(1, at);
  at = head.writeInt16BE(name.length, at);
  at += name.copy(head, at);
  at = head.writeInt32BE(1, at);
  at = head.writeInt32BE(partition, at);
  at = head.writeInt32BE(batch.length, at);
  const bytes = Buffer.concat([head.subarray(0, at), batch]);
  // What it takes of an encoder of its own.
  const encode = async () => ({ buf: bytes, buffer: bytes });
  const answer = await sendRequest(broker as PlainBroker, {
    request: { apiKey: produceKey, apiVersion: produceVersion, apiName: 'Produce', encode },
    response: load(`kafkajs/src/protocol/requests/produce/v${produceVersion}/response.js`) as Protocol['response'],
    requestTimeout: requestTimeoutMs,
  });
  return (answer as { readonly topics: ProduceAnswer }).topics;
}

export const crc32c = load('kafkajs/src/protocol/recordBatch/crc32C/index.js') as (bytes: Buffer) => number;

const originalCommits = new WeakMap<Broker, Broker['offsetCommit']>();

/**
 * An assigner that deals out pairs of partitions (2n and 2n + 1) in turn, tells when membership begins and ends, and
 * keeps kafkajs from committing by itself: after OFFSET_OUT_OF_RANGE it would commit "earliest" over our commit and go on as if nothing had been lost.
 */
export function createWatchedAssigner(hooks: GroupHooks, onCluster: (cluster: Cluster) => void): PartitionAssigner {
  return (config) => {
    watchBrokers(config.cluster, hooks);
    onCluster(config.cluster);
    const base = kafkajs.PartitionAssigners.roundRobin(config);
    return {
      name: 'TallygatePairs',
      version: 0,
      assign: async ({ members, topics }) => dealPairs(config.cluster, members, topics),
      // Called when a JOIN is made, also by each of its retries.
      protocol(subscription) {
        hooks.onJoin();
        return { ...base.protocol(subscription), name: 'TallygatePairs' };
      },
    };
  };
}

/** The same for whoever of the members is asked: both are sorted. */
function dealPairs(
  cluster: Cluster,
  members: readonly GroupMember[],
  topics: readonly string[],
): GroupMemberAssignment[] {
  const ids = members.map(({ memberId }) => memberId).sort();
  return ids.map((memberId, turn) => {
    const assignment: Assignment = {};
    for (const topic of topics) {
      assignment[topic] = cluster
        .findTopicPartitionMetadata(topic)
        .map(({ partitionId }) => partitionId)
        .filter((partition) => (partition >> 1) % ids.length === turn)
        .sort((a, b) => a - b);
    }
    const memberAssignment = kafkajs.AssignerProtocol.MemberAssignment.encode({
      version: 0,
      assignment,
      userData: Buffer.alloc(0),
    });
    return { memberId, memberAssignment };
  });
}

/** Every broker that the consumer talks to, its coordinator too, comes through findBroker. */
function watchBrokers(cluster: Cluster, hooks: GroupHooks): void {
  const find = expectFunction(cluster, 'findBroker').bind(cluster) as Cluster['findBroker'];
  const last: LastMember = { memberId: undefined };
  cluster.findBroker = async (node) => {
    const broker = await find(node);
    if (!originalCommits.has(broker)) watchBroker(broker as GroupBroker, hooks, last);
    return broker;
  };
}

interface LastMember {
  memberId: string | undefined;
}

function watchBroker(broker: GroupBroker, hooks: GroupHooks, last: LastMember): void {
  const join = expectFunction(broker, 'joinGroup').bind(broker) as GroupBroker['joinGroup'];
  const sync = expectFunction(broker, 'syncGroup').bind(broker);
  const leave = expectFunction(broker, 'leaveGroup').bind(broker) as GroupBroker['leaveGroup'];
  originalCommits.set(broker, expectFunction(broker, 'offsetCommit').bind(broker) as Broker['offsetCommit']);
  broker.joinGroup = async (request) => {
    const { groupId, memberId } = request;
    // After a crash kafkajs joins as somebody new; the group would wait for the old member until its session is over.
    if (last.memberId !== undefined && last.memberId !== memberId) {
      await leave({ groupId, memberId: last.memberId }).catch(() => undefined);
      last.memberId = undefined;
    }
    return join(request);
  };
  broker.syncGroup = async (request) => {
    const answer = await sync(request);
    last.memberId = request.memberId;
    hooks.onSync({ generationId: request.generationId, memberId: request.memberId });
    return answer;
  };
  broker.leaveGroup = async (request) => {
    hooks.onLeave();
    const answer = await leave(request);
    last.memberId = undefined;
    return answer;
  };
  broker.offsetCommit = async () => {
    hooks.onForeignCommit();
    throw new kafkajs.KafkaJSNonRetriableError('commits are made by the lease alone');
  };
}

export interface OffsetCommit extends Membership {
  readonly groupId: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly metadata: string;
}

/**
 * Commits under exactly the membership that is given. kafkajs's own ways (the consumer's commitOffsets, eachBatch's
 * commitOffsetsIfNecessary) take the generation that is current when they run, so that a commit of a lost lease could
 * pass under a newer one; and they need a running consumer or handler.
 */
export async function commitOffset(coordinator: Broker, commit: OffsetCommit): Promise<void> {
  const { groupId, generationId, memberId, topic, partition, offset, metadata } = commit;
  const send = originalCommits.get(coordinator);
  if (!send) throw changed('the coordinator to come through findBroker');
  const partitions = [{ partition, offset, metadata }];
  await send({ groupId, memberId, groupGenerationId: generationId, topics: [{ topic, partitions }] });
}

function expectFunction<Key extends string>(owner: object, name: Key): (...args: readonly unknown[]) => unknown {
  const found = (owner as Record<string, unknown>)[name];
  if (typeof found !== 'function') throw changed(`a function ${name}`);
  return found as (...args: readonly unknown[]) => unknown;
}

function changed(expectation: string): TallygateError {
  return new TallygateError(
    'INTERNAL',
    `expected of kafkajs: ${expectation}; it has changed since this adapter was written`,
  );
}
