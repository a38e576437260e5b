import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { reservePorts } from './ports.ts';
import { findCommand, prepareOnce, ServerUnavailable } from './prepared.ts';
import { type ServerProcess, startProcess } from './process.ts';
import { runTool } from './run-tool.ts';
import type { Server, StartOptions } from './server.ts';

export interface KafkaEnv {
  readonly KAFKA_BROKERS: string;
}

export interface KafkaOptions extends StartOptions {
  /** 1 by default. Three take 1 GB and make min.insync.replicas=2 possible. The ports are nodes for clients, then nodes for controllers. */
  readonly nodes?: number;
  /**
   * Milliseconds after which a broker that says nothing is no member any more, 6,000 by default. A killed broker comes
   * back only after it; a broker that the machine leaves without CPU for so long loses its partitions for a moment.
   */
  readonly sessionMs?: number;
  /**
   * More listeners for clients, by name (capital letters and digits), each advertised at the given loopback ports, one
   * for each node: those of proxies that stand in front of it.
   */
  readonly listeners?: Readonly<Record<string, readonly number[]>>;
  /** Where the only broker keeps its data; by default in `dir`. */
  readonly dataDir?: string;
  /** More broker settings, as server.properties has them. */
  readonly properties?: Readonly<Record<string, string>>;
}

export interface KafkaServer extends Server<KafkaEnv> {
  /** Each broker by itself: to kill a leader, freeze a follower. */
  readonly nodes: readonly ServerProcess[];
  /** Where the listeners of the options really are: a port for each node. */
  readonly listeners: Readonly<Record<string, readonly number[]>>;
}

const javaAdvice = 'Kafka needs Java 17 or newer (Debian: apt-get install default-jre-headless)';
const clusterId = 'VGFsbHlnYXRlVGVzdEtmaw';

/** Fetches the broker's libraries, 44 MB, unless they are there; resolves with their folder. */
export async function prepare(): Promise<string> {
  const java = findCommand('java', javaAdvice);
  const version = await runTool(java, ['-version']);
  const major = Number(/version "(\d+)/.exec(version)?.[1] ?? 0);
  if (major < 17)
    throw new ServerUnavailable(`expected Java 17 or newer, found ${version.split('\n')[0]}: ${javaAdvice}`);
  const pom = join(import.meta.dirname, 'kafka', 'pom.xml');
  return prepareOnce({
    name: 'kafka',
    inputs: [pom],
    async build(folder) {
      const maven = findCommand('mvn', "Kafka's libraries come through Maven (Debian: apt-get install maven)");
      const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${folder}`];
      await runTool(maven, ['-q', '-B', '-f', pom, ...goal]).catch((cause: Error) => {
        throw new ServerUnavailable(`Kafka's libraries could not be fetched: ${cause.message}`, { cause });
      });
    },
  });
}

/** Starts one broker, or a cluster, of Apache Kafka; resolves when it serves clients and consumer groups. */
export async function start(options: KafkaOptions): Promise<KafkaServer> {
  const libraries = await prepare();
  const count = options.nodes ?? 1;
  const names = Object.keys(options.listeners ?? {});
  const ports = await reservePorts(options.port, (2 + names.length) * count);
  const listeners = Object.fromEntries(names.map((name, i) => [name, ports.slice((2 + i) * count, (3 + i) * count)]));
  const brokers = ports.slice(0, count).map((port) => `127.0.0.1:${port}`);
  const started = await Promise.allSettled(
    brokers.map((_, i) => startNode({ libraries, options, ports, listeners, index: i, count })),
  );
  const nodes = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failed = started.find((each) => each.status === 'rejected');
  if (!failed) await untilGroupsAreServed(brokers).catch((reason) => started.push({ status: 'rejected', reason }));
  const reason = started.find((each) => each.status === 'rejected')?.reason;
  if (reason) {
    await Promise.all(nodes.map((node) => node.kill()));
    throw reason;
  }
  const all = async (act: (node: ServerProcess) => Promise<void>) => void (await Promise.all(nodes.map(act)));
  const each = (act: (node: ServerProcess) => void) => {
    for (const node of nodes) act(node);
  };
  return {
    env: { KAFKA_BROKERS: brokers.join(',') },
    nodes,
    listeners,
    get pid() {
      return nodes[0]?.pid ?? -1;
    },
    get running() {
      return nodes.every((node) => node.running);
    },
    kill: () => all((node) => node.kill()),
    stop: () => all((node) => node.stop()),
    async restart() {
      await all((node) => node.kill());
      await all((node) => node.restart());
      await untilGroupsAreServed(brokers);
    },
    freeze: () => each((node) => node.freeze()),
    thaw: () => each((node) => node.thaw()),
  };
}

