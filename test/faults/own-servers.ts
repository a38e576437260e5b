import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { catalog } from '../servers/catalog.ts';
import type { OwnServers } from '../servers/require.ts';

export type Servers = Pick<OwnServers, 'kafka' | 'clickhouse'> & Partial<Pick<OwnServers, 'couchbase'>>;

/** Servers for faults outside of the test runner: each start is a new one, with its data below `dir`. */
export function createServers(dir: string): Servers {
  const next = async (name: string) => {
    await mkdir(dir, { recursive: true });
    return mkdtemp(join(dir, `${name}-`));
  };
  return {
    kafka: async (options = {}) => catalog.kafka.start({ sessionMs: 2000, ...options, dir: await next('kafka') }),
    clickhouse: async (options = {}) => catalog.clickhouse.start({ ...options, dir: await next('clickhouse') }),
    couchbase: async (options = {}) => catalog.couchbase.start({ ...options, dir: await next('couchbase') }),
  };
}
