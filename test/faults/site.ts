import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import kafkajs, { type Admin } from 'kafkajs';
import type { ClickHouseServer } from '../servers/clickhouse.ts';
import type { CouchbaseServer } from '../servers/couchbase.ts';
import type { KafkaServer } from '../servers/kafka.ts';
import { findFreePorts } from '../servers/ports.ts';
import { type Ask, createAsk, database } from './ask-engine.ts';
import { type Child, startChild } from './child.ts';
import { type Disk, mountDisk } from './disk.ts';

import { openGarbageServer } from './garbage-server.ts';
import type { LogEnds } from './judge.ts';
import type { Servers } from './own-servers.ts';
import { quickSettings } from './quick-settings.ts';
import { openTcpProxy, type TcpProxy } from './tcp-proxy.ts';
import { openWarehouseProxy, type WarehouseProxy } from './warehouse-proxy.ts';

export interface SiteOptions {
  /** Brokers: 1 by default, 3 where a leader moves. */
  readonly nodes?: 1 | 3;
  /** For every process; and for one, by its name (gateway1, sink2) and the folder of the site. */
  readonly env?: Readonly<Record<string, string>>;
  readonly envOf?: (name: string, dir: string) => Readonly<Record<string, string>>;
  /** Whether there is a Couchbase for the report cache of gateway1, and for that of gateway2 something that is none. */
  readonly cache?: boolean;
  /** The data of one server on a small file system of its own. */
  readonly disk?: { readonly of: 'kafka' | 'clickhouse'; readonly megabytes: number };
  /** Broker settings. */
  readonly broker?: Readonly<Record<string, string>>;
}

/** One of our processes, and everything that stands between it and its backends. */
export interface Member {
  readonly child: Child;
  /** One in front of each broker. */
  readonly log: readonly TcpProxy[];
  readonly warehouse: WarehouseProxy;
  /** In front of `warehouse`, for what is done to a network. */
  readonly warehouseLink: TcpProxy;
}

export interface Site {
  readonly dir: string;
  readonly kafka: KafkaServer;
  readonly clickhouse: ClickHouseServer;
  readonly couchbase: CouchbaseServer | undefined;
  readonly gateways: readonly Member[];
  readonly sinks: readonly Member[];
  readonly disk: Disk | undefined;
  readonly topic: string;
  readonly group: string;
  readonly admin: Admin;
  /** To the brokers and to ClickHouse, past all proxies: for a command, or a process more. */
  readonly directEnv: Readonly<Record<string, string>>;
  readonly ask: Ask;
  readonly kafkaClient: kafkajs.Kafka;
  /** Logs that the warehouse has been fed from before the present one: see F14. */
  readonly pastLogs: LogEnds[];
  epoch: number;
  readEnds(): Promise<number[]>;
  /** How many positions of the present log the ledger has no completed range for. */
  readLag(): Promise<number>;
  close(): Promise<void>;
}

const partitions = 2;