interface NodeSetup {
  readonly libraries: string;
  readonly options: KafkaOptions;
  readonly ports: readonly number[];
  readonly listeners: KafkaServer['listeners'];
  readonly index: number;
  readonly count: number;
}

async function startNode(setup: NodeSetup): Promise<ServerProcess> {
  const { libraries, options, ports, listeners, index, count } = setup;
  const name = count === 1 ? 'kafka' : `kafka node ${index + 1}`;
  const dir = join(options.dir, `node${index + 1}`);
  const data = options.dataDir ?? join(dir, 'data');
  const file = join(dir, 'server.properties');
  const port = ports[index] as number;
  const more = Object.keys(listeners);
  const toListeners = (portsOf: NonNullable<KafkaOptions['listeners']>) =>
    more.map((each) => `,${each}://127.0.0.1:${portsOf[each]?.[index]}`).join('');
  const voters = ports.slice(count, 2 * count).map((controller, i) => `${i + 1}@127.0.0.1:${controller}`);
  const copies = String(Math.min(3, count));
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': String(index + 1),
    'controller.quorum.voters': voters.join(','),
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${ports[count + index]}${toListeners(listeners)}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}${toListeners(options.listeners ?? {})}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': ['CONTROLLER', 'PLAINTEXT', ...more].map((each) => `${each}:PLAINTEXT`).join(','),
    'log.dirs': data,
    'auto.create.topics.enable': 'false',
    'unclean.leader.election.enable': 'false',
    'default.replication.factor': copies,
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '500',
    'broker.session.timeout.ms': String(options.sessionMs ?? 6000),
    'broker.heartbeat.interval.ms': '200',
    ...options.properties,
  };
  await mkdir(dir, { recursive: true });
  await writeFile(
    file,
    Object.entries(properties)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  );
  const java = findCommand('java', javaAdvice);
  const classes = ['-cp', join(libraries, '*')];
  // Settings of a JVM that lives for minutes: 1 s to the first answer where the defaults take 3 s.
  const quick = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];
  if (!existsSync(join(data, 'meta.properties')))
    await runTool(java, [...quick, ...classes, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', file]);
  const logging = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-Dorg.slf4j.simpleLogger.showDateTime=true'];
  return startProcess({
    name,
    command: java,
    args: [`-Xmx${count === 1 ? 512 : 320}m`, ...quick, ...logging, ...classes, 'kafka.Kafka', file],
    logFile: join(dir, 'server.log'),
    answers: () => isInCluster(`127.0.0.1:${port}`, index + 1),
    startMs: 60_000,
    stopMs: 15_000,
    ...(options.onUnexpectedEnd && { onUnexpectedEnd: (how) => options.onUnexpectedEnd?.(`${name}: ${how}`) }),
  });
}

/** Whether the broker at this address answers and knows itself as a member that clients may use. */
async function isInCluster(broker: string, nodeId: number): Promise<boolean> {
  return withAdmin(broker, async (admin) =>
    (await admin.describeCluster()).brokers.some((each) => each.nodeId === nodeId),
  );
}

/** The first question for a group makes the topic of the offsets, which takes a moment. */
async function untilGroupsAreServed(brokers: readonly string[]): Promise<void> {
  for (const deadline = Date.now() + 30_000; ; ) {
    try {
      return await withAdmin(brokers[0] as string, async (admin) => {
        const { brokers: members } = await admin.describeCluster();
        if (members.length < brokers.length)
          throw new Error(`${members.length} of ${brokers.length} brokers are there`);
        await admin.fetchOffsets({ groupId: 'probe', topics: [] });
      });
    } catch (cause) {
      if (Date.now() > deadline) throw new Error('kafka answers, but serves no consumer groups after 30 s', { cause });
      await sleep(50);
    }
  }
}

type Admin = ReturnType<Kafka['admin']>;

async function withAdmin<Result>(broker: string, ask: (admin: Admin) => Promise<Result>): Promise<Result> {
  const kafka = new Kafka({
    brokers: [broker],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    requestTimeout: 3000,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await ask(admin);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
