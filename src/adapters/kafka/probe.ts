import kafkajs, { type Admin } from 'kafkajs';
import { TallygateError, toMessage } from '../../errors.ts';
import { createSilentLogger } from '../../telemetry/logger.ts';
import { createKafkaClients, type KafkaAddress } from './client.ts';
import { toProtocolType } from './failures.ts';

export interface KafkaFacts {
  /** As the cluster names them to its clients. */
  readonly brokers: readonly { readonly id: number; readonly host: string; readonly port: number }[];
  /** null when there is none of that name, or none that this user may see. */
  readonly topic: TopicFacts | null;
}

export interface TopicFacts {
  readonly partitions: readonly PartitionFacts[];
  /** By Kafka's names; null when this user may not read them. */
  readonly settings: ReadonlyMap<string, string> | null;
}

export interface PartitionFacts {
  readonly partition: number;
  readonly replicas: number;
  readonly inSync: number;
  /** The oldest offset that is kept, and the next one. */
  readonly begin: number;
  readonly end: number;
  /** Where the group goes on; null when it has never committed. */
  readonly committed: number | null;
}

export interface KafkaQuestion extends KafkaAddress {
  readonly topic: string;
  readonly group: string;
}

/** Looks at a cluster and changes nothing. Rejects with a sentence that says what is in the way. */
export async function probeKafka(question: KafkaQuestion): Promise<KafkaFacts> {
  const admin = createKafkaClients(question, createSilentLogger()).quick.admin();
  try {
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    // Asked for by its name, a missing topic would be made by brokers that make topics by themselves.
    const topics = await admin.listTopics();
    return {
      brokers: brokers.map(({ nodeId, host, port }) => ({ id: nodeId, host, port })),
      topic: topics.includes(question.topic) ? await readTopic(admin, question) : null,
    };
  } catch (thrown) {
    throw new TallygateError('LOG_UNAVAILABLE', toReason(question, thrown), { cause: thrown });
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

async function readTopic(admin: Admin, { topic, group }: KafkaQuestion): Promise<TopicFacts> {
  const [metadata, ranges, commits, settings] = await Promise.all([
    admin.fetchTopicMetadata({ topics: [topic] }),
    admin.fetchTopicOffsets(topic),
    admin.fetchOffsets({ groupId: group, topics: [topic] }),
    readSettings(admin, topic),
  ]);
  const committed = new Map(commits[0]?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  const rangeOf = new Map(ranges.map((range) => [range.partition, range]));
  const partitions = (metadata.topics[0]?.partitions ?? []).map(({ partitionId, replicas, isr }) => {
    const next = committed.get(partitionId) ?? -1;
    return {
      partition: partitionId,
      replicas: replicas.length,
      inSync: isr.length,
      begin: Number(rangeOf.get(partitionId)?.low),
      end: Number(rangeOf.get(partitionId)?.high),
      committed: next < 0 ? null : next,
    };
  });
  return { partitions: partitions.toSorted((a, b) => a.partition - b.partition), settings };
}

async function readSettings(admin: Admin, topic: string): Promise<ReadonlyMap<string, string> | null> {
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
    });
    return new Map(resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]));
  } catch (thrown) {
    if (toProtocolType(thrown)?.endsWith('_AUTHORIZATION_FAILED')) return null;
    throw thrown;
  }
}

function toReason({ brokers, tls, sasl, topic, group }: KafkaQuestion, thrown: unknown): string {
  const chain = toChain(thrown);
  const names = chain.map(({ name }) => name);
  const message = toMessage(chain.at(-1) ?? thrown);
  if (names.includes('KafkaJSSASLAuthenticationError')) {
    return `Kafka refuses user "${sasl?.username}": correct KAFKA_SASL_MECHANISM, KAFKA_USERNAME or KAFKA_PASSWORD`;
  }
  switch (toProtocolType(thrown)) {
    case 'GROUP_AUTHORIZATION_FAILED':
      return `Kafka lets this user not use group "${group}": allow it Read there, or set KAFKA_GROUP`;
    case 'TOPIC_AUTHORIZATION_FAILED':
    case 'CLUSTER_AUTHORIZATION_FAILED':
      return `Kafka lets this user not use topic "${topic}": allow it Describe, Read and Write there`;
    case 'LEADER_NOT_AVAILABLE':
      return `a partition of topic "${topic}" has no leader: the brokers that hold it are away`;
  }
  if (/wrong version number|packet length|SSL routines|secure TLS connection/i.test(message)) {
    return `the brokers do not talk TLS there (KAFKA_TLS=true): ${message}`;
  }
  const elsewhere = chain.map((error) => (error as { broker?: unknown }).broker).find((broker) => broker !== undefined);
  if (typeof elsewhere === 'string' && !brokers.includes(elsewhere)) {
    return `the cluster sends its clients on to ${elsewhere}, which cannot be reached from here (${message}): correct advertised.listeners, or the network`;
  }
  if (!tls && !sasl && /closed|timed out|timeout/i.test(message)) {
    return `something listens there but does not answer as a broker would: ${message}. If it wants TLS or a password, set KAFKA_TLS, KAFKA_SASL_MECHANISM`;
  }
  return message;
}

/** An error and its causes, the outermost first. */
function toChain(thrown: unknown): Error[] {
  const chain: Error[] = [];
  for (let error = thrown; error instanceof Error && chain.length < 10; error = error.cause) chain.push(error);
  return chain;
}
