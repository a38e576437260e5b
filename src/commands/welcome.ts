import { resolve } from 'node:path';
import type { Config } from '../config.ts';
import { demoSecrets } from '../config.ts';
import { type FirstOperation, firstOperations, toCurl } from '../gateway/first-operations.ts';
import type { Role } from './run-role.ts';

/** What a role prints once it listens. */
export function toGreeting(role: Role, config: Config, url: string): string {
  if (role.name === 'runSink') return `Tallygate's sink is listening on ${url} (health and metrics)\n`;
  return toWelcome(config, url);
}

/** What a person sees who starts the service: where it is, and what to paste first. */
function toWelcome(config: Config, url: string): string {
  const graphql = `${url}/graphql`;
  const first = (right: FirstOperation['right']) =>
    firstOperations.find((operation) => operation.right === right) as FirstOperation;
  const token = (right: FirstOperation['right']) =>
    config.demo ? demoSecrets[right] : right === 'write' ? 'YOUR_WRITE_KEY' : 'YOUR_READ_TOKEN';
  const lines = [
    '',
    `  Tallygate is listening on ${url}`,
    '',
    `  In a browser     ${url}/`,
    `  GraphQL          POST ${graphql}`,
    ...(config.demo
      ? [
          `  Project demo     write key ${demoSecrets.write}, read token ${demoSecrets.read}, admin token ${demoSecrets.admin} (only while no key is set)`,
        ]
      : []),
    `  Log              ${config.KAFKA_BROKERS ? `Kafka at ${config.KAFKA_BROKERS}` : `embedded, in ${resolve(config.DATA_DIR, 'log')}`}`,
    `  Warehouse        ${config.CLICKHOUSE_URL ? `ClickHouse at ${withoutPassword(config.CLICKHOUSE_URL)}` : `embedded, in ${resolve(config.DATA_DIR, 'warehouse')}`}`,
    `  Report cache     ${config.COUCHBASE_URL ? `Couchbase at ${withoutPassword(config.COUCHBASE_URL)}` : 'in memory'}`,
    '',
    ...(config.credentials.length === 0
      ? ['  Nobody can track or ask: set WRITE_KEYS and READ_TOKENS (the demo ones exist only on a loopback HOST)', '']
      : []),
    '  A first mutation:',
    '',
    toCurl(first('write'), { url: graphql, token: token('write') }),
    '',
    '  and, a second later, a first query:',
    '',
    toCurl(first('read'), { url: graphql, token: token('read') }),
    '',
  ];
  return `${lines.join('\n')}\n`;
}

function withoutPassword(address: string): string {
  return address.replace(/\/\/[^@/]*@/, '//');
}
