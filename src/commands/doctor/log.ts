import { join } from 'node:path';
import type { KafkaFacts, PartitionFacts, TopicFacts } from '../../adapters/kafka/probe.ts';
import type { Config } from '../../config.ts';
import { isTallygateError } from '../../errors.ts';
import { toKafkaAddress } from '../../roles/backends.ts';
import { type Finding, ok, problem, toReason, warning } from './finding.ts';
import { findBarrier } from './reach.ts';

export interface LogReport {
  readonly findings: readonly Finding[];
  /** Next offset of each partition; null when they cannot be known now. */
  readonly ends: readonly number[] | null;
  /** Oldest offset that each partition keeps, where the log can tell. */
  readonly begins: readonly number[] | null;
  /** Another process of this machine has the embedded log, and with it the embedded warehouse. */
  readonly isInUse: boolean;
}

const hour = 3_600_000;
const unknown = { ends: null, begins: null, isInUse: false } as const;

export async function checkEmbeddedLog({ DATA_DIR }: Config): Promise<LogReport> {
  const about = 'log';
  try {
    const { probeLmdbLog } = await import('../../adapters/lmdb/probe.ts');
    const ends = await probeLmdbLog(join(DATA_DIR, 'log'));
    if (ends === null) return { ...unknown, findings: [ok(about, 'embedded, empty so far')], ends: [0] };
    const records = ends.reduce((sum, end) => sum + end, 0);
    return { ...unknown, findings: [ok(about, `embedded, ${records} records so far, free to be opened`)], ends };
  } catch (thrown) {
    if (isTallygateError(thrown) && thrown.code === 'STORE_IN_USE')
      return { ...unknown, findings: [ok(about, `embedded, and in use: ${toOwner(thrown.message)}`)], isInUse: true };
    return { ...unknown, findings: [problem(about, `the embedded log cannot be opened: ${toReason(thrown)}`)] };
  }
}

/** "... but process 12 is using it: stop ..." */
function toOwner(message: string): string {
  return `${/but (.+? is using it)/.exec(message)?.[1] ?? 'a process has it'}, so what is in it was not looked at`;
}

export async function checkKafka(config: Config, brokers: string, timeoutMs: number): Promise<LogReport> {
  const addresses = brokers.split(',');
  const barriers = await Promise.all(addresses.map((address) => findBarrierAt(address, timeoutMs)));
  const away = addresses.flatMap((address, i) => (barriers[i] ? [`${address}: ${barriers[i]}`] : []));
  if (away.length === addresses.length) {
    const says = `no broker takes a connection (${away.join(', ')}): start Kafka, or correct KAFKA_BROKERS. Until then mutations are refused`;
    return { ...unknown, findings: [problem('Kafka', says)] };
  }
  const findings: Finding[] =
    away.length > 0 ? [warning('Kafka', `part of KAFKA_BROKERS is away (${away.join(', ')})`)] : [];
  try {
    const { probeKafka } = await import('../../adapters/kafka/probe.ts');
    const facts = await probeKafka({
      ...toKafkaAddress(config, brokers),
      topic: config.KAFKA_TOPIC,
      group: config.KAFKA_GROUP,
    });
    findings.push(...(await judgeBrokers(facts, timeoutMs)));
    if (facts.topic === null) return { ...unknown, findings: [...findings, toMissingTopic(config)] };
    const { partitions } = facts.topic;
    findings.push(...judgeTopic(config, facts.topic, facts.brokers.length), ...judgeGroup(config, partitions));
    return { ...unknown, findings, ends: partitions.map(({ end }) => end), begins: partitions.map((p) => p.begin) };
  } catch (thrown) {
    return { ...unknown, findings: [...findings, problem('Kafka', toReason(thrown))] };
  }
}

function findBarrierAt(address: string, timeoutMs: number): Promise<string | null> {
  const colon = address.lastIndexOf(':');
  return findBarrier(address.slice(0, colon), Number(address.slice(colon + 1)), timeoutMs);
}

/** Clients are sent on to the addresses that the cluster tells, and those may be known only where the brokers are. */
async function judgeBrokers({ brokers }: KafkaFacts, timeoutMs: number): Promise<Finding[]> {
  const barriers = await Promise.all(brokers.map(({ host, port }) => findBarrier(host, port, timeoutMs)));
  const lost = brokers.flatMap(({ id, host, port }, i) =>
    barriers[i] ? [`${id} at ${host}:${port}: ${barriers[i]}`] : [],
  );
  if (lost.length === 0) return [ok('Kafka', `all brokers answer (${brokers.length})`)];
  return [
    problem(
      'Kafka',
      `the cluster names brokers that cannot be reached from here (${lost.join(', ')}): correct advertised.listeners, or the network`,
    ),
  ];
}

function toMissingTopic({ KAFKA_TOPIC, MIGRATE_AT_START }: Config): Finding {
  const what = `there is no topic "${KAFKA_TOPIC}", or this user may not see it`;
  return MIGRATE_AT_START
    ? warning('Kafka topic', `${what}: it is made at the next start, or now by "tallygate migrate"`)
    : problem('Kafka topic', `${what}: run "tallygate migrate"`);
}

