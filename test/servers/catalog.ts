import * as clickhouse from './clickhouse.ts';
import * as couchbase from './couchbase.ts';
import * as kafka from './kafka.ts';
import * as postgres from './postgres.ts';

/** The servers by name, and the port that `npm run servers` gives each one. */
export const catalog = {
  kafka: { ...kafka, defaultPort: 19_092 },
  clickhouse: { ...clickhouse, defaultPort: 18_123 },
  couchbase: { ...couchbase, defaultPort: 19_210 },
  postgres: { ...postgres, defaultPort: 15_432 },
} as const;

export type ServerName = keyof typeof catalog;
export const serverNames = Object.keys(catalog) as ServerName[];
/** What Tallygate itself runs on. */
export const backendNames = serverNames.filter((name) => name !== 'postgres');

/** What the environment holds for each server that is there. */
export interface ServerEnvs {
  readonly kafka: kafka.KafkaEnv;
  readonly clickhouse: clickhouse.ClickHouseEnv;
  readonly couchbase: couchbase.CouchbaseEnv;
  readonly postgres: postgres.PostgresEnv;
}

export function isServerName(name: string): name is ServerName {
  return name in catalog;
}
