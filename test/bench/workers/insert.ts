import { createChdbConnection } from 'chdb/connection';
import { insertSettings } from '../../../src/adapters/clickhouse/warehouse.ts';
import { openWarehouse } from '../../../src/roles/backends.ts';
import { serveJobs } from '../worker.ts';
import { readStored, type Stored } from './stored.ts';
import { quietTelemetry, toConfig } from './telemetry.ts';

export interface InsertJob {
  /** Each becomes one statement. */
  readonly files: readonly string[];
}

/** What the engine alone takes: it reads the same rows from files into a table of the same definition, with the same settings. */
serveJobs<InsertJob, Stored>(async ({ files }) => {
  const config = toConfig();
  const warehouse = await openWarehouse(config, quietTelemetry());
  await warehouse.migrate();
  const engine = createChdbConnection({ path: `${config.DATA_DIR}/warehouse` });
  await engine.command({ query: `USE ${config.CLICKHOUSE_DATABASE}` });

  const cpu = process.cpuUsage();
  const started = performance.now();
  for (const [i, file] of files.entries()) {
    const settings = [...insertSettings, `insert_deduplication_token = 'bench:${i}'`].join(', ');
    await engine.command({ query: `INSERT INTO events FROM INFILE '${file}' SETTINGS ${settings} FORMAT JSONEachRow` });
  }
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);

  const stored = await readStored(warehouse);
  await engine.close();
  await warehouse.close();
  return { seconds, cpuSeconds: (user + system) / 1e6, ...stored };
});