/** Brings up everything in `dir`: brokers, ClickHouse, two gateways and two sinks, a proxy at every joint. */
export async function openSite(
  servers: Servers,
  dir: string,
  options: SiteOptions,
  say: (line: string) => void,
): Promise<Site> {
  await mkdir(dir, { recursive: true });
  const { nodes = 1 } = options;
  const closers: (() => unknown)[] = [];
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  const disk = options.disk && mountDisk(join(dir, 'disk'), options.disk.megabytes);
  if (disk) closers.push(() => disk.close());
  const dataOf = (server: 'kafka' | 'clickhouse') =>
    disk && options.disk?.of === server ? { dataDir: join(disk.dir, 'data') } : {};
  const names = ['gateway1', 'gateway2', 'sink1', 'sink2'];
  const logPorts = new Map<string, number[]>();
  for (const name of names) logPorts.set(name, await findFreePorts(nodes));
  const [kafka, clickhouse, couchbase] = await Promise.all([
    servers.kafka({
      nodes,
      ...dataOf('kafka'),
      listeners: Object.fromEntries([...logPorts].map(([name, ports]) => [name.toUpperCase(), ports])),
      ...(options.broker && { properties: options.broker }),
    }),
    servers.clickhouse(dataOf('clickhouse')),
    options.cache ? servers.couchbase?.() : undefined,
  ]);
  closers.push(() => Promise.all([kafka.kill(), clickhouse.kill(), couchbase?.kill()]));
  const common = {
    ...quickSettings,
    CLICKHOUSE_USER: clickhouse.env.CLICKHOUSE_USER,
    CLICKHOUSE_PASSWORD: clickhouse.env.CLICKHOUSE_PASSWORD,
    CLICKHOUSE_DATABASE: database,
    KAFKA_SESSION_SECONDS: '6',
    KAFKA_PARTITIONS: String(partitions),
    ...options.env,
  };

  const cacheEnvs = new Map<string, Record<string, string>>();
  if (couchbase) {
    const { COUCHBASE_URL, COUCHBASE_USER, COUCHBASE_PASSWORD } = couchbase.env;
    const [port] = (await findFreePorts(1)) as [number];
    closers.push(await openGarbageServer(port));
    cacheEnvs.set('gateway1', { COUCHBASE_URL, COUCHBASE_USER, COUCHBASE_PASSWORD });
    cacheEnvs.set('gateway2', { COUCHBASE_URL: `couchbase://127.0.0.1:${port}`, COUCHBASE_USER, COUCHBASE_PASSWORD });
  }

  async function openMember(name: string, role: 'gateway' | 'sink'): Promise<Member> {
    const ports = logPorts.get(name) as number[];
    const log = await Promise.all(
      ports.map((port, i) =>
        openTcpProxy({ port, target: { port: kafka.listeners[name.toUpperCase()]![i]! }, frames: true }),
      ),
    );
    const [warehousePort, linkPort] = (await findFreePorts(2)) as [number, number];
    const warehouse = await openWarehouseProxy(warehousePort, clickhouse.env.CLICKHOUSE_URL);
    const warehouseLink = await openTcpProxy({ port: linkPort, target: { port: warehousePort } });
    closers.push(() => Promise.all([...log.map((proxy) => proxy.close()), warehouseLink.close()]));
    closers.push(() => warehouse.close());
    const child = await startChild({
      name,
      role,
      dir,
      say,
      env: {
        ...common,
        KAFKA_BROKERS: ports.map((port) => `127.0.0.1:${port}`).join(','),
        CLICKHOUSE_URL: `http://127.0.0.1:${linkPort}`,
        ...cacheEnvs.get(name),
        ...options.envOf?.(name, dir),
      },
    });
    closers.push(() => child.close());
    return { child, log, warehouse, warehouseLink };
  }

  try {
    const kafkaClient = new kafkajs.Kafka({
      brokers: kafka.env.KAFKA_BROKERS.split(','),
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { retries: 10, initialRetryTime: 200, maxRetryTime: 2000 },
    });
    const admin = kafkaClient.admin();
    await admin.connect();
    closers.push(() => admin.disconnect().catch(() => undefined));
    // One after the other: on a small machine side by side is not faster, and the waits are told apart.
    const gateways = [await openMember('gateway1', 'gateway'), await openMember('gateway2', 'gateway')];
    const sinks = [await openMember('sink1', 'sink'), await openMember('sink2', 'sink')];
    const topic = 'tallygate.events';
    const ask = createAsk(clickhouse.env.CLICKHOUSE_URL);
    const site: Site = {
      dir,
      kafka,
      clickhouse,
      couchbase,
      gateways,
      sinks,
      disk,
      topic,
      group: 'tallygate.sink',
      admin,
      kafkaClient,
      ask,
      directEnv: { ...common, ...kafka.env, ...clickhouse.env },
      pastLogs: [],
      epoch: 0,
      async readEnds() {
        const offsets = await admin.fetchTopicOffsets(topic);
        return offsets.sort((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset));
      },
      async readLag() {
        return readLag(ask, { epoch: site.epoch, ends: await site.readEnds() });
      },
      close: closeAll,
    };
    return site;
  } catch (thrown) {
    await closeAll();
    throw thrown;
  }
}

/** How many positions the ledger has no completed range for. */
export async function readLag(ask: Ask, { epoch, ends }: LogEnds): Promise<number> {
  const rows = await ask<[string]>(
    `SELECT sum(last_offset - first_offset + 1) FROM (
       SELECT DISTINCT log_stream, first_offset, last_offset FROM ledger
       WHERE phase = 'completed' AND intDiv(log_stream, 65536) = ${epoch})`,
  );
  return ends.reduce((sum, end) => sum + end, 0) - Number(rows[0]?.[0] ?? 0);
}
