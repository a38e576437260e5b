import { setTimeout as sleep } from 'node:timers/promises';
import { openLog, openWarehouse } from '../../../src/roles/backends.ts';
import { startSinkPart } from '../../../src/roles/sink.ts';
import { serveJobs } from '../worker.ts';
import { readStored, type Stored } from './stored.ts';
import { quietTelemetry, toConfig } from './telemetry.ts';

export interface SinkJob {
  /** Records that the log holds. */
  readonly rows: number;
  /** Milliseconds after which the run has failed. */
  readonly deadlineMs: number;
}

/** Stores everything that the log holds, with the sink that `tallygate sink` and `tallygate serve` start. */
serveJobs<SinkJob, Stored>(async ({ rows, deadlineMs }) => {
  const config = toConfig();
  const telemetry = quietTelemetry();
  const log = await openLog(config, telemetry);
  const warehouse = await openWarehouse(config, telemetry);
  await warehouse.migrate();
  const crash = Promise.withResolvers<never>();
  const deadline = performance.now() + deadlineMs;

  const cpu = process.cpuUsage();
  const started = performance.now();
  const sink = startSinkPart(config, { log, warehouse }, telemetry, crash.reject);
  const untilStored = async () => {
    for (;;) {
      const { values } = await telemetry.metrics.sinkRows.get();
      const done = values.reduce((sum, { value }) => sum + value, 0);
      if (done >= rows) return;
      if (performance.now() > deadline) throw new Error(`expected ${rows} rows within ${deadlineMs} ms, got ${done}`);
      await sleep(10);
    }
  };
  await Promise.race([untilStored(), crash.promise]);
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);

  const stored = await readStored(warehouse);
  await sink.stop(10_000);
  await Promise.all([log.close(), warehouse.close()]);
  return { seconds, cpuSeconds: (user + system) / 1e6, ...stored };
});
