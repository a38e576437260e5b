import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openLmdbLog } from '../../src/adapters/lmdb/open-lmdb-log.ts';
import { createSilentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { start as startClickHouse } from '../servers/clickhouse.ts';
import { type Ask, createAsk, database } from './ask-engine.ts';
import { type Child, startChild } from './child.ts';
import { readTokenOf } from './load.ts';
import { quickSettings } from './quick-settings.ts';

export interface EmbeddedSite {
  readonly child: Child;
  /** DATA_DIR: log and warehouse are below it. */
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string>>;
  /** Records that the log has and the warehouse has not, as the service says; rejects while it is away. */
  readLag(): Promise<number>;
  /** Ends of the log's partitions; the process must not run. */
  readEnds(): Promise<number[]>;
  /** Opens the engine on the process's own folder and asks it; the process must not run. */
  withEngine<T>(use: (ask: Ask) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** `tallygate serve` with nothing but a folder. */
export async function openEmbeddedSite(
  dir: string,
  dataDir: string,
  more: Readonly<Record<string, string>>,
  say: (line: string) => void,
): Promise<EmbeddedSite> {
  const env = { ...quickSettings, CLICKHOUSE_DATABASE: database, DATA_DIR: dataDir, ...more };
  const child = await startChild({ name: 'serve', role: 'serve', dir, env, say });
  let readings = 0;
  return {
    child,
    dataDir,
    env,
    async readLag() {
      const response = await fetch(`${child.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${readTokenOf('alpha')}` },
        body: JSON.stringify({ query: '{ ingestion { lag } }' }),
        signal: AbortSignal.timeout(10_000),
      });
      const { data, errors } = (await response.json()) as { data?: { ingestion?: { lag: number } }; errors?: unknown };
      if (!data?.ingestion) throw new Error(`expected the lag, got ${JSON.stringify(errors)}`);
      return data.ingestion.lag;
    },
    async readEnds() {
      const log = await openLmdbLog({
        path: join(dataDir, 'log'),
        retentionMs: 3_600_000,
        maxQueuedBytes: 1024 * 1024,
        logger: createSilentLogger(),
        metrics: createMetrics(),
      });
      try {
        return (await log.inspect()).map(({ end }) => end);
      } finally {
        await log.close();
      }
    },
    async withEngine(use) {
      const engineDir = join(dir, `engine${++readings}`);
      await mkdir(engineDir);
      const server = await startClickHouse({ dir: engineDir, dataDir: join(dataDir, 'warehouse') });
      try {
        return await use(createAsk(server.env.CLICKHOUSE_URL));
      } finally {
        await server.stop();
      }
    },
    close: () => child.close(),
  };
}
