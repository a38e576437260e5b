import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { catalog, type ServerEnvs, type ServerName } from './catalog.ts';
import type { ClickHouseOptions, ClickHouseServer } from './clickhouse.ts';
import type { CouchbaseOptions, CouchbaseServer } from './couchbase.ts';
import type { KafkaOptions, KafkaServer } from './kafka.ts';
import type { PostgresOptions, PostgresServer } from './postgres.ts';
import { type ServerState, type TestRun, testRunVariable } from './test-run.ts';

type EnvOf<Names extends ServerName> = { [Name in Names]: (env: ServerEnvs[Name]) => void }[Names] extends (
  env: infer Env,
) => void
  ? Env
  : never;

/**
 * A describe whose tests use the servers that the whole test run shares; `env` holds their addresses. Everything in them
 * that a test makes (topic, group, database, key) gets a name from uniqueName, or tests meet. Where a server cannot be
 * had, the tests are skipped; with CI=true they fail instead. The names have to stand in the call.
 */
export function describeWith<Name extends ServerName>(
  names: readonly Name[],
  title: string,
  body: (env: EnvOf<Name>) => void,
): void {
  describeUnlessAbsent(names, title, (states) => {
    const envs = states.map((state) => (state.state === 'running' ? state.env : {}));
    body(Object.assign({}, ...envs) as EnvOf<Name>);
  });
}

type Own<Options> = Omit<Options, 'dir'>;

export interface OwnServers {
  kafka(options?: Own<KafkaOptions>): Promise<KafkaServer>;
  clickhouse(options?: Own<ClickHouseOptions>): Promise<ClickHouseServer>;
  couchbase(options?: Own<CouchbaseOptions>): Promise<CouchbaseServer>;
  postgres(options?: Own<PostgresOptions>): Promise<PostgresServer>;
}

/**
 * A describe whose tests start servers of their own: to kill, freeze and restart them. Each one has fresh data, and is
 * killed and removed when the tests have ended. Skips and fails as describeWith does.
 */
export function describeWithOwn<Name extends ServerName>(
  names: readonly Name[],
  title: string,
  body: (start: Pick<OwnServers, Name>) => void,
): void {
  describeUnlessAbsent(names, title, () => {
    const ends: (() => Promise<void>)[] = [];
    const own = async <Started extends { kill(): Promise<void> }>(start: (dir: string) => Promise<Started>) => {
      const dir = await mkdtemp(join(readTestRun().dir, 'own-'));
      ends.push(() => rm(dir, { recursive: true, force: true }));
      const server = await start(dir);
      ends.unshift(() => server.kill());
      return server;
    };
    const start: OwnServers = {
      kafka: (options = {}) => own((dir) => catalog.kafka.start({ sessionMs: 2000, ...options, dir })),
      clickhouse: (options = {}) => own((dir) => catalog.clickhouse.start({ ...options, dir })),
      couchbase: (options = {}) => own((dir) => catalog.couchbase.start({ ...options, dir })),
      postgres: (options = {}) => own((dir) => catalog.postgres.start({ ...options, dir })),
    };
    body(start);
    afterAll(async () => {
      for (const end of ends.splice(0)) await end();
    });
  });
}

/** A name that nothing else in this run has: letters, digits and _, good for topics, groups, databases and keys. */
export function uniqueName(prefix: string): string {
  return `${prefix}_${randomBytes(6).toString('hex')}`;
}

function describeUnlessAbsent<Name extends ServerName>(
  names: readonly Name[],
  title: string,
  body: (states: readonly ServerState[]) => void,
): void {
  const run = readTestRun();
  const states = names.map((name) => run.servers[name] ?? neverStarted(name));
  const absent = names.flatMap((name, i) => {
    const state = states[i] as ServerState;
    return state.state === 'missing' || state.state === 'broken' ? [{ name, ...state }] : [];
  });
  if (absent.length === 0) {
    describe(title, () => body(states));
    return;
  }
  const reasons = absent.map(({ name, reason }) => `${name}: ${reason}`).join('\n');
  const fails = process.env.CI === 'true' || absent.some(({ state }) => state === 'broken');
  const needs = `needs ${absent.map(({ name }) => name).join(' and ')}`;
  describe(title, () => {
    if (!fails) return test.skip(needs, () => undefined);
    test(needs, () => {
      throw new Error(reasons);
    });
  });
}

function neverStarted(name: string): never {
  throw new Error(`expected the name '${name}' to stand in the call, as in describeWith(['${name}'], ...)`);
}

function readTestRun(): TestRun {
  const text = process.env[testRunVariable];
  if (!text) throw new Error('expected to run under jest.config.mjs, whose globalSetup starts the servers');
  return JSON.parse(text) as TestRun;
}
