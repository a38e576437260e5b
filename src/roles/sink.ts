import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { isTallygateError, toMessage } from '../errors.ts';
import { createHttpServer } from '../gateway/http.ts';
import { runDeletions } from '../ingest/deletion/worker.ts';
import { startSink } from '../ingest/sink.ts';
import type { Consumption, EventLog } from '../ports/event-log.ts';
import type { CorrectableWarehouse } from '../ports/warehouse.ts';
import { assertShared, isEmbedded, openLog, openWarehouse, type Telemetry } from './backends.ts';
import { type GatewayPart, listen, type Part, toUrl } from './gateway.ts';

const mebibyte = 1024 * 1024;

interface Backends {
  readonly log: EventLog;
  readonly warehouse: CorrectableWarehouse;
}

/**
 * Stores what the log has. Waits, in the background and for as long as it takes, until the tables are there. `onCrash`
 * is told when it cannot go on; the process should end then, since a live process that stores nothing helps nobody.
 */
export function startSinkPart(
  config: Config,
  { log, warehouse }: Backends,
  telemetry: Telemetry,
  onCrash: (reason: unknown) => void,
): Part {
  const { logger, metrics } = telemetry;
  const stopping = new AbortController();
  let consumption: Consumption | null = null;

  const run = async () => {
    await untilDone('make the tables', stopping.signal, telemetry, async () => {
      if (!config.MIGRATE_AT_START) return;
      const applied = await warehouse.migrate();
      if (applied.length > 0) logger.info({ applied }, 'made the tables');
    });
    if (stopping.signal.aborted) return;
    consumption = await untilDone('read the log', stopping.signal, telemetry, () =>
      startSink({
        log,
        warehouse,
        metrics,
        logger,
        whileLeading: (signal) => runDeletions({ warehouse, logger, metrics }, signal),
        options: {
          group: config.KAFKA_GROUP,
          batchRows: config.SINK_BATCH_ROWS,
          batchBytes: 32 * mebibyte,
          lingerMs: config.SINK_LINGER_MS ?? (isEmbedded(config).warehouse ? 500 : 1000),
          windowHours: config.DEDUP_WINDOW_HOURS,
          stallMs: config.SINK_STALL_SECONDS * 1000,
          dedupBytes: config.DEDUP_MEMORY_MB * mebibyte,
          verifyRecent: isEmbedded(config).warehouse && isEmbedded(config).log,
        },
      }),
    );
    await consumption?.ended;
  };
  const running = run().catch((reason) => {
    if (!stopping.signal.aborted) onCrash(reason);
  });

  let stopped: Promise<void> | null = null;
  const stop = async (deadlineMs: number) => {
    stopping.abort();
    await consumption?.stop(deadlineMs);
    await Promise.race([running, sleep(deadlineMs, undefined, { ref: false })]);
  };
  return {
    stop: (deadlineMs) => {
      stopped ??= stop(deadlineMs);
      return stopped;
    },
  };
}

/** `tallygate sink`: moves events from the log into the warehouse. */
export async function runSink(
  config: Config,
  telemetry: Telemetry,
  onCrash: (reason: unknown) => void,
): Promise<GatewayPart> {
  assertShared(config, 'sink');
  const log = await openLog(config, telemetry);
  const warehouse = await openWarehouse(config, telemetry);
  let phase: 'starting' | 'ready' | 'stopping' = 'starting';
  const app = await createHttpServer({ ...telemetry, isReady: () => phase === 'ready' });
  await listen(app, config);
  const part = startSinkPart(config, { log, warehouse }, telemetry, onCrash);
  phase = 'ready';
  return {
    url: toUrl(config.HOST, (app.server.address() as AddressInfo).port),
    async stop(deadlineMs) {
      phase = 'stopping';
      await part.stop(deadlineMs);
      await app.close();
      await Promise.allSettled([log.close(), warehouse.close()]);
    },
  };
}

/** Tries again while a backend is away; undefined when asked to stop. */
async function untilDone<T>(
  what: string,
  stop: AbortSignal,
  { logger }: Telemetry,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let pause = 200; ; pause = Math.min(pause * 2, 5000)) {
    try {
      return await attempt();
    } catch (thrown) {
      if (stop.aborted || !isTallygateError(thrown) || !thrown.retriable) throw thrown;
      logger.warn({ error: toMessage(thrown) }, `cannot ${what} yet; trying again`);
    }
    await sleep(pause, undefined, { signal: stop });
  }
}