/** What keeps the topic from taking events, or from keeping those that it took. */
export function judgeTopic(config: Config, topic: TopicFacts, brokers: number): Finding[] {
  const about = 'Kafka topic';
  const { partitions, settings } = topic;
  const replicas = Math.min(...partitions.map((p) => p.replicas));
  const findings: Finding[] = [];
  const behind = partitions.filter((p) => p.inSync < p.replicas).length;
  if (behind > 0)
    findings.push(warning(about, `${behind} of ${partitions.length} partitions have replicas that are behind or away`));
  if (replicas < 3) {
    const more = brokers < 3 ? 'run three brokers, then raise it' : 'raise it to 3';
    findings.push(warning(about, `replication is ${replicas}, so a lost disk can lose acknowledged events: ${more}`));
  }
  if (partitions.length % 2 === 1)
    findings.push(
      warning(
        about,
        `${partitions.length} partitions, and they come in pairs, for live events and for history: ${partitions.length === 1 ? 'imports stand in front of live events' : 'the last one is not used'}. Make the topic with an even number`,
      ),
    );
  if (settings === null)
    findings.push(
      warning(about, 'its settings may not be read: allow this user DescribeConfigs, or check them yourself'),
    );
  else findings.push(...judgeSettings(config, settings, partitions, replicas));
  if (findings.length > 0) return findings;
  return [ok(about, `"${config.KAFKA_TOPIC}", ${partitions.length} partitions, replication ${replicas}`)];
}

function judgeSettings(
  config: Config,
  settings: ReadonlyMap<string, string>,
  partitions: readonly PartitionFacts[],
  replicas: number,
): Finding[] {
  const about = 'Kafka topic';
  const findings: Finding[] = [];
  const least = Number(settings.get('min.insync.replicas') ?? 1);
  const stuck = partitions.filter((p) => p.inSync < least).length;
  if (stuck > 0)
    findings.push(
      problem(
        about,
        `${stuck} of ${partitions.length} partitions take no events: min.insync.replicas is ${least}, and they have fewer. Bring brokers back${replicas < least ? ', or lower it: there are only as many replicas' : ''}`,
      ),
    );
  else if (replicas > 1 && least < 2)
    findings.push(
      warning(about, 'min.insync.replicas is 1, so one broker alone may acknowledge an event and lose it: set it to 2'),
    );
  else if (replicas > 1 && least >= replicas)
    findings.push(
      warning(
        about,
        `min.insync.replicas is ${least} of ${replicas}, so one broker away stops tracking: lower it by one`,
      ),
    );
  if (settings.get('unclean.leader.election.enable') === 'true')
    findings.push(
      problem(
        about,
        'unclean.leader.election.enable is true, so a broker that was behind may become leader and acknowledged events are lost: set it to false',
      ),
    );
  if (settings.get('cleanup.policy')?.includes('compact'))
    findings.push(
      problem(
        about,
        "cleanup.policy is compact, which removes all but the last of a person's events: set it to delete",
      ),
    );
  if (settings.get('message.timestamp.type') === 'CreateTime')
    findings.push(
      warning(
        about,
        'message.timestamp.type is CreateTime, so a gateway whose clock is wrong has its events refused or removed early: set it to LogAppendTime',
      ),
    );
  findings.push(...judgeRetention(config, settings));
  const largest = Number(settings.get('max.message.bytes') ?? Number.POSITIVE_INFINITY);
  if (largest < 1024 * 1024)
    findings.push(
      problem(
        about,
        `max.message.bytes is ${largest}, and batches are larger: set it to 4259840, as "tallygate migrate" does`,
      ),
    );
  return findings;
}

function judgeRetention(config: Config, settings: ReadonlyMap<string, string>): Finding[] {
  const about = 'Kafka topic';
  const findings: Finding[] = [];
  const kept = Number(settings.get('retention.ms') ?? -1);
  const hours = Math.round((kept / hour) * 10) / 10;
  const lost = `retention.ms keeps events for ${hours} h: what a sink has not stored by then is lost`;
  if (kept >= 0 && kept < config.DEDUP_WINDOW_HOURS * hour)
    findings.push(
      problem(
        about,
        `${lost}, sooner than a messageId is forgotten (${config.DEDUP_WINDOW_HOURS} h). Set it to ${config.LOG_RETENTION_HOURS * hour}`,
      ),
    );
  else if (kept >= 0 && kept < config.LOG_RETENTION_HOURS * hour)
    findings.push(
      warning(
        about,
        `${lost}, sooner than LOG_RETENTION_HOURS (${config.LOG_RETENTION_HOURS}) says. Set it to ${config.LOG_RETENTION_HOURS * hour}`,
      ),
    );
  const bytes = Number(settings.get('retention.bytes') ?? -1);
  if (bytes >= 0)
    findings.push(
      warning(
        about,
        `retention.bytes removes events beyond ${bytes} bytes of a partition, stored or not: set it to -1`,
      ),
    );
  return findings;
}

function judgeGroup({ KAFKA_GROUP }: Config, partitions: readonly PartitionFacts[]): Finding[] {
  const about = 'Kafka group';
  const begun = partitions.filter(({ committed }) => committed !== null);
  if (begun.length === 0) return [ok(about, `"${KAFKA_GROUP}" has not read anything yet`)];
  const beyond = begun.filter(({ committed, end }) => (committed as number) > end);
  if (beyond.length > 0)
    return [
      problem(
        about,
        `"${KAFKA_GROUP}" stands behind the end of ${beyond.length} partitions: the topic was made anew, or the group's offsets were set by hand. Delete the group, and run "tallygate migrate --new-epoch" if the ledger is beyond the end too`,
      ),
    ];
  const waiting = begun.reduce((sum, { committed, end }) => sum + end - (committed as number), 0);
  return [ok(about, `"${KAFKA_GROUP}" is ${waiting} records behind`)];
}
